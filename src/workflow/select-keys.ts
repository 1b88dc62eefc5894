/** `sort_by` and `distinct`: lists of expressions. */
import { parseExpression } from "./expression.ts";
import type { Expression } from "./expression-model.ts";
import { type Token, tokenize } from "./expression-token.ts";
import type { Json } from "./model.ts";
import { isList, isRecord, parsePath } from "./path.ts";
import type { Problem } from "./problem.ts";

/** One of the values that items are sorted by. */
export interface SortKey {
  readonly expression: Expression;
  readonly descending: boolean;
  /** Where items without a value go, in both directions. */
  readonly nulls: "first" | "last";
}

export type ParsedKeys<Key> =
  | { readonly ok: true; readonly keys: readonly Key[] }
  | { readonly ok: false; readonly problem: Problem };

/** Reads `score DESC NULLS FIRST, length(tags), item.name`. */
export function parseSortKeys(text: string): ParsedKeys<SortKey> {
  return parseKeys(text, sortKey);
}

/** Reads the expressions that together tell whether two items are the same. */
export function parseDistinctKeys(text: string): ParsedKeys<Expression> {
  return parseKeys(text, (part) => keyExpression(part));
}

/**
 * The order of two values: nothing before booleans, numbers, texts, lists, objects. Lists and objects are ordered by their
 * length; texts by their UTF-16 units, which does not depend on the machine's language.
 */
export function compareValues(left: Json, right: Json): number {
  // Nearly all, and asked for some millions of times.
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  const difference = rank(left) - rank(right);
  return difference === 0 ? size(left) - size(right) : difference;
}

/** The same text for values that are equal, whatever the order of their fields. */
export function canonical(value: Json): string {
  if (isList(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const fields = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`);
  return `{${fields.join(",")}}`;
}

/** More keys than this are a mistake. */
const MAX_KEYS = 32;

/** What stands between two commas. */
interface Part {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly end: number;
}

type ParsedKey<Key> = { readonly ok: true; readonly key: Key } | { readonly ok: false; readonly problem: Problem };

function parseKeys<Key>(text: string, read: (part: Part) => ParsedKey<Key>): ParsedKeys<Key> {
  const tokenized = tokenize(text);
  if (!tokenized.ok) return tokenized;
  const keys: Key[] = [];
  for (const part of partsOf(text, tokenized.tokens)) {
    if (keys.length >= MAX_KEYS) return failed(`there may be ${MAX_KEYS} keys`, part);
    if (part.tokens.length === 0) return failed("a key is missing here", part, "as in score DESC, name");
    const parsed = read(part);
    if (!parsed.ok) return parsed;
    keys.push(parsed.key);
  }
  return { ok: true, keys };
}

/** Cut at the commas that stand in no brackets. */
function partsOf(text: string, tokens: readonly Token[]): readonly Part[] {
  const parts: Part[] = [];
  let current: Token[] = [];
  let depth = 0;
  for (const token of tokens) {
    const sign = token.kind === "sign" ? token.sign : "";
    if (sign === "(" || sign === "[") depth += 1;
    if (sign === ")" || sign === "]") depth -= 1;
    if (token.kind === "end" || (sign === "," && depth <= 0)) {
      parts.push({ text, tokens: current, end: token.offset });
      current = [];
    } else current.push(token);
  }
  return parts;
}

function sortKey(part: Part): ParsedKey<SortKey> {
  let { tokens } = part;
  let nulls: SortKey["nulls"] = "last";
  const [before, last] = [wordAt(tokens, -2), wordAt(tokens, -1)];
  if (tokens.length > 2 && before === "nulls" && (last === "first" || last === "last")) {
    nulls = last;
    tokens = tokens.slice(0, -2);
  } else if (tokens.length > 1 && (last === "nulls" || (before === "nulls" && tokens.length > 2))) {
    return failed("NULLS is followed by FIRST or LAST", { ...part, tokens: tokens.slice(last === "nulls" ? -1 : -2) });
  }
  const direction = tokens.length > 1 ? DIRECTIONS.get(wordAt(tokens, -1)) : undefined;
  if (direction !== undefined) tokens = tokens.slice(0, -1);
  const parsed = keyExpression({ ...part, tokens });
  if (parsed.ok) return { ok: true, key: { expression: parsed.key, descending: direction === "down", nulls } };
  const isWord = parsed.problem.help?.startsWith("join two conditions") === true;
  return isWord ? failedWith(parsed.problem, "behind a key stand ASC or DESC, and NULLS FIRST or NULLS LAST") : parsed;
}

const DIRECTIONS: ReadonlyMap<string, "up" | "down"> = new Map([
  ["asc", "up"],
  ["ascending", "up"],
  ["desc", "down"],
  ["descending", "down"],
]);

function keyExpression({ text, tokens, end }: Part): ParsedKey<Expression> {
  const start = tokens[0]?.offset ?? end;
  const last = tokens.at(-1);
  const own = text.slice(start, last === undefined ? end : last.offset + last.length);
  const parsed = parseExpression(isHyphenated(own) ? `\${${own}}` : own);
  if (parsed.ok) return { ok: true, key: parsed.expression };
  return { ok: false, problem: { ...parsed.problem, offset: parsed.problem.offset + start } };
}

/** A field such as `created-at`, which a difference of two fields would have spaces in. */
function isHyphenated(text: string): boolean {
  return text.includes("-") && parsePath(text, 0, "braced")?.end === text.length;
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens.at(at);
  return token?.kind === "path" ? token.word.toLowerCase() : "";
}

function failed(
  message: string,
  { tokens, end }: Part,
  help: string | null = null,
): { readonly ok: false; readonly problem: Problem } {
  const [first] = tokens;
  return { ok: false, problem: { message, offset: first?.offset ?? end, length: first?.length ?? 1, help } };
}

function failedWith(problem: Problem, help: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { ...problem, help } };
}

function rank(value: Json): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (typeof value === "number") return 2;
  if (typeof value === "string") return 3;
  return isList(value) ? 4 : 5;
}

function size(value: Json): number {
  if (isList(value)) return value.length;
  return isRecord(value) ? Object.keys(value).length : Number(value);
}
