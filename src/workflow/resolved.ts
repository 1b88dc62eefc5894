/** A workflow of several files as one, and where each part of it comes from. */
import { entryOf } from "./compose-merge.ts";
import type { Json } from "./model.ts";
import { parseWorkflow, readTree } from "./parse.ts";
import type { ParseOptions } from "./parse.ts";
import { workflowTree } from "./print.ts";
import { isPrintedMap, printYaml } from "./print-yaml.ts";
import type { Printed } from "./print-yaml.ts";
import type { SourceNode } from "./source-node.ts";
import { locate } from "./source.ts";
import type { Range } from "./source.ts";

/** Where a part of a workflow stands. */
export interface PartSource {
  /** Such as `env.LEVEL` or `commands[2]`. */
  readonly path: string;
  readonly file: string;
  readonly line: number;
}

type Path = readonly (string | number)[];

/** Null for what is no valid workflow. `yaml` has a comment with file and line before each part. */
export function resolveWorkflow(
  text: string,
  options: ParseOptions,
): { readonly yaml: string; readonly data: Json; readonly parts: readonly PartSource[] } | null {
  const { workflow } = parseWorkflow(text, options);
  const { root, sources } = readTree(text, options);
  if (workflow === null || root === null) return null;
  const parts: PartSource[] = [];
  const note = (path: Path): string | null => {
    const at = isPart(path) ? placeOf(root, path) : null;
    if (at === null) return null;
    const { file, line } = locate(sources.source, at);
    parts.push({ path: shown(path), file, line });
    return `${file}:${line}`;
  };
  const tree = workflowTree(workflow);
  return { yaml: printYaml(tree, note), data: plain(tree), parts };
}

/** Mappings of which each entry may come from another file. */
const NAMED: ReadonlySet<string | number | undefined> = new Set([
  "env",
  "secrets",
  "profiles",
  "map",
  "reduce",
  "setup",
]);

/** Keys of the workflow, named things and steps; what is inside a step stands where the step does. */
function isPart(path: Path): boolean {
  if (path.length === 1) return true;
  if (path.length === 2) return typeof path[1] === "number" || NAMED.has(path[0]);
  return path.length === 3 && typeof path[2] === "number";
}

/** Null where the file says it in another form than the one that is printed. */
function placeOf(root: SourceNode, path: Path): Range | null {
  let node = root;
  let at: Range | null = null;
  for (const segment of path) {
    // Parameters are printed as a list, and may be written as a mapping.
    const entry =
      node.kind !== "map" ? undefined : typeof segment === "string" ? entryOf(node, segment) : node.entries[segment];
    const item = node.kind === "list" && typeof segment === "number" ? node.items[segment] : undefined;
    const next = entry?.value ?? item;
    if (next === undefined) return null;
    at = entry?.keyAt ?? next.at;
    node = next;
  }
  return at;
}

function shown(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}

function plain(value: Printed): Json {
  if (value === null || typeof value !== "object") return value;
  if (!isPrintedMap(value)) return value.map(plain);
  return Object.fromEntries([...value].map(([key, entry]) => [String(key), plain(entry)]));
}
