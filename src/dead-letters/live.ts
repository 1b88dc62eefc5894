/**
 * Keeps `failed_items.json` up with a session's journal while it runs: at once where the session comes to rest, and else at
 * most once a second, and never more than a small part of the time. Disposing of it writes what is still to be written.
 */
import type { GlobalStorage, SessionPlace } from "../storage/global-storage.ts";
import type { Clock } from "../cook/ports.ts";
import type { Recorded } from "./facts.ts";
import { openLetters } from "./projection.ts";

export interface LiveLetters extends AsyncDisposable {
  /** An event that was in the journal before this process came. */
  replay(event: Recorded): void;
  /** An event that has just been recorded. */
  add(event: Recorded): void;
}

const WRITE_INTERVAL_MS = 1000;
/** A queue of thousands takes long to write; so much longer it then waits. */
const WRITE_SHARE = 20;

const RESTS: ReadonlySet<Recorded["type"]> = new Set(["session-ended", "session-failed", "session-paused"]);

export function openLiveLetters(storage: GlobalStorage, at: SessionPlace, clock: Clock): LiveLetters {
  const letters = openLetters();
  const closing = new AbortController();
  let isDirty = false;
  let isWaiting = false;
  let nextAt = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    isDirty = false;
    const began = clock.now();
    try {
      await storage.saveDeadLetters(at, letters.read());
    } catch {
      // All that it says is in the journal: whoever asks for it computes it again.
    }
    const ended = clock.now();
    nextAt = ended + Math.max(WRITE_INTERVAL_MS, WRITE_SHARE * (ended - began));
  };
  const writeWhenDue = async (): Promise<void> => {
    await clock.sleep(Math.max(0, nextAt - clock.now()), closing.signal);
    isWaiting = false;
    if (isDirty && !closing.signal.aborted) await write();
  };
  return {
    replay: (event) => {
      letters.add(event);
    },
    add: (event) => {
      if (letters.add(event)) isDirty = true;
      if (!isDirty || isWaiting) return;
      if (RESTS.has(event.type)) nextAt = 0;
      isWaiting = true;
      writing = writing.then(writeWhenDue);
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await writing;
      // Also where nothing failed: the file then says that nothing did, and nobody has to read the journal to know it.
      if (letters.read().has_map) await write();
    },
  };
}
