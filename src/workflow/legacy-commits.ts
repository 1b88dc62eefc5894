/** What the commands of the earlier program had to commit. */

/** Whether a command must commit when the file does not say so. Texts had to, mappings had not. */
export function legacyCommitRequired(prompt: string, form: "text" | "mapping"): boolean {
  const command = /^\/?(\S+)/u.exec(prompt)?.[1] ?? "";
  return (Object.hasOwn(COMMITS, command) ? COMMITS[command] : undefined) ?? form === "text";
}

/** Commands of the earlier program that were known to commit, or not to. */
const COMMITS: Readonly<Record<string, boolean>> = {
  "prodigy-code-review": true,
  "prodigy-implement-spec": true,
  "prodigy-lint": false,
  "prodigy-product-enhance": true,
  "prodigy-cleanup-tech-debt": true,
};
