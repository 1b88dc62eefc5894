import { typeName } from "./expression-compare.ts";
import type { FunctionName } from "./expression-model.ts";
import type { Json } from "./model.ts";
import { isList, isRecord } from "./path.ts";
import { lengthOf, toNumber } from "./values.ts";

export type Called = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** Applies a function to values. `exists` is not here: it asks about a path and not about a value. */
export function callFunction(name: Exclude<FunctionName, "exists">, values: readonly Json[]): Called {
  const value = values[0] ?? null;
  switch (name) {
    case "length":
      if (typeof value === "number" || typeof value === "boolean")
        return { ok: false, message: `length(...) needs a text, a list or an object, not ${typeName(value)}` };
      return result(lengthOf(value));
    case "count":
      return result(isList(value) || isRecord(value) ? lengthOf(value) : value === null ? 0 : 1);
    case "sum":
    case "min":
    case "max":
    case "avg":
      return result(aggregate(name, numbers(values)));
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

/** The sum of nothing is 0; the least, the greatest and the average of nothing are missing. */
function aggregate(name: "sum" | "min" | "max" | "avg", found: readonly number[]): number | null {
  const sum = found.reduce((total, next) => total + next, 0);
  if (name === "sum") return sum;
  if (found.length === 0) return null;
  if (name === "avg") return sum / found.length;
  return found.reduce((best, next) => (name === "min" ? Math.min(best, next) : Math.max(best, next)));
}

/** One list, or the operands themselves. What is no number is left out. */
function numbers(values: readonly Json[]): readonly number[] {
  return values
    .flatMap((value) => (isList(value) ? value : [value]))
    .map(toNumber)
    .filter((number) => number !== null);
}

function result(value: Json): Called {
  return { ok: true, value };
}
