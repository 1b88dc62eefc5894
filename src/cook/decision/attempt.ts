/** One action, executed as often as its `retry` says. */
import type { Step } from "../../workflow/model.ts";
import { callBody } from "./call.ts";
import type { Command } from "./command.ts";
import type { AttemptResult, StepOutcome } from "./event.ts";
import { fault } from "./fault.ts";
import { foreachLoop } from "./foreach.ts";
import { goalSeek } from "./goal.ts";
import { mapLoop } from "./map.ts";
import {
  child,
  type Cursor,
  deadlineWithin,
  elapsedMs,
  ended,
  failedWith,
  pending,
  type Progress,
  record,
  WAITING,
} from "./progress.ts";
import { retryDelay } from "./retry.ts";
import { type AttemptState, passes } from "./state.ts";

/** Starts that end in a crash before the session is paused: something about this step kills us. */
export const MAX_CRASHED_STARTS = 3;

export function attempts(step: Step, cursor: Cursor): Progress {
  const attempt = cursor.node?.attempt ?? null;
  if (attempt === null) return execute(step, 1, cursor);
  switch (attempt.status) {
    case "running":
      return WAITING;
    case "interrupted":
      return afterInterruption(step, attempt, cursor);
    case "ended":
      return attempt.ok ? ended(outcomeOf(attempt, "ok")) : afterFailedAttempt(step, attempt, cursor);
  }
}

function afterInterruption(step: Step, attempt: AttemptState, cursor: Cursor): Progress {
  const { unaccounted: log, crashes, number } = attempt;
  const { action } = step;
  // First of all, so that the ledger is right whatever comes of the step.
  if (log !== null && action.kind === "agent")
    return pending({
      kind: "account",
      lane: cursor.lane.id,
      path: cursor.path,
      attempt: number,
      agent: action.agent,
      log,
    });
  return crashes >= MAX_CRASHED_STARTS ? poisoned(attempt, cursor) : execute(step, number, cursor);
}

/** Something about this step kills us: an item goes to the dead letters, a sequential run waits for a person. */
function poisoned(attempt: AttemptState, { path, lane }: Cursor): Progress {
  if (lane.pooled) {
    const message = `it was started ${String(attempt.crashes)} times, and each time Prodigy died with it`;
    return ended(failedWith(fault("interrupted", message)));
  }
  const reason = { kind: "poison" as const, path, starts: attempt.crashes };
  return pending({ kind: "record", events: [{ type: "session-paused", reason }], whenIdle: true });
}

/** A step that failed although its command passed, for the want of a commit or of a good validation, is run again by a resume; null otherwise. */
export function attemptedAgain(step: Step, cursor: Cursor): Progress | null {
  const attempt = cursor.node?.attempt ?? null;
  return attempt?.again === true ? execute(step, attempt.number, cursor) : null;
}

function afterFailedAttempt(step: Step, attempt: AttemptState, cursor: Cursor): Progress {
  if (attempt.fault?.kind === "limit") return parked(attempt, cursor);
  const outcome = outcomeOf(attempt, "failed");
  if (isToleratedGoal(step, attempt.fault)) return ended({ ...outcome, status: "tolerated" });
  const policy = step.retry;
  if (policy === null) return ended(outcome);
  if (attempt.due) return execute(step, attempt.number + 1, cursor);
  const delayMs = retryDelay(policy, attempt, cursor.path);
  if (delayMs === null) return exhausted(step, outcome, cursor);
  if (delayMs === 0) return execute(step, attempt.number + 1, cursor);
  const { lane, path, context } = cursor;
  const until = attempt.endedAt + delayMs;
  if (context.deadline !== null && until >= context.deadline) return exhausted(step, outcome, cursor);
  return pending({ kind: "wait", lane: lane.id, path, attempt: attempt.number, delayMs, until });
}

/** `fail_on_incomplete: false`: the goal was not reached, which is no success, and the run goes on. */
function isToleratedGoal({ action }: Step, reason: AttemptState["fault"]): boolean {
  return action.kind === "goal_seek" && !action.failOnIncomplete && reason?.kind === "goal";
}

/** A used-up quota is nobody's failure: the session waits, and the agent is taken up where it stopped. */
function parked({ resetsAt }: AttemptState, { session }: Cursor): Progress {
  // Others may run beside it: they come to their end, and nothing new begins.
  return session.stopping === null ? record({ type: "pause-requested", reason: { kind: "limit", resetsAt } }) : WAITING;
}

function exhausted(step: Step, outcome: StepOutcome, cursor: Cursor): Progress {
  const rule = step.retry?.onExhausted ?? { kind: "stop" };
  switch (rule.kind) {
    case "stop":
      return ended(outcome);
    case "continue":
      return ended({ ...outcome, status: "tolerated" });
    case "fallback": {
      const done = cursor.sequence(rule.steps, child(cursor, "fallback", { own: false }));
      if (done.kind === "pending") return done;
      return ended(passes(done.outcome) ? { ...done.outcome, status: "recovered", fault: outcome.fault } : outcome);
    }
  }
}

/** A command of its own, or the steps that the action is made of. */
function execute(step: Step, number: number, cursor: Cursor): Progress {
  const inside = child(cursor, `body-${String(number)}`);
  // A single command is limited when it runs; what is made of steps is limited as a whole, in each attempt anew.
  const deadline = deadlineWithin(inside, step.timeoutMs);
  const parts = body(step, { ...inside, context: { ...inside.context, deadline } });
  if (parts === null) return pending(attemptCommand({ step, number, settled: null }, cursor));
  if (parts.kind === "pending") return parts;
  const settled = settledResult({ ...parts.outcome, durationMs: elapsedMs(inside) }, step);
  return pending(attemptCommand({ step, number, settled }, cursor));
}

function body(step: Step, cursor: Cursor): Progress | null {
  switch (step.action.kind) {
    case "foreach":
      return foreachLoop(step, step.action, cursor);
    case "goal_seek":
      return goalSeek(step, step.action, cursor);
    case "group":
      return cursor.sequence(step.action.steps, cursor);
    case "call":
      return callBody(step, step.action, cursor);
    case "map":
      return mapLoop(step, step.action, cursor);
    case "agent":
    case "shell":
    case "write_file":
    case "analyze":
      return null;
  }
}

function settledResult(outcome: StepOutcome, step: Step): AttemptResult {
  const ok = passes(outcome) && !isToleratedGoal(step, outcome.fault);
  return {
    ok,
    exitCode: ok ? 0 : outcome.exitCode,
    output: outcome.output,
    stderr: "",
    durationMs: outcome.durationMs,
    fault: ok ? null : (outcome.fault ?? fault("loop", "a step inside failed")),
    resetsAt: null,
  };
}

interface Execution {
  readonly step: Step;
  readonly number: number;
  readonly settled: AttemptResult | null;
}

function attemptCommand({ step, number, settled }: Execution, cursor: Cursor): Command {
  const { lane, node, path, context } = cursor;
  const interrupted = node?.attempt?.status === "interrupted" ? node.attempt : null;
  return {
    kind: "attempt",
    lane: lane.id,
    path,
    attempt: number,
    step,
    context,
    since: interrupted?.since ?? lane.tree,
    before: node?.before ?? lane.tree,
    resume: interrupted?.agentSession ?? null,
    settled,
  };
}

function outcomeOf(attempt: AttemptState, status: "ok" | "failed"): StepOutcome {
  const { exitCode, output, durationMs } = attempt;
  const base: StepOutcome = { status, exitCode, output, fault: attempt.fault, durationMs };
  return status === "failed" && attempt.fault === null ? failedWith(fault("exit", "it failed"), base) : base;
}
