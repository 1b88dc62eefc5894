import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Recorded } from "../cook/decision/event.ts";
import { journalFiles, decodeEvent } from "./journal-scan.ts";
import { parseLine } from "./journal-line.ts";

/** More than the events that settle a session ever take. */
const TAIL_BYTES = 256 * 1024;

/**
 * The last event of a journal, at a cost that does not grow with it. Null when there is none, or when it is longer than
 * what settles a session.
 */
export async function lastEvent(directory: string): Promise<Recorded | null> {
  try {
    for (const path of (await journalFiles(directory)).toReversed()) {
      for (const line of (await tailOf(path)).split("\n").toReversed()) {
        const parsed = parseLine(line);
        if (parsed.kind !== "event") continue;
        const event = decodeEvent(parsed, join(directory, "blobs"));
        return event.ok ? event.value : null;
      }
    }
  } catch {
    // It cannot be read; whoever reads all of it says why.
  }
  return null;
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
