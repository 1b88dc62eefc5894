/** Reads a session's dead letters: from their file where it is up to date, and else from the journal. */
import { parseJson, readText } from "../storage/atomic.ts";
import type { GlobalStorage } from "../storage/global-storage.ts";
import { scanJournal } from "../storage/journal-scan.ts";
import { lastEvent } from "../storage/journal-tail.ts";
import type { Outcome } from "../cook/ports.ts";
import type { Recorded } from "./facts.ts";
import { type LetterFile, type Letters, openLetters } from "./projection.ts";

export interface LetterPlace {
  readonly repository: string;
  readonly session: string;
}

export interface Reading {
  /** What of an event people may see. */
  readonly shown: (event: Recorded) => Recorded;
  /** Whether a process works on the session; then the file is its own. */
  readonly isLive: boolean;
}

export async function readLetters(
  storage: GlobalStorage,
  at: LetterPlace,
  { shown, isLive }: Reading,
): Promise<Outcome<LetterFile>> {
  const { events, deadLetters } = storage.paths(at.repository, at.session);
  const [stored, last] = await Promise.all([storedLetters(deadLetters), lastEvent(events)]);
  if (stored !== null && last !== null && stored.seq === last.seq) return { ok: true, value: stored };
  const computed = await computedLetters(events, shown);
  if (!computed.ok) return computed;
  const file = computed.value.read();
  if (!isLive && file.has_map) await storage.saveDeadLetters(at, file).catch(() => undefined);
  return { ok: true, value: file };
}

/** The letters of a whole journal. */
export async function computedLetters(events: string, shown: (event: Recorded) => Recorded): Promise<Outcome<Letters>> {
  const letters = openLetters();
  const end = await scanJournal(events, (event) => {
    letters.add(shown(event));
    return true;
  });
  return end.ok ? { ok: true, value: letters } : end;
}

/** Null where there is no file, or one that nothing can be read from. */
async function storedLetters(path: string): Promise<LetterFile | null> {
  try {
    const text = await readText(path);
    const value = text === null ? null : parseJson(text);
    if (value === null || typeof value !== "object" || !("version" in value) || value["version"] !== 1) return null;
    if (typeof value["seq"] !== "number" || !Array.isArray(value["items"])) return null;
    // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: only this program writes version 1.
    return value as unknown as LetterFile;
  } catch {
    // It is computed again.
    return null;
  }
}
