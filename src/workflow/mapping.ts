/** Mappings with known keys, each described by a table from which the JSON Schema and the documentation are made, too. */
import { distance } from "fastest-levenshtein";
import type { Context, Decoder, JsonSchema } from "./decode.ts";
import { report, snakeCase, wrongType } from "./decode.ts";
import type { DiagnosticCode } from "./diagnostic.ts";
import type { Json } from "./model.ts";
import { FIELD_NOTES } from "./field-notes.ts";
import type { OldName } from "./old-spellings.ts";
import { reportOld } from "./old-spellings.ts";
import { respelled } from "./rewrite.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";

/** One key of a mapping. */
export interface Field<T> {
  readonly decoder: Decoder<T>;
  readonly description: string;
  /** Other spellings that are as good. */
  readonly aliases: readonly string[];
  /** Old spellings: they work, with a warning that names the new one. */
  readonly deprecated: readonly OldName[];
  /** Whether the key may stand there with nothing behind it. */
  readonly nullable: boolean;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

export interface Table<F extends Fields> {
  /** With its article, for messages: `a step`. */
  readonly name: string;
  readonly fields: F;
  /** Keys that are known to be wrong here, each with its own message. */
  readonly refused?: Readonly<Record<string, Refusal>>;
  /** Keys of other tables that may have been meant by an unknown one. */
  readonly also?: Iterable<string>;
  /** Which keys must be there, for the schema: of each list at least one. Whoever reads the table reports what is missing. */
  readonly needs?: readonly (readonly string[])[];
  /** What else the schema demands. */
  readonly rules?: JsonSchema;
}

export interface Refusal {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly help: string | null;
}

/** A key that is there, with a good value. */
export interface Found<T> {
  readonly value: T;
  readonly node: SourceNode;
  readonly keyAt: Range;
  /** As the file spells the key. */
  readonly spelled: string;
}

export interface Mapping<F extends Fields> {
  /** Null for what is not there, and for what is wrong and has been reported. */
  readonly fields: { readonly [K in keyof F]: F[K] extends Field<infer T> ? Found<T> | null : never };
  /** Keys that are there, good or wrong, in their first spelling. */
  readonly given: ReadonlySet<string>;
  /** Keys that an unknown key was probably meant to be: to report them as missing, too, would be noise. */
  readonly meant: ReadonlySet<string>;
  readonly at: Range;
}

export function field<T>(
  decoder: Decoder<T>,
  description: string,
  options: {
    readonly aliases?: readonly string[];
    readonly deprecated?: readonly OldName[];
    readonly nullable?: boolean;
  } = {},
): Field<T> {
  const { aliases = [], deprecated = [], nullable = false } = options;
  return { decoder, description, aliases, deprecated, nullable };
}

/** Reads a mapping by its table. Unknown keys, missing values and keys given in two spellings are reported. */
export function readMapping<F extends Fields>(
  node: SourceNode,
  table: Table<F>,
  context: Context,
): Mapping<F> | undefined {
  // A key that may stand without a value is read as an empty mapping.
  const isNothing = node.kind === "scalar" && node.value === null;
  if (node.kind !== "map" && !isNothing) return wrongType(node, context, "a mapping");
  const names = spellings(table.fields);
  const found = new Map<string, Found<unknown>>();
  const given = new Map<string, MapEntry>();
  const meant = new Set<string>();
  for (const entry of node.kind === "map" ? node.entries : []) {
    const name = names.get(entry.key);
    if (name === undefined) {
      const guess = reportUnknown(entry, table, context);
      if (guess !== null) meant.add(names.get(guess) ?? guess);
      continue;
    }
    const earlier = given.get(name);
    if (earlier !== undefined) {
      const message = `"${entry.key}" and "${earlier.key}" are two spellings of one key`;
      report(context, { code: "duplicate-key", at: entry.keyAt, message, help: `keep "${name}"` });
      continue;
    }
    given.set(name, entry);
    const value = readField(entry, { name, field: table.fields[name] }, context);
    if (value !== undefined) found.set(name, { value, node: entry.value, keyAt: entry.keyAt, spelled: entry.key });
  }
  const fields = Object.fromEntries(Object.keys(table.fields).map((name) => [name, found.get(name) ?? null]));
  // oxlint-disable-next-line typescript/consistent-type-assertions -- A parse boundary: each key was read by its own decoder.
  return { fields: fields as Mapping<F>["fields"], given: new Set(given.keys()), meant, at: node.at };
}

/** A decoder for a table and what is made of its values. */
export function mapping<F extends Fields, T>(
  table: Table<F>,
  make: (mapping: Mapping<F>, context: Context) => T | undefined,
): Decoder<T> {
  return {
    get schema() {
      return tableSchema(table);
    },
    decode: (node, context) => {
      const read = readMapping(node, table, context);
      return read === undefined ? undefined : make(read, context);
    },
  };
}

/** The JSON Schema of a table. */
export function tableSchema<F extends Fields>(table: Table<F>): JsonSchema {
  const properties: Record<string, Json> = {};
  for (const [name, { decoder, description, aliases, deprecated, nullable }] of Object.entries(table.fields)) {
    const schema = fieldSchema(decoder.schema, nullable);
    properties[name] = { ...schema, description, ...noteOf(table.name, name) };
    for (const alias of aliases) properties[alias] = { ...decoder.schema, description: `Same as ${name}.` };
    for (const old of deprecated.map(spellingOf)) {
      properties[old] = { ...decoder.schema, description: `Old spelling of ${name}.`, deprecated: true };
    }
  }
  const needs = (table.needs ?? []).map((keys) => needed(keys, table.fields));
  const { rules } = table;
  const demands = [...needs, ...(rules === undefined ? [] : [rules])];
  const shape = { title: table.name, type: "object", properties, additionalProperties: false };
  return demands.length === 0 ? shape : { ...shape, allOf: demands };
}

function noteOf(table: string, name: string): JsonSchema {
  const note = FIELD_NOTES[table]?.[name];
  if (note === undefined) return {};
  return { examples: [note.example], ...(note.default === undefined ? {} : { default: note.default }) };
}

function fieldSchema(schema: JsonSchema, nullable: boolean): JsonSchema {
  if (nullable) return { anyOf: [schema, { type: "null" }] };
  return Object.keys(schema).length === 0 ? { not: { type: "null" } } : schema;
}

/** At least one of these keys, in any of their spellings. */
function needed(keys: readonly string[], fields: Fields): JsonSchema {
  const spelled = keys.flatMap((key) => [
    key,
    ...(fields[key]?.aliases ?? []),
    ...(fields[key]?.deprecated ?? []).map(spellingOf),
  ]);
  const [first, ...others] = spelled.map((key) => ({ required: [key] }));
  return first !== undefined && others.length === 0 ? first : { anyOf: spelled.map((key) => ({ required: [key] })) };
}

/** Reports that a key must be there, unless it is there with a wrong value. Returns what was found. */
export function required<F extends Fields, K extends keyof F & string>(
  read: Mapping<F>,
  key: K,
  where: { readonly name: string; readonly context: Context },
): Mapping<F>["fields"][K] {
  if (!read.given.has(key) && !read.meant.has(key)) {
    report(where.context, { code: "missing-key", at: read.at, message: `${where.name} needs "${key}:"` });
  }
  return read.fields[key];
}

function readField(
  entry: MapEntry,
  target: { readonly name: string; readonly field: Field<unknown> | undefined },
  context: Context,
): unknown {
  const { name, field: known } = target;
  if (known === undefined) return undefined;
  if (known.deprecated.some((one) => spellingOf(one) === entry.key)) {
    const edits = [respelled(context.out.source.text, entry.keyAt, name)];
    const message = `"${entry.key}" is an old spelling`;
    const old = known.deprecated.find((one) => spellingOf(one) === entry.key) ?? "word";
    reportOld(context, old, { at: entry.keyAt, help: `write "${name}"`, edits, message });
  }
  if (entry.value.kind === "scalar" && entry.value.value === null && !known.nullable) {
    const message = `"${entry.key}" has no value`;
    return report(context, {
      code: "empty-value",
      at: entry.keyAt,
      message,
      help: `write a value, or leave "${entry.key}" out`,
    });
  }
  return known.decoder.decode(entry.value, context);
}

/** `validate.command` is spelled `command`. */
function spellingOf(old: OldName): string {
  return old.slice(old.lastIndexOf(".") + 1);
}

/** Every accepted spelling, with the first spelling of its key. */
function spellings(fields: Fields): ReadonlyMap<string, string> {
  const known = spellingsOf.get(fields);
  if (known !== undefined) return known;
  const names = new Map<string, string>();
  for (const [name, { aliases, deprecated }] of Object.entries(fields)) {
    for (const spelling of [name, ...aliases, ...deprecated.map(spellingOf)]) names.set(spelling, name);
  }
  spellingsOf.set(fields, names);
  return names;
}

/** Tables are constants, and a file may hold ten thousand mappings of one table. */
const spellingsOf = new WeakMap<Fields, ReadonlyMap<string, string>>();

/** Returns the key that was probably meant. */
function reportUnknown<F extends Fields>(entry: MapEntry, table: Table<F>, context: Context): string | null {
  const refusal =
    table.refused !== undefined && Object.hasOwn(table.refused, entry.key) ? table.refused[entry.key] : undefined;
  if (refusal !== undefined) {
    report(context, { ...refusal, at: entry.keyAt });
    return entry.key;
  }
  const own = Object.entries(table.fields).flatMap(([name, { aliases }]) => [name, ...aliases]);
  const candidates = [...own, ...(table.also ?? [])];
  const message = `unknown key "${entry.key}" in ${table.name}`;
  const guess = nearestKey(entry.key, candidates);
  const listed = candidates.length <= MAX_LISTED ? `known keys: ${candidates.join(", ")}` : null;
  const help = guess === null ? listed : `did you mean "${guess}"?`;
  report(context, { code: "unknown-key", at: entry.keyAt, message, help });
  return guess;
}

/** Further away than this, a guess is more often wrong than right. */
const MAX_DISTANCE = 3;
/** A longer list of keys is no help. */
const MAX_LISTED = 14;

/** The key that an unknown one was probably meant to be. */
function nearestKey(key: string, candidates: readonly string[]): string | null {
  const wanted = snakeCase(key.slice(0, 100));
  let best: string | null = null;
  let bestDistance = MAX_DISTANCE + 1;
  for (const candidate of candidates) {
    const away = distance(wanted, candidate);
    if (away < bestDistance && away < Math.max(wanted.length, candidate.length)) {
      best = candidate;
      bestDistance = away;
    }
  }
  return best;
}
