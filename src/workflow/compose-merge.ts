/** Two mappings of a workflow become one. */
import type { ListNode, MapEntry, MapNode, ScalarNode, SourceNode } from "./source-node.ts";

/** Mappings whose entries are put together by their names; all else is taken whole from whoever says it. */
const BY_NAME: ReadonlySet<string> = new Set([
  "env",
  "secrets",
  "defaults",
  "agent",
  "retry_defaults",
  "setup",
  "map",
  "reduce",
  "merge",
  "error_policy",
  "workflows",
]);
/** As above, one level deeper: each profile and each parameter is put together by its own keys. */
const BY_NAME_TWICE: ReadonlySet<string> = new Set(["profiles", "parameters"]);
/** What the base and the child may call differently. */
const SPELLINGS: Readonly<Record<string, string>> = { steps: "commands", env_file: "env_files" };

/** The upper one wins; what it does not say comes from the lower one. An empty list of steps says nothing. */
export function mergeOver(lower: MapNode, upper: MapNode): MapNode {
  const entries = new Map(lower.entries.map((entry) => [spelled(entry.key), entry]));
  for (const entry of upper.entries) {
    const name = spelled(entry.key);
    const below = entries.get(name);
    if (below === undefined || !(name === "commands" && isEmptyList(entry.value))) {
      entries.set(name, below === undefined ? entry : { ...entry, value: merged(name, below.value, entry.value) });
    }
  }
  return makeMap(upper, [...entries.values()]);
}

/** As `mergeOver`, with the steps of the lower one after those of the upper one. */
export function mergeBehind(lower: MapNode, upper: MapNode): MapNode {
  const steps = [upper, lower].flatMap(stepsOf);
  const commands = entryOf(upper, "commands") ?? entryOf(lower, "commands");
  const both = mergeOver(lower, upper);
  if (commands === undefined || commands.value.kind === "broken") return both;
  const value = makeList(commands.value, steps);
  return makeMap(
    both,
    both.entries.map((entry) => (spelled(entry.key) === "commands" ? { ...entry, value } : entry)),
  );
}

export function entryOf(node: MapNode, key: string): MapEntry | undefined {
  return node.entries.find((entry) => spelled(entry.key) === key);
}

/** The steps of a workflow as a list, whatever form they have. */
export function stepsOf(node: MapNode): readonly SourceNode[] {
  const value = entryOf(node, "commands")?.value;
  if (value === undefined || (value.kind === "scalar" && value.value === null)) return [];
  return value.kind === "list" ? value.items : [value];
}

export function makeMap(like: Pick<SourceNode, "at">, entries: readonly MapEntry[]): MapNode {
  return { kind: "map", at: like.at, entries, ...measure(entries.map(({ value }) => value)) };
}

export function makeList(like: Pick<SourceNode, "at">, items: readonly SourceNode[]): ListNode {
  return { kind: "list", at: like.at, items, ...measure(items) };
}

export function makeScalar(like: Pick<SourceNode, "at">, value: boolean | null): ScalarNode {
  return { kind: "scalar", value, text: String(value), style: "plain", at: like.at, size: 1, height: 0 };
}

function merged(key: string, lower: SourceNode, upper: SourceNode): SourceNode {
  const deep = BY_NAME_TWICE.has(key);
  if (!deep && !BY_NAME.has(key)) return upper;
  const [below, above] = key === "parameters" ? [parametersByName(lower), parametersByName(upper)] : [lower, upper];
  if (below.kind !== "map" || above.kind !== "map") return upper;
  const entries = new Map(below.entries.map((entry) => [entry.key, entry]));
  for (const entry of above.entries) {
    const known = entries.get(entry.key)?.value;
    const both = deep && known?.kind === "map" && entry.value.kind === "map";
    entries.set(entry.key, both ? { ...entry, value: mergeOver(known, entry.value) } : entry);
  }
  return makeMap(upper, [...entries.values()]);
}

/** All forms of `parameters:` as a mapping from names to what is said of each. */
export function parametersByName(node: SourceNode): SourceNode {
  if (node.kind === "list")
    return makeMap(
      node,
      node.items.flatMap((item) => namedParameter(item, null)),
    );
  if (node.kind !== "map") return node;
  const isGrouped = node.entries.some(({ key, value }) => isGroup(key) && value.kind === "list");
  if (!isGrouped) return node;
  const entries = node.entries.flatMap(({ key, value }) =>
    value.kind === "list" ? value.items.flatMap((item) => namedParameter(item, key === "required")) : [],
  );
  return makeMap(node, entries);
}

function isGroup(key: string): boolean {
  return key === "required" || key === "optional";
}

function namedParameter(item: SourceNode, required: boolean | null): readonly MapEntry[] {
  const own = item.kind === "map" ? item.entries : [];
  const name = item.kind === "scalar" ? item : own.find(({ key }) => key === "name")?.value;
  if (name?.kind !== "scalar") return [];
  const said = own.some(({ key }) => key === "required");
  const rest = own.filter(({ key }) => key !== "name");
  const group: readonly MapEntry[] =
    required === null || said ? [] : [{ key: "required", keyAt: name.at, value: makeScalar(name, required) }];
  return [{ key: name.text, keyAt: name.at, value: makeMap(name, [...rest, ...group]) }];
}

function isEmptyList(node: SourceNode): boolean {
  return node.kind === "list" ? node.items.length === 0 : node.kind === "scalar" && node.value === null;
}

function spelled(key: string): string {
  return Object.hasOwn(SPELLINGS, key) ? (SPELLINGS[key] ?? key) : key;
}

function measure(children: readonly SourceNode[]): { readonly size: number; readonly height: number } {
  let size = 1;
  let height = 0;
  for (const child of children) {
    size += child.size;
    height = Math.max(height, child.height + 1);
  }
  return { size, height };
}
