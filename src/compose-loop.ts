/** The loop with all that listens to it: the session's file, its dead letters, its numbers, and whoever watches. */
import type { EventBody, Recorded } from "./cook/decision/event.ts";
import type { Session } from "./cook/decision/state.ts";
import { createPerformer } from "./cook/execution/perform.ts";
import { shown } from "./cook/masking.ts";
import { drive } from "./cook/orchestrator.ts";
import type { Ports } from "./cook/ports.ts";
import { openTally, type Tally } from "./cook/tally.ts";
import type { Watch } from "./cook/watching.ts";
import { openLiveLetters } from "./dead-letters/live.ts";
import type { GlobalStorage } from "./storage/global-storage.ts";
import { openClock } from "./system/clock.ts";
import { openLiveProjection } from "./unified-session/live-projection.ts";

export interface Worked {
  readonly session: Session;
  readonly tally: Tally;
}

export interface Loop {
  readonly storage: GlobalStorage;
  readonly key: string;
  readonly id: string;
  readonly history: readonly Recorded[];
  readonly watch: Watch;
  readonly ports: Ports;
  readonly opening: readonly EventBody[];
}

export async function runLoop({ storage, key, id, history, watch, ports, opening }: Loop): Promise<Worked> {
  const tally = openTally();
  await using projection = openLiveProjection(storage, { repository: key, session: id }, openClock());
  await using letters = openLiveLetters(storage, { repository: key, session: id }, openClock());
  for (const event of history) {
    const seen = shown(event, ports.masker);
    tally.add(seen);
    projection.replay(seen);
    letters.replay(seen);
    watch.replay(seen);
  }
  const session = await drive({
    ports,
    performer: createPerformer({ ports, live: watch.live }),
    history,
    opening,
    observe: (event) => {
      const seen = shown(event, ports.masker);
      tally.add(seen);
      projection.add(seen);
      letters.add(seen);
      watch.observe(seen);
    },
    stop: watch.signal,
  });
  return { session, tally: tally.read() };
}
