/** How a session stands, from its file alone: that takes no longer for ten thousand items than for ten. */
import { lockOptions } from "../compose.ts";
import type { Outcome } from "../cook/ports.ts";
import { neverBegan } from "../cook/resume-plan.ts";
import { openStorage } from "../storage/global-storage.ts";
import { lockHolder } from "../storage/lock.ts";
import { openClock } from "../system/clock.ts";
import { listAllSessions, type SessionEntry } from "../unified-session/find.ts";
import { SessionManager } from "../unified-session/manager.ts";
import type { UnifiedSession } from "../unified-session/state.ts";
import { listSessions } from "./sessions.ts";
import { findGround, type Where } from "./where.ts";

export interface Progress {
  readonly session: UnifiedSession;
  /** The process that works on it now; null when none does. */
  readonly pid: number | null;
}

export interface ProgressOptions extends Where {
  /** An id, or the beginning or the end of one; null for the newest that runs, or else the newest. */
  readonly session: string | null;
}

export async function readProgress(options: ProgressOptions): Promise<Outcome<Progress>> {
  const named = await nameOf(options);
  return named.ok ? readNamed({ ...options, session: named.value }) : named;
}

/** The same, and then again whenever it has changed, until nobody works on the session any more or the signal is aborted. */
export async function* followProgress(
  options: ProgressOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Outcome<Progress>, void> {
  const named = await nameOf(options);
  if (!named.ok) {
    yield named;
    return;
  }
  let told = "";
  while (!options.signal.aborted) {
    const found = await readNamed({ ...options, session: named.value });
    const version = found.ok ? `${found.value.session.updated_at} ${String(found.value.pid)}` : "";
    if (!found.ok || version !== told) yield found;
    if (!found.ok || found.value.pid === null) return;
    told = version;
    await openClock().sleep(FOLLOW_MS, options.signal);
  }
}

/** A session's file is written about as often. */
const FOLLOW_MS = 1000;

async function nameOf(options: ProgressOptions): Promise<Outcome<string>> {
  if (options.session !== null) return { ok: true, value: options.session };
  const listed = await listSessions(options);
  if (!listed.ok) return listed;
  const { sessions } = listed.value;
  const meant = sessions.find(({ pid }) => pid !== null) ?? sessions[0];
  if (meant !== undefined) return { ok: true, value: meant.session.id };
  return { ok: false, fault: { ...neverBegan(""), message: "nothing has run in this repository yet" } };
}

async function readNamed(options: Where & { readonly session: string }): Promise<Outcome<Progress>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session: id } = found.value;
  const storage = await openStorage(ground.root);
  if (!storage.ok) return storage;
  // Looked at first: a session that ends in between is told as ended, and not as running for ever.
  const holder = await lockHolder(lockOptions(ground, ground.key, id));
  await using manager = new SessionManager(storage.value, openClock());
  const loaded = await manager.load({ repository: ground.key, session: id });
  if (!loaded.ok) return loaded;
  const session = loaded.value;
  if (session !== null && (holder !== null || session.status !== "Running"))
    return { ok: true, value: { session, pid: holder?.pid ?? null } };
  // Its worker died before it could write the file: the journal tells.
  const all = await listAllSessions(storage.value, {
    repository: ground.key,
    clock: openClock(),
    holderOf: () => Promise.resolve(holder),
  });
  const entry: SessionEntry | undefined = all.sessions.find((other) => other.session.id === id);
  if (entry === undefined) return { ok: false, fault: neverBegan(id) };
  return { ok: true, value: { session: entry.session, pid: holder?.pid ?? null } };
}
