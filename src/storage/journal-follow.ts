import { join } from "node:path";
import { type Recorded, SCHEMA_VERSION } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { fileFault, reason } from "./fault.ts";
import { decodeEvent, journalFiles, newerFault, scanJournal, scanLines } from "./journal-scan.ts";
import { watchDirectory } from "./watch.ts";

/** Events in memory at once while following; the rest is read when these were taken. */
const MAX_BATCH = 1000;

/** All events of a journal. A torn end is left out; damage is a fault. */
export async function readJournal(directory: string): Promise<Outcome<readonly Recorded[]>> {
  const events: Recorded[] = [];
  const end = await scanJournal(directory, (event) => void events.push(event));
  return end.ok ? { ok: true, value: events } : end;
}

/**
 * Gives the events from number `from` on, then each new one as it is written, also by a later process, until the signal
 * is aborted. It never changes the journal. After a fault it ends.
 */
export async function* followJournal(
  directory: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Outcome<Recorded>, void> {
  let place: Place = { next: 1, path: null, offset: 0, line: 1 };
  while (!signal.aborted) {
    using change = watchDirectory(directory, signal);
    const batch = await readOn(directory, place);
    for (const event of batch.events) {
      if (signal.aborted) return;
      if (event.seq >= from) yield { ok: true, value: event };
    }
    if (batch.fault !== null) yield batch.fault;
    if (batch.fault !== null) return;
    place = batch.place;
    if (batch.events.length === 0) await change.happened;
  }
}

interface Place {
  /** Number of the event that comes next. */
  readonly next: number;
  /** The file that held the last one. */
  readonly path: string | null;
  readonly offset: number;
  readonly line: number;
}

interface Batch {
  readonly events: readonly Recorded[];
  readonly place: Place;
  readonly fault: Outcome<never> | null;
}

async function readOn(directory: string, start: Place): Promise<Batch> {
  try {
    const same = await readFileOn(directory, start);
    if (same.events.length > 0 || same.fault !== null) return same;
    const files = await journalFiles(directory);
    const later = files.slice(start.path === null ? 0 : files.indexOf(start.path) + 1);
    for (const path of later) {
      const batch = await readFileOn(directory, { ...start, path, offset: 0, line: 1 });
      if (batch.events.length > 0 || batch.fault !== null) return batch;
    }
    return { events: [], place: start, fault: null };
  } catch (error) {
    return {
      events: [],
      place: start,
      fault: fileFault(`Could not read the journal in ${directory}: ${reason(error)}`),
    };
  }
}

/** Reads on in one file, up to its end or to a line that is not (yet) whole. */
async function readFileOn(directory: string, start: Place): Promise<Batch> {
  const events: Recorded[] = [];
  let place = start;
  let fault: Outcome<never> | null = null;
  const { path } = start;
  if (path === null) return { events, place, fault };
  await scanLines(path, { offset: start.offset, number: start.line }, ({ line, end, number }) => {
    if (line.kind === "bad") return false;
    if ((line.kind === "header" || line.kind === "event") && line.version > SCHEMA_VERSION) {
      fault = newerFault(path, line.version, line.kind === "header" ? line.writer : null);
      return false;
    }
    if (line.kind === "event" && line.seq === place.next) {
      const event = decodeEvent(line, join(directory, "blobs"));
      if (!event.ok) {
        fault = event;
        return false;
      }
      events.push(event.value);
      place = { ...place, next: line.seq + 1 };
    }
    place = { ...place, offset: end, line: number + 1 };
    return events.length < MAX_BATCH;
  });
  return { events, place, fault };
}
