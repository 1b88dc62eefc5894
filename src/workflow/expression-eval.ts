import { compare, isTruthy, typeName } from "./expression-compare.ts";
import { callFunction } from "./expression-functions.ts";
import type { Arithmetic, Expression } from "./expression-model.ts";
import type { Span } from "./expression-token.ts";
import type { Json } from "./model.ts";
import type { Problem } from "./problem.ts";
import { type Reference, resolveReference } from "./reference.ts";
import type { Scope } from "./scope.ts";
import { renderTemplate } from "./template.ts";
import { toNumber } from "./values.ts";

export type Evaluated = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: Problem };

export interface Evaluation {
  readonly scope: Scope;
  /** In a filter a value of the wrong type makes its comparison false; in `when` it is an error. */
  readonly mode: "when" | "filter";
  readonly warnings: Problem[];
}

type Node<Kind extends Expression["kind"]> = Extract<Expression, { kind: Kind }>;

/** Evaluates one node. In a filter it cannot fail. */
export function evaluateNode(node: Expression, evaluation: Evaluation): Evaluated {
  switch (node.kind) {
    case "value":
      return value(node.value);
    case "template":
      return evaluateTemplate(node, evaluation);
    case "reference":
    case "path":
      return value(evaluatePath(node, evaluation));
    case "list":
      return evaluateList(node.items, evaluation);
    case "not":
    case "negate":
      return evaluatePrefix(node, evaluation);
    case "all":
    case "any":
      return evaluateLogic(node, evaluation);
    case "compare":
      return evaluateCompare(node, evaluation);
    case "arithmetic":
      return evaluateArithmetic(node, evaluation);
    case "call":
      return evaluateCall(node, evaluation);
  }
}

/** More warnings of one evaluation than this say nothing new. */
const MAX_WARNINGS = 10;

function evaluateTemplate(node: Node<"template">, evaluation: Evaluation): Evaluated {
  const rendered = renderTemplate(node.template, evaluation.scope, { target: "operand" });
  if (rendered.ok) return value(rendered.text);
  const [problem] = rendered.problems;
  const message = problem?.message ?? "this text cannot be filled in";
  return fault(evaluation, { message, help: problem?.help ?? null, at: node.at }, null);
}

/** A path that leads nowhere is null, or the word itself where an unquoted text makes sense. */
function evaluatePath(node: Node<"reference" | "path">, evaluation: Evaluation): Json {
  const { reference } = node;
  const found = resolveReference(reference, evaluation.scope);
  if (found.found) return found.value;
  if (reference.parts.length > 1 && reference.parts.at(-1) === "exists")
    return exists(withoutLast(reference), evaluation.scope);
  if (reference.fallback !== null) return reference.fallback.text;
  return node.kind === "path" && evaluation.mode === "filter" ? node.word : null;
}

function exists(reference: Reference, scope: Scope): boolean {
  const found = resolveReference(reference, scope);
  if (!found.found) return false;
  const everywhere = reference.parts.some((part) => typeof part === "object");
  return !(everywhere && Array.isArray(found.value) && found.value.length === 0);
}

function withoutLast(reference: Reference): Reference {
  return { ...reference, parts: reference.parts.slice(0, -1) };
}

function evaluateList(
  nodes: readonly Expression[],
  evaluation: Evaluation,
): { readonly ok: true; readonly value: readonly Json[] } | Extract<Evaluated, { ok: false }> {
  const values: Json[] = [];
  for (const node of nodes) {
    const evaluated = evaluateNode(node, evaluation);
    if (!evaluated.ok) return evaluated;
    values.push(evaluated.value);
  }
  return { ok: true, value: values };
}

function evaluatePrefix(node: Node<"not" | "negate">, evaluation: Evaluation): Evaluated {
  const operand = evaluateNode(node.operand, evaluation);
  if (!operand.ok) return operand;
  if (node.kind === "not") return value(!isTruthy(operand.value));
  const number = toNumber(operand.value);
  return number === null
    ? fault(
        evaluation,
        { message: `"-" needs a number, not ${typeName(operand.value)}`, help: null, at: node.at },
        null,
      )
    : value(-number);
}

function evaluateLogic(node: Node<"all" | "any">, evaluation: Evaluation): Evaluated {
  for (const operand of node.operands) {
    const evaluated = evaluateNode(operand, evaluation);
    if (!evaluated.ok) return evaluated;
    // The first operand that decides ends it: the others may not make sense then.
    if (isTruthy(evaluated.value) === (node.kind === "any")) return value(node.kind === "any");
  }
  return value(node.kind === "all");
}

function evaluateCompare(node: Node<"compare">, evaluation: Evaluation): Evaluated {
  const sides = evaluateList([node.left, node.right], evaluation);
  if (!sides.ok) return sides;
  const [left = null, right = null] = sides.value;
  const compared = compare(node.operator, { left, right }, node.regex);
  if (compared.ok) return compared;
  // Items of several kinds have other fields; that none at all has the field is told by whoever knows all items.
  if (evaluation.mode === "filter" && isMissing(left, right)) return value(false);
  return fault(evaluation, { ...compared, at: node.at }, false);
}

function evaluateArithmetic(node: Node<"arithmetic">, evaluation: Evaluation): Evaluated {
  const sides = evaluateList([node.left, node.right], evaluation);
  if (!sides.ok) return sides;
  const [left = null, right = null] = sides.value;
  if (node.operator === "+" && typeof left === "string" && typeof right === "string") return value(left + right);
  // A text is taken as a number only beside a number: two texts say nothing about what was meant.
  const coercible = typeof left === "number" || typeof right === "number";
  const first = coercible ? toNumber(left) : null;
  const second = coercible ? toNumber(right) : null;
  if (evaluation.mode === "filter" && isMissing(left, right)) return value(null);
  if (first === null || second === null) {
    const help = coercible ? null : 'capture the value with "capture_format: number"';
    const message = `"${node.operator}" needs two numbers, not ${typeName(left)} and ${typeName(right)}`;
    return fault(evaluation, { message, help, at: node.at }, null);
  }
  const result = calculate(node.operator, first, second);
  return Number.isFinite(result)
    ? value(result)
    : fault(
        evaluation,
        { message: `${first} ${node.operator} ${second} has no result`, help: null, at: node.at },
        null,
      );
}

function isMissing(left: Json, right: Json): boolean {
  return left === null || right === null;
}

function calculate(operator: Arithmetic, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
  }
}

function evaluateCall(node: Node<"call">, evaluation: Evaluation): Evaluated {
  if (node.name === "exists") {
    const [operand] = node.operands;
    if (operand?.kind === "path" || operand?.kind === "reference")
      return value(exists(operand.reference, evaluation.scope));
    return fault(evaluation, { message: "exists(...) needs a variable or a path", help: null, at: node.at }, false);
  }
  const operands = evaluateList(node.operands, evaluation);
  if (!operands.ok) return operands;
  const called = callFunction(node.name, operands.value);
  return called.ok ? called : fault(evaluation, { message: called.message, help: null, at: node.at }, null);
}

interface Failure {
  readonly message: string;
  readonly help: string | null;
  readonly at: Span;
}

function fault(evaluation: Evaluation, { message, help, at }: Failure, inFilter: Json): Evaluated {
  const problem: Problem = { message, offset: at.offset, length: Math.max(at.length, 1), help };
  if (evaluation.mode === "when") return { ok: false, problem };
  if (evaluation.warnings.length < MAX_WARNINGS) evaluation.warnings.push(problem);
  return value(inFilter);
}

function value(json: Json): Evaluated {
  return { ok: true, value: json };
}
