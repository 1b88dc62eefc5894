/** What is known about a map and about the conflicts of its items. Part of `state.ts`. */
import type { Fault, LaneId, StepPath } from "./event.ts";
import type { MapItem } from "./event-map.ts";

export interface Conflict {
  readonly paths: readonly string[];
  /** The combined tree that it conflicted with. */
  readonly with: string;
  /** How often it has conflicted. */
  readonly round: number;
  /** Whether that tree has been merged into the lane's worktree, and which conflicts that left there. */
  readonly merging: readonly string[] | null;
}

/** A map's items and how far they are. Only what is open is listed one by one. */
export interface MapState {
  readonly items: readonly MapItem[];
  readonly parallel: number;
  readonly timeoutMs: number | null;
  /** The combined tree: what counts as merged, and where items begin. */
  readonly head: string;
  /** Commits in it that the session branch does not have yet. */
  readonly ahead: number;
  /** The first item that has never begun. */
  readonly next: number;
  /** Items before it that are to begin anew: a resume gives the dead another chance after the map had stopped. */
  readonly again: readonly number[];
  /** Pairs of open items that were looked at for conflicts, with the commits that they were at. */
  readonly probed: ReadonlyMap<string, string>;
  /** Items that have begun and have not ended, in that order. */
  readonly open: readonly number[];
  /** Earlier attempts of open items that failed. */
  readonly retries: ReadonlyMap<number, ItemRetry>;
  readonly train: Train | null;
  /** Batches that were verified, or refused. */
  readonly batches: number;
  readonly succeeded: number;
  readonly skipped: number;
  readonly dead: DeadItem | null;
  /** One of the dead stops all others. */
  readonly isFatal: boolean;
  readonly breaker: Breaker;
}

export interface ItemRetry {
  /** The number of attempts that failed. */
  readonly attempts: number;
  readonly delayedMs: number;
  readonly until: number;
  readonly due: boolean;
}

/** Items whose merges are verified together. A batch that fails is split until its culprits are found. */
export interface Train {
  /** What is still to be verified; the first group is at work. */
  readonly groups: readonly (readonly number[])[];
  /** The combined tree with the first group's items so far. */
  readonly candidate: string;
  readonly combined: number;
  readonly commits: number;
}

export interface DeadItem {
  readonly index: number;
  readonly fault: Fault | null;
  /** How many there are, this one included. */
  readonly count: number;
  readonly previous: DeadItem | null;
}

/** Where the circuit breaker stands. */
export interface Breaker {
  readonly state: "closed" | "open" | "half-open";
  /** Failures in a row, and while it is half open, those of the trials. */
  readonly failures: number;
  /** Trials that passed. */
  readonly successes: number;
  readonly openings: number;
  readonly openedAt: number;
}

/** Whether a map still needs the lane: one of an item that has not ended, or the one that verifies a batch. */
export function isWanted(map: MapState, id: LaneId, index: number): boolean {
  return isVerifyLane(id) ? map.train !== null && map.batches === index : map.open.includes(index);
}

/** The lane in which a batch of merges is verified. */
export function verifyLane(parent: LaneId, path: StepPath, batch: number): LaneId {
  return `${parent}//${path}/verify-${String(batch)}`;
}

export function isVerifyLane(lane: LaneId): boolean {
  return /\/verify-\d+$/.test(lane);
}

/** The name of a pair of items. */
export function pairOf(first: number, second: number): string {
  return `${String(first)}-${String(second)}`;
}
