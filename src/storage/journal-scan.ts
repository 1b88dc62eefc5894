/**
 * Reading a journal's files as they are, damaged or not. Files are ordered by sequence number, because clocks go back.
 *
 * A bad line is one of two things. Where a later mark, or a later file, says that its place was already on the disk, it
 * is damage, and an error. Otherwise it is the torn end of a write that nobody was promised: readers stop before it, the
 * next writer cuts it off.
 */
import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Recorded, SCHEMA_VERSION } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { hydrate } from "./blob.ts";
import { fileFault, ok, reason, systemCode } from "./fault.ts";
import { type JournalLine, parseLine } from "./journal-line.ts";
import { upgradeEvent } from "./upgrade.ts";

const CHUNK_BYTES = 256 * 1024;

/** A line in memory at once; no event of ours comes near it. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;

/** A place in the journal where it is not as it was written. */
export interface Problem {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly offset: number;
  readonly what: string;
}

export interface JournalEnd {
  /** Number of the last good event; 0 for none. */
  readonly lastSeq: number;
  /** In the order of their events. */
  readonly files: readonly string[];
  /** Ends of files that were being written when the process or the machine died. */
  readonly torn: readonly Problem[];
}

export interface ScannedLine {
  readonly line: JournalLine;
  readonly number: number;
  /** Where the line begins and where the next one does. */
  readonly offset: number;
  readonly end: number;
}

/** What a walk through a journal came to. `visit` has seen the events before the end, whichever it was. */
export type Walk =
  | { readonly kind: "end"; readonly end: JournalEnd }
  | { readonly kind: "damage"; readonly at: Problem; readonly files: readonly string[] }
  | { readonly kind: "fault"; readonly outcome: Outcome<never> };

/** Goes through all events in order. Ends early when `visit` returns false. Damage is a fault that names the place. */
export async function scanJournal(
  directory: string,
  visit: (event: Recorded) => boolean | void,
): Promise<Outcome<JournalEnd>> {
  const walk = await walkJournal(directory, visit);
  switch (walk.kind) {
    case "end":
      return ok(walk.end);
    case "damage":
      return damageFault(walk.at);
    case "fault":
      return walk.outcome;
  }
}

/** `scanJournal` for those who treat damage. */
export async function walkJournal(directory: string, visit: (event: Recorded) => boolean | void): Promise<Walk> {
  try {
    const files = await journalFiles(directory);
    return await walkFiles(files, join(directory, "blobs"), visit);
  } catch (error) {
    return { kind: "fault", outcome: fileFault(`Could not read the journal in ${directory}: ${reason(error)}`) };
  }
}

/** The journal's files in the order of their events; those without an event are last. */
export async function journalFiles(directory: string): Promise<readonly string[]> {
  const found = await Promise.all((await eventFileNames(directory)).map((name) => firstSeq(join(directory, name))));
  return found.sort((a, b) => a.first - b.first || (a.path < b.path ? -1 : 1)).map((file) => file.path);
}

/** Reads lines from an offset on; ends early when `visit` returns false. */
export async function scanLines(
  path: string,
  from: { readonly offset: number; readonly number: number },
  visit: (line: ScannedLine) => boolean,
): Promise<void> {
  const file = await open(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let { offset, number } = from;
    let rest: Buffer[] = [];
    let restBytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, offset + restBytes);
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1 && end < bytesRead; end = chunk.indexOf(10, start)) {
        const length = restBytes + end + 1 - start;
        const line = parseBytes(Buffer.concat([...rest, chunk.subarray(start, end)]));
        if (!visit({ line, number, offset, end: offset + length })) return;
        rest = [];
        restBytes = 0;
        offset += length;
        number += 1;
        start = end + 1;
      }
      if (bytesRead === 0) break;
      rest.push(Buffer.from(chunk.subarray(start, bytesRead)));
      restBytes += bytesRead - start;
      if (restBytes > MAX_LINE_BYTES) break;
    }
    // Without its line end it was not written to its end, whatever it looks like.
    if (restBytes > 0) visit({ line: { kind: "bad" }, number, offset, end: offset + restBytes });
  } finally {
    await file.close();
  }
}

/** Says that a journal was written by a later Prodigy, and which one to install. */
export function newerFault(path: string, version: number, writer: string | null): ReturnType<typeof fileFault> {
  return fileFault(
    `${path} is a journal of form ${version}; this Prodigy reads forms up to ${SCHEMA_VERSION}.`,
    `Nothing was changed. Install ${writer ?? "a newer Prodigy"} or a later one, and try again.`,
  );
}

function damageFault(problem: Problem): ReturnType<typeof fileFault> {
  return fileFault(
    `The journal is damaged at ${problem.path}:${problem.line}: ${problem.what}.`,
    "Nothing was changed. To keep what is good before that line and put the rest aside, run: prodigy storage verify --repair",
  );
}

/** The event of a good line. */
export function decodeEvent(
  line: { readonly seq: number; readonly version: number; readonly json: string },
  blobs: string,
): Outcome<Recorded> {
  const value = hydrate(line.json, blobs);
  return value.ok ? ok({ ...upgradeEvent(value.value, line.version), seq: line.seq }) : value;
}

interface Scan {
  readonly blobs: string;
  readonly visit: (event: Recorded) => boolean | void;
  expected: number;
  writer: string | null;
  /** Where reading stopped, before it is known whether that is a torn end or damage. */
  problem: Problem | null;
  torn: Problem[];
  stop: "asked" | { readonly damage: Problem } | { readonly fault: Outcome<never> } | null;
}

async function walkFiles(
  files: readonly string[],
  blobs: string,
  visit: (event: Recorded) => boolean | void,
): Promise<Walk> {
  const scan: Scan = { blobs, visit, expected: 1, writer: null, problem: null, torn: [], stop: null };
  for (const path of files) {
    const earlier = scan.problem;
    await scanLines(path, { offset: 0, number: 1 }, (scanned) => {
      if (scan.problem === null) readLine(scan, path, scanned);
      else if (provesDamage(scan, scanned.line, scan.problem === earlier)) scan.stop = { damage: scan.problem };
      return scan.stop === null;
    });
    if (scan.stop !== null) break;
  }
  if (scan.stop === null || scan.stop === "asked") {
    return { kind: "end", end: { lastSeq: scan.expected - 1, files, torn: scan.torn } };
  }
  if ("damage" in scan.stop) return { kind: "damage", at: scan.stop.damage, files };
  return { kind: "fault", outcome: scan.stop.fault };
}

/** Marks say which events the disk had; a later file was begun only after the torn end of the earlier had been cut. */
function provesDamage(scan: Scan, line: JournalLine, inLaterFile: boolean): boolean {
  switch (line.kind) {
    case "mark":
      return inLaterFile || line.seq >= scan.expected;
    case "event":
      return inLaterFile;
    case "header":
    case "bad":
      return false;
  }
}

function readLine(scan: Scan, path: string, scanned: ScannedLine): void {
  const { line } = scanned;
  const place = { path, line: scanned.number, offset: scanned.offset };
  // A torn write leaves no good line behind it, so a good line at the wrong place is always damage.
  const misplaced = (what: string) => {
    scan.stop = { damage: { ...place, what } };
  };
  switch (line.kind) {
    case "bad":
      scan.problem = { ...place, what: "the line is not as it was written" };
      scan.torn.push(scan.problem);
      return;
    case "header":
      scan.writer = line.writer;
      if (line.version > SCHEMA_VERSION) scan.stop = { fault: newerFault(path, line.version, line.writer) };
      return;
    case "mark":
      if (line.seq >= scan.expected) misplaced(`event ${scan.expected} should stand before it`);
      return;
    case "event": {
      if (line.version > SCHEMA_VERSION) {
        scan.stop = { fault: newerFault(path, line.version, scan.writer) };
        return;
      }
      if (line.seq !== scan.expected) return misplaced(sequenceProblem(scan.expected, line.seq));
      const event = decodeEvent(line, scan.blobs);
      if (!event.ok) {
        const { message, help } = event.fault;
        scan.stop = { fault: fileFault(`${path}:${scanned.number}: ${message}`, help) };
        return;
      }
      scan.expected += 1;
      if (scan.visit(event.value) === false) scan.stop = "asked";
    }
  }
}

function sequenceProblem(expected: number, found: number): string {
  return found < expected
    ? `event ${found} stands there a second time`
    : `event ${expected} is missing; ${found} follows`;
}

async function eventFileNames(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => /^events-.*\.jsonl$/.test(basename(name)));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function firstSeq(path: string): Promise<{ readonly path: string; readonly first: number }> {
  let first = Number.MAX_SAFE_INTEGER;
  await scanLines(path, { offset: 0, number: 1 }, ({ line }) => {
    if (line.kind === "event") first = line.seq;
    return line.kind !== "event";
  });
  return { path, first };
}

function parseBytes(bytes: Buffer): JournalLine {
  return parseLine(bytes.toString());
}
