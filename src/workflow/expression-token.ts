import { matchAt, type ParsedPath, parsePath } from "./path.ts";
import type { Problem } from "./problem.ts";
import { parseReference, type Reference } from "./reference.ts";

/** The smallest parts of an expression. */
export type Token = Span &
  (
    | { readonly kind: "number"; readonly value: number }
    | { readonly kind: "text"; readonly value: string }
    /** `${...}` or `$NAME`. */
    | { readonly kind: "reference"; readonly reference: Reference }
    /** A bare path. Words such as `and` are paths too; only their place tells. */
    | { readonly kind: "path"; readonly path: ParsedPath; readonly word: string }
    | { readonly kind: "sign"; readonly sign: string }
    | { readonly kind: "end" }
  );

export interface Span {
  readonly offset: number;
  readonly length: number;
}

const SPACE = /\s*/y;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SIGN = /&&|\|\||===?|!==?|>=|<=|[=<>!+\-*/%()[\],]/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/sy;
const BARE_NAME = /\$([A-Za-z_]\w*)/y;
const SIGNS_OF_OTHERS: Readonly<Record<string, string>> = { "===": "==", "!==": "!=", "=": "==" };

/** Cuts an expression into tokens; the last one is always `end`. */
export function tokenize(
  text: string,
): { readonly ok: true; readonly tokens: readonly Token[] } | { readonly ok: false; readonly problem: Problem } {
  const tokens: Token[] = [];
  for (let at = 0; ; ) {
    at += matchAt(SPACE, text, at)?.[0].length ?? 0;
    if (at >= text.length) {
      tokens.push({ kind: "end", offset: text.length, length: 0 });
      return { ok: true, tokens };
    }
    const token = nextToken(text, at);
    if (!("kind" in token)) return { ok: false, problem: token };
    tokens.push(token);
    at += token.length;
  }
}

function nextToken(text: string, at: number): Token | Problem {
  const number = matchAt(NUMBER, text, at);
  if (number !== null) return numberToken(text, at, number[0]);
  const quote = text.charAt(at);
  if (quote === "'" || quote === '"') {
    const quoted = matchAt(QUOTED, text, at);
    if (quoted === null)
      return problem("this text is not closed", { offset: at, length: text.length - at }, `end it with ${quote}`);
    return { kind: "text", value: unescaped(quoted[1] ?? quoted[2] ?? ""), offset: at, length: quoted[0].length };
  }
  if (quote === "$") return referenceToken(text, at);
  const path = parsePath(text, at, "bare");
  if (path !== null) return pathToken(text, at, path);
  const sign = matchAt(SIGN, text, at)?.[0];
  if (sign !== undefined) return { kind: "sign", sign: SIGNS_OF_OTHERS[sign] ?? sign, offset: at, length: sign.length };
  if (quote === "&" || quote === "|")
    return problem(`"${quote}" is not an operator`, { offset: at, length: 1 }, `write "${quote}${quote}"`);
  return problem(
    `"${String.fromCodePoint(text.codePointAt(at) ?? 0)}" has no meaning here`,
    { offset: at, length: 1 },
    "texts stand in quotes",
  );
}

function numberToken(text: string, at: number, digits: string): Token | Problem {
  const rest = parsePath(text, at + digits.length, "bare");
  if (rest === null && text.charAt(at + digits.length) !== ".")
    return { kind: "number", value: Number(digits), offset: at, length: digits.length };
  const length = Math.max(rest?.end ?? 0, at + digits.length + 1) - at;
  return problem(
    `"${text.slice(at, at + length)}" is neither a number nor a name`,
    { offset: at, length },
    "texts stand in quotes",
  );
}

function referenceToken(text: string, at: number): Token | Problem {
  const name = matchAt(BARE_NAME, text, at);
  if (name?.[1] !== undefined) {
    const reference: Reference = {
      parts: [name[1]],
      dotted: false,
      filters: [],
      fallback: null,
      end: at + name[0].length,
    };
    return { kind: "reference", reference, offset: at, length: name[0].length };
  }
  if (text.charAt(at + 1) !== "{")
    return problem(`"$" must begin a variable`, { offset: at, length: 1 }, "write ${name}");
  const parsed = parseReference(text, at + 2);
  if (parsed.kind === "problem") return parsed.problem;
  if (parsed.kind === "reference")
    return { kind: "reference", reference: parsed.reference, offset: at, length: parsed.reference.end - at };
  const end = text.indexOf("}", at);
  const length = (end === -1 ? text.length : end + 1) - at;
  return problem(
    "this is not a variable",
    { offset: at, length },
    end === -1 ? 'close it with "}"' : "write ${name}, ${a.b}, ${a[0]} or ${name:-default}",
  );
}

/** `in [1]` may stand without a space; words that are operators have no index. */
function pathToken(text: string, at: number, path: ParsedPath): Token {
  const bracket = text.slice(at, path.end).indexOf("[");
  const word = bracket === -1 ? null : text.slice(at, at + bracket);
  if (word !== null && /^(in|and|or|not|contains|matches)$/i.test(word)) {
    return {
      kind: "path",
      path: { parts: [word], dotted: false, end: at + word.length },
      word,
      offset: at,
      length: word.length,
    };
  }
  return { kind: "path", path, word: text.slice(at, path.end), offset: at, length: path.end - at };
}

/** Unknown escapes keep their backslash, because `'\.rs$'` is a regular expression. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([ntr\\'"]))/g,
    (_, code: string | undefined, letter: string | undefined) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return { n: "\n", t: "\t", r: "\r" }[letter ?? ""] ?? letter ?? "";
    },
  );
}

function problem(message: string, at: Span, help: string): Problem {
  return { message, ...at, help };
}
