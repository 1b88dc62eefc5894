/**
 * Workflows of several files. They are put together before the language is read: the result is one tree as if it had been
 * written so, in which each part still has its place in its own file.
 */
import { load, type Place, textOf } from "./compose-load.ts";
import { entryOf, makeList, makeMap, mergeBehind, mergeOver, parametersByName, stepsOf } from "./compose-merge.ts";
import { templatePart } from "./compose-template.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { MapEntry, MapNode, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";

/** Keys that put files together; nothing behind this file sees them. */
export const COMPOSING_KEYS: ReadonlySet<string> = new Set(["imports", "extends", "template"]);

/** The tree of a file with everything in it that it takes from other files. */
export function composed(root: SourceNode, place: Place): SourceNode {
  if (root.kind !== "map" || !root.entries.some(({ key }) => COMPOSING_KEYS.has(key))) return root;
  let result = makeMap(
    root,
    root.entries.filter(({ key }) => !COMPOSING_KEYS.has(key)),
  );
  const base = root.entries.find(({ key }) => key === "extends");
  if (base !== undefined) result = extended(result, base, place);
  const imports = root.entries.find(({ key }) => key === "imports");
  if (imports !== undefined) result = withImports(result, imports, place);
  const template = root.entries.find(({ key }) => key === "template");
  const part = template === undefined ? null : templatePart(template, place);
  const whole = part === null ? result : mergeBehind(without(part, OWN), result);
  return entryOf(whole, "commands") === undefined && place.composition.isBroken() ? withUnknownSteps(whole) : whole;
}

/** Where a file could not be read, nobody knows which steps there would be: that there are none is not told as well. */
function withUnknownSteps(node: MapNode): MapNode {
  if (["map", "setup", "reduce", "mode"].some((key) => entryOf(node, key) !== undefined)) return node;
  const value = { kind: "broken", at: node.at, size: 1, height: 0 } as const;
  return makeMap(node, [...node.entries, { key: "commands", keyAt: node.at, value }]);
}

/** What says what a file itself is, and not what it has to give. */
const OWN: ReadonlySet<string> = new Set(["name", "description", "version"]);
/** An import gives what has names, and steps; how a workflow runs and lands is its own affair. */
const IMPORTED: ReadonlySet<string> = new Set([
  "commands",
  "steps",
  "env",
  "secrets",
  "env_files",
  "env_file",
  "profiles",
  "parameters",
  "defaults",
  "workflows",
]);

function extended(own: MapNode, { keyAt, value }: MapEntry, place: Place): MapNode {
  const path = textOf(value, { key: "extends", at: keyAt }, place);
  if (path === null) return own;
  const base = load({ paths: candidates(path), at: value.at, what: `the base "${path}"` }, place);
  return base === null ? own : mergeOver(base, own);
}

/** A name stands for a file in one of the usual folders, beside the file that says it. */
function candidates(path: string): readonly string[] {
  if (/\.(?:ya?ml|json)$/iu.test(path)) return [path];
  return ["bases/", "templates/", "workflows/", ""].flatMap((folder) =>
    [".yml", ".yaml"].map((ending) => `${folder}${path}${ending}`),
  );
}

function withImports(own: MapNode, { keyAt, value }: MapEntry, place: Place): MapNode {
  const items = value.kind === "list" ? value.items : [value];
  let result = own;
  for (const item of items) {
    const part = imported(item, keyAt, place);
    if (part !== null) result = mergeBehind(part, result);
  }
  return result;
}

const IMPORT_KEYS = ["path", "alias", "selective"];

function imported(item: SourceNode, at: Range, place: Place): MapNode | null {
  const { out } = place.composition;
  const entries = item.kind === "map" ? item.entries : [];
  const unknown = entries.find(({ key }) => !IMPORT_KEYS.includes(key));
  if (unknown !== undefined) {
    const help = `known keys: ${IMPORT_KEYS.join(", ")}`;
    out.report({ code: "unknown-key", at: unknown.keyAt, message: `unknown key "${unknown.key}" in an import`, help });
    return null;
  }
  const alias = entries.find(({ key }) => key === "alias");
  const named = item.kind === "map" ? entries.find(({ key }) => key === "path")?.value : item;
  if (named === undefined) {
    out.report({ code: "missing-key", at: item.at, message: 'an import needs "path:"' });
    return null;
  }
  const path = textOf(named, { key: "path", at }, place);
  const file = path === null ? null : load({ paths: [path], at: named.at, what: `the import "${path}"` }, place);
  if (file === null) return null;
  const chosen = entries.find(({ key }) => key === "selective");
  if (alias !== undefined) return aliased({ file, alias, chosen }, place);
  return chosen === undefined ? only(file, IMPORTED) : selected(file, chosen, out);
}

interface Aliased {
  readonly file: MapNode;
  readonly alias: MapEntry;
  readonly chosen: MapEntry | undefined;
}

/** An import with an alias adds nothing by itself: its steps run where `use: ALIAS` or `use: ALIAS.STEP` says so. */
function aliased({ file, alias, chosen }: Aliased, { composition, trail }: Place): null {
  const { out, aliases } = composition;
  const name = alias.value.kind === "scalar" ? alias.value.text : "";
  const own = aliases.get(trail.at(-1)?.id ?? "") ?? new Map<string, MapNode>();
  if (!/^[A-Za-z_][\w-]*$/u.test(name)) {
    const help = "use letters, digits, `_` and `-`, beginning with a letter";
    out.report({ code: "invalid-name", at: alias.value.at, message: `"${name}" cannot be an alias`, help });
  } else if (own.has(name)) {
    out.report({ code: "duplicate-key", at: alias.value.at, message: `the alias "${name}" is given twice` });
  } else if (chosen !== undefined) {
    const message = '"selective" has no place beside "alias", of which nothing runs by itself';
    out.report({ code: "conflicting-keys", at: chosen.keyAt, message, help: `write \`use: ${name}.STEP\` in a step` });
  }
  aliases.set(trail.at(-1)?.id ?? "", own.set(name, file));
  return null;
}

/** The steps and parameters that an import names: a step by its number, its id or its name. */
function selected(file: MapNode, { keyAt, value }: MapEntry, out: Diagnostics): MapNode {
  const steps: SourceNode[] = [];
  const parameters: MapEntry[] = [];
  const all = stepsOf(file);
  const declared = entryOf(file, "parameters")?.value;
  for (const wanted of value.kind === "list" ? value.items : [value]) {
    const name = wanted.kind === "scalar" ? wanted.text : "";
    const step = all.find((node, index) => String(index) === name || isNamed(node, name));
    const parameter = declared === undefined ? undefined : parameterEntry(declared, name);
    if (step !== undefined) steps.push(step);
    else if (parameter !== undefined) parameters.push(parameter);
    else {
      const message = `the imported file has no step and no parameter "${name}"`;
      const help = "write the number of a step, counted from 0, its id or its name, or the name of a parameter";
      out.report({ code: "unknown-value", at: wanted.at, message, help });
    }
  }
  return makeMap(value, [
    ...(steps.length === 0 ? [] : [{ key: "commands", keyAt, value: makeList(value, steps) }]),
    ...(parameters.length === 0 ? [] : [{ key: "parameters", keyAt, value: makeMap(value, parameters) }]),
  ]);
}

export function isNamed(step: SourceNode, name: string): boolean {
  return (
    step.kind === "map" &&
    step.entries.some(
      ({ key, value }) => (key === "id" || key === "name") && value.kind === "scalar" && value.text === name,
    )
  );
}

function parameterEntry(declared: SourceNode, name: string): MapEntry | undefined {
  const byName = parametersByName(declared);
  return byName.kind === "map" ? byName.entries.find(({ key }) => key === name) : undefined;
}

function only(node: MapNode, keys: ReadonlySet<string>): MapNode {
  return makeMap(
    node,
    node.entries.filter(({ key }) => keys.has(key)),
  );
}

function without(node: MapNode, keys: ReadonlySet<string>): MapNode {
  return makeMap(
    node,
    node.entries.filter(({ key }) => !keys.has(key)),
  );
}
