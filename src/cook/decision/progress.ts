/** Where the evaluation of something with parts stands. */
import type { SourceLocation, Step } from "../../workflow/model.ts";
import type { Command, StepContext } from "./command.ts";
import type { Fault, StepOutcome, StepPath } from "./event.ts";
import { join, type Lane, type Node, type Session } from "./state.ts";

export type Progress =
  | { readonly kind: "pending"; readonly commands: readonly Command[] }
  | { readonly kind: "ended"; readonly outcome: StepOutcome };

/** A place in a lane's tree of nodes, and what holds there. */
export interface Cursor {
  readonly session: Session;
  readonly lane: Lane;
  /** Null where nothing has happened yet. */
  readonly node: Node | null;
  readonly path: StepPath;
  readonly context: StepContext;
  /** How steps inside this place are evaluated: `sequence` of step.ts, handed down so that the rooms do not import each other in a circle. */
  readonly sequence: (steps: readonly Step[], cursor: Cursor) => Progress;
}

/** Something is in flight; there is nothing to add to it. */
export const WAITING: Progress = { kind: "pending", commands: [] };

export function pending(...commands: readonly Command[]): Progress {
  return { kind: "pending", commands };
}

export function record(...events: (Command & { kind: "record" })["events"]): Progress {
  return pending({ kind: "record", events, whenIdle: false });
}

export function ended(outcome: StepOutcome): Progress {
  return { kind: "ended", outcome };
}

export const PASSED: StepOutcome = { status: "ok", exitCode: 0, output: "", fault: null, durationMs: 0 };

export function failedWith(fault: Fault, from: StepOutcome = PASSED): StepOutcome {
  return { ...from, status: "failed", exitCode: fault.exitCode ?? (from.exitCode === 0 ? null : from.exitCode), fault };
}

export function child(cursor: Cursor, segment: string, context: Partial<StepContext> = {}): Cursor {
  return {
    ...cursor,
    node: cursor.node?.children.get(segment) ?? null,
    path: join(cursor.path, segment),
    context: { ...cursor.context, ...context },
  };
}

/** Until when a limit that began with the cursor's node allows; the nearest of it and the limits around it. */
export function deadlineWithin(cursor: Cursor, limitMs: number | null): number | null {
  if (limitMs === null) return cursor.context.deadline;
  const { node, session } = cursor;
  const startedAt = node === null ? session.lastAt : node.startedAt + (session.idleMs - node.idleBefore);
  return Math.min(cursor.context.deadline ?? Number.POSITIVE_INFINITY, startedAt + limitMs);
}

/** How long the cursor's node has been at it, without the time when no worker was there. */
export function elapsedMs({ node, session }: Cursor): number {
  if (node === null) return 0;
  return Math.max(0, session.lastAt - node.startedAt - (session.idleMs - node.idleBefore));
}

/** A step that the engine itself needs, such as the one that resolves a merge conflict. */
export function syntheticStep(label: string, action: Step["action"], at: SourceLocation): Step {
  return {
    id: null,
    label,
    at,
    action,
    when: null,
    env: [],
    clearEnv: false,
    workingDir: null,
    timeoutMs: null,
    retry: null,
    capture: null,
    outputFile: null,
    commitRequired: false,
    autoCommit: null,
    outputs: [],
    validate: null,
    verify: false,
    captures: [],
    onSuccess: [],
    onExitCode: [],
    onFailure: { kind: "fail" },
  };
}
