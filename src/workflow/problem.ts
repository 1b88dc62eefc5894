import { distance } from "fastest-levenshtein";

/** What is wrong with a template or an expression, and where in its text. Offsets count UTF-16 units from 0. */
export interface Problem {
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  /** What the author can do, where there is something. */
  readonly help: string | null;
}

/** The name that was probably meant; null when none is near enough to be more than a guess. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const limit = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const found = distance(name.toLowerCase(), candidate.toLowerCase());
    if (found < bestDistance) {
      best = candidate;
      bestDistance = found;
    }
  }
  return best;
}
