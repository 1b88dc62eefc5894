import type { Recorded } from "../cook/decision/event.ts";
import type { Outcome, RecordsPort } from "../cook/ports.ts";
import { fileFault, ok } from "./fault.ts";
import { scanJournal } from "./journal-scan.ts";

/** What somebody wants to see. All that is given must hold; null asks for nothing. */
export interface EventFilter {
  /** Empty: all types. */
  readonly types: readonly string[];
  readonly lane: string | null;
  /** This place in the run, and all below it. */
  readonly path: string | null;
  /** Milliseconds since the epoch, both included. */
  readonly since: number | null;
  readonly until: number | null;
  /** A regular expression that one of the event's texts matches. */
  readonly text: RegExp | null;
}

export const ALL_EVENTS: EventFilter = { types: [], lane: null, path: null, since: null, until: null, text: null };

/** Which of the events that match: the first so many, the last so many, or all. */
export type Window = { readonly kind: "all" } | { readonly kind: "first" | "last"; readonly count: number };

/**
 * Gives the events of a journal that match, in order, one at a time: a journal may be bigger than the memory. The value
 * is how many were given.
 */
export async function queryEvents(
  directory: string,
  query: { readonly filter: EventFilter; readonly window: Window },
  visit: (event: Recorded) => void,
): Promise<Outcome<number>> {
  const { filter, window } = query;
  const last: Recorded[] = [];
  let given = 0;
  const give = (event: Recorded) => {
    given += 1;
    visit(event);
  };
  const end = await scanJournal(directory, (event) => {
    if (window.kind === "first" && given >= window.count) return false;
    if (!matches(event, filter)) return true;
    if (window.kind !== "last") give(event);
    else if (last.push(event) > 2 * window.count) last.splice(0, last.length - window.count);
    return true;
  });
  // Damage does not take away what was good before it.
  if (window.kind === "last" && window.count > 0) for (const event of last.slice(-window.count)) give(event);
  return end.ok ? ok(given) : end;
}

/** How many events there are of each kind, most first. */
export async function countEvents(
  directory: string,
  filter: EventFilter,
  keyOf: (event: Recorded) => string,
): Promise<Outcome<readonly { readonly key: string; readonly count: number }[]>> {
  const counts = new Map<string, number>();
  const end = await queryEvents(directory, { filter, window: { kind: "all" } }, (event) => {
    const key = keyOf(event);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  if (!end.ok) return end;
  const list = [...counts].map(([key, count]) => ({ key, count }));
  return ok(list.sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1)));
}

export function matches(event: Recorded, filter: EventFilter): boolean {
  if (filter.types.length > 0 && !filter.types.includes(event.type)) return false;
  if (filter.since !== null && event.at < filter.since) return false;
  if (filter.until !== null && event.at > filter.until) return false;
  if (filter.lane !== null && !("lane" in event && event.lane === filter.lane)) return false;
  if (filter.path !== null && !("path" in event && isBelow(event.path, filter.path))) return false;
  return filter.text === null || someText(event, filter.text);
}

/** A regular expression that somebody typed. */
export function textPattern(pattern: string, options: { readonly ignoreCase: boolean }): Outcome<RegExp> {
  try {
    return ok(new RegExp(pattern, options.ignoreCase ? "iu" : "u"));
  } catch {
    return fileFault(
      `${JSON.stringify(pattern)} is not a regular expression.`,
      "Write a backslash before . * + ? ( ) [ ] { } | ^ $ to mean the character itself.",
    );
  }
}

function isBelow(path: string | null, start: string): boolean {
  return path !== null && (path === start || path.startsWith(`${start}/`));
}

function someText(value: unknown, pattern: RegExp): boolean {
  if (typeof value === "string") return pattern.test(value);
  if (value === null || typeof value !== "object") return false;
  return Object.values(value).some((part) => someText(part, pattern));
}

/** The journal's own past, for the engine. A journal that cannot be read any more is the end of this process. */
export function openRecords(directory: string): RecordsPort {
  return {
    each: async (type, visit) => {
      const filter = { ...ALL_EVENTS, types: [type] };
      const read = await queryEvents(directory, { filter, window: { kind: "all" } }, visit);
      if (!read.ok) throw new Error(read.fault.message);
    },
  };
}
