/**
 * Looks whether a session's journal is whole, and repairs one that is not: the file is cut before the first bad line, and
 * it and all later files are kept aside. What stood before that line is then a journal again; no byte is lost.
 */
import { rename } from "node:fs/promises";
import type { Outcome } from "../cook/ports.ts";
import { syncDirectory } from "./atomic.ts";
import { fileFault, ok, reason } from "./fault.ts";
import { cutFile } from "./journal.ts";
import { type Problem, walkJournal } from "./journal-scan.ts";

export type JournalHealth =
  | { readonly kind: "good"; readonly events: number }
  /** `torn` ends in the middle of a write; nothing was promised of it, and the next run cuts it. */
  | {
      readonly kind: "torn" | "damaged";
      readonly events: number;
      readonly at: Problem;
      readonly files: readonly string[];
    };

/** What a repair did. */
export interface Repair {
  /** The events that are left. */
  readonly events: number;
  /** The files that now hold what was cut off. */
  readonly aside: readonly string[];
}

/** A fault means that nothing could be said, as of a journal of a newer form. */
export async function verifyJournal(directory: string): Promise<Outcome<JournalHealth>> {
  let events = 0;
  const walk = await walkJournal(directory, () => void (events += 1));
  switch (walk.kind) {
    case "end": {
      const [at] = walk.end.torn;
      return ok(at === undefined ? { kind: "good", events } : { kind: "torn", events, at, files: walk.end.files });
    }
    case "damage":
      return ok({ kind: "damaged", events, at: walk.at, files: walk.files });
    case "fault":
      return walk.outcome;
  }
}

/** The caller holds the session's lock. */
export async function repairJournal(directory: string): Promise<Outcome<Repair>> {
  const health = await verifyJournal(directory);
  if (!health.ok) return health;
  if (health.value.kind === "good") return ok({ events: health.value.events, aside: [] });
  const { at, events, files } = health.value;
  try {
    const aside = [await cutFile(at)];
    for (const path of files.slice(files.indexOf(at.path) + 1)) {
      await rename(path, `${path}.cut`);
      aside.push(`${path}.cut`);
    }
    syncDirectory(directory);
    return ok({ events, aside });
  } catch (error) {
    return fileFault(`Could not repair the journal in ${directory}: ${reason(error)}`);
  }
}
