import type { GlobalStorage, SessionPlace } from "../storage/global-storage.ts";
import { NOTHING_YET, project, rebuildSession } from "./cook-adapter.ts";
import { type ManagerClock, SessionManager } from "./manager.ts";

type RecordedEvent = Parameters<typeof project>[1];

/** Keeps a session's file up with its journal while the session runs. Disposing of it writes what is still to be written. */
export interface LiveProjection extends AsyncDisposable {
  /** An event that was in the journal before this process came. */
  replay(event: RecordedEvent): void;
  /** An event that has just been recorded. */
  add(event: RecordedEvent): void;
}

export function openLiveProjection(storage: GlobalStorage, at: SessionPlace, clock: ManagerClock): LiveProjection {
  const manager = new SessionManager(storage, clock);
  let projection = NOTHING_YET;
  // A file that cannot be written now is written by the next run: all that it says is in the journal.
  let writing: Promise<unknown> = Promise.resolve();
  const write = (act: () => Promise<unknown>): void => {
    writing = writing.then(act);
  };
  return {
    replay: (event) => {
      projection = project(projection, event).projection;
    },
    add: (event) => {
      const isNew = event.type === "session-started" || event.type === "session-opened";
      const { projection: next, updates } = project(projection, event);
      projection = next;
      const { session } = next;
      if (isNew && session !== null) write(() => manager.create(at, session));
      else if (updates.length > 0) write(() => manager.update(at, updates, event.at));
    },
    [Symbol.asyncDispose]: async () => {
      await writing;
      await manager[Symbol.asyncDispose]();
    },
  };
}

/** Brings a session's file up with its journal: a worker that died at its very end may have left it behind. */
export async function mendSession(
  storage: GlobalStorage,
  at: SessionPlace,
  events: Iterable<RecordedEvent>,
): Promise<void> {
  const session = rebuildSession(events);
  if (session !== null) await storage.saveSession(at, session, { durable: true });
}
