/**
 * What a step means, in the order in which it happens:
 *
 *   when -> attempts (retry) -> validate, complete, validate again ... -> commit required -> handlers -> the step's end
 *
 * Each function looks at what has been recorded under a path and says either how that part ended or what has to run next.
 * Nothing is remembered between calls, so a resumed run stands at the same place as one that was never interrupted.
 */
import type { FailurePolicy, Step, Validation } from "../../workflow/model.ts";
import { attempts, attemptedAgain } from "./attempt.ts";
import type { StepContext } from "./command.ts";
import type { StepOutcome, ValidationResult } from "./event.ts";
import { fault } from "./fault.ts";
import {
  child,
  type Cursor,
  deadlineWithin,
  elapsedMs,
  ended,
  failedWith,
  PASSED,
  pending,
  type Progress,
  record,
} from "./progress.ts";
import { type Node, passes } from "./state.ts";

/** Steps in order, up to the first that fails. */
export function sequence(steps: readonly Step[], cursor: Cursor): Progress {
  const { node } = cursor;
  const last = node?.last ?? null;
  if (last !== null && !passes(last)) return ended(last);
  const index = node?.done ?? 0;
  const step = steps[index];
  if (step === undefined) return ended(last ?? PASSED);
  return oneStep(step, child(cursor, `step-${String(index)}`));
}

function oneStep(step: Step, cursor: Cursor): Progress {
  const { lane, path, context } = cursor;
  if (step.when !== null && cursor.node?.entered !== true) {
    return pending({ kind: "evaluate", lane: lane.id, path, step, context });
  }
  const result = withHandlers(step, cursor);
  if (result.kind === "pending") return result;
  const outcome = { ...result.outcome, durationMs: elapsedMs(cursor) };
  return record({ type: "step-ended", lane: lane.id, path, label: step.label, outcome, set: {} });
}

/** The step's work, and what its author wants done about the way it ended. */
function withHandlers(step: Step, cursor: Cursor): Progress {
  const work = core(step, cursor, cursor.node);
  if (work.kind === "pending") return work;
  const outcome = work.outcome;
  const exact = step.onExitCode.find((entry) => entry.code === outcome.exitCode)?.steps ?? null;
  const success = outcome.status === "tolerated" ? [] : step.onSuccess;
  if (passes(outcome)) return afterSuccess(exact ?? success, outcome, cursor);
  return afterFailure({ step, exact, outcome }, cursor);
}

/**
 * Attempts, validation and the commit requirement: everything that must hold for a step to be done. `since` is the node of
 * the whole step: a commit of its handler counts as well.
 */
function core(step: Step, cursor: Cursor, since: Node | null): Progress {
  const runs = child(cursor, "run");
  const run = attempts(step, runs);
  if (run.kind === "pending" || run.outcome.status !== "ok") return run;
  const uncommitted = step.commitRequired && !hasCommitted({ ...cursor, node: since });
  const again = uncommitted || isInvalid(step, cursor.node) ? attemptedAgain(step, runs) : null;
  if (again !== null) return again;
  const validated = step.validate === null ? run : validation(step, step.validate, { ...cursor, outcome: run.outcome });
  if (validated.kind === "pending" || !passes(validated.outcome)) return validated;
  return uncommitted ? ended(failedWith(commitMissing(step), validated.outcome)) : validated;
}

/** A resume validates anew; where nothing completes the work in between, only the work itself can change the result. */
function isInvalid({ validate }: Step, node: Node | null): boolean {
  return validate !== null && validate.onIncomplete === null && (node?.validations.length ?? 0) === 0;
}

function hasCommitted({ session, lane, node }: Pick<Cursor, "session" | "lane" | "node">): boolean {
  if (session.order.dryRun || session.waivesCommits) return true;
  return node !== null && node.before.head !== lane.tree.head;
}

function commitMissing(step: Step): ReturnType<typeof fault> {
  return fault(
    "commit-required",
    `step "${step.label}" must create a commit (commit_required), but HEAD did not move`,
    {
      at: step.at,
      help: "let the step commit, set auto_commit: true, or drop commit_required",
    },
  );
}

interface ValidationCursor extends Cursor {
  readonly outcome: StepOutcome;
}

function validation(step: Step, rules: Validation, cursor: ValidationCursor): Progress {
  for (let round = 1; ; round++) {
    const checking = child(cursor, `validate-${String(round)}`, { own: false });
    const deadline = deadlineWithin(checking, rules.timeoutMs);
    const checked = sequence(rules.steps, { ...checking, context: { ...checking.context, deadline } });
    if (checked.kind === "pending") return checked;
    const result = cursor.node?.validations[round - 1];
    if (result === undefined) {
      const { lane, path, context } = cursor;
      return pending({ kind: "read-validation", lane: lane.id, path, round, step, context, outcome: checked.outcome });
    }
    if (isComplete(result, rules)) return ended(cursor.outcome);
    const incomplete = whyIncomplete(step, rules, result);
    if (rules.onIncomplete === null) return ended(failedWith(incomplete, cursor.outcome));
    const given = {
      ...failedWith(incomplete, cursor.outcome),
      status: rules.onIncomplete.failWorkflow ? ("failed" as const) : ("tolerated" as const),
    };
    if (round > rules.onIncomplete.maxAttempts) return ended(given);
    const completing = completion(step, rules.onIncomplete, child(cursor, `complete-${String(round)}`, { own: false }));
    if (completing.kind === "pending") return completing;
    if (!passes(completing.outcome)) return ended({ ...given, fault: completing.outcome.fault });
  }
}

function completion(step: Step, rules: NonNullable<Validation["onIncomplete"]>, cursor: Cursor): Progress {
  const done = sequence(rules.steps, cursor);
  if (done.kind === "pending" || !passes(done.outcome)) return done;
  return rules.commitRequired && !hasCommitted(cursor) ? ended(failedWith(commitMissing(step), done.outcome)) : done;
}

function isComplete(result: ValidationResult, rules: Validation): boolean {
  return result.problem === null && result.completion >= rules.threshold;
}

function whyIncomplete(step: Step, rules: Validation, result: ValidationResult): ReturnType<typeof fault> {
  const found =
    result.problem ?? `it is ${String(result.completion)} % complete, ${String(rules.threshold)} % are needed`;
  return fault("incomplete", `validation of step "${step.label}" did not pass: ${found}`, {
    at: rules.at,
    lastLines: result.missing.slice(0, 10),
  });
}

function afterSuccess(steps: readonly Step[], outcome: StepOutcome, cursor: Cursor): Progress {
  if (steps.length === 0) return ended(outcome);
  const done = sequence(steps, child(cursor, "success", { own: false }));
  if (done.kind === "pending") return done;
  return ended(passes(done.outcome) ? outcome : done.outcome);
}

interface Failure {
  readonly step: Step;
  /** The steps of `on_exit_code` for this very code; they stand in for the handler's. */
  readonly exact: readonly Step[] | null;
  readonly outcome: StepOutcome;
}

function afterFailure(failure: Failure, cursor: Cursor): Progress {
  const policy = failure.step.onFailure;
  switch (policy.kind) {
    case "handle":
      return handled(failure, policy, cursor);
    case "tolerate":
    case "fail": {
      const outcome: StepOutcome =
        policy.kind === "tolerate" ? { ...failure.outcome, status: "tolerated" } : failure.outcome;
      if (failure.exact === null) return ended(outcome);
      const told = aboutFailure(failure.step, failure.outcome, cursor);
      const done = sequence(failure.exact, child(cursor, `exit-${String(outcome.exitCode)}`, told));
      return done.kind === "pending" ? done : ended(outcome);
    }
  }
}

function handled(failure: Failure, policy: FailurePolicy & { kind: "handle" }, cursor: Cursor): Progress {
  const given: StepOutcome = { ...failure.outcome, status: policy.failWorkflow ? "failed" : "tolerated" };
  let latest = given;
  for (let round = 1; round <= policy.rounds; round++) {
    const told = aboutFailure(failure.step, latest, cursor);
    const handler = child(cursor, `handler-${String(round)}`, { ...told, defaultTimeoutMs: policy.timeoutMs });
    const done = sequence(failure.exact ?? policy.steps, handler);
    if (done.kind === "pending") return done;
    if (!passes(done.outcome)) {
      if (policy.handlerFailureFatal) return ended(failedWith(handlerFailed(failure.step, done.outcome), latest));
      continue;
    }
    if (policy.after !== "rerun") return ended(concluded(policy.after, latest, done.outcome));
    const again = core({ ...failure.step, retry: null }, child(cursor, `rerun-${String(round)}`), cursor.node);
    if (again.kind === "pending") return again;
    if (passes(again.outcome)) return ended(again.outcome);
    latest = { ...again.outcome, status: given.status };
  }
  return ended(latest);
}

/**
 * What a handler sees of the failure. A command that failed has left it in the variables; a missing commit or an incomplete
 * result failed no command, and what an earlier failure left there would be about something else.
 */
function aboutFailure(
  step: Step,
  { fault: reason, output, exitCode }: StepOutcome,
  cursor: Cursor,
): Partial<StepContext> {
  const { error: _, ...locals } = cursor.context.locals;
  if (reason?.kind !== "commit-required" && reason?.kind !== "incomplete") return { own: false, locals };
  const error = { message: reason.message, exit_code: exitCode ?? -1, step: step.label, output };
  return { own: false, locals: { ...locals, error } };
}

function concluded(after: "accept" | "replace" | "fail", outcome: StepOutcome, handler: StepOutcome): StepOutcome {
  switch (after) {
    case "accept":
      return { ...outcome, status: "recovered" };
    case "replace":
      return { ...handler, status: "recovered", fault: outcome.fault };
    case "fail":
      return { ...outcome, status: "failed" };
  }
}

function handlerFailed(step: Step, handler: StepOutcome): ReturnType<typeof fault> {
  return fault(
    "handler",
    `the on_failure handler of step "${step.label}" failed: ${handler.fault?.message ?? "it did not pass"}`,
    {
      at: step.at,
      exitCode: handler.exitCode,
      lastLines: handler.fault?.lastLines ?? [],
    },
  );
}
