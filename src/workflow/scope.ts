import type { Json } from "./model.ts";
import { isList, isRecord, type Lookup, type PathPart, walk } from "./path.ts";

/** The variables that a template or an expression sees. */
export interface Scope {
  lookup(path: readonly PathPart[]): Lookup;
  /** Whether a variable of exactly this name has a value. */
  has(name: string): boolean;
  /** First segments that are ours: `${ns.x}` below them must be resolved, all else belongs to the shell. */
  readonly namespaces: ReadonlySet<string>;
  /** All values by name, with the overridden ones left out. */
  entries(): readonly (readonly [string, Json])[];
}

/** Values that belong together. Keys may be dotted (`shell.output`) or hold structures; both are reached by the same path. */
export interface ScopeLayer {
  readonly values: Readonly<Record<string, Json>>;
  /** Names besides `KNOWN_NAMESPACES` that are ours, such as the ids of steps. */
  readonly namespaces?: readonly string[];
}

/**
 * The namespaces of a run, one line each. `whole` says that the name may stand alone: `${item}` is the item. The others
 * are left to the shell when they stand alone, because `for test in *; do ./$test; done` means the shell's own variable.
 */
export const KNOWN_NAMESPACES: Readonly<Record<string, { readonly whole: boolean; readonly about: string }>> = {
  params: { whole: false, about: "the declared parameters" },
  param: { whole: false, about: "the same as `params`" },
  args: { whole: true, about: "the positional arguments, `args[0]` is the first" },
  env: { whole: false, about: "the environment of the step" },
  vars: { whole: false, about: "what steps captured" },
  steps: { whole: false, about: "results of steps by id, `steps.ID.output`" },
  item: { whole: true, about: "the item of a loop or of a map" },
  validation: { whole: true, about: "the last validation result" },
  error: { whole: false, about: "the failure that a handler handles" },
  git: { whole: false, about: "the repository, `git.step` and `git.workflow`" },
  step: { whole: false, about: "the present step and its changes" },
  workflow: { whole: false, about: "the workflow and its changes so far" },
  session: { whole: false, about: "the session, `session.id`" },
  worktree: { whole: false, about: "the worktree, `worktree.path`" },
  worker: { whole: false, about: "the lane that a step runs in, `worker.id`" },
  lane: { whole: false, about: "what the lane has to itself, `lane.port`" },
  run: { whole: false, about: "the run: its session, iteration and directories" },
  shell: { whole: false, about: "the last shell step, `shell.output`" },
  claude: { whole: false, about: "the last agent step, `claude.output`" },
  test: { whole: false, about: "the last `test:` step, `test.output`" },
  foreach: { whole: false, about: "the last loop, `foreach.output`" },
  write_file: { whole: false, about: "the last file that was written" },
  handler: { whole: false, about: "the last failure handler, `handler.output`" },
  last: { whole: false, about: "the last step of any kind, `last.output`" },
  analysis: { whole: true, about: "what `analyze` found out" },
  goal: { whole: false, about: "the goal-seeking loop, `goal.score`" },
  merge: { whole: false, about: "the landing, `merge.target_branch`" },
  map: { whole: false, about: "results of the map phase, `map.results`" },
  secrets: { whole: false, about: "secrets by name; never shown" },
};

/** Makes a scope in which later layers override earlier ones. */
export function createScope(layers: readonly ScopeLayer[]): Scope {
  const inOrder = layers.toReversed();
  // Made when it is asked for: a run makes many scopes of many variables, and most of them fill in nothing.
  let namespaces: ReadonlySet<string> | null = null;
  return {
    lookup: (path) => lookupInLayers(inOrder, path),
    has: (name) => inOrder.some((layer) => Object.hasOwn(layer.values, name)),
    get namespaces() {
      return (namespaces ??= new Set([...Object.keys(KNOWN_NAMESPACES), ...layers.flatMap(layerNamespaces)]));
    },
    entries: () => effectiveEntries(inOrder),
  };
}

/** The same scope, with values below it that it hides. */
export function scopeOver(scope: Scope, below: ScopeLayer): Scope {
  const lower = createScope([below]);
  return {
    lookup: (path) => {
      const found = scope.lookup(path);
      const [root] = path;
      if (found.found || typeof root !== "string" || scope.has(root)) return found;
      const other = lower.lookup(path);
      return other.found ? other : { found: false, available: [...found.available, ...other.available] };
    },
    has: (name) => scope.has(name) || lower.has(name),
    get namespaces() {
      return new Set([...scope.namespaces, ...lower.namespaces]);
    },
    entries: () => effectiveEntries([{ values: Object.fromEntries(scope.entries()) }, below]),
  };
}

/** Where an item was found. */
export interface ItemPlace {
  /** Its number among all, before any were left out. */
  readonly index: number;
  /** Its name or index in what holds it. */
  readonly key: string | number | null;
}

/**
 * The scope of a filter: the item's fields stand as bare names before all others, and `item` is the item itself, which is
 * also `_value`. `_index` and `_key` say where it was found.
 */
export function createItemScope(item: Json, outer: Scope, place: ItemPlace | null = null): Scope {
  return createItemScopes(outer)(item, place);
}

/**
 * As `createItemScope`, for one item after another: the scope that it gives is always the same one, about the item of the
 * last call. Making one of a hundred thousand items each would take longer than evaluating what they are asked.
 */
export function createItemScopes(outer: Scope): (item: Json, place: ItemPlace | null) => Scope {
  let item: Json = null;
  let fields: Readonly<Record<string, Json>> = {};
  let place: ItemPlace | null = null;
  const scope: Scope = {
    lookup: (path) =>
      lookupInItem(item, fields, path) ??
      (place === null ? null : lookupPlace(item, place, path)) ??
      outer.lookup(path),
    has: (name) =>
      name === "item" || Object.hasOwn(fields, name) || (place !== null && PLACE.has(name)) || outer.has(name),
    get namespaces() {
      return outer.namespaces;
    },
    entries: () => [...outer.entries().filter(([name]) => name !== "item"), ["item", item]],
  };
  return (nextItem, nextPlace) => {
    item = nextItem;
    fields = isRecord(nextItem) ? nextItem : {};
    place = nextPlace;
    return scope;
  };
}

const PLACE: ReadonlySet<string> = new Set(["_index", "_key", "_value"]);

/** A variable that a child process gets must be smaller than this: the system limits one string to 128 KiB. */
const MAX_EXPORTED_BYTES = 64 * 1024;
/** All of them together: the system limits arguments and environment to 1 or 2 MiB, and then starts nothing any more. */
const MAX_ENVIRONMENT_BYTES = 256 * 1024;
/** The process environment is there already, secrets have a way of their own, and `vars` and `steps` have nothing that is new. */
const NOT_EXPORTED = new Set(["env", "secrets", "vars", "steps"]);
/** Not worth counting exactly. */
const SURELY_SHORT = 1024;

/** Scalars for a child's environment as `PRODIGY_VAR_<NAME>`: quoting-safe, unlike text put into a script. */
export function toEnvironment(scope: Scope): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  let left = MAX_ENVIRONMENT_BYTES;
  const add = (name: string, value: Json): void => {
    const text = value === null ? "" : typeof value === "object" ? null : String(value);
    const variable = `PRODIGY_VAR_${name.toUpperCase().replace(/[^A-Z0-9_]/g, "_")}`;
    // The length comes first: a captured text may have megabytes, and encoding it at each step would cost.
    if (text === null || text.length >= MAX_EXPORTED_BYTES || text.includes("\0")) return;
    const bytes = text.length < SURELY_SHORT ? text.length : new TextEncoder().encode(text).length;
    // Two names may become one; the first keeps it, and exact names come before fields of structures.
    if (bytes >= MAX_EXPORTED_BYTES || variable.length + bytes > left || environment[variable] !== undefined) return;
    environment[variable] = text;
    left -= variable.length + bytes;
  };
  // A name with a colon is the text of a computed value.
  const isExported = (name: string): boolean => !NOT_EXPORTED.has(name.split(".", 1)[0] ?? "") && !name.includes(":");
  const entries = scope.entries().filter(([name]) => isExported(name));
  for (const [name, value] of entries) add(name, value);
  for (const [name, value] of entries) {
    if (isRecord(value)) for (const [field, inner] of Object.entries(value)) add(`${name}.${field}`, inner);
  }
  return environment;
}

function layerNamespaces(layer: ScopeLayer): readonly string[] {
  const dotted = Object.keys(layer.values).filter((key) => /^[\p{L}_][\p{L}\p{N}_-]*\./u.test(key));
  return [...(layer.namespaces ?? []), ...dotted.map((key) => key.slice(0, key.indexOf(".")))];
}

/** Null where the item does not have the first name at all, so that it may be a variable's. */
function lookupInItem(item: Json, fields: Readonly<Record<string, Json>>, path: readonly PathPart[]): Lookup | null {
  const root = path[0];
  if (typeof root !== "string") return null;
  const own = Object.hasOwn(fields, root) ? fields[root] : undefined;
  if (root === "item" || root === "@") {
    const found = walkItem(item, path.slice(1));
    if (found.found || own === undefined) return found;
  }
  // Nearly every name of a filter is one field of the item.
  if (own !== undefined && path.length === 1) return { found: true, value: own };
  const found = lookupInLayer({ values: fields }, path);
  return found.found || own !== undefined ? found : null;
}

function lookupPlace(item: Json, { index, key }: ItemPlace, path: readonly PathPart[]): Lookup | null {
  const [root, ...rest] = path;
  if (root === "_index") return walk(index, rest, root);
  if (root === "_key") return walk(key, rest, root);
  return root === "_value" ? walkItem(item, rest) : null;
}

function lookupInLayers(layers: readonly ScopeLayer[], path: readonly PathPart[]): Lookup {
  const root = path[0];
  if (typeof root !== "string") return { found: false, available: [] };
  const available = new Set<string>();
  for (const layer of layers) {
    const found = lookupInLayer(layer, path);
    if (found.found) return found;
    for (const name of found.available) available.add(name);
    // A later `item` hides an earlier one as a whole: fields of two different items must not mix.
    if (Object.hasOwn(layer.values, root)) break;
  }
  return { found: false, available: [...available] };
}

/** The longest dotted key wins, so that `map.results` can be a key and be entered as `map.results[0].id`. */
function lookupInLayer(layer: ScopeLayer, path: readonly PathPart[]): Lookup {
  const available: string[] = [];
  const names = leadingNames(path);
  for (let length = names.length; length >= 1; length--) {
    const key = names.slice(0, length).join(".");
    const value = Object.hasOwn(layer.values, key) ? layer.values[key] : undefined;
    if (value === undefined) continue;
    const rest = path.slice(length);
    const found = key === "item" ? walkItem(value, rest) : walk(value, rest, key);
    if (found.found) return found;
    available.push(...found.available);
  }
  const prefix = path.length > 1 ? `${names[0] ?? ""}.` : "";
  available.push(...Object.keys(layer.values).filter((key) => key.startsWith(prefix)));
  return { found: false, available };
}

/** Lines of a command are text items; workflows reach them as `${item.item}` or `${item.value}`, so these answer too. */
function walkItem(item: Json, rest: readonly PathPart[]): Lookup {
  const found = walk(item, rest, "item");
  if (found.found || (rest[0] !== "item" && rest[0] !== "value") || rest.length !== 1) return found;
  return isRecord(item) || isList(item) ? found : { found: true, value: item };
}

function leadingNames(path: readonly PathPart[]): readonly string[] {
  const names: string[] = [];
  for (const part of path) {
    if (typeof part !== "string") break;
    names.push(part);
  }
  return names;
}

function effectiveEntries(layers: readonly ScopeLayer[]): readonly (readonly [string, Json])[] {
  const seen = new Map<string, Json>();
  const hidden = new Set<string>();
  for (const layer of layers) {
    const keys = Object.keys(layer.values);
    for (const key of keys) {
      const value = layer.values[key];
      if (value === undefined || seen.has(key) || hidden.has(key.split(".", 1)[0] ?? key)) continue;
      seen.set(key, value);
    }
    for (const key of keys) if (!key.includes(".")) hidden.add(key);
  }
  return [...seen];
}
