/**
 * Spellings of the earlier language that name an agent's command instead of an action: a bare text, `{name: foo}` and
 * `command:`. Their arguments are kept.
 */
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { Json } from "./model.ts";
import type { SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";

/** Commands of the earlier program that were known to commit, or not to. */
const COMMITS: Readonly<Record<string, boolean>> = {
  "prodigy-code-review": true,
  "prodigy-implement-spec": true,
  "prodigy-lint": false,
  "prodigy-product-enhance": true,
  "prodigy-cleanup-tech-debt": true,
};

/** Whether a command must commit when the file does not say so. Texts had to, mappings had not. */
export function legacyCommitRequired(prompt: string, form: "text" | "mapping"): boolean {
  const command = /^\/?(\S+)/u.exec(prompt)?.[1] ?? "";
  return (Object.hasOwn(COMMITS, command) ? COMMITS[command] : undefined) ?? form === "text";
}

/** A step that is only a text. */
export type BareStep =
  | { readonly kind: "agent"; readonly prompt: string }
  | { readonly kind: "shell"; readonly script: string };

export function bareStep(
  text: string,
  place: "agent" | "shell",
  where: { readonly at: Range; readonly context: Context },
): BareStep {
  const trimmed = text.trim();
  if (trimmed.startsWith("/")) return { kind: "agent", prompt: trimmed };
  if (place === "shell") return { kind: "shell", script: text };
  const message = `a step that is only a text is an agent command: this runs "/${trimmed.split("\n")[0]?.slice(0, 60) ?? ""}"`;
  const help = "write `shell: ...` for a script, or `claude: /...` for a prompt";
  report(where.context, { code: "deprecated-spelling", at: where.at, message, help });
  return { kind: "agent", prompt: `/${trimmed}` };
}

/** `{name: foo, args: [...], options: {...}}` as one command line. */
export function commandLine(name: string, args: readonly string[], options: Readonly<Record<string, Json>>): string {
  const flags = Object.entries(options).flatMap(([key, value]) => {
    if (value === false || value === null) return [];
    return value === true
      ? [`--${key}`]
      : [`--${key}`, quoted(typeof value === "string" ? value : JSON.stringify(value))];
  });
  return [
    `/${name.trim().replace(/^\//u, "")}`,
    ...args.filter((argument) => argument !== "").map(quoted),
    ...flags,
  ].join(" ");
}

/** A step's name that can be a command of the earlier language: one word. */
export const COMMAND_NAME = /^\s*\/?[A-Za-z][\w.:-]*\s*$/u;

export function isCommandName(name: string): boolean {
  return COMMAND_NAME.test(name);
}

/** An argument with blanks stays one argument. */
function quoted(argument: string): string {
  return /\s/u.test(argument) && !/^(["']).*\1$/su.test(argument) ? `"${argument.replaceAll('"', '\\"')}"` : argument;
}

/** `command:` on a step: an agent command if it looks like one, else nobody can tell. */
export function commandKey(text: string, node: SourceNode, context: Context): string | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith("/")) return trimmed;
  if (isCommandName(trimmed)) return `/${trimmed}`;
  const help = "write `shell:` for a script, or `claude:` for a prompt";
  return report(context, {
    code: "ambiguous-command",
    at: node.at,
    message: '"command" may mean a script or a prompt',
    help,
  });
}
