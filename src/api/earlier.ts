/** Sessions of an earlier Prodigy: what they left, and how to go on with them. */
import { type Ground, lockOptions, maskerOf, work } from "../compose.ts";
import { newOrder } from "../cook/order.ts";
import type { Outcome } from "../cook/ports.ts";
import type { RunResult } from "../cook/run-result.ts";
import { type Watching, watchOf } from "../cook/watching.ts";
import { type CleanedOrphan, cleanOrphans, type OrphanRegistry, orphanRegistries } from "../earlier/clean-orphans.ts";
import { changedStep, type Continuation, continuationOf, takenOver } from "../earlier/continuation.ts";
import type { EarlierEvent } from "../earlier/event.ts";
import { readEarlierEvents } from "../earlier/read.ts";
import { earlierSession, type EarlierSession } from "../earlier/session.ts";
import { sessionOfJob } from "../earlier/find.ts";
import { fileFault } from "../storage/fault.ts";
import { openStorage } from "../storage/global-storage.ts";
import { newSessionId, sessionPaths, worktreeIn } from "../storage/layout.ts";
import { acquireLock } from "../storage/lock.ts";
import { openClock } from "../system/clock.ts";
import { openRandom } from "../system/random.ts";
import { findSession } from "../unified-session/find.ts";
import { version } from "../version.ts";
import type { Workflow } from "../workflow/model.ts";
import { readForeignTree } from "../worktree/foreign.ts";
import { gitLine } from "../worktree/git.ts";
import { missingNeed } from "./missing-need.ts";
import { finished, resumeSession } from "./run.ts";
import { earlierPlaces, groundOf, type Where } from "./where.ts";

/** A session of an earlier Prodigy with all that it left. */
export interface EarlierDetail extends EarlierSession {
  /** Where it can be taken up, or why it cannot be. */
  readonly continuation: ReturnType<typeof continuationOf>;
  readonly events: readonly EarlierEvent[];
}

/** Null when it is no session of an earlier Prodigy, or is not known at all. */
export async function readEarlierSession(options: Where & { readonly session: string }): Promise<EarlierDetail | null> {
  const found = await findEarlier(options);
  if (found === null) return null;
  const { events, problems } = await readEarlierEvents(found.earlier.record.eventFiles);
  const record = { ...found.earlier.record, problems: [...found.earlier.record.problems, ...problems] };
  const { continuedAs } = found.earlier;
  // One that was noted and never began is begun by the next resume, under that very id.
  const hasGoneOn = continuedAs !== null && (await hasBegun(found.ground, continuedAs));
  return masked(found.ground, {
    ...found.earlier,
    continuedAs: hasGoneOn ? continuedAs : null,
    record,
    continuation: continuationOf(found.earlier),
    events,
  });
}

/** Worktrees that an earlier Prodigy could not remove, by job. */
export async function listOrphans(options: Where): Promise<Outcome<readonly OrphanRegistry[]>> {
  const ground = await groundOf(options);
  return ground.ok ? { ok: true, value: await orphanRegistries(earlierPlaces(ground.value)) } : ground;
}

/** Removes the worktrees of one job, keeping aside what no branch holds. */
export async function removeOrphans(
  options: Where & { readonly registry: OrphanRegistry },
): Promise<Outcome<readonly CleanedOrphan[]>> {
  const ground = await groundOf(options);
  if (!ground.ok) return ground;
  const { repository, key } = ground.value;
  const places = earlierPlaces(ground.value);
  return { ok: true, value: await cleanOrphans(options.registry, { places, repository, key }) };
}

export interface ContinueOptions extends Where, Watching {
  readonly session: string;
  readonly workflow: Workflow;
  /** Go on although a finished step reads otherwise in the workflow now. @default false */
  readonly force?: boolean;
}

/** Goes on with a session of an earlier Prodigy, as a session of today that begins with its files, its commits and its values. */
export async function continueEarlier(options: ContinueOptions): Promise<Outcome<RunResult>> {
  const found = await findEarlier(options);
  if (found === null) return fileFault(`there is no session ${options.session} of an earlier Prodigy`);
  const { ground } = found;
  const id = found.earlier.session.id;
  await using lock = await heldLock(ground, id);
  if (!lock.ok) return lock;
  // Read once more under the lock: another process may just have begun to go on with it.
  const again = (await findEarlier(options)) ?? found;
  const judged = continuationOf(again.earlier);
  if (!judged.ok) return judged;
  const continuation = judged.value;
  const changed = options.force === true ? null : changedStep(continuation, options.workflow);
  if (changed !== null) return changedFault(continuation, changed, id);
  const missing = missingNeed(ground, options.workflow, options.agent ?? null);
  if (missing !== null) return { ok: false, fault: missing };
  const session = again.earlier.continuedAs ?? newSessionId(openClock().now(), () => openRandom().unit());
  if (again.earlier.continuedAs !== null && (await hasBegun(ground, session)))
    return await resumeSession({ ...options, session });
  return await begin(ground, again.earlier, { continuation, session, options });
}

interface Beginning {
  readonly continuation: Continuation;
  readonly session: string;
  readonly options: ContinueOptions;
}

async function begin(ground: Ground, earlier: EarlierSession, { continuation, session, options }: Beginning) {
  const { repository, root, key } = ground;
  const { workflow } = options;
  const base = await headOf(ground, earlier);
  if (!base.ok) return base;
  const order = newOrder(
    {
      workflow,
      workflowFile: continuation.workflowPath,
      inputs: [],
      parameters: {},
      profile: null,
      maxIterations: 1,
      keepGoing: false,
      dryRun: false,
    },
    {
      session,
      repository: { key, path: repository.topLevel },
      base: base.value,
      target: earlier.record.note?.value.target ?? repository.branch,
      parent: earlier.session.id,
      versions: { prodigy: version, node: process.version, git: repository.version },
    },
  );
  if (!order.ok) return order;
  const trees = { ...ground, session, branch: order.value.branch, warn: () => undefined };
  const tree =
    earlier.worktree === null
      ? { ok: true as const, value: { head: base.value, snapshot: null } }
      : await readForeignTree(trees, earlier.worktree);
  if (!tree.ok) return tree;
  const { worktrees } = ground;
  const directory =
    worktrees === null ? sessionPaths(root, key, session).worktree : worktreeIn(worktrees, key, session);
  const before = takenOver(continuation, workflow, {
    type: "lane-prepared",
    lane: "main",
    directory,
    tree: tree.value,
    salvage: null,
  });
  // Noted before it begins: whoever is interrupted here goes on with this very session.
  const noted = await noteContinuation(ground, earlier, session);
  if (!noted.ok) return noted;
  options.notice?.(
    `Session ${earlier.session.id} of an earlier Prodigy goes on as ${session}, after step ${String(continuation.done)}. What it left stays where it is.`,
  );
  return finished(ground, await work(ground, { kind: "start", order: order.value, before }, watchOf(options)), options);
}

/** The commit that its steps had come to. */
async function headOf({ repository }: Ground, { worktree, branch }: EarlierSession): Promise<Outcome<string>> {
  const revision = worktree === null ? `refs/heads/${branch ?? ""}` : "HEAD";
  return gitLine(repository.git, {
    directory: worktree ?? repository.commonDir,
    args: ["rev-parse", "--verify", "--quiet", `${revision}^{commit}`],
  });
}

async function noteContinuation(ground: Ground, { session }: EarlierSession, as: string): Promise<Outcome<null>> {
  const storage = await openStorage(ground.root);
  if (!storage.ok) return storage;
  const value = { ...session, metadata: { ...session.metadata, continued_as: as } };
  await storage.value.saveSession({ repository: ground.key, session: session.id }, value, { durable: true });
  return { ok: true, value: null };
}

async function hasBegun(ground: Ground, session: string): Promise<boolean> {
  const storage = await openStorage(ground.root);
  if (!storage.ok) return false;
  const events = await storage.value.readEvents({ repository: ground.key, session });
  // A journal that cannot be read has begun; resuming it says what is wrong with it.
  return !events.ok || events.value.length > 0;
}

async function heldLock(ground: Ground, id: string): Promise<Outcome<null> & AsyncDisposable> {
  const lock = await acquireLock(lockOptions(ground, ground.key, id));
  if (!lock.ok) return { ...lock, [Symbol.asyncDispose]: async () => undefined };
  return { ok: true, value: null, [Symbol.asyncDispose]: () => lock.value[Symbol.asyncDispose]() };
}

async function findEarlier(
  options: Where & { readonly session: string },
): Promise<{ readonly ground: Ground; readonly earlier: EarlierSession } | null> {
  const opened = await groundOf(options);
  if (!opened.ok) return null;
  const ground = opened.value;
  const storage = await openStorage(ground.root);
  if (!storage.ok) return null;
  const places = earlierPlaces(ground);
  const named = await findSession(storage.value, options.session, ground.key);
  const session = named.ok ? named.value.session : await sessionOfJob(places.root, options.session);
  if (session === null || (named.ok && named.value.repository !== ground.key)) return null;
  const place = { repository: ground.key, session };
  const earlier = await earlierSession(storage.value, place, { places, repository: ground.repository });
  return earlier === null ? null : { ground, earlier };
}

function changedFault(
  { workflowPath }: Continuation,
  { number, was, is }: NonNullable<ReturnType<typeof changedStep>>,
  id: string,
): Outcome<never> {
  return fileFault(
    `${workflowPath} is not the workflow that session ${id} ran: step ${String(number)} was "${was}" and is "${is}" now`,
    `put the workflow back as it was; or go on with it as it is now: prodigy resume ${id} --force`,
  );
}

/** What people and programs get to see; the earlier program masked nothing. */
function masked(ground: Ground, detail: EarlierDetail): EarlierDetail {
  const masker = maskerOf(ground.env);
  const text = JSON.stringify(detail, (_, value: unknown) => (typeof value === "string" ? masker.mask(value) : value));
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Only texts have changed.
  return JSON.parse(text) as EarlierDetail;
}
