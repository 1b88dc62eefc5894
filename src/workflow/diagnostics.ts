/** Where problems are collected while a file is read. */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import { DIAGNOSTIC_CODES } from "./diagnostic.ts";
import type { Range, Source } from "./source.ts";
import { locate } from "./source.ts";

/** More than anyone reads, and little enough to keep. */
const MAX_PROBLEMS = 500;

export interface Problem {
  readonly code: DiagnosticCode;
  readonly at: Range;
  readonly message: string;
  readonly help?: string | null;
  /** What mends it, where that can be told for sure. */
  readonly edits?: Fix | null;
}

/** What mends one problem: all of it, or nothing. */
export type Fix = readonly Edit[];

/** A part of the file that is written anew. */
export interface Edit {
  readonly at: Range;
  readonly text: string;
}

export interface Diagnostics {
  readonly source: Source;
  readonly report: (problem: Problem) => void;
  /** In the order of the file. */
  readonly list: () => readonly Diagnostic[];
  /** What mends the problems, in the order of the file. */
  readonly fixes: () => readonly Fix[];
}

/** An empty collection. The same problem at the same place, as an alias repeats it, is kept once. */
export function collectDiagnostics(source: Source): Diagnostics {
  const kept: { readonly diagnostic: Diagnostic; readonly start: number }[] = [];
  const seen = new Set<string>();
  const fixes: Fix[] = [];
  const add = ({ code, at, message, help, edits = null }: Problem): void => {
    const key = `${at.start} ${code} ${message}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (edits !== null && edits.length > 0) fixes.push(edits);
    const severity = DIAGNOSTIC_CODES[code];
    kept.push({ diagnostic: { code, severity, message, help: help ?? null, at: locate(source, at) }, start: at.start });
  };
  return {
    source,
    report: (problem) => {
      if (kept.length < MAX_PROBLEMS) add(problem);
      else if (kept.length === MAX_PROBLEMS) {
        add({
          code: "too-many-problems",
          at: problem.at,
          message: `more than ${MAX_PROBLEMS} problems; the rest is not shown`,
        });
      }
    },
    list: () => kept.toSorted((a, b) => a.start - b.start).map((entry) => entry.diagnostic),
    fixes: () => fixes.toSorted((a, b) => startOf(a) - startOf(b)),
  };
}

function startOf(fix: Fix): number {
  return Math.min(...fix.map(({ at }) => at.start));
}
