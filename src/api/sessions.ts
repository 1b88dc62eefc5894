/** What is known of sessions. */
import { lockOptions, maskerOf, openHistory } from "../compose.ts";
import { storageRoot } from "../storage/folders.ts";
import { folded } from "../cook/folded.ts";
import type { Recorded } from "../cook/decision/event.ts";
import type { Session } from "../cook/decision/state.ts";
import { isOrder, shown } from "../cook/masking.ts";
import type { Outcome } from "../cook/ports.ts";
import { neverBegan } from "../cook/resume-plan.ts";
import { openTally, type Tally } from "../cook/tally.ts";
import { openStorage } from "../storage/global-storage.ts";
import { followJournal, readJournal } from "../storage/journal-follow.ts";
import { sessionPaths } from "../storage/layout.ts";
import { lockHolder } from "../storage/lock.ts";
import { type Checked, checkJournal, underLock } from "../storage/upkeep.ts";
import { openClock } from "../system/clock.ts";
import { definedEnv } from "../system/host.ts";
import { listAllSessions, type SessionList } from "../unified-session/find.ts";
import type { Workflow } from "../workflow/model.ts";
import { findGround, groundOf, type Where } from "./where.ts";

/** All sessions of the repository, or of all repositories, the newest first. */
export async function listSessions(
  options: Where & { readonly allRepositories?: boolean },
): Promise<Outcome<SessionList>> {
  const env = definedEnv(options.env);
  const storage = await openStorage(storageRoot(env));
  if (!storage.ok) return storage;
  const ground = options.allRepositories === true ? null : await groundOf(options);
  if (ground !== null && !ground.ok) return ground;
  const listed = await listAllSessions(storage.value, {
    repository: ground?.value.key ?? null,
    clock: openClock(),
    holderOf: (repository, session) => lockHolder(lockOptions({ root: storage.value.root, env }, repository, session)),
  });
  return { ok: true, value: listed };
}

/** One session with all that its journal tells, its secrets masked. */
export interface SessionDetail {
  readonly id: string;
  readonly pid: number | null;
  readonly state: Session;
  readonly tally: Tally;
  /** As it is executed, nothing masked: to be compared, and not to be shown. */
  readonly workflow: Workflow;
  readonly journal: string;
  readonly logs: string;
}

export async function readSession(options: Where & { readonly session: string }): Promise<Outcome<SessionDetail>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session: id } = found.value;
  const { events: journal, logs } = sessionPaths(ground.root, ground.key, id);
  const events = await readJournal(journal);
  if (!events.ok) return events;
  if (events.value.length === 0) return { ok: false, fault: neverBegan(id) };
  const masker = maskerOf(ground.env);
  const tally = openTally();
  for (const event of events.value) tally.add(shown(event, masker));
  const { history } = await openHistory(ground, events.value.filter(isOrder), masker);
  const { workflow } = folded(history).order;
  const state = folded(events.value.map((event) => shown(event, masker)));
  const holder = await lockHolder(lockOptions(ground, ground.key, id));
  return { ok: true, value: { id, pid: holder?.pid ?? null, state, tally: tally.read(), workflow, journal, logs } };
}

/** The events of a session, its secrets masked as far as this environment knows them. */
export async function readEvents(options: Where & { readonly session: string }): Promise<Outcome<readonly Recorded[]>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const events = await readJournal(sessionPaths(ground.root, ground.key, session).events);
  const masker = maskerOf(ground.env);
  return events.ok ? { ok: true, value: events.value.map((event) => shown(event, masker)) } : events;
}

/** The same, and then each new one until the signal is aborted. */
export async function* followEvents(
  options: Where & { readonly session: string; readonly signal: AbortSignal },
): AsyncGenerator<Outcome<Recorded>, void> {
  const found = await findGround(options, options.session);
  if (!found.ok) {
    yield found;
    return;
  }
  const { ground, session } = found.value;
  const masker = maskerOf(ground.env);
  for await (const event of followJournal(sessionPaths(ground.root, ground.key, session).events, 1, options.signal)) {
    yield event.ok ? { ok: true, value: shown(event.value, masker) } : event;
  }
}

/** Looks whether a session's journal is whole; with `repair` it is cut before its first bad line, losing no byte. */
export async function verifySession(
  options: Where & { readonly session: string; readonly repair: boolean },
): Promise<Outcome<Checked>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const { events } = sessionPaths(ground.root, ground.key, session);
  return checkJournal(events, lockOptions(ground, ground.key, session), options.repair);
}

/** Deletes the records of a session: its file, its journal and its logs. */
export async function deleteSession(options: Where & { readonly session: string }): Promise<Outcome<null>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  return underLock(lockOptions(ground, ground.key, session), async () => {
    const storage = await openStorage(ground.root);
    if (!storage.ok) return storage;
    await storage.value.deleteSession({ repository: ground.key, session });
    return { ok: true, value: null };
  });
}
