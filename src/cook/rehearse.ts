/** A dry run: the same loop with a performer that does nothing, on a journal that nobody keeps. */
import type { EventBody, Recorded } from "./decision/event.ts";
import type { Session } from "./decision/state.ts";
import { createDryPerformer } from "./execution/dry.ts";
import { shown } from "./masking.ts";
import { drive } from "./orchestrator.ts";
import type { Clock, FilesPort, JournalPort, MaskerPort } from "./ports.ts";
import { openTally, type Tally } from "./tally.ts";

export async function rehearse(run: {
  readonly opening: readonly EventBody[];
  readonly clock: Clock;
  readonly masker: MaskerPort;
  readonly files: Pick<FilesPort, "read" | "list">;
  readonly env: Readonly<Record<string, string>>;
  readonly observe: (event: Recorded) => void;
  readonly signal: AbortSignal;
}): Promise<{ readonly session: Session; readonly tally: Tally }> {
  const { opening, clock, masker, files, env, observe, signal } = run;
  let seq = 0;
  const journal: JournalPort = {
    append: (events) => Promise.resolve(events.map((event) => ({ ...event, seq: ++seq }))),
  };
  // Nothing was ever started, so nothing can be left over; and no folder is made to look.
  const nothing = Promise.resolve({ ok: true as const, value: null });
  const none = Promise.resolve(0);
  const host = { env, readText: () => nothing, endLeftovers: () => none, freeBytes: () => none, portsFor: () => none };
  const tally = openTally();
  const session = await drive({
    ports: { clock, journal, inbox: { next: waitForEver }, host },
    performer: createDryPerformer({ masker, files }),
    history: [],
    opening,
    observe: (event) => {
      tally.add(event);
      observe(shown(event, masker));
    },
    stop: signal,
  });
  return { session, tally: tally.read() };
}

function waitForEver(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
