import { type Masker, replace } from "./masker.ts";

/** Masks a text that comes in pieces, wherever it is cut. */
export interface MaskStream {
  /** What can be said safely now. The rest is held back. */
  push(piece: string): string;
  /** The rest. */
  end(): string;
}

/**
 * A secret never spans lines, because multi-line ones are masked line by line. So whole lines are passed on, and only
 * of a very long line the beginning.
 */
export function openMaskStream(masker: Masker): MaskStream {
  let held = "";
  const take = (count: number): string => {
    const masked = masker.mask(held.slice(0, count));
    held = held.slice(count);
    return masked;
  };
  return {
    push: (piece) => {
      // Only the piece is searched: what is held has no end of a line.
      const end = Math.max(piece.lastIndexOf("\n"), piece.lastIndexOf("\r")) + 1;
      const before = held.length;
      held += piece;
      const lines = end === 0 ? "" : take(before + end);
      return held.length <= MAX_HELD ? lines : lines + longLine();
    },
    end: () => take(held.length),
  };

  function longLine(): string {
    const spans = masker.find(held);
    const limit = held.length - Math.max(masker.longest(), LONGEST_TOKEN);
    // A secret that lies across the limit stays whole, so the cut is at its beginning.
    const across = spans.find((span) => span.start < limit && span.end > limit);
    const cut = across === undefined ? limit : across.start > 0 ? across.start : across.end;
    if (cut <= 0) return "";
    const masked = replace(
      held.slice(0, cut),
      spans.filter((span) => span.end <= cut),
    );
    held = held.slice(cut);
    return masked;
  }
}

/** A line may be so long before its beginning is passed on. */
const MAX_HELD = 64 * 1024;

/** The upper limit of the longest pattern, a JSON web token. */
const LONGEST_TOKEN = 12 * 1024;
