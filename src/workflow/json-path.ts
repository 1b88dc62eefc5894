/** JSONPath by RFC 9535. */
import {
  FunctionExpressionType,
  JSONPathEnvironment,
  JSONPathError,
  type JSONPathNode,
  type JSONPathQuery,
} from "json-p3";
import type { Json } from "./model.ts";
import type { Problem } from "./problem.ts";
import { compileRegex, type CompiledRegex } from "./regex.ts";

/** A query that has been read. */
export interface JsonPath {
  /** Whether it can find one value at most: it has names and indexes only. */
  readonly isSingular: boolean;
  find(data: Json): FoundByPath;
}

export type FoundByPath =
  | { readonly ok: true; readonly values: readonly FoundValue[] }
  | { readonly ok: false; readonly problem: Problem };

export interface FoundValue {
  readonly value: Json;
  /** Its name or its index in what holds it; null for the data itself. */
  readonly key: string | number | null;
}

export type ParsedJsonPath =
  | { readonly ok: true; readonly path: JsonPath }
  | { readonly ok: false; readonly problem: Problem };

/** Longer queries are refused. */
const MAX_LENGTH = 1000;
/** The parser of the library is recursive. */
const MAX_BRACKETS = 100;
/** How deep `..` descends. Deeper data is no list of items. */
const MAX_DEPTH = 100;
/** Patterns may come out of the data; only so many are kept compiled. */
const MAX_PATTERNS = 100;

/** Reads a query. The `$` may be left out, as in older workflows: `items[*]` is `$.items[*]`. */
export function parseJsonPath(text: string): ParsedJsonPath {
  const trimmed = text.trim();
  const prefix = trimmed.startsWith("$") ? "" : /^[.[]/.test(trimmed) ? "$" : "$.";
  const source: Source = { text: prefix + trimmed, before: text.indexOf(trimmed) - prefix.length, whole: text };
  if (trimmed === "")
    return { ok: false, problem: problemAt(source, 0, { message: "the JSONPath is empty", help: null }) };
  if (text.length > MAX_LENGTH) {
    const message = `a JSONPath may have ${MAX_LENGTH} characters, this has ${text.length}`;
    return { ok: false, problem: problemAt(source, 0, { message, help: null }) };
  }
  if (text.split(/[[(]/).length - 1 > MAX_BRACKETS) {
    const message = `a JSONPath may have ${MAX_BRACKETS} brackets`;
    return { ok: false, problem: problemAt(source, 0, { message, help: null }) };
  }
  return guarded(source, () => {
    const refused: Refused[] = [];
    const query = environment(refused).compile(source.text);
    return {
      ok: true,
      path: { isSingular: query.singularQuery(), find: (data) => find({ query, source, refused }, data) },
    };
  });
}

/** The query as the library gets it, and how far its offsets are from those in the author's text. */
interface Source {
  readonly text: string;
  readonly before: number;
  readonly whole: string;
}

/** A pattern that cannot be used; the first one is told. */
type Refused = Extract<CompiledRegex, { ok: false }>;

interface Compiled {
  readonly query: JSONPathQuery;
  readonly source: Source;
  readonly refused: readonly Refused[];
}

function find({ query, source, refused }: Compiled, data: Json): FoundByPath {
  return guarded(source, () => {
    // oxlint-disable-next-line typescript/consistent-type-assertions -- The library changes nothing, it only has no readonly types.
    const { nodes } = query.query(data as Parameters<JSONPathQuery["query"]>[0]);
    const [problem] = refused;
    if (problem !== undefined) return { ok: false, problem: problemAt(source, 0, problem) };
    return { ok: true, values: nodes.map(foundValue) };
  });
}

function foundValue({ value, location }: JSONPathNode): FoundValue {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- What is found in JSON is JSON.
  return { value: value as Json, key: location.at(-1) ?? null };
}

/** The library throws for a text that is no JSONPath. */
function guarded<Result>(
  source: Source,
  attempt: () => Result,
): Result | { readonly ok: false; readonly problem: Problem } {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    const message = error.message.replace(/ \('.*':\d+\)$/s, "");
    return {
      ok: false,
      problem: problemAt(source, error.token.index, { message: messageOf(message, source), help: helpFor(message) }),
    };
  }
}

function messageOf(message: string, { text }: Source): string {
  if (message.startsWith("can't backup beyond start")) return "this JSONPath ends too early";
  if (message.startsWith("recursion limit")) return `the data is nested more than ${MAX_DEPTH} deep for ".."`;
  return `${JSON.stringify(text)} is not a JSONPath: ${message}`;
}

function helpFor(message: string): string | null {
  if (message.includes("token '='")) return "two values are compared with ==";
  if (message.startsWith("no such function")) return "functions: length, count, match, search, value";
  return message.startsWith("recursion") ? null : "as in $.items[*] or $.items[?@.score > 5]";
}

type Told = Pick<Problem, "message" | "help">;

function problemAt({ before, whole }: Source, index: number, told: Told): Problem {
  const offset = Math.max(0, Math.min(before + index, whole.length - 1));
  return { ...told, offset, length: 1 };
}

/** Its own regular expressions could hang the process, so they are replaced by ours. */
function environment(refused: Refused[]): JSONPathEnvironment {
  const made = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH });
  const patterns = new Map<string, CompiledRegex>();
  const add = (name: string, change: (pattern: string) => string): void => {
    made.functionRegister.set(name, {
      argTypes: [FunctionExpressionType.ValueType, FunctionExpressionType.ValueType],
      returnType: FunctionExpressionType.LogicalType,
      call: (text: unknown, pattern: unknown) => {
        if (typeof text !== "string" || typeof pattern !== "string") return false;
        const compiled = compiledPattern(change(pattern), patterns);
        if (compiled.ok) return compiled.regex.test(text);
        if (refused.length === 0) refused.push(compiled);
        return false;
      },
    });
  };
  add("search", (pattern) => pattern);
  add("match", (pattern) => `^(?:${pattern})$`);
  return made;
}

function compiledPattern(pattern: string, known: Map<string, CompiledRegex>): CompiledRegex {
  const before = known.get(pattern);
  if (before !== undefined) return before;
  const compiled = compileRegex(pattern);
  if (known.size >= MAX_PATTERNS) known.clear();
  known.set(pattern, compiled);
  return compiled;
}
