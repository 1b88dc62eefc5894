/** Sets of numbers that mostly follow each other, as ranges: each with its first number and the one after its last. */
export type Ranges = readonly (readonly [from: number, to: number])[];

export function hasNumber(ranges: Ranges, number: number): boolean {
  return ranges.some(([from, to]) => number >= from && number < to);
}

export function withNumber(ranges: Ranges, number: number): Ranges {
  return withRange(ranges, [number, number + 1]);
}

/** Costs as much as there are ranges, however long they are. */
export function withRange(ranges: Ranges, [from, to]: readonly [number, number]): Ranges {
  if (to <= from) return ranges;
  const before = ranges.filter((range) => range[1] < from);
  const after = ranges.filter((range) => range[0] > to);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const first = Math.min(from, ...touching.map((range) => range[0]));
  const last = Math.max(to, ...touching.map((range) => range[1]));
  return [...before, [first, last], ...after];
}

export function withoutNumber(ranges: Ranges, number: number): Ranges {
  return ranges.flatMap(([from, to]): Ranges => {
    if (number < from || number >= to) return [[from, to]];
    const parts: Ranges = [
      [from, number],
      [number + 1, to],
    ];
    return parts.filter((part) => part[0] < part[1]);
  });
}

export function sizeOf(ranges: Ranges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from, 0);
}
