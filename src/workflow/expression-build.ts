import { isAggregateName } from "./aggregate.ts";
import { type Comparison, type Arithmetic, type Expression, FUNCTION_NAMES } from "./expression-model.ts";
import type { Span } from "./expression-token.ts";
import { nearest, type Problem } from "./problem.ts";
import { compileRegex, type Regex } from "./regex.ts";
import { parseTemplate } from "./template.ts";

export type ParsedExpression = { readonly ok: true; readonly expression: Expression } | FailedExpression;

export interface FailedExpression {
  readonly ok: false;
  readonly problem: Problem;
}

/** What joins two operands; `negated` for `not in` and its like. */
export interface Operator {
  readonly operator: "&&" | "||" | Comparison | Arithmetic;
  readonly negated: boolean;
}

/** Operators that are words, in lower case and without underscores. */
export const WORD_OPERATORS: ReadonlyMap<string, "&&" | "||" | Comparison> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["in", "in"],
  ["contains", "contains"],
  ["startswith", "starts_with"],
  ["endswith", "ends_with"],
  ["matches", "matches"],
]);

/** Joins two operands. */
export function buildBinary({ operator, negated }: Operator, sides: Sides, at: Span): ParsedExpression {
  const [left, right] = sides;
  switch (operator) {
    case "&&":
    case "||": {
      const kind = operator === "&&" ? "all" : "any";
      return done({ kind, operands: [...(left.kind === kind ? left.operands : [left]), right] });
    }
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return done({ kind: "arithmetic", operator, left, right, at });
    case "==":
    case "!=":
    case ">":
    case "<":
    case ">=":
    case "<=":
    case "in":
    case "contains":
    case "starts_with":
    case "ends_with":
    case "matches": {
      const compared = comparison(operator, sides, at);
      return compared.ok && negated ? done({ kind: "not", operand: compared.expression, at }) : compared;
    }
  }
}

/** Makes a call of a function, or of an operator that is written like one. */
export function buildCall(name: Named, squashed: string, operands: readonly Expression[]): ParsedExpression {
  const [first, second, ...more] = operands;
  const operator = WORD_OPERATORS.get(squashed);
  if (operator !== undefined && operator !== "&&" && operator !== "||") {
    if (first !== undefined && second !== undefined && more.length === 0)
      return comparison(operator, [first, second], name);
    return failed(
      `${name.word}(...) takes two values, here are ${operands.length}`,
      name,
      `as in ${name.word}(name, 'text')`,
    );
  }
  const known = FUNCTION_NAMES.find((candidate) => candidate.replaceAll("_", "") === squashed);
  if (known === undefined) return unknownFunction(name);
  if (first === undefined) return failed(`${known}(...) needs a value`, name);
  const call: Expression = { kind: "call", name: known, operands, at: name };
  // The only form that worked in older workflows: length(tags, 3) is length(tags) == 3.
  if (known === "length" && second !== undefined && more.length === 0)
    return comparison("==", [{ ...call, operands: [first] }, second], name);
  if (known === "group_by" && operands.length !== 2)
    return failed("group_by(...) takes a list and a field", name, "as in group_by(items, 'kind')");
  if (second !== undefined && !isAggregateName(known)) {
    return failed(`${known}(...) takes one value, here are ${operands.length}`, name);
  }
  return done(call);
}

/** A text in quotes; references in it are filled in. */
export function buildText(text: string, at: Span): ParsedExpression {
  if (!text.includes("${")) return done({ kind: "value", value: text });
  const parsed = parseTemplate(text);
  if (!parsed.ok) return failed(parsed.problem.message, at, parsed.problem.help);
  return done({ kind: "template", template: parsed.template, at });
}

export function done(expression: Expression): ParsedExpression {
  return { ok: true, expression };
}

export function failed(message: string, at: Span, help: string | null = null): FailedExpression {
  return { ok: false, problem: { message, offset: at.offset, length: Math.max(at.length, 1), help } };
}

type Sides = readonly [left: Expression, right: Expression];
type Named = Span & { readonly word: string };

/** A regular expression that is written out is compiled once, and refused at load time when it is wrong. */
function comparison(operator: Comparison, [left, right]: Sides, at: Span): ParsedExpression {
  let regex: Regex | null = null;
  if (operator === "matches" && right.kind === "value" && typeof right.value === "string") {
    const compiled = compileRegex(right.value);
    if (!compiled.ok) return failed(compiled.message, at, compiled.help);
    regex = compiled.regex;
  }
  return done({ kind: "compare", operator, left, right: asOperand(right), regex, at });
}

/** `status == open` and `status in [open, closed]` mean the words, as they did, unless the item has such a field. */
function asOperand(expression: Expression): Expression {
  if (expression.kind === "list") return { ...expression, items: expression.items.map(asOperand) };
  const [name, ...more] = expression.kind === "path" ? expression.reference.parts : [];
  const isWord = expression.kind === "path" && typeof name === "string" && more.length === 0;
  return isWord ? { ...expression, word: name } : expression;
}

function unknownFunction(name: Named): ParsedExpression {
  const names = [...FUNCTION_NAMES, "contains", "starts_with", "ends_with", "matches"];
  const near = nearest(name.word, names);
  return failed(
    `there is no function "${name.word}"`,
    name,
    near === null ? `functions: ${names.join(", ")}` : `did you mean "${near}"?`,
  );
}
