import { AGGREGATE_NAMES } from "./aggregate.ts";
import type { Span } from "./expression-token.ts";
import type { Json } from "./model.ts";
import type { Reference } from "./reference.ts";
import type { Regex } from "./regex.ts";
import type { Template } from "./template-parse.ts";

/** An expression as a tree. Every node that can fail knows its place. */
export type Expression =
  | { readonly kind: "value"; readonly value: Json }
  /** A text in quotes with references inside. */
  | { readonly kind: "template"; readonly template: Template; readonly at: Span }
  | { readonly kind: "reference"; readonly reference: Reference }
  /** A bare word or path. `word` is set where an unquoted text would make sense, as in `status == open`. */
  | { readonly kind: "path"; readonly reference: Reference; readonly word: string | null }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "not" | "negate"; readonly operand: Expression; readonly at: Span }
  | { readonly kind: "all" | "any"; readonly operands: readonly Expression[] }
  | {
      readonly kind: "compare";
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
      readonly regex: Regex | null;
      readonly at: Span;
    }
  | {
      readonly kind: "arithmetic";
      readonly operator: Arithmetic;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: Span;
    }
  | { readonly kind: "call"; readonly name: FunctionName; readonly operands: readonly Expression[]; readonly at: Span };

export type Comparison =
  | "=="
  | "!="
  | ">"
  | "<"
  | ">="
  | "<="
  | "in"
  | "contains"
  | "starts_with"
  | "ends_with"
  | "matches";
export type Arithmetic = "+" | "-" | "*" | "/" | "%";
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** The functions besides those that are also operators. */
export const FUNCTION_NAMES = [
  "length",
  ...AGGREGATE_NAMES,
  "first",
  "last",
  "lower",
  "upper",
  "trim",
  "exists",
  "is_null",
  "is_not_null",
  "is_number",
  "is_string",
  "is_bool",
  "is_array",
  "is_object",
] as const;
