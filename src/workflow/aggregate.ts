import type { Json } from "./model.ts";
import { isList, isRecord, parsePath, walk } from "./path.ts";
import { toNumber, toText } from "./values.ts";

/** What can be made of a whole list, by name. */
export const AGGREGATE_NAMES = [
  "count",
  "sum",
  "avg",
  "average",
  "min",
  "max",
  "median",
  "stddev",
  "variance",
  "collect",
  "unique",
  "concat",
  "merge",
  "flatten",
  "sort",
  "group_by",
] as const;

export type AggregateName = (typeof AGGREGATE_NAMES)[number];

export function isAggregateName(name: string): name is AggregateName {
  return AGGREGATE_NAMES.some((known) => known === name);
}

/**
 * One value out of a list: `${map.results|sum('score')}`. The argument is a field of the elements; for `concat` it is
 * the separator. What is no number is left out of calculations; the average of nothing is missing.
 */
export function aggregate(name: AggregateName, value: Json, argument: string | null): Json {
  const elements = isList(value) ? value : value === null ? [] : [value];
  if (name === "concat") return elements.map((element) => toText(element)).join(argument ?? "");
  if (name === "group_by") return groupBy(elements, argument ?? "");
  if (name === "sort") return sorted(elements, argument);
  const fields = argument === null ? elements : elements.flatMap((element) => field(element, argument));
  switch (name) {
    case "count":
      return fields.length;
    case "collect":
      return fields;
    case "unique":
      return unique(fields);
    case "merge":
      // Own keys only, and `__proto__` stays a key: fromEntries defines, it does not assign.
      return Object.fromEntries(fields.filter(isRecord).flatMap((record) => Object.entries(record)));
    case "flatten":
      return fields.flatMap((element) => (isList(element) ? element : [element]));
    case "min":
    case "max":
      return extreme(name, fields);
    case "sum":
    case "avg":
    case "average":
    case "median":
    case "stddev":
    case "variance":
      return calculate(
        name,
        fields.map(toNumber).filter((number) => number !== null),
      );
  }
}

/** `score`, `score DESC` or `DESC` alone. */
function sorted(elements: readonly Json[], argument: string | null): readonly Json[] {
  const [, path = "", direction = ""] =
    /^\s*(.*?)(?:(?:^|\s+)(asc|ascending|desc|descending))?\s*$/is.exec(argument ?? "") ?? [];
  const fields = path === "" ? elements : elements.flatMap((element) => field(element, path));
  const ascending = fields.toSorted(inOrder);
  return direction.toLowerCase().startsWith("desc") ? ascending.toReversed() : ascending;
}

/** Of the numbers, if there are any; otherwise of the texts, so that dates and versions have a first and a last one. */
function extreme(name: "min" | "max", fields: readonly Json[]): Json {
  const numbers = fields.map(toNumber).filter((number) => number !== null);
  const candidates = numbers.length > 0 ? numbers : fields.filter((value) => typeof value === "string");
  return candidates.toSorted(inOrder).at(name === "min" ? 0 : -1) ?? null;
}

type Calculation = "sum" | "avg" | "average" | "median" | "stddev" | "variance";

function calculate(name: Calculation, numbers: readonly number[]): number | null {
  const sum = numbers.reduce((total, next) => total + next, 0);
  if (name === "sum") return sum;
  if (numbers.length === 0) return null;
  switch (name) {
    case "avg":
    case "average":
      return sum / numbers.length;
    case "median":
      return median(numbers.toSorted((first, second) => first - second));
    case "variance":
      return variance(numbers, sum / numbers.length);
    case "stddev": {
      const found = variance(numbers, sum / numbers.length);
      return found === null ? null : Math.sqrt(found);
    }
  }
}

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Of a sample, so that one value alone has none. */
function variance(numbers: readonly number[], mean: number): number | null {
  if (numbers.length < 2) return null;
  return numbers.reduce((total, next) => total + (next - mean) ** 2, 0) / (numbers.length - 1);
}

/** A field of an element, as a list of none or one. */
function field(element: Json, path: string): readonly Json[] {
  const parsed = parsePath(`_.${path}`.replace("_.[", "_["), 0, "braced");
  if (parsed === null || parsed.end !== (path.startsWith("[") ? path.length + 1 : path.length + 2)) return [];
  const found = walk(element, parsed.parts.slice(1), "");
  return found.found ? [found.value] : [];
}

function unique(values: readonly Json[]): readonly Json[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function groupBy(elements: readonly Json[], path: string): Json {
  const groups = new Map<string, Json[]>();
  for (const element of elements) {
    const [key = null] = field(element, path);
    const name = typeof key === "string" ? key : JSON.stringify(key);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [element]);
    else group.push(element);
  }
  return Object.fromEntries(groups);
}

/** Numbers by value, before texts by code units; everything else by its JSON. */
function inOrder(first: Json, second: Json): number {
  if (typeof first === "number" && typeof second === "number") return first - second;
  const [left, right] = [sortKey(first), sortKey(second)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKey(value: Json): string {
  return typeof value === "string" ? `1${value}` : `${typeof value === "number" ? 0 : 2}${JSON.stringify(value)}`;
}
