import { AGGREGATE_NAMES, aggregate, type AggregateName, isAggregateName } from "./aggregate.ts";
import { globMatches } from "./glob.ts";
import type { Json } from "./model.ts";
import { isList } from "./path.ts";
import { lengthOf, toText } from "./values.ts";

/** One `|name:argument` of a reference. */
export interface FilterCall {
  readonly name: FilterName;
  readonly argument: string | null;
}

interface Filter {
  readonly argument: "none" | "required" | "optional";
  readonly apply: (value: Json, argument: string | null) => Json;
}

/**
 * The filters. Those that need a list take text as the list of its lines that are not empty, so that they also work on
 * captured output. `default` is applied by whoever knows whether a value is there; here it only replaces null.
 */
const FILTERS = {
  json: plain((value) => JSON.stringify(value)),
  lines: plain((value) => joined(value, "\n")),
  newline: plain((value) => joined(value, "\n")),
  csv: plain((value) =>
    toList(value)
      .map((element) => csvField(toText(element)))
      .join(","),
  ),
  comma: plain((value) => joined(value, ",")),
  sh: plain((value) =>
    isList(value) ? value.map((element) => shellQuoted(toText(element))).join(" ") : shellQuoted(toText(value)),
  ),
  default: withArgument((value, argument) => value ?? argument),
  join: withArgument((value, argument) =>
    joined(
      value,
      argument.replace(/\\([nt])/g, (_, letter) => (letter === "n" ? "\n" : "\t")),
    ),
  ),
  length: plain(lengthOf),
  basename: plain((value) => eachText(value, baseName)),
  dirname: plain((value) => eachText(value, directoryName)),
  upper: plain((value) => eachText(value, (text) => text.toUpperCase())),
  lower: plain((value) => eachText(value, (text) => text.toLowerCase())),
  trim: plain((value) => eachText(value, (text) => text.trim())),
  first: plain((value) => toList(value).at(0) ?? null),
  last: plain((value) => toList(value).at(-1) ?? null),
  glob: withArgument((value, argument) => matching(value, argument)),
  pattern: withArgument((value, argument) => matching(value, argument)),
} as const satisfies Record<string, Filter>;

export type FilterName = keyof typeof FILTERS | AggregateName;

/** The filters by name, in the order of the table. */
export const FILTER_NAMES: readonly string[] = [...Object.keys(FILTERS), ...AGGREGATE_NAMES];

export function isFilterName(name: string): name is FilterName {
  return FILTER_NAMES.includes(name);
}

/** Whether a filter can, must or must not have an argument. */
export function argumentOf(name: FilterName): "none" | "required" | "optional" {
  if (!isAggregateName(name)) return FILTERS[name].argument;
  return name === "group_by" ? "required" : "optional";
}

/** Applies one filter. None of them fails: what makes no sense gives null or the value as it was. */
export function applyFilter(value: Json, call: FilterCall): Json {
  if (isAggregateName(call.name)) return aggregate(call.name, value, call.argument);
  return FILTERS[call.name].apply(value, call.argument);
}

/** Text elements of a value: a list's own, or a text's lines that are not empty. */
function toList(value: Json): readonly Json[] {
  if (value === null) return [];
  if (isList(value)) return value;
  return typeof value === "string" ? value.split(/\r?\n/).filter((line) => line !== "") : [value];
}

function plain(apply: (value: Json) => Json): Filter {
  return { argument: "none", apply };
}

function withArgument(apply: (value: Json, argument: string) => Json): Filter {
  return { argument: "required", apply: (value, argument) => apply(value, argument ?? "") };
}

function joined(value: Json, separator: string): string {
  return toList(value)
    .map((element) => toText(element))
    .join(separator);
}

function matching(value: Json, pattern: string): readonly Json[] {
  return toList(value).filter((element) => typeof element === "string" && globMatches(pattern, element));
}

function eachText(value: Json, change: (text: string) => string): Json {
  if (isList(value)) return value.map((element) => (typeof element === "string" ? change(element) : element));
  return value === null ? null : change(toText(value));
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One word for any POSIX shell. Words of harmless characters stay as they are, to keep commands readable. */
function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_/.:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function baseName(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, "");
  return trimmed === "/" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

function directoryName(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  return slash === -1 ? "." : slash === 0 ? "/" : trimmed.slice(0, slash);
}
