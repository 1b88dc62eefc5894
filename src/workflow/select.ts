/** Which of the data become items: `json_path`, `filter`, `sort_by`, `distinct`, `offset` and `max_items`, in this order. */
import { evaluate, parseExpression, truthy } from "./expression.ts";
import type { Expression } from "./expression-model.ts";
import { neededPaths } from "./expression-paths.ts";
import { type FoundValue, parseJsonPath } from "./json-path.ts";
import type { Json } from "./model.ts";
import { formatPath, isList, isRecord } from "./path.ts";
import { nearest, type Problem } from "./problem.ts";
import { type Reference, resolveReference } from "./reference.ts";
import { createItemScopes, createScope, type Scope } from "./scope.ts";
import { canonical, compareValues, parseDistinctKeys, parseSortKeys, type SortKey } from "./select-keys.ts";

/** What is selected, with all variables filled in but those of the expressions. Null: not said. */
export interface FilledSelection {
  readonly jsonPath: string | null;
  readonly filter: string | null;
  readonly sortBy: string | null;
  readonly distinct: string | null;
  readonly offset: number | null;
  readonly maxItems: number | null;
}

export type SelectionField = "json_path" | "filter" | "sort_by" | "distinct";

/** A problem with the text of one field. */
export interface SelectionProblem extends Problem {
  readonly field: SelectionField;
}

export type Selected =
  | {
      readonly ok: true;
      readonly items: readonly Json[];
      /** How many there were before the filter. */
      readonly found: number;
      /** How many were left after filter and `distinct`, before `offset` and `max_items`. */
      readonly matching: number;
      /** What is legal and probably not meant: a field that no item has, a comparison that makes no sense. */
      readonly warnings: readonly SelectionProblem[];
    }
  | { readonly ok: false; readonly problem: SelectionProblem };

/** Everything there is. */
export const EVERYTHING: FilledSelection = {
  jsonPath: null,
  filter: null,
  sortBy: null,
  distinct: null,
  offset: null,
  maxItems: null,
};

/** Selects items. `outer` holds the variables that a filter may name besides the items' fields. */
export function select(data: Json, selection: FilledSelection, outer: Scope = createScope([])): Selected {
  const found = findItems(data, given(selection.jsonPath));
  if (!found.ok) return found;
  const { warnings } = found;
  const scopeOf = createItemScopes(outer);
  const filtered = filter(found.items, given(selection.filter), { scopeOf, field: "filter", warnings });
  if (!filtered.ok) return filtered;
  const sorted = sort(filtered.items, given(selection.sortBy), { scopeOf, field: "sort_by", warnings });
  if (!sorted.ok) return sorted;
  const distinct = distinctItems(sorted.items, given(selection.distinct), { scopeOf, field: "distinct", warnings });
  if (!distinct.ok) return distinct;
  const offset = selection.offset ?? 0;
  const end = selection.maxItems === null ? undefined : offset + selection.maxItems;
  return {
    ok: true,
    items: distinct.items.slice(offset, end).map(({ value }) => value),
    found: found.items.length,
    matching: distinct.items.length,
    warnings: warnings.map((seen) => told(seen, found.items.length)),
  };
}

/** More warnings than this say nothing new. */
const MAX_WARNINGS = 10;
/** Names in a message. */
const MAX_NAMED = 8;

interface Item extends FoundValue {
  readonly index: number;
}

interface Warning {
  readonly field: SelectionField;
  readonly problem: Problem;
  count: number;
}

interface Selecting {
  readonly scopeOf: ReturnType<typeof createItemScopes>;
  readonly field: SelectionField;
  readonly warnings: Warning[];
}

type Items = { readonly ok: true; readonly items: readonly Item[] } | Failure;
type Failure = Extract<Selected, { ok: false }>;

/** A field that is blank says nothing. */
function given(text: string | null): string | null {
  return text === null || text.trim() === "" ? null : text;
}

function findItems(data: Json, jsonPath: string | null): (Items & { ok: true; warnings: Warning[] }) | Failure {
  if (jsonPath === null)
    return { ok: true, items: numbered(isList(data) ? elements(data) : [whole(data)]), warnings: [] };
  const parsed = parseJsonPath(jsonPath);
  const found = parsed.ok ? parsed.path.find(data) : parsed;
  if (!found.ok) return failure("json_path", found.problem);
  const [only] = found.values;
  // `$.items` was written by people who meant the items; the list itself as the one item is of no use to anybody.
  const isOneList = parsed.ok && parsed.path.isSingular && only !== undefined && isList(only.value);
  const values = isOneList && isList(only.value) ? elements(only.value) : found.values;
  const warnings = found.values.length > 0 ? [] : [nothingFound(jsonPath, data)];
  return { ok: true, items: numbered(values), warnings };
}

function whole(data: Json): FoundValue {
  return { value: data, key: null };
}

function elements(list: readonly Json[]): readonly FoundValue[] {
  return list.map((value, key) => ({ value, key }));
}

function numbered(values: readonly FoundValue[]): readonly Item[] {
  return values.map(({ value, key }, index) => ({ value, key, index }));
}

function nothingFound(jsonPath: string, data: Json): Warning {
  const names = isRecord(data) ? Object.keys(data) : [];
  const listed = `${names.slice(0, MAX_NAMED).join(", ")}${names.length > MAX_NAMED ? ", ..." : ""}`;
  const help = isRecord(data)
    ? `the data is an object with ${names.length === 0 ? "no fields" : `the fields ${listed}`}`
    : `the data is ${isList(data) ? `a list of ${data.length}` : "a single value"}`;
  const problem = { message: `${jsonPath} finds nothing`, offset: 0, length: jsonPath.length, help };
  return { field: "json_path", problem, count: 0 };
}

function filter(items: readonly Item[], text: string | null, selecting: Selecting): Items {
  if (text === null) return { ok: true, items };
  const parsed = parseExpression(text);
  if (!parsed.ok) return failure("filter", parsed.problem);
  warnOfMissing([parsed.expression], items, selecting);
  return { ok: true, items: items.filter((item) => truthy(valueOf(parsed.expression, item, selecting))) };
}

function sort(items: readonly Item[], text: string | null, selecting: Selecting): Items {
  if (text === null) return { ok: true, items };
  const parsed = parseSortKeys(text);
  if (!parsed.ok) return failure("sort_by", parsed.problem);
  const { keys } = parsed;
  warnOfMissing(
    keys.map(({ expression }) => expression),
    items,
    selecting,
  );
  // Each key once an item, and not once a comparison.
  const keyed = items.map((item) => ({
    item,
    values: keys.map(({ expression }) => valueOf(expression, item, selecting)),
  }));
  keyed.sort((left, right) => inOrder(left.values, right.values, keys));
  return { ok: true, items: keyed.map(({ item }) => item) };
}

function inOrder(left: readonly Json[], right: readonly Json[], keys: readonly SortKey[]): number {
  let position = 0;
  for (const { descending, nulls } of keys) {
    const first = left[position] ?? null;
    const second = right[position] ?? null;
    position += 1;
    if (first === null || second === null) {
      if (first === second) continue;
      return (first === null) === (nulls === "first") ? -1 : 1;
    }
    const compared = compareValues(first, second);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return 0;
}

function distinctItems(items: readonly Item[], text: string | null, selecting: Selecting): Items {
  if (text === null) return { ok: true, items };
  const parsed = parseDistinctKeys(text);
  if (!parsed.ok) return failure("distinct", parsed.problem);
  const { keys } = parsed;
  warnOfMissing(keys, items, selecting);
  const seen = new Set<string>();
  const first = items.filter((item) => {
    const key = canonical(keys.map((expression) => valueOf(expression, item, selecting)));
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return { ok: true, items: first };
}

function valueOf(expression: Expression, item: Item, selecting: Selecting): Json {
  const evaluated = evaluate(expression, selecting.scopeOf(item.value, item), "filter");
  if (!evaluated.ok) return null;
  for (const problem of evaluated.warnings) addWarning(problem, selecting);
  return evaluated.value;
}

function addWarning(problem: Problem, { field, warnings }: Selecting): void {
  const known = warnings.find(
    (other) =>
      other.field === field && other.problem.offset === problem.offset && other.problem.message === problem.message,
  );
  if (known !== undefined) known.count += 1;
  else if (warnings.length < MAX_WARNINGS) warnings.push({ field, problem, count: 1 });
}

/** A name that no item has is a mistake more often than not, and would choose nothing without a word. */
function warnOfMissing(expressions: readonly Expression[], items: readonly Item[], selecting: Selecting): void {
  if (items.length === 0) return;
  for (const reference of expressions.flatMap(neededPaths)) {
    const bare = { ...reference, filters: [] };
    const isThere = (item: Item): boolean => resolveReference(bare, selecting.scopeOf(item.value, item)).found;
    if (items.some(isThere)) continue;
    const message = `no item has "${formatPath(reference.parts)}"`;
    addWarning({ message, offset: 0, length: 1, help: helpFor(reference, items) }, selecting);
  }
}

function helpFor({ parts }: Reference, items: readonly Item[]): string | null {
  const own = parts[0] === "item" || parts[0] === "@" ? parts.slice(1) : parts;
  const [name] = own;
  const names = new Set(items.slice(0, 100).flatMap(({ value }) => (isRecord(value) ? Object.keys(value) : [])));
  if (typeof name !== "string" || names.has(name)) return null;
  const near = nearest(name, names);
  if (near !== null) return `did you mean "${near}"?`;
  return names.size === 0 ? null : `the items have ${[...names].slice(0, MAX_NAMED).join(", ")}`;
}

function told({ field, problem, count }: Warning, total: number): SelectionProblem {
  const often = count > 1 ? `, in ${count} of ${total} items` : "";
  return { ...problem, field, message: `${problem.message}${often}` };
}

function failure(field: SelectionField, problem: Problem): Failure {
  return { ok: false, problem: { ...problem, field } };
}
