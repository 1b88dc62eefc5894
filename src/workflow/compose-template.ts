/** `template:` of a workflow: a file with parameters, values for them, and changes to it. */
import { load, type Place, textOf } from "./compose-load.ts";
import { entryOf, makeMap, makeScalar, parametersByName } from "./compose-merge.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { overridden } from "./override.ts";
import { nearest } from "./problem.ts";
import type { MapEntry, MapNode, SourceNode } from "./source-node.ts";

const KEYS = ["name", "source", "with", "override"];
const SOURCES = ["file", "registry", "url"];

/** The template as it is merged into the workflow; null where that has been reported. */
export function templatePart({ key, keyAt, value }: MapEntry, place: Place): MapNode | null {
  const { out } = place.composition;
  if (value.kind === "scalar") {
    const name = textOf(value, { key, at: keyAt }, place);
    return name === null ? null : fromText(name, value, place);
  }
  if (value.kind !== "map") {
    if (value.kind === "list") {
      out.report({
        code: "wrong-type",
        at: value.at,
        message: '"template" is a mapping with `source:`, `with:` and `override:`',
      });
    }
    return null;
  }
  if (!hasOnly(value, { keys: KEYS, what: "a template" }, out)) return null;
  const template = sourceOf(value, place);
  if (template === null) return null;
  const override = find(value, "override");
  const changed = override === undefined ? template : overridden(template, override.value, out);
  const given = find(value, "with");
  return given === undefined ? changed : withValues(changed, given, out);
}

function sourceOf(template: MapNode, place: Place): MapNode | null {
  const { out } = place.composition;
  const source = find(template, "source");
  const name = find(template, "name");
  if (source === undefined && name === undefined) {
    out.report({ code: "missing-key", at: template.at, message: 'a template needs "source:"' });
    return null;
  }
  if (source === undefined) {
    const text = name === undefined ? null : textOf(name.value, { key: "name", at: name.keyAt }, place);
    return text === null
      ? null
      : load(
          {
            paths: null,
            registry: text,
            at: (name ?? template.entries[0])?.value.at ?? template.at,
            what: `the template "${text}"`,
          },
          place,
        );
  }
  if (source.value.kind !== "map") {
    const text = textOf(source.value, { key: "source", at: source.keyAt }, place);
    return text === null ? null : load({ paths: [text], at: source.value.at, what: `the template "${text}"` }, place);
  }
  return describedSource(source.value, place);
}

function describedSource(source: MapNode, place: Place): MapNode | null {
  const { out } = place.composition;
  if (!hasOnly(source, { keys: SOURCES, what: "the source of a template" }, out)) return null;
  const [only, ...others] = source.entries;
  if (only === undefined || others.length > 0) {
    out.report({ code: "conflicting-keys", at: source.at, message: "a template has one source: `file` or `registry`" });
    return null;
  }
  const text = textOf(only.value, { key: only.key, at: only.keyAt }, place);
  if (text === null) return null;
  const wanted = { at: only.value.at, what: `the template "${text}"` };
  if (only.key === "registry") return load({ ...wanted, paths: null, registry: text }, place);
  return load({ ...wanted, paths: [only.key === "url" && !text.includes("://") ? `https://${text}` : text] }, place);
}

function fromText(text: string, { at }: SourceNode, place: Place): MapNode | null {
  const what = `the template "${text}"`;
  const isPath = /[/\\]|\.(?:ya?ml|json)$/iu.test(text);
  return load(isPath ? { paths: [text], at, what } : { paths: null, registry: text, at, what }, place);
}

/** Values for the template's parameters. They are its defaults from now on: `--param` still wins. */
function withValues(template: MapNode, given: MapEntry, out: Diagnostics): MapNode {
  const declared = entryOf(template, "parameters");
  const known = declared === undefined ? null : parametersByName(declared.value);
  const parameters = known?.kind === "map" ? known.entries : [];
  if (given.value.kind !== "map") {
    if (given.value.kind !== "broken")
      out.report({ code: "wrong-type", at: given.value.at, message: '"with" is a mapping from parameters to values' });
    return template;
  }
  const values = new Map(given.value.entries.map((entry) => [entry.key, entry]));
  const names = parameters.map(({ key }) => key);
  const defaults = entryOf(template, "defaults")?.value;
  const others = defaults?.kind === "map" ? defaults.entries.map(({ key }) => key) : [];
  for (const { key, keyAt } of values.values()) {
    if (names.includes(key) || others.includes(key)) continue;
    const near = nearest(key, names);
    const listed = names.length === 0 ? "it declares none" : `its parameters: ${names.join(", ")}`;
    const help = near === null ? listed : `did you mean "${near}"?`;
    out.report({ code: "unknown-key", at: keyAt, message: `the template has no parameter "${key}"`, help });
  }
  const filled = parameters.map((parameter) => {
    const value = values.get(parameter.key);
    return value === undefined ? parameter : { ...parameter, value: withDefault(parameter.value, value) };
  });
  const entries = template.entries.filter(({ key }) => key !== "parameters" && key !== "defaults");
  const byDefault = others.flatMap(
    (name) => values.get(name) ?? (defaults?.kind === "map" ? (find(defaults, name) ?? []) : []),
  );
  return makeMap(template, [
    ...entries,
    ...(declared === undefined ? [] : [{ ...declared, value: makeMap(declared.value, filled) }]),
    ...(defaults === undefined ? [] : [{ key: "defaults", keyAt: defaults.at, value: makeMap(defaults, byDefault) }]),
  ]);
}

function withDefault(parameter: SourceNode, { keyAt, value }: MapEntry): SourceNode {
  const own = parameter.kind === "map" ? parameter.entries : [];
  const rest = own.filter(({ key }) => key !== "default" && key !== "required");
  return makeMap(parameter, [
    ...rest,
    { key: "default", keyAt, value },
    { key: "required", keyAt, value: makeScalar(value, false) },
  ]);
}

function hasOnly(
  node: MapNode,
  known: { readonly keys: readonly string[]; readonly what: string },
  out: Diagnostics,
): boolean {
  const unknown = node.entries.filter(({ key }) => !known.keys.includes(key));
  for (const { key, keyAt } of unknown) {
    const help = `known keys: ${known.keys.join(", ")}`;
    out.report({ code: "unknown-key", at: keyAt, message: `unknown key "${key}" in ${known.what}`, help });
  }
  return unknown.length === 0;
}

function find(node: MapNode, wanted: string): MapEntry | undefined {
  return node.entries.find(({ key }) => key === wanted);
}
