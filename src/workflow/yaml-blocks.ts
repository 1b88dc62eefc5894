/** Blocks (`|` and `>`) whose text is not indented: the parser takes its lines for keys, and what it says then helps nobody. */
import type { Range, Source } from "./source.ts";

export interface FlatBlock {
  /** The first line of the text. */
  readonly at: Range;
  /** The line that opens the block, without its indentation. */
  readonly opening: string;
  /** How many blanks the text needs at least. */
  readonly indentation: number;
}

const OPENING = /^(\s*(?:-\s+)*)[\w."'-]+:\s*[|>][-+0-9]*\s*(?:#.*)?$/u;
/** What may stand behind an empty block. */
const NO_TEXT = /^\s*(?:-\s|-$|[\w."'-]+:(?:\s|$)|#|\.\.\.$|---)/u;

export function flatBlocks({ text, lineStarts }: Source): readonly FlatBlock[] {
  const found: FlatBlock[] = [];
  let open: { readonly opening: string; readonly column: number } | null = null;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    if (line === "") continue;
    const start = (lineStarts[index] ?? 0) + line.length - line.trimStart().length;
    const isText = open !== null && start - (lineStarts[index] ?? 0) <= open.column && !NO_TEXT.test(line);
    if (open !== null && isText) {
      const at = { start, end: (lineStarts[index] ?? 0) + line.length };
      found.push({ at, opening: open.opening, indentation: open.column + 2 });
    }
    const column = OPENING.exec(line)?.[1]?.length;
    open = column === undefined ? null : { opening: line.trim(), column };
  }
  return found;
}
