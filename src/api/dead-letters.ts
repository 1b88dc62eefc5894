/** The dead letter queues of sessions: what is in them, and taking something out. */
import { readdir } from "node:fs/promises";
import { type Ground, lockOptions } from "../compose.ts";
import type { Outcome } from "../cook/ports.ts";
import type { DeadLetter } from "../dead-letters/letter.ts";
import { lastEvent } from "../storage/journal-tail.ts";
import { repositoryPaths, safeId, sessionPaths } from "../storage/layout.ts";
import { underLock } from "../storage/upkeep.ts";
import { letterOfEarlier } from "../earlier/letters.ts";
import { type EarlierDetail, readEarlierSession } from "./earlier.ts";
import { lettersOf, noteInJournal, orderOf, withoutJournal } from "./letter-queue.ts";
import { settleRetries } from "./letter-settling.ts";
import { findGround, groundOf, type Where } from "./where.ts";

export interface DeadLetterQueue {
  /** The session that they belong to. */
  readonly session: string;
  readonly letters: readonly DeadLetter[];
}

/** A session's queue; without a session that of the newest one that has any letters, or null. */
export async function readDeadLetters(
  options: Where & { readonly session: string | null },
): Promise<Outcome<DeadLetterQueue | null>> {
  const { session } = options;
  if (session !== null) {
    const earlier = await readEarlierSession({ ...options, session });
    if (earlier !== null) return { ok: true, value: earlierQueue(earlier) };
    const found = await findGround(options, session);
    return found.ok ? queueOf(found.value.ground, found.value.session) : found;
  }
  const ground = await groundOf(options);
  if (!ground.ok) return ground;
  for (const id of await sessionsWithLetters(ground.value)) {
    const queue = await queueOf(ground.value, id);
    if (!queue.ok || queue.value.letters.length > 0) return queue;
  }
  return { ok: true, value: null };
}

/** Takes letters out of the queue for good. What is being tried again stays. */
export async function removeDeadLetters(
  options: Where & {
    readonly session: string;
    readonly items: readonly string[];
    readonly reason: "purged" | "cleared";
  },
): Promise<Outcome<readonly string[]>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  if ((await orderOf(ground, session)) === null) return { ok: false, fault: withoutJournal(session) };
  return underLock(lockOptions(ground, ground.key, session), async () => {
    const queue = await lettersOf(ground, session);
    if (!queue.ok) return queue;
    const wanted = new Set(options.items);
    const items = queue.value
      .filter(({ item_id: id, retrying_in: by }) => wanted.has(id) && by === null)
      .map(({ item_id: id }) => id);
    if (items.length === 0) return { ok: true, value: [] };
    const noted = await noteInJournal(ground, session, [
      { type: "dead-letters-removed", items, reason: options.reason },
    ]);
    return noted.ok ? { ok: true, value: items } : noted;
  });
}

function earlierQueue({ session, record }: EarlierDetail): DeadLetterQueue {
  return { session: session.id, letters: record.deadLetters.map(({ value }) => letterOfEarlier(value, session.id)) };
}

/** Letters that another session tried again belong to the session that they came from. */
async function queueOf(ground: Ground, session: string): Promise<Outcome<DeadLetterQueue>> {
  const owner = (await orderOf(ground, session))?.deadLettersOf ?? session;
  await settleRetries(ground, owner);
  const letters = await lettersOf(ground, owner);
  return letters.ok ? { ok: true, value: { session: owner, letters: letters.value } } : letters;
}

/** Those that may have letters, the newest first. Only what a killed worker has left has to be read for it. */
async function sessionsWithLetters({ root, key }: Ground): Promise<readonly string[]> {
  const { events, deadLetters } = repositoryPaths(root, key);
  const filed = new Set(await namesIn(deadLetters));
  const names = (await namesIn(events)).filter((name) => safeId(name).ok).toSorted((a, b) => (a < b ? 1 : -1));
  const wanted: string[] = [];
  for (const name of names) {
    const last = filed.has(name) ? null : await lastEvent(sessionPaths(root, key, name).events);
    if (last === null || !SETTLED.has(last.type)) wanted.push(name);
  }
  return wanted;
}

/** A worker that came to its end has written the file, if there was a map. */
const SETTLED: ReadonlySet<string> = new Set(["session-ended", "session-failed", "session-paused", "landed"]);

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    // Nothing has run in this repository yet.
    return [];
  }
}
