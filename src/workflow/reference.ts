import { parseComputed } from "./computed-key.ts";
import { formatDate } from "./date-format.ts";
import { applyFilter, FILTER_NAMES, argumentOf, type FilterCall, isFilterName } from "./filters.ts";
import type { Json } from "./model.ts";
import { formatPath, matchAt, type ParsedPath, parsePath, type PathPart } from "./path.ts";
import { nearest, type Problem } from "./problem.ts";
import { KNOWN_NAMESPACES, type Scope } from "./scope.ts";

/** What stands between `${` and `}`, when it is of our making and not the shell's. */
export interface Reference {
  readonly parts: readonly PathPart[];
  readonly dotted: boolean;
  readonly filters: readonly FilterCall[];
  /** The text after `:-`, with its offset; null where there is none. */
  readonly fallback: { readonly text: string; readonly offset: number } | null;
  /** Offset behind the closing brace. */
  readonly end: number;
}

export type ParsedReference =
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "problem"; readonly problem: Problem }
  /** The shell's, or nobody's: it stays as it is. */
  | { readonly kind: "foreign" };

/** A placeholder longer than this is text. It keeps the search for a closing brace short in texts full of `${`. */
const MAX_LENGTH = 4096;
/** Braces inside braces, as in `${a:-${b:-{}}}`. */
const MAX_NESTING = 16;

const FOREIGN: ParsedReference = { kind: "foreign" };
const SPACE = /[ \t]*/y;
const FILTER_HEAD = /[ \t]*([A-Za-z_]+)[ \t]*/y;
const QUOTED = /[ \t]*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')[ \t]*/sy;
/** Names that the runtime computes; it puts them into the scope under exactly this text. */
const COMPUTED = /(?:(file|cmd):(?=[A-Za-z_./~"'])|(date):(?=[^}]*%))/y;
const OTHER_DATES = /date:[^{}%]*(?:YYYY|yyyy|DD|HH)[^{}%]*\}/y;
const JSON_OF = /json:([^:{}]+):(?:from:)?(?=[^:{}])/y;
const ENV_OF = /env:([A-Za-z_]\w*)(?=[}|]|:-)/y;

/** Reads a reference whose `${` ends at `start`. */
export function parseReference(text: string, start: number): ParsedReference {
  const jsonOf = matchAt(JSON_OF, text, start);
  if (jsonOf !== null) return parseJsonOf(text, jsonOf);
  const headStart = start + (matchAt(SPACE, text, start)?.[0].length ?? 0);
  const head = parseHead(text, headStart);
  const badDate = dateProblem(text, headStart, head);
  if (badDate !== null) return { kind: "problem", problem: badDate };
  if (head === null) return FOREIGN;
  const parsed = parseTail(text, head);
  if (parsed.kind !== "foreign") return parsed;
  const root = head.parts[0];
  const ours = head.dotted && typeof root === "string" && Object.hasOwn(KNOWN_NAMESPACES, root);
  const end = closingBrace(text, head.end, "}");
  if (!ours || end === null) return FOREIGN;
  return { kind: "problem", problem: malformed(text.slice(start, end), head, start) };
}

/** The value after its filters; null when nothing is there and no default of a filter took its place. */
export function resolveReference(reference: Reference, scope: Pick<Scope, "lookup">): ReturnType<Scope["lookup"]> {
  const looked = scope.lookup(reference.parts);
  const fallback = reference.filters.findIndex((filter) => filter.name === "default");
  if (!looked.found && fallback === -1) return looked;
  const start: Json = looked.found ? looked.value : null;
  // What stands before the default of a missing value has nothing to work on.
  const filters = looked.found ? reference.filters : reference.filters.slice(fallback);
  return { found: true, value: filters.reduce(applyFilter, start) };
}

export function referenceName(reference: Reference): string {
  return formatPath(reference.parts);
}

/** Where `open` braces that begin at `start` are closed, outside of quotes; null when they are not. */
function closingBrace(text: string, start: number, stops: string): number | null {
  let depth = 0;
  for (let at = start; at < text.length && at - start < MAX_LENGTH; at++) {
    const character = text.charAt(at);
    if (depth === 0 && stops.includes(character)) return at;
    if (character === "{" && ++depth > MAX_NESTING) return null;
    if (character === "}") depth--;
  }
  return null;
}

function parseHead(text: string, start: number): ParsedPath | null {
  const env = matchAt(ENV_OF, text, start);
  if (env?.[1] !== undefined) return { parts: ["env", env[1]], dotted: true, end: start + env[0].length };
  const computed = matchAt(COMPUTED, text, start);
  if (computed !== null) return parseComputedHead(text, start, computed[1] === "cmd");
  return parsePath(text, start, "braced");
}

/** A date is told as soon as it is read: in a shell `${date:YYYY}` means something else, and nothing that anybody wants. */
function dateProblem(text: string, start: number, head: ParsedPath | null): Problem | null {
  const offset = start - 2;
  const help = "write it as in ${date:%Y-%m-%d}";
  const others = matchAt(OTHER_DATES, text, start);
  if (others !== null)
    return { message: "a date has the letters of strftime", offset, length: others[0].length + 2, help };
  const [key] = head?.parts ?? [];
  const computed = typeof key === "string" ? parseComputed(key) : null;
  if (head === null || computed?.kind !== "date" || computed.format.includes("${")) return null;
  const formatted = formatDate(computed.format, 0);
  return formatted.ok ? null : { message: formatted.message, offset, length: head.end - offset + 1, help };
}

/** A command goes to the closing brace: a pipe in it is the shell's. Behind a file or a date stand filters or a default. */
function parseComputedHead(text: string, start: number, isCommand: boolean): ParsedPath | null {
  const brace = closingBrace(text, start, isCommand ? "}" : "}|");
  if (brace === null) return null;
  const end = isCommand ? brace : defaultIn(text, start, brace);
  return { parts: [text.slice(start, end).trim()], dotted: false, end };
}

/** Where the default of a file or a date begins, or its end. What has braces of its own has its own default. */
function defaultIn(text: string, start: number, end: number): number {
  let depth = 0;
  for (let at = start; at < end; at++) {
    if (depth === 0 && text.startsWith(":-", at)) return at;
    if (text.charAt(at) === "{") depth++;
    if (text.charAt(at) === "}") depth--;
  }
  return end;
}

/** `${json:PATH:from:SOURCE}` is the same as the path below the source, which may be computed. */
function parseJsonOf(text: string, match: RegExpExecArray): ParsedReference {
  const [whole, path = ""] = match;
  const below = parsePath(`_.${path.trim().replace(/^\$?\.?/, "")}`.replace("_.[", "_["), 0, "braced");
  const source = parseHead(text, match.index + whole.length);
  if (below === null || source === null) return FOREIGN;
  return parseTail(text, { parts: [...source.parts, ...below.parts.slice(1)], dotted: true, end: source.end });
}

function parseTail(text: string, head: ParsedPath): ParsedReference {
  const filters: FilterCall[] = [];
  let at = head.end;
  if (text.startsWith(":-", at)) return withFallback(text, at + 2, { ...head, filters });
  if (text.charAt(at) === ":") {
    const modifier = parseModifier(text, at + 1);
    if (modifier === null) return FOREIGN;
    filters.push(modifier.filter);
    at = modifier.end;
  }
  for (;;) {
    at += matchAt(SPACE, text, at)?.[0].length ?? 0;
    if (text.charAt(at) === "}")
      return { kind: "reference", reference: { ...head, filters, fallback: null, end: at + 1 } };
    if (text.startsWith(":-", at)) return withFallback(text, at + 2, { ...head, filters });
    if (text.charAt(at) !== "|") return FOREIGN;
    const filter = parseFilter(text, at + 1);
    if (filter === null) return FOREIGN;
    filters.push(filter.filter);
    at = filter.end;
  }
}

/** The default goes to the brace that closes ours: `${a:-{}}` has the default `{}`. Failing that, to the first brace. */
function withFallback(
  text: string,
  start: number,
  head: Pick<Reference, "parts" | "dotted" | "filters">,
): ParsedReference {
  const first = text.indexOf("}", start);
  const end = closingBrace(text, start, "}") ?? (first !== -1 && first - start < MAX_LENGTH ? first : null);
  if (end === null) return FOREIGN;
  const fallback = { text: text.slice(start, end), offset: start };
  return { kind: "reference", reference: { ...head, fallback, end: end + 1 } };
}

interface FilterAt {
  readonly filter: FilterCall;
  readonly end: number;
}

/** `:json`, `:csv`, ... or a glob. Anything else after a colon is the shell's (`${x:0:3}`, `${x:?}`, `${x:+y}`). */
function parseModifier(text: string, start: number): FilterAt | null {
  const end = closingBrace(text, start, "}|");
  if (end === null) return null;
  const word = text.slice(start, end).trim();
  if (["json", "lines", "newline", "csv", "comma"].includes(word) && isFilterName(word)) {
    return { filter: { name: word, argument: null }, end };
  }
  return /^[^-+=?\s$]/.test(word) && /[*?]/.test(word) ? { filter: { name: "glob", argument: word }, end } : null;
}

/** `name`, `name:argument` or `name('argument')`. */
function parseFilter(text: string, start: number): FilterAt | null {
  const head = matchAt(FILTER_HEAD, text, start);
  const name = head?.[1] ?? "";
  if (head === null || !isFilterName(name)) return null;
  const after = start + head[0].length;
  const sign = text.charAt(after);
  if (sign !== ":" && sign !== "(")
    return argumentOf(name) === "required" ? null : { filter: { name, argument: null }, end: after };
  if (argumentOf(name) === "none") return null;
  const argument = parseArgument(text, after + 1, sign === "(" ? ")" : "|}");
  if (argument === null) return null;
  // Spaces around an argument are nobody's intention, but a separator may be one.
  const cleaned = name === "join" || argument.quoted ? argument.text : argument.text.trim();
  return { filter: { name, argument: cleaned }, end: sign === "(" ? argument.end + 1 : argument.end };
}

interface Argument {
  readonly text: string;
  readonly quoted: boolean;
  readonly end: number;
}

function parseArgument(text: string, start: number, stops: string): Argument | null {
  const quoted = matchAt(QUOTED, text, start);
  const end = start + (quoted?.[0].length ?? 0);
  if (quoted !== null && end < text.length && stops.includes(text.charAt(end))) {
    return { text: (quoted[1] ?? quoted[2] ?? "").replace(/\\(["'\\])/g, "$1"), quoted: true, end };
  }
  const stop = closingBrace(text, start, stops);
  return stop === null ? null : { text: text.slice(start, stop), quoted: false, end: stop };
}

function malformed(inner: string, head: ParsedPath, start: number): Problem {
  const name = formatPath(head.parts);
  const rest = inner.slice(head.end - start);
  const word = /^\s*[|:]\s*([A-Za-z_]+)/.exec(rest)?.[1] ?? "";
  const near = nearest(word, FILTER_NAMES);
  const known = isFilterName(word);
  return {
    message: known
      ? `the filter "${word}" ${argumentOf(word) === "required" ? `needs an argument, as in |${word}:TEXT` : "takes no argument"}, in \${${name}${rest}}`
      : `"${rest.trim()}" after ${name} is neither a default (:-text) nor a filter (|name)`,
    offset: start - 2,
    length: inner.length + 3,
    help:
      near !== null && !known
        ? `did you mean "${near}"?`
        : `filters: ${FILTER_NAMES.join(", ")}; write $\${ for a \${ that is not ours`,
  };
}
