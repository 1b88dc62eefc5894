import type { Span } from "./token-patterns.ts";

/** Finds many fixed texts in one pass, at a cost that does not grow with their number. */
export interface LiteralIndex {
  add(text: string): void;
  /** Every place of every text, overlapping ones included. */
  find(text: string): readonly Span[];
}

/**
 * A table tells for the next three characters whether any text may begin here; almost always none does. Texts that are
 * too short for that are searched for one by one.
 */
export function openLiteralIndex(): LiteralIndex {
  const table = new Uint8Array(TABLE_SIZE);
  const byHash = new Map<number, string[]>();
  const short: string[] = [];
  return {
    add: (text) => {
      if (text.length < PREFIX) {
        short.push(text);
        return;
      }
      const hash = hashAt(text, 0);
      table[hash] = 1;
      byHash.set(hash, [...(byHash.get(hash) ?? []), text]);
    },
    find: (text) => {
      const spans: Span[] = [];
      for (const literal of short) {
        for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + 1)) {
          spans.push({ start: at, end: at + literal.length });
        }
      }
      if (byHash.size === 0) return spans;
      for (let at = 0; at + PREFIX <= text.length; at++) {
        const hash = hashAt(text, at);
        if (table[hash] === 0) continue;
        for (const literal of byHash.get(hash) ?? []) {
          if (text.startsWith(literal, at)) spans.push({ start: at, end: at + literal.length });
        }
      }
      return spans;
    },
  };
}

/** How many characters the table looks at. */
const PREFIX = 3;

const TABLE_SIZE = 1 << 16;

function hashAt(text: string, at: number): number {
  const mixed = text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2);
  return mixed & (TABLE_SIZE - 1);
}
