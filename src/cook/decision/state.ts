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
  StepOutcome,
  StepPath,
  TreeState,
  ValidationResult,
} from "./event.ts";

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
  readonly lanes: ReadonlyMap<LaneId, Lane>;
  readonly failedInputs: number;
  /** Attempts that have begun, in total; numbers their logs. */
  readonly starts: number;
  readonly landing: Landing;
  /** When the newest event happened. */
  readonly lastAt: number;
  /** How long no worker was there, in total. Deadlines move by it. */
  readonly idleMs: number;
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
  /** Set when its work has been merged into its parent, or could not be. */
  readonly merge: "merged" | { readonly conflicts: readonly string[] } | null;
  readonly removed: boolean;
}

export interface Node {
  /** The lane's tree, its number of commits and the time when the node began. */
  readonly before: TreeState;
  readonly commitsBefore: number;
  readonly startedAt: number;
  /** The session's `idleMs` at that moment. */
  readonly idleBefore: number;
  /** `when` came out true. */
  readonly entered: boolean;
  readonly attempt: AttemptState | null;
  /** Items of a loop. */
  readonly items: readonly Json[] | null;
  /** One for each validation round that was read. */
  readonly validations: readonly ValidationResult[];
  /** How many of the leading parts (steps, items, passes, inputs) have ended. */
  readonly done: number;
  /** Parts beyond `done` that have ended already; only items that run side by side end out of order. */
  readonly settled: ReadonlySet<number>;
  /** Which of the ended items failed. */
  readonly failedItems: readonly number[];
  /** The first failed item's fault. */
  readonly failure: Fault | null;
  /** How the newest ended part ended. */
  readonly last: StepOutcome | null;
  /** What stood when each of the ended steps ended, newest first, so that an edited workflow can go back there. */
  readonly history: History | null;
  readonly children: ReadonlyMap<string, Node>;
}

export interface History {
  readonly index: number;
  readonly tree: TreeState;
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
  readonly shared: boolean;
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

/** A node that begins now. */
export function newNode(lane: Lane, session: Session, at: number): Node {
  return { ...emptyNode, before: lane.tree, commitsBefore: lane.commits, startedAt: at, idleBefore: session.idleMs };
}

/** Nothing has happened. It also stands in for the root of a lane while that very root is being made. */
export const emptyNode: Node = {
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
  return { ...lane, root: replaced(lane.root, segmentsOf(path), change) };
}

export interface NodeChange {
  readonly make: () => Node;
  readonly update: (node: Node) => Node;
}

function replaced(node: Node, segments: readonly string[], change: NodeChange): Node {
  const [segment, ...rest] = segments;
  if (segment === undefined) return change.update(node);
  const child = node.children.get(segment) ?? change.make();
  return { ...node, children: new Map(node.children).set(segment, replaced(child, rest, change)) };
}

/** A copy of the node in which every node below it, itself included, has been updated, children first. */
export function mapNodes(node: Node, update: (node: Node) => Node): Node {
  if (node.children.size === 0) return update(node);
  const children = new Map<string, Node>();
  for (const [segment, child] of node.children) children.set(segment, mapNodes(child, update));
  return update({ ...node, children });
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

export function parentLane(lane: LaneId): LaneId {
  const cut = lane.lastIndexOf("//");
  return cut < 0 ? MAIN : lane.slice(0, cut);
}
