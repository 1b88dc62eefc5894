/** The letters of one session, and what is noted about them in its journal. */
import { type Ground, lockOptions, maskerOf } from "../compose.ts";
import type { EventBody, Fault, Recorded, SessionOrder } from "../cook/decision/event.ts";
import { fault } from "../cook/decision/fault.ts";
import { mapped, masked, maskedJournal, shown } from "../cook/masking.ts";
import type { Outcome } from "../cook/ports.ts";
import type { DeadLetter } from "../dead-letters/letter.ts";
import { readLetters } from "../dead-letters/store.ts";
import { openStorage } from "../storage/global-storage.ts";
import { openJournal } from "../storage/journal.ts";
import { scanJournal } from "../storage/journal-scan.ts";
import { sessionPaths } from "../storage/layout.ts";
import { lockHolder } from "../storage/lock.ts";
import { openClock } from "../system/clock.ts";
import { mendSession } from "../unified-session/live-projection.ts";
import { version } from "../version.ts";

/** Adds to the journal of a session that nobody works on. The caller holds its lock. */
export async function noteInJournal(
  ground: Ground,
  session: string,
  bodies: readonly EventBody[],
): Promise<Outcome<null>> {
  const storage = await openStorage(ground.root);
  if (!storage.ok) return storage;
  const clock = openClock();
  const masker = maskerOf(ground.env);
  const history: Recorded[] = [];
  const { events: directory } = sessionPaths(ground.root, ground.key, session);
  const opened = await openJournal(
    { directory, writer: `prodigy ${version}`, pid: process.pid, now: () => clock.now() },
    (event) => void history.push(event),
  );
  if (!opened.ok) return opened;
  const at = clock.now();
  {
    await using journal = opened.value;
    const added = await maskedJournal(journal, masker).append(
      bodies.map((body) => ({ ...body, at })),
      { durable: true },
    );
    history.push(...added);
  }
  const place = { repository: ground.key, session };
  await mendSession(
    storage.value,
    place,
    history.map((event) => shown(event, masker)),
  );
  // The file is behind now, and written anew.
  const read = await readLetters(storage.value, place, { shown: (event) => shown(event, masker), isLive: false });
  return read.ok ? { ok: true, value: null } : read;
}

/** What is in the queue, as people may see it. */
export async function lettersOf(ground: Ground, session: string): Promise<Outcome<readonly DeadLetter[]>> {
  const storage = await openStorage(ground.root);
  if (!storage.ok) return storage;
  const masker = maskerOf(ground.env);
  const holder = await lockHolder(lockOptions(ground, ground.key, session));
  const file = await readLetters(
    storage.value,
    { repository: ground.key, session },
    { shown: (event) => shown(event, masker), isLive: holder !== null },
  );
  if (!file.ok) return file;
  return { ok: true, value: mapped({ items: file.value.items }, (text) => masked(text, masker)).items };
}

/** An earlier program ran it, or it never began: nothing can be noted about it. */
export function withoutJournal(session: string): Fault {
  const help = "run the workflow again for what is left: prodigy run WORKFLOW";
  return fault("file", `session ${session} has no journal, so its dead letters can only be looked at`, { help });
}

/** What a session was asked to do; null where it never began. */
export async function orderOf({ root, key }: Ground, session: string): Promise<SessionOrder | null> {
  let order: SessionOrder | null = null;
  await scanJournal(sessionPaths(root, key, session).events, (event) => {
    if (event.type === "session-started") order = event.order;
    return false;
  });
  return order;
}
