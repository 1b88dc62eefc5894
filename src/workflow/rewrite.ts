/**
 * Parts of a workflow file moved to another place, as edits of its text: comments and layout stay. Each function gives null
 * where it cannot be done for sure; whoever applies the edits compares the meaning before and after.
 */
import type { Edit } from "./diagnostics.ts";
import type { MapEntry } from "./source-node.ts";
import type { Range } from "./source.ts";

/** `key: {commands: [...]}` -> `key: [...]`, where `inner` is the entry of `commands`. */
export function withoutKey(text: string, inner: MapEntry): readonly Edit[] | null {
  const { start, end } = inner.keyAt;
  // A part of another file is mended there.
  if (end > text.length) return null;
  const lineStart = lineStartOf(text, start);
  const lineEnd = lineEndOf(text, end);
  const rest = /^[ \t]*:[ \t]*(#.*)?\r?$/u.exec(text.slice(end, lineEnd));
  const isOwnLine = text.slice(lineStart, start).trim() === "";
  if (isOwnLine && rest !== null) {
    const comment = rest[1] === undefined ? null : text.indexOf("#", end);
    const removed = comment === null ? { start: lineStart, end: lineEnd + 1 } : { start, end: comment };
    const column = start - lineStart;
    const lines = blockLines(text, lineEnd + 1, column);
    const inside = lines.find((line) => isContent(text, line));
    const by = inside === undefined ? 0 : indentOf(text, inside) - column;
    return [{ at: removed, text: "" }, ...dedent(text, { lines, by, column })];
  }
  const opening = /\{\s*$/u.exec(text.slice(0, start));
  const colon = /^\s*:\s*/u.exec(text.slice(end));
  const closing = closingBrace(text, end);
  if (opening === null || colon === null || closing === null) return null;
  const before = /,?\s*$/u.exec(text.slice(0, closing))?.[0].length ?? 0;
  return [
    { at: { start: opening.index, end: end + colon[0].length }, text: "" },
    { at: { start: closing - before, end: closing + 1 }, text: "" },
  ];
}

/**
 * `key: {a: 1, b: 2}` -> `a: 1` and `b: 2` beside the neighbours of the key. What stands between the key and the first of
 * the inner entries is removed with it.
 */
export function hoist(text: string, keyAt: Range, inner: readonly MapEntry[]): readonly Edit[] | null {
  const [first, ...others] = inner;
  if (first === undefined || first.keyAt.end > text.length) return null;
  const between = text.slice(keyAt.start, first.keyAt.start);
  if (between.includes("#")) return null;
  const removed: Edit = { at: { start: keyAt.start, end: first.keyAt.start }, text: "" };
  const braces = between.split("{").length - 1;
  const column = keyAt.start - lineStartOf(text, keyAt.start);
  if (braces === 0) {
    const by = first.keyAt.start - lineStartOf(text, first.keyAt.start) - column;
    const next = lineEndOf(text, first.keyAt.end) + 1;
    return between.includes("\n") && by > 0
      ? [removed, ...dedent(text, { lines: blockLines(text, next, column), by, column })]
      : null;
  }
  const isFlow = /^[{[]/u.test(text.trimStart()) || !/^[ \t]*(?:- +)*$/u.test(linePrefix(text, keyAt.start));
  const commas = isFlow ? [] : others.map((entry) => lineBreakFor(text, entry, column));
  const closing = closings(text, first.keyAt.end, braces);
  return closing === null || commas.includes(null)
    ? null
    : [removed, ...commas.filter((edit) => edit !== null), ...closing];
}

/** Everything that an entry of a block takes, its line end included; null in flow style and on the line of a dash. */
export function wholeEntry(text: string, entry: MapEntry): Range | null {
  if (entry.keyAt.end > text.length) return null;
  const start = lineStartOf(text, entry.keyAt.start);
  const column = entry.keyAt.start - start;
  if (text.slice(start, entry.keyAt.start).trim() !== "") return null;
  const next = lineEndOf(text, entry.keyAt.end) + 1;
  const last = blockLines(text, next, column).findLast((line) => isContent(text, line));
  return { start, end: last === undefined ? next : lineEndOf(text, last) + 1 };
}

/** A new line behind the line of an offset, in the same column as that offset. */
export function lineBehind(text: string, offset: number, added: string): Edit {
  const column = offset - lineStartOf(text, offset);
  const end = lineEndOf(text, offset);
  const at = text.charAt(end - 1) === "\r" ? end - 1 : end;
  return {
    at: { start: at, end: at },
    text: `${text.charAt(end - 1) === "\r" ? "\r" : ""}\n${" ".repeat(column)}${added}`,
  };
}

/** A key or a word in another spelling, with the quotes that it has. */
export function respelled(text: string, at: Range, name: string): Edit {
  const first = text.charAt(at.start);
  const quote = first === '"' || first === "'" ? first : "";
  return { at, text: `${quote}${name}${quote}` };
}

/** The text before an offset, in its line. */
export function linePrefix(text: string, offset: number): string {
  return text.slice(lineStartOf(text, offset), offset);
}

function lineBreakFor(text: string, entry: MapEntry, column: number): Edit | null {
  const comma = /,\s*$/u.exec(text.slice(0, entry.keyAt.start));
  return comma === null
    ? null
    : { at: { start: comma.index, end: entry.keyAt.start }, text: `\n${" ".repeat(column)}` };
}

/** The next closing braces of the mappings that are open at an offset. */
function closings(text: string, offset: number, count: number): readonly Edit[] | null {
  const edits: Edit[] = [];
  for (let from = offset; edits.length < count; ) {
    const closing = closingBrace(text, from);
    if (closing === null) return null;
    const before = /,?\s*$/u.exec(text.slice(0, closing))?.[0].length ?? 0;
    edits.push({ at: { start: Math.max(from, closing - before), end: closing + 1 }, text: "" });
    from = closing + 1;
  }
  return edits;
}

/** The brace that closes the flow mapping around an offset; null at a comment, and where there is none. */
function closingBrace(text: string, offset: number): number | null {
  const token = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[{}[\]]|\s#/gsu;
  token.lastIndex = offset;
  let depth = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match;
    if (found.startsWith("#", 1)) return null;
    if (found === "{" || found === "[") depth += 1;
    if (found !== "}" && found !== "]") continue;
    if (depth === 0) return found === "}" ? match.index : null;
    depth -= 1;
  }
  return null;
}

/** The starts of the lines that belong to a block whose key stands in `column`. */
function blockLines(text: string, from: number, column: number): readonly number[] {
  const lines: number[] = [];
  for (let at = from; at < text.length; at = lineEndOf(text, at) + 1) {
    if (isContent(text, at)) {
      const indent = indentOf(text, at);
      if (indent < column || (indent === column && !/^-(?:\s|$)/u.test(text.slice(at + indent, at + indent + 2))))
        break;
    }
    lines.push(at);
  }
  return lines;
}

interface Shift {
  readonly lines: readonly number[];
  readonly column: number;
  readonly by: number;
}

/** Lines that are not as far to the right, such as comments, stay. */
function dedent(text: string, { lines, column, by }: Shift): readonly Edit[] {
  if (by <= 0) return [];
  const moving = lines.filter(
    (line) => indentOf(text, line) >= column + by && text.slice(line, lineEndOf(text, line)).trim() !== "",
  );
  return moving.map((line) => ({ at: { start: line, end: line + by }, text: "" }));
}

/** Whether a line holds more than blanks and a comment. */
function isContent(text: string, line: number): boolean {
  return /^[ \t]*[^\s#]/u.test(text.slice(line, lineEndOf(text, line)));
}

function indentOf(text: string, line: number): number {
  let at = line;
  while (text.charAt(at) === " ") at += 1;
  return at - line;
}

function lineStartOf(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

function lineEndOf(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}
