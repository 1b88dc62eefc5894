import { isTruthy } from "./expression-compare.ts";
import type { ParsedExpression } from "./expression-build.ts";
import { evaluateNode, type Evaluation } from "./expression-eval.ts";
import type { Expression } from "./expression-model.ts";
import { parse } from "./expression-parse.ts";
import type { Json } from "./model.ts";
import type { Problem } from "./problem.ts";
import type { Scope } from "./scope.ts";

/** The value of an expression. `warnings`: comparisons of a filter that made no sense and counted as false. */
export type EvaluatedExpression =
  | { readonly ok: true; readonly value: Json; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problem: Problem };

/** Parses the one language of `when`, filters, sort keys and conditional `env`. It runs nothing and calls no code. */
export function parseExpression(text: string): ParsedExpression {
  return parse(text);
}

/** Evaluates an expression. For a filter the scope is a `createItemScope`; there it never fails. */
export function evaluate(expression: Expression, scope: Scope, mode: "when" | "filter"): EvaluatedExpression {
  const evaluation: Evaluation = { scope, mode, warnings: [] };
  const evaluated = evaluateNode(expression, evaluation);
  return evaluated.ok ? { ok: true, value: evaluated.value, warnings: evaluation.warnings } : evaluated;
}

/** Whether a value counts as true: not null, false, 0, "", "0", "false", an empty list or an empty object. */
export function truthy(value: Json): boolean {
  return isTruthy(value);
}
