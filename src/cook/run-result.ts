/** How a run ended, as a program that called us wants to know it. */
import type { Fault, PauseReason } from "./decision/event.ts";
import { MAIN, type Session } from "./decision/state.ts";
import type { Tally } from "./tally.ts";

export interface RunResult extends Tally {
  readonly session: string;
  readonly workflow: string;
  readonly workflowFile: string | null;
  readonly dryRun: boolean;
  /** `paused` and `failed` can be resumed. */
  readonly status: "ended" | "paused" | "failed";
  /** What became of the session's commits; null while that is open. */
  readonly landing: "landed" | "declined" | "not-landed" | "nothing" | null;
  readonly pause: PauseReason | null;
  /** Why it failed, or why it was not merged. */
  readonly fault: Fault | null;
  readonly failedInputs: number;
  /** Items in the dead letter queue. */
  readonly deadLetters: number;
  readonly repository: string;
  readonly branch: string;
  /** The branch that it came from; null on a detached HEAD. */
  readonly target: string | null;
  /** The session's worktree; null where it was removed or never made. */
  readonly worktree: string | null;
  /** The folder of its event files. */
  readonly journal: string;
  /** The folder of its log files. */
  readonly logs: string;
}

export function resultOf(
  session: Session,
  tally: Tally,
  places: { readonly journal: string; readonly logs: string },
): RunResult {
  const { order, landing } = session;
  const main = session.lanes.get(MAIN);
  const settled = landing.kind === "settled" ? landing : null;
  return {
    session: order.session,
    workflow: order.workflow.name,
    workflowFile: order.workflowFile,
    dryRun: order.dryRun,
    status: settledStatus(session),
    landing: session.status === "ended" ? (settled?.result ?? "nothing") : null,
    pause: session.pause,
    fault: session.fault ?? settled?.fault ?? null,
    failedInputs: session.failedInputs,
    deadLetters: session.deadLetters,
    repository: order.repository.path,
    branch: order.branch,
    target: order.target,
    worktree: order.dryRun || main === undefined || main.removed ? null : main.directory,
    ...tally,
    ...places,
  };
}

function settledStatus({ status }: Session): RunResult["status"] {
  // The loop returns only when nothing is left to do, so a session that still runs is a mistake of ours.
  if (status === "running") throw new Error("bug: the loop ended while the session was running");
  return status;
}
