/** What an event means: the next state. Pure; the only place where state changes. */
import { assert } from "./assert.ts";
import { afterEdit, withoutOwed } from "./edit.ts";
import { type Event, isMapEvent, type LaneId, type SessionOrder, type StepOutcome } from "./event.ts";
import { attemptEnded, attemptStarted, continuationFailed, due, interrupted } from "./evolve-attempt.ts";
import { answered, landingConflicted, targetMerged } from "./evolve-landing.ts";
import { laneRemoved, prepared } from "./evolve-lane.ts";
import { onMap } from "./evolve-map.ts";
import { MAX_ITEM_RESULTS } from "./limits.ts";
import { withNumber } from "./ranges.ts";
import { reopened } from "./reopen.ts";
import {
  emptyNode,
  type FailedItem,
  indexOf,
  itemLane,
  type ItemResult,
  type Lane,
  MAIN,
  newNode,
  NO_WORK,
  type Node,
  parentOf,
  passes,
  type Session,
  type State,
  withNode,
} from "./state.ts";
import { onLane, onNode, setting } from "./update.ts";

export function evolve(state: State, event: Event): State {
  if (state.kind === "none") {
    assert(event.type === "session-started", `the first event is ${event.type}, not session-started`);
    return started(event.order, event.at);
  }
  return { ...apply(state, event), lastAt: event.at };
}

// oxlint-disable-next-line max-lines-per-function -- One case an event; a table would lose the check that none is missing.
function apply(session: Session, event: Event): Session {
  if (isMapEvent(event)) return onMap(session, event);
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
    case "values-computed":
      return onNode(session, event, (node) => ({ ...node, computed: withComputed(node, event) }));
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
      return session.owed.length > 0
        ? { ...session, owed: withoutOwed(session.owed, event) }
        : onNode(session, event, (node) => ({ ...node, attempt: interrupted(node) }));
    case "continuation-failed":
      return continuationFailed(session, event);
    case "retry-due":
      return onNode(session, event, (node) => ({ ...node, attempt: due(node, event.delayMs) }));
    case "call-begun": {
      const { given } = event;
      return onNode(session, event, (node) => ({ ...node, vars: { params: given, param: given, ...given } }));
    }
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
      return laneRemoved(session, event);
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
      return targetMerged(session, event);
    case "landing-conflicted":
      return landingConflicted(session);
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
    waivesCommits: false,
    lanes: new Map<LaneId, Lane>(),
    failedInputs: 0,
    deadLetters: 0,
    starts: 0,
    landing: { kind: "open" as const },
    lastAt: at,
    idleMs: 0,
    owed: [],
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
    fresh: false,
    slot: null,
    pooled: false,
    conflict: null,
    work: NO_WORK,
    said: "",
    salvage: null,
  };
  const root = newNode({ ...bare, root: emptyNode }, empty, at);
  return { ...empty, lanes: new Map([[MAIN, { ...bare, root }]]) };
}

/** A step that passed is folded into its parent; one that failed keeps its parts, so that a resume can spare those that passed. */
function stepEnded(session: Session, event: Event & { readonly type: "step-ended" }): Session {
  const { parent, segment } = parentOf(event.path);
  return onLane(session, event.lane, (lane) =>
    withNode(saying(lane, parent, event.outcome), parent, {
      make: () => newNode(lane, session, event.at),
      update: (node) => {
        if (!passes(event.outcome)) return { ...node, last: event.outcome };
        const index = indexOf(segment);
        return {
          ...withoutChild(node, segment),
          last: event.outcome,
          done: index + 1,
          history: {
            deadLetters: session.deadLetters,
            index,
            tree: lane.tree,
            commits: lane.commits,
            vars: lane.vars,
            previous: node.history,
          },
        };
      },
    }),
  );
}

/** What an item of a map printed is the output of its steps, one after another. */
function saying(lane: Lane, parent: string, { output }: StepOutcome): Lane {
  if (lane.id === MAIN || parent !== "" || output === "" || lane.said.length >= MAX_SAID) return lane;
  return { ...lane, said: `${lane.said}${lane.said === "" ? "" : "\n"}${output.trimEnd()}`.slice(0, MAX_SAID) };
}

/** Of an item's output, so much goes into `map.results`; the logs have it all. */
const MAX_SAID = 64 * 1024;

function itemEnded(session: Session, event: Event & { readonly type: "item-ended" }): Session {
  const { index, outcome } = event;
  const segment = `item-${String(index)}`;
  const failed = !passes(outcome);
  const folded = onNode(session, event, (node) => ({
    ...withoutChild(node, segment),
    ...withSettled(node, index),
    failed: failed ? withFailed(node, index) : node.failed,
    failure: failed && index < (node.failure?.index ?? index + 1) ? { index, fault: outcome.fault } : node.failure,
    results: withResult(node.results, event),
  }));
  const id = itemLane(event.lane, event.path, event.index);
  const lane = folded.lanes.get(id);
  // The worktree of a failed item may still be there, for a resume to go on in it.
  if (lane === undefined || (failed && !lane.removed)) return folded;
  const lanes = new Map(folded.lanes);
  lanes.delete(id);
  return { ...folded, lanes };
}

function withSettled({ done, settled }: Node, index: number): Pick<Node, "done" | "settled"> {
  const [first, ...rest] = withNumber(settled, index);
  return first?.[0] === done
    ? { done: first[1], settled: rest }
    : { done, settled: first === undefined ? [] : [first, ...rest] };
}

function withFailed({ failed, children }: Node, index: number): FailedItem {
  const parts = children.get(`item-${String(index)}`) ?? null;
  return { index, parts, count: (failed?.count ?? 0) + 1, previous: failed };
}

function withResult(
  previous: ItemResult | null,
  { index, outcome }: Event & { readonly type: "item-ended" },
): ItemResult | null {
  const count = (previous?.count ?? 0) + 1;
  if (count > MAX_ITEM_RESULTS) return previous;
  const { status, exitCode } = outcome;
  return { index, status, exitCode, output: outcome.output.slice(-MAX_ITEM_OUTPUT), count, previous };
}

/** Of what an item printed, its end is kept for `foreach.results`; the log has it all. */
const MAX_ITEM_OUTPUT = 1024;

function withComputed({ computed }: Node, { values }: Event & { readonly type: "values-computed" }): Node["computed"] {
  return { ...computed, ...Object.fromEntries(values.map(({ key, value }) => [key, value])) };
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
