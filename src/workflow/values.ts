import type { Json } from "./model.ts";
import { isList, isRecord } from "./path.ts";

/** A value as text: integers stay integers, lists of texts are joined by a separator, other structures are JSON. */
export function toText(value: Json, separator = ", "): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (isList(value) && value.length > 0 && value.every((element) => typeof element === "string"))
    return value.join(separator);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The number that a text spells, or null. */
export function toNumber(value: Json): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return null;
  return Number(value);
}

/** Elements of a list, fields of an object, characters of a text; nothing has the length 0. */
export function lengthOf(value: Json): number {
  if (value === null) return 0;
  if (isList(value)) return value.length;
  return isRecord(value) ? Object.keys(value).length : Array.from(toText(value)).length;
}
