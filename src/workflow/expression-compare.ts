import type { Comparison } from "./expression-model.ts";
import type { Json } from "./model.ts";
import { isList, isRecord } from "./path.ts";
import { compileRegex, type Regex } from "./regex.ts";
import { toNumber, toText } from "./values.ts";

/** Text that a regular expression searches is cut off here with an error, not silently. */
const MAX_SEARCHED = 64 * 1024;

export type Compared =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly message: string; readonly help: string | null };

/** What stands on both sides of an operator. */
interface Sides {
  readonly left: Json;
  readonly right: Json;
}

/** Applies one comparison. The table in docs/expressions.md says what every pair of types gives. */
export function compare(operator: Comparison, sides: Sides, regex: Regex | null): Compared {
  const { left, right } = sides;
  switch (operator) {
    case "==":
      return answer(equal(left, right));
    case "!=":
      return answer(!equal(left, right));
    case ">":
    case "<":
    case ">=":
    case "<=":
      return ordered(operator, left, right);
    case "in":
      return inside(left, right);
    case "contains":
      return inside(right, left);
    case "starts_with":
      return texts(operator, sides, (text, part) => text.startsWith(part));
    case "ends_with":
      return texts(operator, sides, (text, part) => text.endsWith(part));
    case "matches":
      return matches(left, right, regex);
  }
}

/** Numbers by value; a text equals a number or a boolean that it spells. Nothing else equals a value of another type. */
export function equal(left: Json, right: Json): boolean {
  if (isList(left) && isList(right))
    return left.length === right.length && left.every((element, index) => equal(element, right[index] ?? null));
  if (isRecord(left) && isRecord(right)) {
    const keys = Object.keys(left);
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && equal(left[key] ?? null, right[key] ?? null))
    );
  }
  if (typeof left === "string" && typeof right !== "string") return spelled(left, right);
  if (typeof right === "string" && typeof left !== "string") return spelled(right, left);
  return left === right;
}

export function typeName(value: Json): string {
  if (value === null) return "a missing value";
  if (isList(value)) return "a list";
  if (isRecord(value)) return "an object";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}

/** What counts as true: not null, false, 0, "", "0", "false", an empty list or an empty object. */
export function isTruthy(value: Json): boolean {
  if (typeof value === "string") return !["", "0", "false"].includes(value.trim().toLowerCase());
  if (isList(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

function spelled(text: string, value: Json): boolean {
  if (typeof value === "number") return toNumber(text) === value;
  return typeof value === "boolean" && text.trim().toLowerCase() === String(value);
}

function ordered(operator: ">" | "<" | ">=" | "<=", left: Json, right: Json): Compared {
  const difference = order(left, right);
  if (difference === null) {
    return {
      ok: false,
      message: `"${operator}" cannot order ${typeName(left)} and ${typeName(right)}`,
      help: orderHelp(left, right),
    };
  }
  switch (operator) {
    case ">":
      return answer(difference > 0);
    case "<":
      return answer(difference < 0);
    case ">=":
      return answer(difference >= 0);
    case "<=":
      return answer(difference <= 0);
  }
}

function orderHelp(left: Json, right: Json): string {
  if (left === null || right === null) return "give a default, as in ${name:-0}, or ask exists(name) first";
  return "only two numbers, two texts, or a number and a text that spells one have an order";
}

/** Two texts are ordered as texts, even when they spell numbers: `"10" < "9"`. */
function order(left: Json, right: Json): number | null {
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left !== "number" && typeof right !== "number") return null;
  const first = toNumber(left);
  const second = toNumber(right);
  return first === null || second === null ? null : first - second;
}

function inside(part: Json, whole: Json): Compared {
  if (whole === null) return answer(false);
  if (isList(whole)) return answer(whole.some((element) => equal(element, part)));
  if (isRecord(whole)) return answer(typeof part === "string" && Object.hasOwn(whole, part));
  if (typeof whole === "string" && part === null) return answer(false);
  return texts("contains", { left: whole, right: part }, (text, piece) => text.includes(piece));
}

function texts(operator: string, { left, right }: Sides, test: (text: string, part: string) => boolean): Compared {
  if (left === null || right === null) return answer(false);
  if (typeof left === "object" || typeof right === "object") {
    return {
      ok: false,
      message: `"${operator}" needs two texts, not ${typeName(left)} and ${typeName(right)}`,
      help: null,
    };
  }
  return answer(test(toText(left), toText(right)));
}

function matches(left: Json, right: Json, regex: Regex | null): Compared {
  if (left === null) return answer(false);
  if (typeof left === "object" || typeof right !== "string") {
    return {
      ok: false,
      message: `"matches" needs a text and a regular expression, not ${typeName(left)} and ${typeName(right)}`,
      help: null,
    };
  }
  const text = toText(left);
  if (text.length > MAX_SEARCHED) {
    return {
      ok: false,
      message: `"matches" searches up to ${MAX_SEARCHED} characters, this text has ${text.length}`,
      help: "use contains, or grep in a shell step",
    };
  }
  if (regex !== null) return answer(regex.test(text));
  const compiled = compileRegex(right);
  return compiled.ok ? answer(compiled.regex.test(text)) : compiled;
}

function answer(value: boolean): Compared {
  return { ok: true, value };
}
