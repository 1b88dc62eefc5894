/** What an event means: the next state. Pure; the only place where state changes. */
import { assert } from "./assert.ts";
import type { Event, LaneId, SessionOrder, StepOutcome, StepPath } from "./event.ts";
import { reopened } from "./reopen.ts";
import { afterEdit } from "./edit.ts";
import {
  type AttemptState,
  indexOf,
  itemLane,
  type Lane,
  MAIN,
  newNode,
  type Node,
  parentLane,
  parentOf,
  passes,
  type Session,
  type State,
  withNode,
} from "./state.ts";

export function evolve(state: State, event: Event): State {
  if (state.kind === "none") {
    assert(event.type === "session-started", `the first event is ${event.type}, not session-started`);
    return started(event.order, event.at);
  }
  return { ...apply(state, event), lastAt: event.at };
}

function apply(session: Session, event: Event): Session {
  switch (event.type) {
    case "session-started":
      throw new Error("a session cannot start twice");
    case "session-opened":
      return reopened(session, event);
    case "workflow-changed":
      return afterEdit(session, event.workflow);
    case "lane-prepared":
      return prepared(session, event);
    case "lane-failed":
    case "session-failed":
      return { ...session, status: "failed", fault: event.fault };
    case "step-entered":
      return onNode(session, event, (node) => ({ ...node, entered: true }));
    case "attempt-started":
      return {
        ...onNode(session, event, (node, lane) => ({ ...node, attempt: attemptStarted(node, lane, event) })),
        starts: session.starts + 1,
      };
    case "attempt-ended":
      return attemptEnded(session, event);
    case "attempt-interrupted":
      return onNode(session, event, (node) => ({ ...node, attempt: interrupted(node) }));
    case "continuation-failed":
      return continuationFailed(session, event);
    case "retry-due":
      return onNode(session, event, (node) => ({ ...node, attempt: due(node, event.delayMs) }));
    case "items-planned":
      return onNode(session, event, (node) => ({ ...node, items: event.items }));
    case "validated":
      return setting(
        onNode(session, event, (node) => ({ ...node, validations: [...node.validations, event.result] })),
        event,
      );
    case "step-ended":
      return stepEnded(setting(session, event), event);
    case "item-ended":
      return itemEnded(session, event);
    case "lane-merged":
      return onLane(
        onLane(session, event.lane, (lane) => ({ ...lane, merge: "merged" })),
        event.into,
        (into) => ({
          ...into,
          tree: event.tree,
          commits: into.commits + event.commits,
        }),
      );
    case "lane-conflicted":
      return onLane(session, event.lane, (lane) => ({ ...lane, merge: { conflicts: event.paths } }));
    case "lane-removed":
      return onLane(session, event.lane, (lane) => ({ ...lane, removed: true, ready: false }));
    case "pass-ended":
      return passEnded(session, event);
    case "input-ended":
      return inputEnded(session, event);
    case "landing-planned":
      return { ...session, landing: { kind: "planned", plan: event } };
    case "landing-answered":
      return answered(session, event.answer);
    case "landing-requested":
      return { ...session, status: "running", landing: { kind: "open" } };
    case "target-merged":
      return {
        ...onLane(session, event.lane, (lane) => ({ ...lane, tree: event.tree })),
        landing:
          session.landing.kind === "agreed"
            ? { ...session.landing, targetMerged: true, conflicted: event.conflicts.length > 0 }
            : session.landing,
      };
    case "landing-conflicted":
      return session.landing.kind === "agreed"
        ? {
            ...session,
            landing: {
              ...session.landing,
              conflicts: session.landing.conflicts + 1,
              conflicted: true,
              targetMerged: false,
            },
          }
        : session;
    case "landed":
      return { ...session, landing: { kind: "settled", result: "landed", fault: null } };
    case "landing-refused":
      return { ...session, landing: { kind: "settled", result: "not-landed", fault: event.fault } };
    case "pause-requested":
      return { ...session, stopping: event.reason };
    case "session-paused":
      return { ...session, status: "paused", pause: event.reason, stopping: null };
    case "session-ended":
      return { ...session, status: "ended", stopping: null };
    case "warned":
      return session;
  }
}

function started(order: SessionOrder, at: number): Session {
  const tree = { head: order.base, snapshot: null };
  const empty = {
    kind: "session" as const,
    order,
    status: "paused" as const,
    pause: null,
    fault: null,
    stopping: null,
    autoLand: false,
    lanes: new Map<LaneId, Lane>(),
    failedInputs: 0,
    starts: 0,
    landing: { kind: "open" as const },
    lastAt: at,
    idleMs: 0,
  };
  const bare = {
    id: MAIN,
    directory: null,
    ready: false,
    want: "keep" as const,
    tree,
    commits: 0,
    vars: {},
    merge: null,
    removed: false,
  };
  const root = newNode({ ...bare, root: ROOTLESS }, empty, at);
  return { ...empty, lanes: new Map([[MAIN, { ...bare, root }]]) };
}

/** Stands in for the root of a lane while that very root is being made. */
const ROOTLESS: Node = {
  before: { head: "", snapshot: null },
  commitsBefore: 0,
  startedAt: 0,
  idleBefore: 0,
  entered: false,
  attempt: null,
  items: null,
  validations: [],
  done: 0,
  settled: new Set(),
  failedItems: [],
  failure: null,
  last: null,
  history: null,
  children: new Map(),
};

function laneOf(session: Session, id: LaneId): Lane {
  const lane = session.lanes.get(id);
  assert(lane !== undefined, `event for unknown lane ${id}`);
  return lane;
}

function onLane(session: Session, id: LaneId, update: (lane: Lane) => Lane): Session {
  return { ...session, lanes: new Map(session.lanes).set(id, update(laneOf(session, id))) };
}

interface Located {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly at: number;
}

function onNode(session: Session, event: Located, update: (node: Node, lane: Lane) => Node): Session {
  return onLane(session, event.lane, (lane) =>
    withNode(lane, event.path, { make: () => newNode(lane, session, event.at), update: (node) => update(node, lane) }),
  );
}

function setting(session: Session, event: { readonly lane: LaneId; readonly set: Lane["vars"] }): Session {
  if (Object.keys(event.set).length === 0) return session;
  return onLane(session, event.lane, (lane) => ({ ...lane, vars: { ...lane.vars, ...event.set } }));
}

function prepared(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const known = session.lanes.get(event.lane);
  if (known === undefined) return withItemLane(session, event);
  const waiting = known.want === "keep" && continues(known.root);
  return onLane(session, event.lane, (lane) => ({
    ...lane,
    directory: event.directory,
    ready: true,
    removed: false,
    want: "keep",
    // An agent that is continued works on in what it left; should that fail, the lane goes back to the tree before it.
    tree: waiting ? lane.tree : event.tree,
  }));
}

/** A lane for one item of a loop. It sees the variables that its parent had when it was made. */
function withItemLane(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const parent = laneOf(session, parentLane(event.lane));
  const bare: Lane = {
    ...parent,
    id: event.lane,
    directory: event.directory,
    ready: true,
    want: "keep",
    tree: event.tree,
    commits: 0,
    merge: null,
    removed: false,
    root: ROOTLESS,
  };
  return {
    ...session,
    lanes: new Map(session.lanes).set(event.lane, { ...bare, root: newNode(bare, session, event.at) }),
  };
}

function continues(node: Node): boolean {
  if (node.attempt?.status === "interrupted" && node.attempt.agentSession !== null) return true;
  return [...node.children.values()].some(continues);
}

function attemptStarted(node: Node, lane: Lane, event: Event & { readonly type: "attempt-started" }): AttemptState {
  const earlier = node.attempt?.number === event.attempt ? node.attempt : null;
  return {
    number: event.attempt,
    status: "running",
    crashes: earlier?.crashes ?? 0,
    since: event.continued && earlier !== null ? earlier.since : lane.tree,
    agentSession: event.agentSession,
    shared: event.shared,
    ok: false,
    exitCode: null,
    output: "",
    stderr: "",
    durationMs: 0,
    fault: null,
    resetsAt: null,
    endedAt: event.at,
    due: false,
    delayedMs: earlier?.delayedMs ?? node.attempt?.delayedMs ?? 0,
  };
}

function attemptEnded(session: Session, event: Event & { readonly type: "attempt-ended" }): Session {
  const { result } = event;
  const ended = onNode(session, event, (node, lane) => ({
    ...node,
    attempt: {
      number: event.attempt,
      status: "ended",
      crashes: node.attempt?.crashes ?? 0,
      since: node.attempt?.since ?? lane.tree,
      agentSession: node.attempt?.agentSession ?? null,
      shared: node.attempt?.shared ?? false,
      ok: result.ok,
      exitCode: result.exitCode,
      output: result.output,
      stderr: result.stderr,
      durationMs: result.durationMs,
      fault: result.fault,
      resetsAt: result.resetsAt,
      endedAt: event.at,
      due: false,
      delayedMs: node.attempt?.delayedMs ?? 0,
    },
  }));
  return onLane(setting(ended, event), event.lane, (lane) => ({
    ...lane,
    tree: event.tree,
    commits: lane.commits + event.commits.length,
  }));
}

function interrupted(node: Node): AttemptState {
  assert(node.attempt !== null, "an attempt that never began was interrupted");
  return { ...node.attempt, status: "interrupted" };
}

function continuationFailed(session: Session, event: Event & { readonly type: "continuation-failed" }): Session {
  const cleared = onNode(session, event, (node) => ({
    ...node,
    attempt: { ...interrupted(node), agentSession: null },
  }));
  return onLane(cleared, event.lane, (lane) => ({ ...lane, ready: false, want: "restore" }));
}

function due(node: Node, delayMs: number): AttemptState {
  assert(node.attempt !== null, "a retry is due for an attempt that never began");
  return { ...node.attempt, due: true, delayedMs: node.attempt.delayedMs + delayMs };
}

/** A step that passed is folded into its parent; one that failed keeps its parts, so that a resume can spare those that passed. */
function stepEnded(session: Session, event: Event & { readonly type: "step-ended" }): Session {
  const { parent, segment } = parentOf(event.path);
  return onLane(session, event.lane, (lane) =>
    withNode(lane, parent, {
      make: () => newNode(lane, session, event.at),
      update: (node) => {
        if (!passes(event.outcome)) return { ...node, last: event.outcome };
        const index = indexOf(segment);
        return {
          ...withoutChild(node, segment),
          last: event.outcome,
          done: index + 1,
          history: { index, tree: lane.tree, vars: lane.vars, previous: node.history },
        };
      },
    }),
  );
}

function itemEnded(session: Session, event: Event & { readonly type: "item-ended" }): Session {
  const segment = `item-${String(event.index)}`;
  const failed = !passes(event.outcome);
  const folded = onNode(session, event, (node) => {
    const settled = new Set(node.settled).add(event.index);
    let done = node.done;
    while (settled.delete(done)) done += 1;
    return {
      // A failed item keeps its parts, so that a resume can spare those that passed.
      ...(failed ? node : withoutChild(node, segment)),
      done,
      settled,
      failedItems: failed ? [...node.failedItems, event.index] : node.failedItems,
      failure: node.failure ?? event.outcome.fault,
    };
  });
  const lanes = new Map(folded.lanes);
  lanes.delete(itemLane(event.lane, event.path, event.index));
  return { ...folded, lanes };
}

function withoutChild(node: Node, segment: string): Node {
  if (!node.children.has(segment)) return node;
  const children = new Map(node.children);
  children.delete(segment);
  return { ...node, children };
}

function passEnded(session: Session, event: Event & { readonly type: "pass-ended" }): Session {
  const path = `input-${String(event.input)}`;
  return onNode(session, { lane: MAIN, path, at: event.at }, (node) => ({
    ...withoutChild(node, `pass-${String(event.pass)}`),
    done: event.pass + 1,
    last: event.commits > 0 ? MADE_COMMITS : MADE_NONE,
  }));
}

const MADE_COMMITS: StepOutcome = { status: "ok", exitCode: null, output: "commits", fault: null, durationMs: 0 };
const MADE_NONE: StepOutcome = { ...MADE_COMMITS, output: "" };

/** An input that failed and was left behind takes its changes along: the next one starts from the tree before it. */
function inputEnded(session: Session, event: Event & { readonly type: "input-ended" }): Session {
  const segment = `input-${String(event.input)}`;
  const left = !passes(event.outcome);
  const next = onLane(session, MAIN, (lane) => ({
    ...lane,
    vars: {},
    tree: left ? (lane.root.children.get(segment)?.before ?? lane.tree) : lane.tree,
    root: { ...withoutChild(lane.root, segment), done: event.input + 1 },
  }));
  return { ...next, failedInputs: next.failedInputs + (left ? 1 : 0) };
}

function answered(session: Session, answer: "yes" | "no" | "nobody"): Session {
  assert(session.landing.kind === "planned", "an answer without a question");
  if (answer === "yes") {
    return {
      ...session,
      landing: { kind: "agreed", plan: session.landing.plan, conflicts: 0, targetMerged: false, conflicted: false },
    };
  }
  return { ...session, landing: { kind: "settled", result: answer === "no" ? "declined" : "not-landed", fault: null } };
}
