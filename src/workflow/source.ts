/** The text of a workflow file, and the way from an offset in it to a line and a column. */
import type { DiagnosticLocation } from "./diagnostic.ts";
import type { SourceLocation } from "./model.ts";

/** Offsets into the text, the end not included. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Source {
  readonly file: string;
  /** Without a byte order mark. */
  readonly text: string;
  /** The offset at which each line begins. */
  readonly lineStarts: readonly number[];
  /** Other files that were read for this one, each behind all before it, so that one offset tells the file as well. */
  readonly parts: readonly Part[];
}

/** A file of several, and the offset at which it begins. */
export interface Part {
  readonly start: number;
  readonly source: Source;
}

/** A longer line is shown in part: one line of JSON may hold the whole file, and each step keeps its line. */
const MAX_LINE_LENGTH = 160;
/** How much of a long line is shown before the place that is meant. */
const CONTEXT_BEFORE = 60;

export function makeSource(file: string, text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts, parts: [] };
}

/** The file in which an offset lies. */
export function partAt(source: Source, offset: number): Part {
  return source.parts.findLast(({ start }) => start <= offset) ?? { start: 0, source };
}

export function shifted({ start, end }: Range, by: number): Range {
  return { start: start + by, end: end + by };
}

/** Where a range stands. It is cut at the end of its first line, and always lies inside the file. */
export function locate(all: Source, global: Range): DiagnosticLocation {
  const { start: before, source } = partAt(all, global.start);
  const range = shifted(global, -before);
  // What is missing at the end is shown behind the last line that has something in it.
  const start = Math.max(0, range.start >= source.text.length ? source.text.trimEnd().length : range.start);
  const index = lineIndex(source.lineStarts, start);
  const lineStart = source.lineStarts[index] ?? 0;
  const lineEnd = (source.lineStarts[index + 1] ?? source.text.length + 1) - 1;
  const from = lineEnd - lineStart > MAX_LINE_LENGTH ? Math.max(lineStart, start - CONTEXT_BEFORE) : lineStart;
  const text = source.text.slice(from, Math.min(lineEnd, from + MAX_LINE_LENGTH)).trimEnd();
  return {
    file: source.file,
    line: index + 1,
    column: start - lineStart + 1,
    text,
    length: Math.max(1, Math.min(range.end, lineEnd) - start),
    textColumn: from - lineStart + 1,
  };
}

/** As `locate`, in the form that the model keeps. */
export function locateStep(source: Source, range: Range): SourceLocation {
  const { file, line, column, text } = locate(source, range);
  return { file, line, column, text };
}

/** The way back: the offset of a place. */
export function offsetOf(source: Source, { file, line, column }: SourceLocation): number {
  const part = source.file === file ? null : source.parts.find((other) => other.source.file === file);
  const { start, source: own } = part ?? { start: 0, source };
  return start + (own.lineStarts[line - 1] ?? 0) + column - 1;
}

/** The last line that begins at or before the offset. */
function lineIndex(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
