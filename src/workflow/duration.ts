/** Durations as people write them: `10m`, `1h30m`, `1m 30s`, `500ms`, `1.5h`; a bare number is seconds. */

const UNITS: readonly { readonly names: readonly string[]; readonly ms: number }[] = [
  { names: ["ms", "msec", "msecs", "millisecond", "milliseconds"], ms: 1 },
  { names: ["s", "sec", "secs", "second", "seconds"], ms: 1_000 },
  { names: ["m", "min", "mins", "minute", "minutes"], ms: 60_000 },
  { names: ["h", "hr", "hrs", "hour", "hours"], ms: 3_600_000 },
  { names: ["d", "day", "days"], ms: 86_400_000 },
];

const MS_OF_UNIT: ReadonlyMap<string, number> = new Map(
  UNITS.flatMap((unit) => unit.names.map((name): [string, number] => [name, unit.ms])),
);

/** A year. Whatever is longer is a slip of the pen. */
export const MAX_DURATION_MS = 365 * 86_400_000;

/** Milliseconds, or null when the text is no duration or longer than a year. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (/^\d{1,12}(\.\d{1,6})?$/u.test(trimmed)) return bounded(Number(trimmed) * 1_000);
  // Checked as a whole first, so that the parts below cannot skip over rubbish.
  if (trimmed.length > 100 || !/^(\d{1,12}(\.\d{1,6})?\s*[a-z]+\s*)+$/u.test(trimmed)) return null;
  let total = 0;
  for (const [, amount = "", unit = ""] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gu)) {
    const ms = MS_OF_UNIT.get(unit);
    if (ms === undefined) return null;
    total += Number(amount) * ms;
  }
  return bounded(total);
}

function bounded(ms: number): number | null {
  return ms <= MAX_DURATION_MS ? Math.round(ms) : null;
}
