/** What differs between two texts, line by line. */
export interface Hunk {
  /** From 1, in the old and in the new text. */
  readonly oldLine: number;
  readonly newLine: number;
  readonly removed: readonly number[];
  readonly added: readonly number[];
}

/** Beyond this many pairs of lines, all that differs is shown as one part. */
const MAX_PAIRS = 4_000_000;

/** The parts that differ, in order; lines are given by their index. */
export function lineDiff(before: readonly string[], after: readonly string[]): readonly Hunk[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const old = before.slice(head, before.length - tail);
  const fresh = after.slice(head, after.length - tail);
  const common = old.length * fresh.length > MAX_PAIRS ? [] : commonLines(old, fresh);
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  for (const [x, y] of [...common, [old.length, fresh.length] as const]) {
    if (x > i || y > j) {
      const removed = Array.from({ length: x - i }, (_, index) => head + i + index);
      const added = Array.from({ length: y - j }, (_, index) => head + j + index);
      hunks.push({ oldLine: head + i + 1, newLine: head + j + 1, removed, added });
    }
    [i, j] = [x + 1, y + 1];
  }
  return hunks;
}

/** The longest sequence of lines that both have, as pairs of indices. */
function commonLines(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}
