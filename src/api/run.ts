/** Sessions begin, go on and are stopped. */
import { type Ground, lockOptions, tryOut, work, type Worked } from "../compose.ts";
import type { folded } from "../cook/folded.ts";
import type { EventBody, SessionOrder } from "../cook/decision/event.ts";
import { newOrder } from "../cook/order.ts";
import type { Outcome } from "../cook/ports.ts";
import { notRunning, planResume } from "../cook/resume-plan.ts";
import { type RunResult, resultOf } from "../cook/run-result.ts";
import { type Watching, watchOf } from "../cook/watching.ts";
import { rememberRun } from "../simple-state/after-run.ts";
import { dropRequest } from "../storage/inbox.ts";
import { newSessionId, sessionPaths } from "../storage/layout.ts";
import { lockHolder } from "../storage/lock.ts";
import { openClock } from "../system/clock.ts";
import { openRandom } from "../system/random.ts";
import { version } from "../version.ts";
import type { Json, Workflow } from "../workflow/model.ts";
import { missingNeed } from "./missing-need.ts";
import { settleRetries } from "./letter-settling.ts";
import { findGround, groundOf, type Where } from "./where.ts";

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
  /** Passes over the steps, as long as they make commits. @default what the workflow says, or 1 */
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
  if (order.value.dryRun) return finished(ground.value, await tryOut(ground.value, order.value, watch), options);
  const missing = missingNeed(ground.value, order.value.workflow, options.agent ?? null);
  if (missing !== null) return { ok: false, fault: missing };
  return finished(ground.value, await work(ground.value, { kind: "start", order: order.value }, watch), options);
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
  options: Where & { readonly session: string; readonly kind: "stop" | "pause" },
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
  return finished(ground, await work(ground, { kind: "resume", session, judge }, watchOf(options)), options);
}

/** What a session came to, for its caller and for the project's own notes. */
export async function finished(
  ground: Ground,
  worked: Outcome<Worked>,
  { notice }: Pick<Watching, "notice">,
): Promise<Outcome<RunResult>> {
  if (!worked.ok) return worked;
  const { session, tally } = worked.value;
  const { deadLettersOf: owner } = session.order;
  if (owner !== undefined && session.status === "ended") await settleRetries(ground, owner);
  const { events: journal, logs } = sessionPaths(ground.root, ground.key, session.order.session);
  const result = resultOf(session, tally, { journal, logs });
  if (result.status === "ended" && !result.dryRun) {
    const lock = lockOptions(ground, ground.key, "project-state");
    const options = { now: () => openClock().now(), uuid: () => openRandom().uuid(), lock };
    const told = await rememberRun(ground.repository.topLevel, options, result);
    if (told !== null) notice?.(told);
  }
  return { ok: true, value: result };
}

function orderOf({ repository, key, env }: Ground, options: RunOptions): Outcome<SessionOrder> {
  const { workflow, workflowFile = null, inputs = [], parameters = {}, profile = null } = options;
  const { maxIterations = workflow.settings.maxIterations ?? 1, keepGoing = false, dryRun = false } = options;
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
