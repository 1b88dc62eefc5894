import type { Json } from "./model.ts";

/** Stands for `[*]`: every element of a list. */
export const EVERY = { every: true } as const;

/** One move into a value: a field, an index (negative from the end), or every element. */
export type PathPart = string | number | typeof EVERY;

/** What a path leads to. `available` are full names that were there instead. */
export type Lookup =
  | { readonly found: true; readonly value: Json }
  | { readonly found: false; readonly available: readonly string[] };

/** A path as it stands in a text. */
export interface ParsedPath {
  readonly parts: readonly PathPart[];
  /** Whether it has a field after a dot. No shell writes that, so it tells our names from the shell's. */
  readonly dotted: boolean;
  readonly end: number;
}

/** Names listed in a message are cut here: more than that nobody reads. */
const MAX_NAMES = 100;
/** Text that is opened as JSON on the way is limited, because it is parsed at each lookup. */
const MAX_OPENED_TEXT = 1024 * 1024;

const BRACED_FIRST = /[\p{L}_][\p{L}\p{N}_-]*/uy;
const BRACED_FIELD = /\.([\p{L}\p{N}_-]+)/uy;
const BARE_FIRST = /[\p{L}_@][\p{L}\p{N}_]*/uy;
const BARE_FIELD = /\.([\p{L}\p{N}_]+)/uy;
const BRACKET = /\[\s*(?:(-?\d{1,9})|(\*)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\]/sy;

/** Reads `a.b[0]["k"]` at `start`; null when no name begins there. In braces names may contain hyphens. */
export function parsePath(text: string, start: number, style: "braced" | "bare"): ParsedPath | null {
  const first = matchAt(style === "braced" ? BRACED_FIRST : BARE_FIRST, text, start);
  if (first === null) return null;
  const parts: PathPart[] = [first[0]];
  let end = start + first[0].length;
  let dotted = false;
  for (;;) {
    const field = matchAt(style === "braced" ? BRACED_FIELD : BARE_FIELD, text, end);
    const bracket = field === null ? matchAt(BRACKET, text, end) : null;
    if (field?.[1] !== undefined) {
      parts.push(field[1]);
      dotted = true;
      end += field[0].length;
    } else if (bracket !== null) {
      parts.push(bracketPart(bracket));
      end += bracket[0].length;
    } else {
      return { parts, dotted, end };
    }
  }
}

/** Matches a sticky expression at one place. */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function bracketPart(match: RegExpExecArray): PathPart {
  const [, index, every, double, single] = match;
  if (index !== undefined) return Number(index);
  if (every !== undefined) return EVERY;
  return (double ?? single ?? "").replace(/\\(["'\\])/g, "$1");
}

/** The path as an author would write it. */
export function formatPath(parts: readonly PathPart[]): string {
  let text = "";
  for (const [position, part] of parts.entries()) {
    if (typeof part === "object") text += "[*]";
    else if (typeof part === "number") text += `[${part}]`;
    else if (position === 0) text += part;
    else if (/^[\p{L}\p{N}_-]+$/u.test(part)) text += `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Follows a path into a value. Only own properties exist: `constructor` is missing unless the data has it. */
export function walk(value: Json, parts: readonly PathPart[], prefix: string): Lookup {
  let current = value;
  for (const [position, part] of parts.entries()) {
    if (typeof part === "object") return walkEvery(current, parts.slice(position + 1), prefix);
    const next = child(current, part);
    if (next === undefined)
      return { found: false, available: fieldNames(current, prefix + formatPath(["", ...parts.slice(0, position)])) };
    current = next;
  }
  return { found: true, value: current };
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function walkEvery(value: Json, rest: readonly PathPart[], prefix: string): Lookup {
  const list = opened(value);
  if (!isList(list)) return { found: false, available: [] };
  const values: Json[] = [];
  for (const element of list) {
    const found = walk(element, rest, prefix);
    if (!found.found) continue;
    if (rest.some((part) => typeof part === "object") && isList(found.value)) values.push(...found.value);
    else values.push(found.value);
  }
  return { found: true, value: values };
}

function child(value: Json, part: string | number): Json | undefined {
  const container = opened(value);
  if (isList(container)) {
    const index = typeof part === "number" ? part : /^\d{1,9}$/.test(part) ? Number(part) : Number.NaN;
    return container.at(index < 0 || index < container.length ? index : container.length);
  }
  if (isRecord(container) && Object.hasOwn(container, String(part))) return container[String(part)];
  return undefined;
}

/** Captured output is text; where it is a JSON list or object, a path may lead into it. */
function opened(value: Json): Json {
  if (typeof value !== "string" || value.length > MAX_OPENED_TEXT || !/^\s*[[{]/.test(value)) return value;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-assignment -- A parse boundary: JSON.parse gives JSON or throws.
    const json: Json = JSON.parse(value);
    return json;
  } catch {
    /* It only looked like JSON, so it is text without fields. */
    return value;
  }
}

function fieldNames(value: Json, prefix: string): readonly string[] {
  const container = opened(value);
  if (!isRecord(container)) return [];
  return Object.keys(container)
    .slice(0, MAX_NAMES)
    .map((key) => prefix + formatPath(["", key]));
}
