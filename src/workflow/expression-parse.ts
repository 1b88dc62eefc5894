import {
  buildBinary,
  buildCall,
  buildText,
  done,
  failed,
  type FailedExpression,
  type Operator,
  type ParsedExpression,
  WORD_OPERATORS,
} from "./expression-build.ts";
import type { Arithmetic, Expression } from "./expression-model.ts";
import { type Span, type Token, tokenize } from "./expression-token.ts";

/** Deeper expressions are refused: the parser and the evaluation are recursive. */
const MAX_DEPTH = 100;
/** Longer ones as well. */
const MAX_LENGTH = 10_000;

/** Parses an expression, or says where it is wrong. */
export function parse(text: string): ParsedExpression {
  if (text.length > MAX_LENGTH)
    return failed(`an expression may have ${MAX_LENGTH} characters, this has ${text.length}`, {
      offset: 0,
      length: text.length,
    });
  const tokenized = tokenize(text);
  if (!tokenized.ok) return tokenized;
  const parser: Parser = { tokens: tokenized.tokens, position: 0, depth: 0 };
  if (peek(parser).kind === "end")
    return failed("the expression is empty", peek(parser), "write a condition, such as ${count} > 0");
  const parsed = parseBinary(parser, 0);
  if (!parsed.ok) return parsed;
  const rest = peek(parser);
  if (rest.kind === "end") return parsed;
  return failed(`${shown(rest)} is not expected here`, rest, "join two conditions with && or ||");
}

interface Parser {
  readonly tokens: readonly Token[];
  position: number;
  depth: number;
}

interface Infix extends Operator {
  readonly strength: number;
  readonly tokens: number;
}

const OR = 1;
const AND = 2;
const NOT = 3;
const COMPARE = 4;
const PREFIX = 7;
const STRENGTHS: Readonly<Record<string, number>> = { "&&": AND, "||": OR, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6 };

/** Pratt's loop: operators that bind at least as strongly as `minimum` are taken in. */
function parseBinary(parser: Parser, minimum: number): ParsedExpression {
  if (parser.depth >= MAX_DEPTH)
    return failed(`an expression may be nested ${MAX_DEPTH} deep`, peek(parser), "split it into several steps");
  parser.depth++;
  let left = parsePrefix(parser);
  let chained = false;
  let height = 0;
  while (left.ok) {
    const infix = infixAt(parser);
    if (infix === null || infix.strength < minimum) break;
    const at = peek(parser);
    if (infix.strength === COMPARE && chained)
      return failed("comparisons cannot be chained", at, "join two comparisons with &&");
    chained = infix.strength === COMPARE;
    if (infix.strength > COMPARE && ++height > MAX_DEPTH)
      return failed(`one calculation may have ${MAX_DEPTH} operators`, at, "use sum(...)");
    parser.position += infix.tokens;
    const right = parseBinary(parser, infix.strength + 1);
    if (!right.ok) return right;
    left = buildBinary(infix, [left.expression, right.expression], at);
  }
  parser.depth--;
  return left;
}

function infixAt(parser: Parser): Infix | null {
  const token = peek(parser);
  if (token.kind === "sign") {
    if (isComparisonSign(token.sign)) return { strength: COMPARE, operator: token.sign, negated: false, tokens: 1 };
    if (isBinarySign(token.sign))
      return { strength: STRENGTHS[token.sign] ?? 0, operator: token.sign, negated: false, tokens: 1 };
    return null;
  }
  const word = wordOf(token);
  const negated = word === "not";
  const operator = WORD_OPERATORS.get(negated ? wordOf(parser.tokens[parser.position + 1] ?? token) : word);
  if (operator === undefined || (negated && (operator === "&&" || operator === "||"))) return null;
  return { strength: STRENGTHS[operator] ?? COMPARE, operator, negated, tokens: negated ? 2 : 1 };
}

function parsePrefix(parser: Parser): ParsedExpression {
  const token = next(parser);
  switch (token.kind) {
    case "number":
      return done({ kind: "value", value: token.value });
    case "text":
      return buildText(token.value, token);
    case "reference":
      return done({ kind: "reference", reference: token.reference });
    case "end":
      return failed("the expression ends where a value is needed", token);
    case "sign":
      return parseSign(parser, token.sign, token);
    case "path":
      return parseWord(parser, token);
  }
}

function parseSign(parser: Parser, sign: string, at: Span): ParsedExpression {
  if (sign === "(") {
    const inner = parseBinary(parser, 0);
    return inner.ok ? (closingProblem(parser, ")", at) ?? inner) : inner;
  }
  if (sign === "[") {
    const items = parseList(parser, "]", at);
    return items.ok ? done({ kind: "list", items: items.items }) : items;
  }
  if (sign !== "!" && sign !== "-") return failed(`"${sign}" is not expected here: a value is needed`, at);
  const operand = parseBinary(parser, PREFIX);
  if (!operand.ok) return operand;
  if (sign === "!") return done({ kind: "not", operand: operand.expression, at });
  const { expression } = operand;
  if (expression.kind === "value" && typeof expression.value === "number")
    return done({ kind: "value", value: -expression.value });
  return done({ kind: "negate", operand: expression, at });
}

function parseWord(parser: Parser, token: Extract<Token, { kind: "path" }>): ParsedExpression {
  const following = peek(parser);
  const word = token.word.toLowerCase();
  if (word === "not") {
    const operand = parseBinary(parser, NOT);
    return operand.ok ? done({ kind: "not", operand: operand.expression, at: token }) : operand;
  }
  if (following.kind === "sign" && following.sign === "(") return parseCall(parser, token);
  if (word === "true" || word === "false") return done({ kind: "value", value: word === "true" });
  if (word === "null") return done({ kind: "value", value: null });
  if (word === "and" || word === "or" || word === "in")
    return failed(`"${token.word}" is not expected here: a value is needed`, token);
  return done({ kind: "path", reference: { ...token.path, filters: [], fallback: null }, word: null });
}

function parseCall(parser: Parser, token: Extract<Token, { kind: "path" }>): ParsedExpression {
  const open = next(parser);
  const list = parseList(parser, ")", open);
  return list.ok ? buildCall(token, wordOf(token), list.items) : list;
}

type ParsedList = { readonly ok: true; readonly items: readonly Expression[] } | FailedExpression;

function parseList(parser: Parser, end: string, open: Span): ParsedList {
  const items: Expression[] = [];
  for (;;) {
    const token = peek(parser);
    if (token.kind === "sign" && token.sign === end && items.length === 0) break;
    const item = parseBinary(parser, 0);
    if (!item.ok) return item;
    items.push(item.expression);
    const separator = peek(parser);
    if (separator.kind !== "sign" || separator.sign !== ",") break;
    parser.position++;
  }
  return closingProblem(parser, end, open) ?? { ok: true, items };
}

function closingProblem(parser: Parser, end: string, open: Span): FailedExpression | null {
  const token = next(parser);
  if (token.kind === "sign" && token.sign === end) return null;
  if (token.kind === "end") return failed(`this bracket is not closed`, open, `end it with "${end}"`);
  return failed(`${shown(token)} is not expected here: "${end}" or an operator is needed`, token);
}

/** A word in the form that all its spellings share: `starts_with`, `startsWith` and `STARTSWITH` are one. */
function wordOf(token: Token): string {
  return token.kind === "path" ? token.word.toLowerCase().replaceAll("_", "") : "";
}

function isComparisonSign(sign: string): sign is "==" | "!=" | ">" | "<" | ">=" | "<=" {
  return ["==", "!=", ">", "<", ">=", "<="].includes(sign);
}

function isBinarySign(sign: string): sign is "&&" | "||" | Arithmetic {
  return Object.hasOwn(STRENGTHS, sign);
}

function shown(token: Token): string {
  switch (token.kind) {
    case "number":
      return `"${token.value}"`;
    case "text":
      return "this text";
    case "reference":
      return "this variable";
    case "path":
      return `"${token.word}"`;
    case "sign":
      return `"${token.sign}"`;
    case "end":
      return "the end";
  }
}

function peek(parser: Parser): Token {
  return parser.tokens[parser.position] ?? { kind: "end", offset: 0, length: 0 };
}

function next(parser: Parser): Token {
  const token = peek(parser);
  if (token.kind !== "end") parser.position++;
  return token;
}
