/** What is known of sessions. */
import { lockOptions, maskerOf, openHistory } from "../compose.ts";
import { storageRoot } from "../storage/folders.ts";
import { folded } from "../cook/folded.ts";
import type { Recorded } from "../cook/decision/event.ts";
import { evolve } from "../cook/decision/evolve.ts";
import type { Session, State } from "../cook/decision/state.ts";
import { isOrder, shown } from "../cook/masking.ts";
import type { Outcome } from "../cook/ports.ts";
import { neverBegan } from "../cook/resume-plan.ts";
import { openTally, type Tally } from "../cook/tally.ts";
import { ALL_EVENTS, queryEvents } from "../storage/event-query.ts";
import { openStorage } from "../storage/global-storage.ts";
import { followJournal } from "../storage/journal-follow.ts";
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
  const masker = maskerOf(ground.env);
  const tally = openTally();
  const orders: Recorded[] = [];
  let state: State = { kind: "none" };
  // One after another: a journal of thousands of items need not be in memory as a whole.
  const read = await queryEvents(journal, { filter: ALL_EVENTS, window: { kind: "all" } }, (event) => {
    if (isOrder(event)) orders.push(event);
    const seen = shown(event, masker);
    tally.add(seen);
    state = evolve(state, seen);
  });
  if (!read.ok) return read;
  const settled = sessionIn(state);
  if (settled === null) return { ok: false, fault: neverBegan(id) };
  const { history } = await openHistory(ground, orders, masker);
  const { workflow } = folded(history).order;
  const holder = await lockHolder(lockOptions(ground, ground.key, id));
  return {
    ok: true,
    value: { id, pid: holder?.pid ?? null, state: settled, tally: tally.read(), workflow, journal, logs },
  };
}

/** Null for an empty journal. */
function sessionIn(state: State): Session | null {
  return state.kind === "none" ? null : state;
}

/** What a session executes, without all else that its journal holds. */
export interface SessionWorkflow {
  readonly id: string;
  /** Nothing in it is masked: it is to be compared, and not to be shown. */
  readonly workflow: Workflow;
  readonly workflowFile: string | null;
}

export async function readSessionWorkflow(
  options: Where & { readonly session: string },
): Promise<Outcome<SessionWorkflow>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session: id } = found.value;
  const orders: Recorded[] = [];
  const query = { filter: { ...ALL_EVENTS, types: ORDERS }, window: { kind: "all" } } as const;
  const read = await queryEvents(sessionPaths(ground.root, ground.key, id).events, query, (event) =>
    orders.push(event),
  );
  if (!read.ok) return read;
  if (orders.length === 0) return { ok: false, fault: neverBegan(id) };
  const { history } = await openHistory(ground, orders, maskerOf(ground.env));
  const { workflow, workflowFile } = folded(history).order;
  return { ok: true, value: { id, workflow, workflowFile } };
}

const ORDERS = ["session-started", "workflow-changed"];

export interface EventWish {
  /** Empty: all. @default all */
  readonly types?: readonly string[];
  /** Milliseconds since the epoch. @default from the beginning */
  readonly since?: number | null;
  /** So many, the last ones. @default all */
  readonly last?: number | null;
}

/** The events of a session, its secrets masked as far as this environment knows them. Only what is wanted takes time. */
export async function readEvents(
  options: Where & EventWish & { readonly session: string },
): Promise<Outcome<readonly Recorded[]>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const { types = [], since = null, last = null } = options;
  const events: Recorded[] = [];
  const window = last === null ? ({ kind: "all" } as const) : ({ kind: "last", count: last } as const);
  const query = { filter: { ...ALL_EVENTS, types, since }, window };
  const journal = sessionPaths(ground.root, ground.key, session).events;
  const read = await queryEvents(journal, query, (event) => events.push(event));
  const masker = maskerOf(ground.env);
  return read.ok ? { ok: true, value: events.map((event) => shown(event, masker)) } : read;
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
