import { aggregate, type AggregateName, isAggregateName } from "./aggregate.ts";
import { typeName } from "./expression-compare.ts";
import type { FunctionName } from "./expression-model.ts";
import type { Json } from "./model.ts";
import { isList, isRecord } from "./path.ts";
import { lengthOf, toText } from "./values.ts";

export type Called = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** Applies a function to values. `exists` is not here: it asks about a path and not about a value. */
export function callFunction(name: Exclude<FunctionName, "exists">, values: readonly Json[]): Called {
  const value = values[0] ?? null;
  if (isAggregateName(name)) return result(aggregateOf(name, values));
  switch (name) {
    case "length":
      if (typeof value === "number" || typeof value === "boolean")
        return { ok: false, message: `length(...) needs a text, a list or an object, not ${typeName(value)}` };
      return result(lengthOf(value));
    case "first":
    case "last":
      return result(isList(value) ? (value.at(name === "first" ? 0 : -1) ?? null) : value);
    case "lower":
    case "upper":
    case "trim":
      return changed(name, value);
    case "is_null":
      return result(value === null);
    case "is_not_null":
      return result(value !== null);
    case "is_number":
      return result(typeof value === "number");
    case "is_string":
      return result(typeof value === "string");
    case "is_bool":
      return result(typeof value === "boolean");
    case "is_array":
      return result(isList(value));
    case "is_object":
      return result(isRecord(value));
  }
}

/** A list, a list and a field of its elements, or several values, of which lists stand for their elements. */
function aggregateOf(name: AggregateName, values: readonly Json[]): Json {
  const [first = null, second, ...more] = values;
  if (second === undefined) return name === "count" && isRecord(first) ? lengthOf(first) : aggregate(name, first, null);
  if (isList(first) && typeof second === "string" && more.length === 0) return aggregate(name, first, second);
  if (first === null && typeof second === "string" && more.length === 0) return aggregate(name, [], second);
  return aggregate(
    name,
    values.flatMap((value) => (isList(value) ? value : [value])),
    null,
  );
}

function changed(name: "lower" | "upper" | "trim", value: Json): Called {
  if (value === null) return result(null);
  if (typeof value === "object") return { ok: false, message: `${name}(...) needs a text, not ${typeName(value)}` };
  const text = toText(value);
  return result(name === "lower" ? text.toLowerCase() : name === "upper" ? text.toUpperCase() : text.trim());
}

function result(value: Json): Called {
  return { ok: true, value };
}
