/** What may be done to a session's journal from outside of its run, with its lock held. */
import type { Outcome } from "../cook/ports.ts";
import { acquireLock, type LockOptions } from "./lock.ts";
import { type JournalHealth, type Repair, repairJournal, verifyJournal } from "./verify.ts";

export interface Checked {
  /** As it was found. */
  readonly health: JournalHealth;
  /** Null when nothing had to be done, or nothing was asked for. */
  readonly repair: Repair | null;
}

/** Looks whether a journal is whole; with `repair` it is cut before its first bad line, losing no byte. */
export async function checkJournal(directory: string, lock: LockOptions, repair: boolean): Promise<Outcome<Checked>> {
  if (!repair) return verified(directory);
  return underLock(lock, async () => {
    const found = await verified(directory);
    if (!found.ok || found.value.health.kind === "good") return found;
    const repaired = await repairJournal(directory);
    return repaired.ok ? { ok: true, value: { ...found.value, repair: repaired.value } } : repaired;
  });
}

/** Does something to a session that must not happen while somebody works on it. */
export async function underLock<T>(lock: LockOptions, act: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  const taken = await acquireLock(lock);
  if (!taken.ok) return taken;
  await using _ = taken.value;
  return await act();
}

async function verified(directory: string): Promise<Outcome<Checked>> {
  const health = await verifyJournal(directory);
  return health.ok ? { ok: true, value: { health: health.value, repair: null } } : health;
}
