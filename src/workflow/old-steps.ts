/** Steps of the earlier language as today's, as edits of their text. */
import type { Context } from "./decode.ts";
import type { Edit, Fix } from "./diagnostics.ts";
import { legacyCommitRequired } from "./legacy-commits.ts";
import type { Found } from "./mapping.ts";
import { hoist, lineBehind, respelled, wholeEntry } from "./rewrite.ts";
import { isBlockPlace, isFlowFile } from "./old-text.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";
import type { StepRead } from "./step-table.ts";

/** `test: {command: a}` -> `shell: a`. */
export function testEdits({ keyAt, node }: Found<unknown>, context: Context): Fix | null {
  const { text } = context.out.source;
  if (node.kind !== "map") return [respelled(text, keyAt, "shell")];
  return hoisted(text, { keyAt, entries: node.entries, names: { command: "shell" } });
}

/** `handler: {name: shell, attributes: {command: a}}` -> `shell: a`. */
export function handlerEdits({ keyAt, node }: Found<unknown>, context: Context): Fix | null {
  const [name, attributes, ...others] = node.kind === "map" ? node.entries : [];
  if (name?.key !== "name" || attributes?.value.kind !== "map" || others.length > 0) return null;
  const kind = name.value.kind === "scalar" ? name.value.text : "";
  // The others are scripts of ours, and one that another program runs is one as well.
  const isPlain =
    (kind === "shell" || kind === "claude") && attributes.value.entries.every(({ key }) => key !== "shell");
  if (!isPlain) return null;
  const names = { command: "shell", prompt: "claude", system: "system_prompt" };
  return hoisted(context.out.source.text, { keyAt, entries: attributes.value.entries, names });
}

/** `metadata: {retries: 2}` -> `retry: 3`. */
export function metadataEdits({ fields }: StepRead, context: Context): Fix | null {
  const { text } = context.out.source;
  const found = fields.metadata;
  if (found === null || found.node.kind !== "map") return null;
  const retries = found.value.retries;
  const more: readonly Edit[] = retries === null ? [] : [{ at: retries.node.at, text: String(retries.value + 1) }];
  const moved = hoisted(text, { keyAt: found.keyAt, entries: found.node.entries, names: { retries: "retry" } });
  return moved === null ? null : [...moved, ...more];
}

interface Hoisted {
  readonly keyAt: Range;
  readonly entries: readonly MapEntry[];
  readonly names: Readonly<Record<string, string>>;
}

function hoisted(text: string, { keyAt, entries, names }: Hoisted): Fix | null {
  const moved = hoist(text, keyAt, entries);
  const renamed = entries.flatMap((entry) => {
    const name = Object.hasOwn(names, entry.key) ? names[entry.key] : undefined;
    return name === undefined ? [] : [respelled(text, entry.keyAt, name)];
  });
  return moved === null ? null : [...moved, ...renamed];
}

/** `command: fix` -> `claude: /fix`. */
export function commandEdits({ fields, given }: StepRead, prompt: string, context: Context): Fix | null {
  const { text } = context.out.source;
  const found = fields.command;
  const slash = found === null ? null : slashEdits(text, found.node);
  if (found === null || slash === null) return null;
  const edits = [respelled(text, found.keyAt, "claude"), ...slash];
  const isSaid = given.has("commit_required") || given.has("metadata");
  return isSaid || !legacyCommitRequired(prompt, "mapping") ? edits : [...edits, commitEdit(text, found)];
}

function commitEdit(text: string, { keyAt, node }: Pick<Found<unknown>, "keyAt" | "node">): Edit {
  if (!isFlowFile(text) && isBlockPlace(text, keyAt.start))
    return lineBehind(text, keyAt.start, "commit_required: true");
  const quote = text.charAt(keyAt.start) === '"' ? '"' : "";
  return { at: { start: node.at.end, end: node.at.end }, text: `, ${quote}commit_required${quote}: true` };
}

/** What begins the text of a scalar with a slash. */
function slashEdits(text: string, node: SourceNode): Fix | null {
  if (node.kind !== "scalar" || node.style === "block" || node.at.end > text.length) return null;
  if (text.slice(node.at.start, node.at.end).includes("\n")) return null;
  if (node.text.trim().startsWith("/")) return [];
  const at = node.at.start + (node.style === "quoted" ? 1 : 0);
  return [{ at: { start: at, end: at }, text: "/" }];
}

/** `name: fix` and `args: [a]` -> a line with `claude: "/fix a"`; the name stays as the step's label. */
export function namedEdits({ fields, given }: StepRead, prompt: string, context: Context): Fix | null {
  const { text } = context.out.source;
  const { name, args, options } = fields;
  if (name === null || isFlowFile(text) || name.keyAt.end > text.length) return null;
  if (!isBlockPlace(text, name.keyAt.start) || name.node.kind !== "scalar" || name.node.style === "block") return null;
  const removed = [args, options].map((found) =>
    found === null ? null : wholeEntry(text, { key: found.spelled, keyAt: found.keyAt, value: found.node }),
  );
  if ((args !== null && removed[0] === null) || (options !== null && removed[1] === null)) return null;
  const isSaid = given.has("commit_required") || given.has("metadata");
  const added = [`claude: ${JSON.stringify(prompt)}`];
  if (!isSaid && legacyCommitRequired(prompt, "mapping")) added.push("commit_required: true");
  return [
    ...added.map((line) => lineBehind(text, name.keyAt.start, line)),
    ...removed.filter((range) => range !== null).map((at) => ({ at, text: "" })),
  ];
}
