/**
 * What should be in flight now. Pure and idempotent: it depends on nothing but the state, proposes nothing that is
 * finished, and proposes nothing at all once the session has settled.
 */
import type { Json } from "../../workflow/model.ts";
import type { Command, StepContext } from "./command.ts";
import { withValues } from "./compute.ts";
import type { EventBody, StepOutcome } from "./event.ts";
import { landing } from "./landing.ts";
import { type Cursor, PASSED } from "./progress.ts";
import { type Lane, MAIN, type Node, passes, type Session, type State, strayLanes } from "./state.ts";
import { sequence } from "./step.ts";

export function decide(state: State): readonly Command[] {
  if (state.kind === "none" || state.status !== "running") return [];
  const due = whatIsDue(state);
  if (state.stopping === null) return due;
  // What has ended is still concluded, so that a stopped session says truly how far it came; nothing new begins.
  const conclusions = due.filter((command) => command.kind === "record");
  return conclusions.length > 0 ? conclusions : [settle({ type: "session-paused", reason: state.stopping })];
}

function whatIsDue(session: Session): readonly Command[] {
  const main = session.lanes.get(MAIN);
  if (main === undefined) return [];
  // Before anything new begins at the same places.
  if (session.owed.length > 0) return session.owed.map((owed) => ({ kind: "account", ...owed }));
  if (!main.ready && !main.removed) {
    const reason = "the session was interrupted";
    return [{ kind: "prepare-lane", lane: MAIN, tree: main.tree, mode: main.want, reason }];
  }
  const steps = inputsDone(session, main) ? landing(session, main) : program(session, main);
  return [...removals(session), ...steps.map((command) => withValues(command, session))];
}

/** Worktrees of lanes that no loop will look at again. What is in them and nowhere else is kept. */
function removals(session: Session): readonly Command[] {
  const reason = "its loop went on without it";
  return strayLanes(session).map((lane) =>
    session.lanes.get(lane)?.pooled === true
      ? { kind: "release-lane", lane, known: null, merged: null, reason }
      : { kind: "remove-lane", lane, target: null, reason },
  );
}

/** One iteration of the workflow for each input; one without input where none is given. */
function inputsOf(session: Session): readonly (string | null)[] {
  const { inputs, workflow } = session.order;
  // A map has items of its own; there they are positional arguments.
  return inputs.length === 0 || workflow.mode === "mapreduce" ? [null] : inputs;
}

function inputsDone(session: Session, main: Lane): boolean {
  return main.root.done >= inputsOf(session).length;
}

function program(session: Session, main: Lane): readonly Command[] {
  const input = main.root.done;
  const value = inputsOf(session)[input] ?? null;
  const inputNode = main.root.children.get(`input-${String(input)}`) ?? null;
  const pass = inputNode?.done ?? 0;
  if (pass > 0 && (pass >= session.order.maxIterations || !madeCommits(inputNode))) {
    return [now({ type: "input-ended", input, value, outcome: PASSED, salvage: null })];
  }
  const steps = sequence(session.order.workflow.steps, passCursor(session, main, { input, value, pass }));
  if (steps.kind === "pending") return steps.commands;
  if (passes(steps.outcome))
    return [now({ type: "pass-ended", input, pass, commits: main.commits - commitsBefore(inputNode, pass) })];
  return afterFailedInput(session, main, { input, value, outcome: steps.outcome, node: inputNode });
}

/** `-n` goes on only while the passes make commits. */
function madeCommits(inputNode: Node | null): boolean {
  return inputNode?.last?.output === "commits";
}

function commitsBefore(inputNode: Node | null, pass: number): number {
  return inputNode?.children.get(`pass-${String(pass)}`)?.commitsBefore ?? 0;
}

interface Pass {
  readonly input: number;
  readonly value: string | null;
  readonly pass: number;
}

function passCursor(session: Session, main: Lane, { input, value, pass }: Pass): Cursor {
  const path = `input-${String(input)}/pass-${String(pass)}`;
  const node = main.root.children.get(`input-${String(input)}`)?.children.get(`pass-${String(pass)}`) ?? null;
  return {
    session,
    lane: main,
    node,
    path,
    context: mainContext(passVariables(session, { input, value, pass })),
    sequence,
  };
}

function passVariables(session: Session, { input, value, pass }: Pass): Readonly<Record<string, Json>> {
  const counted = { ITERATION: pass + 1, INDEX: input, TOTAL: inputsOf(session).length };
  if (value !== null) return { ...counted, ARG: value, ARG_1: value };
  const [first] = session.order.inputs;
  if (first === undefined) return counted;
  const positional = session.order.inputs.map((text, index) => [`ARG_${String(index + 1)}`, text] as const);
  return { ...counted, ARG: first, ...Object.fromEntries(positional) };
}

function mainContext(locals: Readonly<Record<string, Json>>): StepContext {
  return { lane: MAIN, locals, deadline: null, defaultTimeoutMs: null, shared: false, own: true };
}

interface FailedInput {
  readonly input: number;
  readonly value: string | null;
  readonly outcome: StepOutcome;
  readonly node: Node | null;
}

function afterFailedInput(
  session: Session,
  main: Lane,
  { input, value, outcome, node }: FailedInput,
): readonly Command[] {
  if (session.order.keepGoing && value !== null) {
    return [{ kind: "leave-input", input, value, to: node?.before ?? main.tree, outcome }];
  }
  const { fault } = outcome;
  if (fault === null) return [];
  return [settle({ type: "session-failed", fault, path: `input-${String(input)}` })];
}

function now(...events: readonly EventBody[]): Command {
  return { kind: "record", events, whenIdle: false };
}

/** Concludes the session's work; waits for what is still in flight. */
function settle(event: EventBody): Command {
  return { kind: "record", events: [event], whenIdle: true };
}
