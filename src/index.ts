/**
 * Prodigy as a library: the same calls that the command line makes. Nothing here prints, reads `process.env` or ends the
 * process. What the world does wrong comes back as a `Fault`; what is thrown is a bug.
 */
import { resolve } from "node:path";
import {
  folded,
  type Ground,
  lockOptions,
  maskerOf,
  missingNeed,
  openGround,
  openHistory,
  storageRoot,
  tryOut,
  work,
  type Worked,
} from "./compose.ts";
import type { EventBody, Recorded, SessionOrder } from "./cook/decision/event.ts";
import { isOrder, mapped, masked, shown } from "./cook/masking.ts";
import type { Session } from "./cook/decision/state.ts";
import type { Outcome } from "./cook/ports.ts";
import { openTally, type Tally } from "./cook/tally.ts";
import { type Watching, watchOf } from "./cook/watching.ts";
import { neverBegan, notRunning, planResume } from "./cook/resume-plan.ts";
import { type RunResult, resultOf } from "./cook/run-result.ts";
import { newOrder } from "./cook/order.ts";
import { followJournal, readJournal } from "./storage/journal-follow.ts";
import { openStorage } from "./storage/global-storage.ts";
import { dropRequest, type Request } from "./storage/inbox.ts";
import { newSessionId, sessionPaths } from "./storage/layout.ts";
import { lockHolder } from "./storage/lock.ts";
import { type Checked, checkJournal, underLock } from "./storage/upkeep.ts";
import { openClock } from "./system/clock.ts";
import { registerSecrets } from "./cook/secrets.ts";
import { definedEnv, readText } from "./system/host.ts";
import { openRandom } from "./system/random.ts";
import {
  findSession,
  listAllSessions,
  type SessionEntry,
  type SessionList,
  sessionFacts,
} from "./unified-session/find.ts";
import { version } from "./version.ts";
import type { Json, Workflow } from "./workflow/model.ts";
import { type Cleaned, type WorktreeInfo, type WorktreeManager, worktreeManager } from "./worktree/manager.ts";
import { openSalvageRoom, type SalvageRoom } from "./worktree/salvage-room.ts";

export type { EventBody, Fault, PauseReason, Recorded, SessionOrder, Usage } from "./cook/decision/event.ts";
export type { LiveSink, Outcome } from "./cook/ports.ts";
export { parseParameters } from "./cook/parameters.ts";
export { everyStep } from "./cook/needs.ts";
export type { RunResult } from "./cook/run-result.ts";
export { isTopLevel, openTally, placeOf, type Problem, type Tally } from "./cook/tally.ts";
export { matchFiles } from "./system/match-files.ts";
export { renderDiagnostic, type Diagnostic } from "./workflow/diagnostic.ts";
export { parseDuration } from "./workflow/duration.ts";
export type { Json, Parameter, SourceLocation, Step, Workflow } from "./workflow/model.ts";
export { parseWorkflow } from "./workflow/parse.ts";
export type { Checked, Cleaned, SalvageRoom, SessionEntry, SessionList, Session, Watching, WorktreeInfo };
export type { SalvageContent, SalvageEntry } from "./worktree/salvage-store.ts";
export type { UnifiedSession } from "./unified-session/state.ts";
export { version };

/** Where the calls look: the environment (`PRODIGY_HOME`, `PATH`, secrets, ...) and a folder of the repository. */
export interface Where {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default the current folder */
  readonly path?: string;
}

export interface RunOptions extends Where, Watching {
  readonly workflow: Workflow;
  /** Where it came from, for people. @default null */
  readonly workflowFile?: string | null;
  /** The workflow runs once for each. @default one run without input */
  readonly inputs?: readonly string[];
  /** @default none */
  readonly parameters?: Readonly<Record<string, Json>>;
  /** @default null */
  readonly profile?: string | null;
  /** Passes over the steps, as long as they make commits. @default 1 */
  readonly maxIterations?: number;
  /** Whether a failing input is left behind. @default false */
  readonly keepGoing?: boolean;
  /** Whether nothing is done and only told. @default false */
  readonly dryRun?: boolean;
}

/** Runs a workflow until it has ended, failed or been paused. A fault means that nothing has begun. */
export async function runWorkflow(options: RunOptions): Promise<Outcome<RunResult>> {
  const ground = await groundOf(options);
  if (!ground.ok) return ground;
  const order = orderOf(ground.value, options);
  if (!order.ok) return order;
  const watch = watchOf(options);
  if (order.value.dryRun) return finished(ground.value, await tryOut(ground.value, order.value, watch));
  const missing = missingNeed(ground.value, order.value.workflow, options.agent ?? null);
  if (missing !== null) return { ok: false, fault: missing };
  return finished(ground.value, await work(ground.value, { kind: "start", order: order.value }, watch));
}

export interface ResumeOptions extends Where, Watching {
  /** An id, or the beginning or the end of one. */
  readonly session: string;
  /** The edited workflow, to go on with it. @default the one that the session began with */
  readonly workflow?: Workflow | null;
}

/** Goes on with a session that was interrupted, stopped or failed, or that has not been merged. */
export async function resumeSession(options: ResumeOptions): Promise<Outcome<RunResult>> {
  return goOn(options, "resume");
}

/** Merges what a finished session did. */
export async function mergeWorktree(options: ResumeOptions): Promise<Outcome<RunResult>> {
  return goOn({ ...options, yes: true }, "worktree merge");
}

/** Asks a running session to stop now, or to pause after what runs. The outcome says who will hear it. */
export async function requestStop(
  options: Where & { readonly session: string; readonly kind: Request["kind"] },
): Promise<Outcome<{ readonly session: string; readonly pid: number }>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const holder = await lockHolder(lockOptions(ground, ground.key, session));
  if (holder === null) {
    return { ok: false, fault: notRunning(session) };
  }
  await dropRequest(sessionPaths(ground.root, ground.key, session).inbox, { kind: options.kind }, openClock().now());
  return { ok: true, value: { session, pid: holder.pid } };
}

async function goOn(options: ResumeOptions, by: "resume" | "worktree merge"): Promise<Outcome<RunResult>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const judge = async (state: ReturnType<typeof folded>): Promise<Outcome<readonly EventBody[]>> => {
    const plan = planResume(state, { by, workflow: options.workflow ?? null });
    const missing = plan.ok
      ? missingNeed(ground, options.workflow ?? state.order.workflow, options.agent ?? null)
      : null;
    return missing === null ? plan : { ok: false, fault: missing };
  };
  return finished(ground, await work(ground, { kind: "resume", session, judge }, watchOf(options)));
}

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

async function groundOf(where: Where): Promise<Outcome<Ground>> {
  return openGround({ env: definedEnv(where.env), path: resolve(where.path ?? ".") });
}

/** A session is found from anywhere: its journal knows its repository. */
async function findGround(
  where: Where,
  text: string,
): Promise<Outcome<{ readonly ground: Ground; readonly session: string }>> {
  const env = definedEnv(where.env);
  const here = await groundOf(where);
  const storage = await openStorage(storageRoot(env));
  if (!storage.ok) return storage;
  const found = await findSession(storage.value, text, here.ok ? here.value.key : null);
  if (!found.ok) return found;
  const { repository, session } = found.value;
  if (here.ok && here.value.key === repository) return { ok: true, value: { ground: here.value, session } };
  const events = await storage.value.readEvents({ repository, session });
  if (!events.ok) return events;
  const [first] = events.value;
  if (first?.type !== "session-started") return { ok: false, fault: neverBegan(session) };
  const there = await openGround({ env, path: first.order.repository.path });
  return there.ok ? { ok: true, value: { ground: there.value, session } } : there;
}

function finished(ground: Ground, worked: Outcome<Worked>): Outcome<RunResult> {
  if (!worked.ok) return worked;
  const { session, tally } = worked.value;
  const { events: journal, logs } = sessionPaths(ground.root, ground.key, session.order.session);
  return { ok: true, value: resultOf(session, tally, { journal, logs }) };
}

function orderOf({ repository, key, env }: Ground, options: RunOptions): Outcome<SessionOrder> {
  const { workflow, workflowFile = null, inputs = [], parameters = {}, profile = null } = options;
  const { maxIterations = 1, keepGoing = false, dryRun = false } = options;
  return newOrder(
    { workflow, workflowFile, inputs, parameters, profile, maxIterations, keepGoing, dryRun },
    {
      session: newSessionId(openClock().now(), () => openRandom().unit()),
      repository: { key, path: repository.topLevel },
      base: repository.head,
      target: repository.branch,
      parent: env["PRODIGY_SESSION"] ?? null,
      versions: { prodigy: version, node: process.version, git: repository.version },
    },
  );
}

/** The worktrees that sessions of the repository have left. */
export async function listWorktrees(options: Where): Promise<Outcome<readonly WorktreeInfo[]>> {
  const manager = await managerOf(options, () => undefined);
  return manager.ok ? manager.value.list() : manager;
}

/** Removes worktrees of which it is proved that nothing is lost by it, and says why it keeps the others. */
export async function cleanWorktrees(
  options: Where & {
    readonly sessions: readonly string[] | "all";
    /** Whether also those of sessions that could go on; what is not committed is kept aside. */
    readonly force: boolean;
    readonly dryRun: boolean;
    readonly notice?: (message: string) => void;
  },
): Promise<Outcome<readonly Cleaned[]>> {
  const manager = await managerOf(options, options.notice ?? (() => undefined));
  return manager.ok ? manager.value.clean(options) : manager;
}

/** What was kept aside in the repository. */
export async function openSalvage(options: Where): Promise<Outcome<SalvageRoom>> {
  const ground = await groundOf(options);
  if (!ground.ok) return ground;
  const opened = await openSalvageRoom(ground.value);
  if (!opened.ok) return opened;
  // Files that were kept aside may hold what the session knew as a secret. Restoring gives them as they are.
  const show = async (name: string): ReturnType<SalvageRoom["show"]> => {
    const found = await opened.value.show(name);
    if (!found.ok) return found;
    const masker = await sessionMasker(ground.value, found.value.entry.session);
    return { ok: true, value: mapped(found.value, (text) => masked(text, masker)) };
  };
  return { ok: true, value: { ...opened.value, show } };
}

/** A copy of what is to be shown of a workflow, without the secrets that it and the environment declare. */
export async function hideSecrets<T>(value: T, about: Where & { readonly workflow: Workflow | null }): Promise<T> {
  const env = definedEnv(about.env);
  const { workflow } = about;
  const masker = maskerOf(env, workflow?.environment.notSecret);
  if (workflow !== null)
    await registerSecrets(
      { workflow, parameters: {}, directory: resolve(about.path ?? ".") },
      { host: { env, readText }, masker },
    );
  return mapped(value, (text) => masked(text, masker));
}

/** A masker that knows what a session has declared, as far as this environment has it. */
async function sessionMasker(ground: Ground, session: string): Promise<ReturnType<typeof maskerOf>> {
  const masker = maskerOf(ground.env);
  const events = await readJournal(sessionPaths(ground.root, ground.key, session).events);
  if (events.ok) await openHistory(ground, events.value.filter(isOrder), masker);
  return masker;
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

async function managerOf(where: Where, warn: (message: string) => void): Promise<Outcome<WorktreeManager>> {
  const ground = await groundOf(where);
  if (!ground.ok) return ground;
  const listed = await listSessions(where);
  if (!listed.ok) return listed;
  const facts = sessionFacts(listed.value);
  const { repository, root, key } = ground.value;
  return { ok: true, value: worktreeManager({ repository, root, key, warn, session: (id) => facts.get(id) ?? null }) };
}
