/**
 * What sessions that tried dead letters again have come to goes into the journal of the session that keeps the letters. A
 * process that died before it could do so has left it to whoever looks next.
 */
import { type Ground, lockOptions, maskerOf } from "../compose.ts";
import type { EventBody } from "../cook/decision/event.ts";
import { shown } from "../cook/masking.ts";
import { settled } from "../dead-letters/settle.ts";
import { readJournal } from "../storage/journal-follow.ts";
import { sessionPaths } from "../storage/layout.ts";
import { lockHolder } from "../storage/lock.ts";
import { underLock } from "../storage/upkeep.ts";
import { lettersOf, noteInJournal } from "./letter-queue.ts";

/** Does nothing where somebody works on the session at this moment: that process, or the next one, does it. */
export async function settleRetries(ground: Ground, session: string): Promise<void> {
  if ((await openRetries(ground, session)).size === 0) return;
  await underLock(lockOptions(ground, ground.key, session), async () => {
    for (const [child, items] of await openRetries(ground, session)) {
      const settled = await settlementOf(ground, child, items);
      if (settled === null) continue;
      const noted = await noteInJournal(ground, session, [settled]);
      if (!noted.ok) return noted;
    }
    return { ok: true, value: null };
  });
}

/** Which sessions try which of the letters again. */
async function openRetries(ground: Ground, session: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const letters = await lettersOf(ground, session);
  const retries = new Map<string, Set<string>>();
  if (!letters.ok) return retries;
  for (const { item_id: id, retrying_in: child } of letters.value) {
    if (child === null) continue;
    const items = retries.get(child) ?? new Set();
    retries.set(child, items.add(id));
  }
  return retries;
}

/** Null while it has not ended. One that has no journal never began, and nobody can go on with it. */
async function settlementOf(ground: Ground, child: string, items: ReadonlySet<string>): Promise<EventBody | null> {
  if ((await lockHolder(lockOptions(ground, ground.key, child))) !== null) return null;
  const history = await readJournal(sessionPaths(ground.root, ground.key, child).events);
  if (!history.ok) return null;
  const masker = maskerOf(ground.env);
  return settled(
    child,
    items,
    history.value.map((event) => shown(event, masker)),
  );
}
