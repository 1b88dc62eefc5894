/**
 * What is known about a session: the fold of its events.
 *
 * A session has lanes; a lane has a worktree and a tree of nodes. A node stands for something with parts: an input, a
 * pass over the steps, a step, its handler rounds, the items of a loop. A node exists from the first event about it until
 * its step ends; then only its outcome is left in the parent. So the state stays as small as what is going on.
 *
 * Everything here is immutable. Updates copy the path from the root to the node that changes and share the rest.
 */
import type { Json } from "../../workflow/model.ts";
import type {
  Changes,
  Fault,
  LaneId,
  PauseReason,
  SessionOrder,
  Slot,
  StepOutcome,
  StepPath,
  TreeState,
  ValidationResult,
} from "./event.ts";
import type { ItemWork } from "./event-map.ts";
import { hasNumber, type Ranges } from "./ranges.ts";
import { type Conflict, isWanted, type MapState } from "./state-map.ts";

export type State = { readonly kind: "none" } | Session;

export interface Session {
  readonly kind: "session";
  readonly order: SessionOrder;
  /**
   * `running` needs a worker; `paused` and `failed` wait for a resume; `ended` is final, except that a session branch
   * that has not landed can still be asked to land.
   */
  readonly status: "running" | "paused" | "failed" | "ended";
  /** Why it is not running. */
  readonly pause: PauseReason | null;
  readonly fault: Fault | null;
  /** A stop that was asked for and has not yet come about. */
  readonly stopping: PauseReason | null;
  readonly autoLand: boolean;
  /** Whether `commit_required` asks for nothing while this worker is at it. */
  readonly waivesCommits: boolean;
  readonly lanes: ReadonlyMap<LaneId, Lane>;
  readonly failedInputs: number;
  /** Items of maps that are in the dead letter queue. */
  readonly deadLetters: number;
  /** Attempts that have begun, in total; numbers their logs. */
  readonly starts: number;
  readonly landing: Landing;
  /** When the newest event happened. */
  readonly lastAt: number;
  /** How long no worker was there, in total. Deadlines move by it. */
  readonly idleMs: number;
  /** Agents that died at steps which an edit took away since: what they had cost is still to be found out. */
  readonly owed: readonly Owed[];
}

export interface Owed {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly attempt: number;
  readonly agent: string;
  readonly log: string;
}

export type Landing =
  | { readonly kind: "open" }
  | { readonly kind: "planned"; readonly plan: LandingPlan }
  | {
      readonly kind: "agreed";
      readonly plan: LandingPlan;
      readonly conflicts: number;
      readonly targetMerged: boolean;
      readonly conflicted: boolean;
    }
  | {
      readonly kind: "settled";
      readonly result: "landed" | "declined" | "not-landed" | "nothing";
      readonly fault: Fault | null;
    };

export interface LandingPlan {
  readonly commits: number;
  readonly changes: Changes;
  readonly leftovers: readonly string[];
  readonly obstacle: Fault | null;
}

export interface Lane {
  readonly id: LaneId;
  readonly directory: string | null;
  /** Whether this worker has made sure of the worktree. */
  readonly ready: boolean;
  /** How the worktree is made sure of: as it is, or put back to `tree`. */
  readonly want: "keep" | "restore";
  readonly tree: TreeState;
  /** Commits that the lane's steps have made, in total. */
  readonly commits: number;
  readonly vars: Readonly<Record<string, Json>>;
  readonly root: Node;
  /** The worktree was made for it, and what is set up once in each has not been yet. */
  readonly fresh: boolean;
  /** The worktree belongs to the session's pool. */
  readonly pooled: boolean;
  /** Which one; null where the lane has none of the pool. */
  readonly slot: Slot | null;
  /** Where a conflict with the combined tree of a map stands. */
  readonly conflict: Conflict | null;
  /** What its steps did and said; nobody asks for that of the main lane. */
  readonly work: ItemWork;
  readonly said: string;
  /** Under which name its leftovers were kept when its worktree went. */
  readonly salvage: string | null;
  /** Set when its work has been merged into its parent, or could not be. */
  readonly merge: "merged" | { readonly conflicts: readonly string[] } | { readonly refused: Fault } | null;
  readonly removed: boolean;
}

export interface Node {
  /** The lane's tree, its number of commits, its variables and the time when the node began. */
  readonly before: TreeState;
  readonly commitsBefore: number;
  readonly varsBefore: Readonly<Record<string, Json>>;
  readonly startedAt: number;
  /** The session's `idleMs` at that moment. */
  readonly idleBefore: number;
  /** `when` came out true. */
  readonly entered: boolean;
  readonly attempt: AttemptState | null;
  /** Items of a loop. */
  readonly items: readonly Json[] | null;
  /** A map's items. */
  readonly map: MapState | null;
  /** Variables of a loop's item, which nobody outside of it sees. */
  readonly vars: Readonly<Record<string, Json>> | null;
  /** Values that were computed for this step; on the main lane's root, for all of them. */
  readonly computed: Readonly<Record<string, Json>>;
  /** How the items of a loop ended, newest first; the first `MAX_ITEM_RESULTS` of them. */
  readonly results: ItemResult | null;
  /** One for each validation round that was read. */
  readonly validations: readonly ValidationResult[];
  /** How many of the leading parts (steps, items, passes, inputs) have ended. */
  readonly done: number;
  /** Parts beyond `done` that have ended already; only items that run side by side end out of order. */
  readonly settled: Ranges;
  /** Which of the ended items failed, newest first, with their parts, so that a resume can spare those that passed. */
  readonly failed: FailedItem | null;
  /** The first failed item in the order of the items, however they came to their end. */
  readonly failure: { readonly index: number; readonly fault: Fault | null } | null;
  /** How the newest ended part ended. */
  readonly last: StepOutcome | null;
  /** What stood when each of the ended steps ended, newest first, so that an edited workflow can go back there. */
  readonly history: History | null;
  readonly children: ReadonlyMap<string, Node>;
}

export interface FailedItem {
  readonly index: number;
  /** Null where it failed before it had any, or has them in its own lane. */
  readonly parts: Node | null;
  /** How many there are, this one included. */
  readonly count: number;
  readonly previous: FailedItem | null;
}

export interface ItemResult {
  readonly index: number;
  readonly status: StepOutcome["status"];
  readonly exitCode: number | null;
  readonly output: string;
  /** How many there are, this one included. */
  readonly count: number;
  readonly previous: ItemResult | null;
}

export interface History {
  readonly deadLetters: number;
  readonly index: number;
  readonly tree: TreeState;
  readonly commits: number;
  readonly vars: Readonly<Record<string, Json>>;
  readonly previous: History | null;
}

export interface AttemptState {
  readonly number: number;
  readonly status: "running" | "interrupted" | "ended";
  /** Starts that ended in a crash. */
  readonly crashes: number;
  /** The lane's tree when this attempt first began. */
  readonly since: TreeState;
  readonly agentSession: string | null;
  /** The agent's event log, as long as no event tells what was spent; it outlives a crash. */
  readonly unaccounted: string | null;
  readonly shared: boolean;
  /** It passed, and the step failed all the same: for the want of a commit or of a good validation, a resume runs it again. */
  readonly again: boolean;
  readonly ok: boolean;
  readonly exitCode: number | null;
  readonly output: string;
  readonly stderr: string;
  readonly durationMs: number;
  readonly fault: Fault | null;
  readonly resetsAt: number | null;
  readonly endedAt: number;
  /** The delay before the next attempt is over. */
  readonly due: boolean;
  /** Sum of the delays before earlier attempts. */
  readonly delayedMs: number;
}

export const MAIN: LaneId = "main";

export const NO_WORK: ItemWork = { commits: [], files: [], insertions: 0, deletions: 0, costUsd: null };

/** A node that begins now. */
export function newNode(lane: Lane, session: Session, at: number): Node {
  const { tree: before, commits: commitsBefore, vars: varsBefore } = lane;
  return { ...emptyNode, before, commitsBefore, varsBefore, startedAt: at, idleBefore: session.idleMs };
}

/** Nothing has happened. It also stands in for the root of a lane while that very root is being made. */
export const emptyNode: Node = {
  before: { head: "", snapshot: null },
  commitsBefore: 0,
  varsBefore: {},
  startedAt: 0,
  idleBefore: 0,
  entered: false,
  attempt: null,
  items: null,
  map: null,
  vars: null,
  computed: {},
  results: null,
  validations: [],
  done: 0,
  settled: [],
  failed: null,
  failure: null,
  last: null,
  history: null,
  children: new Map(),
};

/** The node at a path of the lane, or null where nothing has happened yet. */
export function nodeAt(lane: Lane, path: StepPath): Node | null {
  let node: Node | undefined = lane.root;
  for (const segment of segmentsOf(path)) {
    node = node.children.get(segment);
    if (node === undefined) return null;
  }
  return node;
}

/** A copy of the lane in which the node at the path is replaced; nodes on the way are made where they are missing. */
export function withNode(lane: Lane, path: StepPath, change: NodeChange): Lane {
  return { ...lane, root: replaced(lane.root, { segments: segmentsOf(path), depth: 0 }, change) };
}

export interface NodeChange {
  readonly make: () => Node;
  readonly update: (node: Node) => Node;
}

interface Way {
  readonly segments: readonly string[];
  readonly depth: number;
}

function replaced(node: Node, { segments, depth }: Way, change: NodeChange): Node {
  const segment = segments[depth];
  if (segment === undefined) return change.update(node);
  const child = node.children.get(segment) ?? change.make();
  const next = replaced(child, { segments, depth: depth + 1 }, change);
  return { ...node, children: new Map(node.children).set(segment, next) };
}

/** Whether it holds for the node or for any below it. */
export function someNode(node: Node, holds: (node: Node) => boolean): boolean {
  return holds(node) || [...node.children.values()].some((child) => someNode(child, holds));
}

/** What is set at a place of the lane: the lane's own variables, and over them those of the items and calls around the place. */
export function variablesAt(lane: Lane, path: StepPath): Readonly<Record<string, Json>> {
  const layers = [lane.vars];
  let node: Node | undefined = lane.root;
  for (const segment of segmentsOf(path)) {
    node = node.children.get(segment);
    if (node === undefined) break;
    if (isIsolated(segment)) layers.length = 0;
    if (node.vars !== null) layers.push(node.vars);
  }
  return layers.length === 1 && layers[0] !== undefined
    ? layers[0]
    : Object.fromEntries(layers.flatMap((layer) => Object.entries(layer)));
}

/** Whether a place, of a lane or in it, lies inside of a workflow that sees nothing of its caller. */
export function isIsolated(place: string): boolean {
  return /(?:^|\/)flow-\d+(?:\/|$)/.test(place);
}

export function segmentsOf(path: StepPath): readonly string[] {
  return path === "" ? [] : path.split("/");
}

export function parentOf(path: StepPath): { readonly parent: StepPath; readonly segment: string } {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? { parent: "", segment: path } : { parent: path.slice(0, slash), segment: path.slice(slash + 1) };
}

export function join(path: StepPath, segment: string): StepPath {
  return path === "" ? segment : `${path}/${segment}`;
}

/** The number at the end of `step-3`. */
export function indexOf(segment: string): number {
  return Number(segment.slice(segment.lastIndexOf("-") + 1));
}

/** Whether a run goes on after a step that ended so. */
export function passes(outcome: StepOutcome): boolean {
  return outcome.status !== "failed";
}

/** The lane of an item: the lane that the loop stands in, and where. */
export function itemLane(parent: LaneId, path: StepPath, index: number): LaneId {
  return `${parent}//${path}/item-${String(index)}`;
}

/** Where a lane of an item belongs: the lane and the path of its loop, and which item it is. Null for the main lane. */
export function loopOf(
  lane: LaneId,
): { readonly parent: LaneId; readonly path: StepPath; readonly index: number } | null {
  const cut = lane.lastIndexOf("//");
  if (cut < 0) return null;
  const { parent: path, segment } = parentOf(lane.slice(cut + 2));
  return { parent: lane.slice(0, cut), path, index: indexOf(segment) };
}

/** Whether an item of a loop has not ended. */
export function isOpen(loop: Node, index: number): boolean {
  return index >= loop.done && !hasNumber(loop.settled, index);
}

/**
 * Lanes that no loop will look at again: its step has ended, or was edited, while their worktrees are still there. A lane
 * whose item failed is not one of them as long as a resume could go on in it.
 */
export function strayLanes(session: Session): readonly LaneId[] {
  if (session.lanes.size < 2) return [];
  return [...session.lanes.keys()].filter((id) => isStray(session, id));
}

export function isStray(session: Session, id: LaneId): boolean {
  const place = loopOf(id);
  if (place === null) return false;
  const parent = session.lanes.get(place.parent);
  const loop = parent === undefined || parent.removed ? null : nodeAt(parent, place.path);
  if (loop !== null && loop.map !== null) return !isWanted(loop.map, id, place.index);
  if (loop === null || loop.items === null) return true;
  return !isOpen(loop, place.index) && !failedItems(loop).some(({ index }) => index === place.index);
}

/** The loop's failed items, the first one first. */
export function failedItems({ failed }: Pick<Node, "failed">): readonly FailedItem[] {
  const items: FailedItem[] = [];
  for (let item = failed; item !== null; item = item.previous) items.push(item);
  return items.toReversed();
}
