/**
 * What a new worker finds. Resuming is nothing else: the same loop goes on from here.
 *
 * Attempts that were running are interrupted. What had failed is open again, with the parts that passed kept; what did not
 * fail is left alone. Each lane's worktree has to be made sure of once more.
 */
import type { Event, Fault } from "./event.ts";
import { keptValues } from "./compute.ts";
import { withoutResolutions } from "./evolve-landing.ts";
import { withoutNumber, withRange } from "./ranges.ts";
import {
  type AttemptState,
  failedItems,
  type ItemResult,
  type Lane,
  type Landing,
  MAIN,
  type Node,
  passes,
  type Session,
  someNode,
} from "./state.ts";
import type { MapState } from "./state-map.ts";
import { onLane } from "./update.ts";

export function reopened(session: Session, event: Event & { readonly type: "session-opened" }): Session {
  const idleMs = session.idleMs + Math.max(0, event.at - session.lastAt);
  const how: Reopening = {
    wasFailed: session.status === "failed",
    forgiven: session.pause?.kind === "poison",
    at: event.at,
    idleMs,
  };
  const lanes = new Map<string, Lane>();
  for (const [id, lane] of session.lanes) lanes.set(id, reopenedLane(lane, how));
  const open: Session = {
    ...session,
    lanes,
    status: session.status === "ended" ? "ended" : "running",
    pause: null,
    fault: null,
    stopping: null,
    autoLand: event.autoLand,
    waivesCommits: event.waivesCommits === true,
    idleMs,
  };
  return withLanding(
    { ...open, deadLetters: session.deadLetters - deadIn(session.lanes.get(MAIN)) + deadIn(lanes.get(MAIN)) },
    how.wasFailed,
  );
}

/** The dead letters of a map that stopped get another chance; those of one that went on stay dead. */
function deadIn(lane: Lane | undefined): number {
  let count = 0;
  if (lane !== undefined) someNode(lane.root, ({ map }) => ((count += map?.dead?.count ?? 0), false));
  return count;
}

interface Reopening {
  readonly wasFailed: boolean;
  readonly forgiven: boolean;
  readonly at: number;
  readonly idleMs: number;
}

/** A question that nobody answered is asked again. Conflicts that nobody could resolve may have been resolved by hand. */
function withLanding(session: Session, wasFailed: boolean): Session {
  const { landing } = session;
  if (session.status === "ended") return session;
  if (landing.kind === "planned") return { ...session, landing: { kind: "open" } };
  if (landing.kind !== "agreed" || !landing.conflicted || !wasFailed) return session;
  const anew: Landing = { ...landing, conflicts: 0, targetMerged: false, conflicted: false };
  return { ...onLane(session, MAIN, withoutResolutions), landing: anew };
}

function reopenedLane(lane: Lane, how: Reopening): Lane {
  const restore = lane.want === "restore" || someNode(lane.root, isCutShort);
  // What has been merged, or is gone, has come to its end, and its outcome is still to be told.
  const isOver = lane.removed || lane.merge !== null;
  const root = isOver
    ? lane.root
    : reopenedNode(lane.root, lane, { ...how, inFailed: false, isList: lane.id !== MAIN });
  return { ...lane, root, ready: false, want: restore ? "restore" : "keep" };
}

/** Something was at work in a tree of its own, and cannot be taken up where it was. */
function isCutShort({ attempt }: Node): boolean {
  if (attempt === null || attempt.agentSession !== null || attempt.shared) return false;
  return attempt.status === "running" || attempt.status === "interrupted";
}

interface Place extends Reopening {
  /** Whether the node belongs to a step that failed. */
  readonly inFailed: boolean;
  /** Whether the node is a list of steps whose failure is that of the session or of the item. */
  readonly isList: boolean;
}

function reopenedNode(node: Node, lane: Lane, place: Place): Node {
  const failed = place.inFailed || (place.wasFailed && place.isList && node.last !== null && !passes(node.last));
  const cut = failed ? roundCutOff(node) : null;
  const open = !failed ? node : cut === null ? withoutFailure(node, lane, place) : inTime(node, place);
  const attempt = open.attempt === null ? null : reopenedAttempt(open.attempt, lane, place.forgiven);
  if (open.children.size === 0) return { ...open, attempt };
  const children = new Map<string, Node>();
  const again = new Set(failedItems(node).map(({ index }) => `item-${String(index)}`));
  for (const [segment, child] of open.children) {
    // Of a loop's items only those that failed; in a list of steps only the step that failed still has a node.
    const isOpen = cut === null ? node.items === null || again.has(segment) : segment === cut;
    const inFailed = failed && isOpen;
    children.set(segment, reopenedNode(child, lane, { ...place, inFailed, isList: LISTS.test(segment) }));
  }
  return { ...open, attempt, children };
}

const LISTS = /^(?:pass-\d+|merge|resolve-\d+)$/;

function reopenedAttempt(attempt: AttemptState, lane: Lane, forgiven: boolean): AttemptState {
  const crashes = forgiven ? 0 : attempt.crashes;
  // An agent that met its quota is taken up where it stopped: that is no failure of the step.
  if (attempt.status === "ended" && attempt.fault?.kind === "limit") return { ...takenUp(attempt, lane), crashes };
  if (attempt.status === "running") return { ...attempt, status: "interrupted", crashes: crashes + 1 };
  return { ...attempt, crashes };
}

/** What it committed before it was cut off has been recorded, and must not be counted again when it goes on. */
function takenUp(attempt: AttemptState, lane: Lane): AttemptState {
  return { ...attempt, status: "interrupted", since: lane.tree };
}

/** The round of a step in which an agent was cut off by its service: it goes on there, and what led to it stays. */
function roundCutOff({ items, children }: Node): string | null {
  const last = items === null ? [...children].findLast(([segment]) => ANSWERS.test(segment)) : undefined;
  return last !== undefined && someNode(last[1], ({ attempt }) => attempt !== null && isCutOff(attempt))
    ? last[0]
    : null;
}

/** Its time begins anew. */
function inTime(node: Node, { at, idleMs }: Place): Node {
  return { ...node, startedAt: at, idleBefore: idleMs };
}

/** Takes the failure out of a node, and with it the rounds that only answered the failure. Its time begins anew. */
function withoutFailure(node: Node, lane: Lane, { at, idleMs }: Place): Node {
  const attempt = node.attempt === null ? null : withoutFailedAttempt(node.attempt, lane);
  // Where success has been answered, the step's own work is done, and so is its validation.
  const isDone = node.children.has("success");
  return {
    ...withoutFailedItems(node, lane),
    startedAt: at,
    idleBefore: idleMs,
    attempt,
    computed: keptValues(node.computed),
    map: node.map === null ? null : withoutDead(node.map),
    validations: isDone ? node.validations : [],
    last: node.last !== null && passes(node.last) ? node.last : null,
    ...(node.items !== null || isDone ? {} : { children: withoutRounds(node) }),
  };
}

/** An agent that its service cut off goes on where it was, with all its retries again; everything else begins anew. */
function withoutFailedAttempt(attempt: AttemptState, lane: Lane): AttemptState | null {
  if (attempt.status !== "ended" || attempt.fault?.kind === "limit") return attempt;
  if (attempt.ok) return { ...attempt, again: true };
  return isCutOff(attempt) ? { ...takenUp(attempt, lane), number: 1, due: false, delayedMs: 0 } : null;
}

function isCutOff({ status, ok, fault, agentSession }: AttemptState): boolean {
  return status === "ended" && !ok && agentSession !== null && fault !== null && CUT_OFF.has(fault.kind);
}

/** Faults of the agent's service and not of its work: what it has done until then is paid, and good. */
const CUT_OFF: ReadonlySet<Fault["kind"]> = new Set(["overloaded", "auth"]);

function withoutDead(map: MapState): MapState {
  const again: number[] = [];
  for (let item = map.dead; item !== null; item = item.previous) again.unshift(item.index);
  const breaker = { ...map.breaker, state: "closed" as const, failures: 0, successes: 0, openings: 0 };
  return { ...map, again: [...map.again, ...again], dead: null, isFatal: false, breaker };
}

/** Failed items are open again, with their parts; what is settled beyond the first of them stays so. */
function withoutFailedItems(node: Node, lane: Lane): Node {
  const items = failedItems(node);
  const [first] = items.map(({ index }) => index).toSorted((a, b) => a - b);
  if (first === undefined) return node;
  const settled = withRange(node.settled, [first, node.done]);
  const children = new Map(node.children);
  for (const { index, parts } of items) if (parts !== null) children.set(`item-${String(index)}`, parts);
  return {
    ...node,
    done: Math.min(first, node.done),
    settled: items.reduce((ranges, { index }) => withoutNumber(ranges, index), settled),
    failed: null,
    failure: null,
    results: withoutResults(node.results, new Set(items.map(({ index }) => index))),
    // A lane that is made anew begins with what the other items have merged, or it would meet the same conflict again.
    before: lane.tree,
    children,
  };
}

function withoutResults(results: ItemResult | null, indexes: ReadonlySet<number>): ItemResult | null {
  const kept: ItemResult[] = [];
  for (let at = results; at !== null; at = at.previous) if (!indexes.has(at.index)) kept.push(at);
  return kept.reduceRight<ItemResult | null>(
    (previous, result) => ({ ...result, count: (previous?.count ?? 0) + 1, previous }),
    null,
  );
}

function withoutRounds({ children }: Node): Node["children"] {
  const all = [...children];
  // A goal that was missed is tried anew from its first score. One whose try failed goes on in that very try.
  const isMissed = !all.some(([segment, { last }]) => segment.startsWith("try-") && last !== null && !passes(last));
  const kept = all.filter(([segment]) => !ANSWERS.test(segment) && !(isMissed && TRIES.test(segment)));
  return kept.length === all.length ? children : new Map(kept);
}

const ANSWERS = /^(?:handler-\d+|rerun-\d+|validate-\d+|complete-\d+|fallback|exit-[1-9]\d*)$/;
const TRIES = /^(?:score|try)-\d+$/;
