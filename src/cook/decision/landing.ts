/**
 * From finished steps to the target branch: plan, ask, the workflow's own `merge:` steps, git, the agent on a conflict,
 * and the worktree away. Nothing of the user's checkout is touched before the answer is yes.
 */
import type { SourceLocation, Step } from "../../workflow/model.ts";
import type { Command, StepContext } from "./command.ts";
import type { EventBody, Fault } from "./event.ts";
import { fault } from "./fault.ts";
import { MAX_RESOLUTIONS } from "./limits.ts";
import { type Cursor, deadlineWithin } from "./progress.ts";
import { landingResolution } from "./resolve.ts";
import { type Lane, type Landing, MAIN, passes, type Session } from "./state.ts";
import { sequence } from "./step.ts";

export function landing(session: Session, main: Lane): readonly Command[] {
  const stage = session.landing;
  if (session.order.dryRun) return [end("dry-run", session)];
  switch (stage.kind) {
    case "open":
      return [{ kind: "plan-landing" }];
    case "planned":
      return planned(session, stage);
    case "agreed":
      return agreed(session, main, stage);
    case "settled":
      return settled(session, main, stage);
  }
}

function planned(session: Session, { plan }: Landing & { kind: "planned" }): readonly Command[] {
  const { target } = session.order;
  if (plan.commits === 0 && session.order.workflow.merge === null) return [answer("yes", "policy")];
  if (plan.obstacle !== null) return [now({ type: "landing-refused", fault: plan.obstacle })];
  if (target === null) return [];
  return session.autoLand ? [answer("yes", "flag")] : [{ kind: "ask-landing", commits: plan.commits, target }];
}

function answer(answer: "yes" | "no" | "nobody", by: "flag" | "person" | "policy"): Command {
  return now({ type: "landing-answered", answer, by });
}

function agreed(session: Session, main: Lane, stage: Landing & { kind: "agreed" }): readonly Command[] {
  const { target, workflow } = session.order;
  if (stage.plan.commits === 0 && workflow.merge === null) return removal(session, main);
  if (target === null) return [];
  const root = rootCursor(session, main);
  if (workflow.merge !== null) {
    const cursor = below(root, "merge");
    const steps = sequence(workflow.merge.steps, {
      ...cursor,
      context: { ...cursor.context, deadline: deadlineWithin(cursor, workflow.merge.timeoutMs) },
    });
    if (steps.kind === "pending") return steps.commands;
    if (!passes(steps.outcome)) return [failed(steps.outcome.fault)];
  }
  if (!stage.conflicted) return [{ kind: "land", target }];
  if (stage.conflicts > MAX_RESOLUTIONS) return [failed(stillConflicts(target))];
  if (!stage.targetMerged) return [{ kind: "merge-target", target }];
  const resolved = sequence([resolution(session, target)], below(root, `resolve-${String(stage.conflicts)}`));
  if (resolved.kind === "pending") return resolved.commands;
  return passes(resolved.outcome) ? [{ kind: "land", target }] : [failed(resolved.outcome.fault)];
}

function failed(cause: Fault | null): Command {
  const event: EventBody = {
    type: "session-failed",
    fault: cause ?? fault("landing", "the landing failed"),
    path: "merge",
  };
  return { kind: "record", events: [event], whenIdle: true };
}

function stillConflicts(target: string): ReturnType<typeof fault> {
  return fault(
    "conflict",
    `the session branch still conflicts with ${target} after ${String(MAX_RESOLUTIONS)} attempts to resolve it`,
    {
      help: `merge ${target} into the session's worktree by hand, commit, then resume`,
    },
  );
}

function settled(session: Session, main: Lane, stage: Landing & { kind: "settled" }): readonly Command[] {
  if (stage.result === "landed") return removal(session, main);
  return [end(stage.result, session)];
}

/** The worktree goes before the session is called done. */
function removal(session: Session, main: Lane): readonly Command[] {
  if (!main.removed)
    return [{ kind: "remove-lane", lane: MAIN, target: session.order.target, reason: "the session has ended" }];
  return [end(session.landing.kind === "settled" ? "landed" : "nothing", session)];
}

function end(result: (EventBody & { type: "session-ended" })["landing"], session: Session): Command {
  const { failedInputs, deadLetters } = session;
  const ended: EventBody = { type: "session-ended", landing: result, failedInputs };
  return { kind: "record", events: [deadLetters === 0 ? ended : { ...ended, deadLetters }], whenIdle: true };
}

function rootCursor(session: Session, main: Lane): Cursor {
  const context: StepContext = {
    lane: MAIN,
    locals: {},
    deadline: null,
    defaultTimeoutMs: null,
    shared: false,
    own: false,
  };
  return { session, lane: main, node: main.root, path: "", context, sequence };
}

function below(cursor: Cursor, segment: string): Cursor {
  return { ...cursor, node: cursor.node?.children.get(segment) ?? null, path: segment };
}

function resolution(session: Session, target: string): Step {
  const { branch, workflow } = session.order;
  return landingResolution(workflow, { branch, target, at: nowhere(session) });
}

function nowhere(session: Session): SourceLocation {
  return (
    session.order.workflow.steps[0]?.at ?? { file: session.order.workflowFile ?? "", line: 1, column: 1, text: "" }
  );
}

function now(...events: readonly EventBody[]): Command {
  return { kind: "record", events, whenIdle: false };
}
