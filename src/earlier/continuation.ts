/** Whether a session of an earlier Prodigy can be gone on with, and from where. Pure. */
import type { EventBody, Fault } from "../cook/decision/event.ts";
import type { Json, Step, Workflow } from "../workflow/model.ts";
import type { EarlierCheckpoint } from "./checkpoint.ts";
import type { Found } from "./read.ts";
import type { EarlierSession } from "./session.ts";

export interface Continuation {
  readonly checkpoint: Found<EarlierCheckpoint>;
  readonly workflowPath: string;
  /** How many steps are done. */
  readonly done: number;
}

/** Where it can be taken up, or why it cannot be and what is there. */
export function continuationOf(earlier: EarlierSession): { readonly ok: true; readonly value: Continuation } | Refusal {
  const { session, record, worktree, branch } = earlier;
  const left = whatIsLeft(earlier);
  if (earlier.holder !== null)
    return refusal(
      `session ${session.id} is already in progress: the earlier Prodigy works on it in process ${String(earlier.holder.pid)}`,
      `wait for it; if that process is another program, remove ${record.lock?.file ?? "the lock"}`,
    );
  if (session.status === "Completed" || session.status === "Cancelled")
    return refusal(
      `session ${session.id} was ${session.status.toLowerCase()} by an earlier Prodigy: there is nothing to resume`,
      left,
    );
  if (session.session_type === "MapReduce" || record.job !== null || record.deadLetters.length > 0)
    return refusal(
      `session ${session.id} is a MapReduce run of an earlier Prodigy, which recorded too little to go on with it${howFar(earlier)}`,
      left,
    );
  const [checkpoint] = record.checkpoints;
  if (checkpoint === undefined) return refusal(withoutCheckpoint(earlier), left);
  const { value } = checkpoint;
  if (value.workflowPath === null)
    return refusal(
      `the checkpoint ${checkpoint.file} is of an older form and does not say which workflow it belongs to`,
      `${left}; to run the workflow from its beginning: prodigy run FILE`,
    );
  if (value.workflowName === "args-workflow" || (value.iteration ?? 0) > 0)
    return refusal(
      `session ${session.id} of an earlier Prodigy ran over several inputs or passes, and its checkpoint does not say which of them are done`,
      left,
    );
  if (worktree === null && branch === null)
    return refusal(
      `neither the worktree nor the branch of session ${session.id} is there any more, so what its steps did is not either`,
      `run the workflow from its beginning: prodigy run ${value.workflowPath}`,
    );
  return { ok: true, value: { checkpoint, workflowPath: value.workflowPath, done: stepsDone(value) } };
}

/** Only an unbroken row of steps that passed counts: what stands after a gap is not proved. */
function stepsDone({ completed, currentStep }: EarlierCheckpoint): number {
  const passed = new Set(completed.filter(({ success }) => success).map(({ index }) => index));
  let done = 0;
  while (done < currentStep && passed.has(done)) done += 1;
  return done;
}

/** The first finished step that reads otherwise now; null where none does. */
export function changedStep(
  { checkpoint, done }: Continuation,
  workflow: Workflow,
): { readonly number: number; readonly was: string; readonly is: string } | null {
  const { completed, totalSteps } = checkpoint.value;
  for (const { index, command } of completed) {
    const step = workflow.steps[index];
    if (index >= done) continue;
    if (step === undefined || !reads(step, command))
      return { number: index + 1, was: command, is: step === undefined ? "not there" : commandOf(step) };
  }
  const now = workflow.steps.length;
  if (totalSteps === 0 || totalSteps === now) return null;
  return { number: done + 1, was: `one of ${String(totalSteps)} steps`, is: `one of ${String(now)}` };
}

/** Values were filled in before the command was noted, so only what stands before the first of them can be compared. */
function reads(step: Step, command: string): boolean {
  const { kind } = step.action;
  if (kind !== "shell" && kind !== "agent") return true;
  const [literal = ""] = commandOf(step).split("$", 1);
  const isWhole = literal.length === commandOf(step).length;
  const noted = squeezed(command);
  return isWhole ? noted === squeezed(literal) : noted.startsWith(squeezed(literal));
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function commandOf({ action, label }: Step): string {
  if (action.kind === "shell") return `shell: ${action.script}`;
  return action.kind === "agent" ? `${action.agent}: ${action.prompt}` : label;
}

/** What the journal of the new session begins with, between its start and its first worker. */
export function takenOver(
  { checkpoint, done }: Continuation,
  workflow: Workflow,
  prepared: EventBody & { readonly type: "lane-prepared" },
): readonly EventBody[] {
  const { completed, variables } = checkpoint.value;
  const ended = workflow.steps.slice(0, done).map((step, index): EventBody => {
    const noted = completed.find((one) => one.index === index);
    return {
      type: "step-ended",
      lane: "main",
      path: `input-0/pass-0/step-${String(index)}`,
      label: step.label,
      outcome: {
        status: "ok",
        exitCode: null,
        output: noted?.output ?? "",
        fault: null,
        durationMs: noted?.durationMs ?? 0,
      },
      set: index === done - 1 ? captured(variables) : {},
    };
  });
  return [prepared, ...ended];
}

/** What steps captured; the engine knows the rest itself, and better. */
function captured(variables: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => !name.startsWith("__") && !OWN.has(name.split(".", 1)[0] ?? "")),
  );
}

const OWN: ReadonlySet<string> = new Set(
  "PROJECT_ROOT WORKTREE ITERATION INDEX TOTAL ARG workflow step worktree project run session git merge".split(" "),
);

function withoutCheckpoint({ session, record }: EarlierSession): string {
  const [problem] = record.problems;
  if (problem !== undefined)
    return `session ${session.id} cannot be gone on with: ${problem.file} cannot be used: ${problem.reason}`;
  const why = session.error === null ? "" : ` (${session.error})`;
  return `session ${session.id} of an earlier Prodigy left no checkpoint, so nothing says which steps are done${why}`;
}

function howFar({ record }: EarlierSession): string {
  const job = record.job?.value;
  if (job === undefined) return "";
  return ` (${String(job.succeeded)} of ${String(job.total)} items done, ${String(job.failed)} failed)`;
}

/** Where its work lies and how to have it. */
export function whatIsLeft({ worktree, branch }: Pick<EarlierSession, "worktree" | "branch">): string {
  const lies = worktree === null ? "" : `its worktree is ${worktree}`;
  const merge = branch === null ? "" : `its commits are on the branch ${branch}; merge them with: git merge ${branch}`;
  return [lies, merge].filter((part) => part !== "").join(", ") || "nothing of its work is left in this repository";
}

type Refusal = { readonly ok: false; readonly fault: Fault };

function refusal(message: string, help: string): Refusal {
  return { ok: false, fault: { kind: "file", message, exitCode: null, lastLines: [], help, at: null, logs: [] } };
}
