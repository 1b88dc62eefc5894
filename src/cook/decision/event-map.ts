/** What can happen to a map as a whole and to its items, besides what happens in their lanes. Part of `event.ts`. */
import type { Json } from "../../workflow/model.ts";
import type { Fault, LaneId, StepOutcome, StepPath, TreeState } from "./facts.ts";

/** An item of a map, under the name that it keeps whatever else becomes of the input. */
export interface MapItem {
  /** Its `id` field, or a hash of its data. */
  readonly id: string;
  readonly data: Json;
}

/** What became of an item. */
export type ItemEnd =
  /** Its steps passed, and its commits are in the combined tree. */
  | "merged"
  /** Its steps passed and committed nothing that is to be merged. */
  | "unmerged"
  /** It failed, and the workflow does not mind. */
  | "skipped"
  /** It failed and is in the dead letter queue. */
  | "dead";

/** What an item's steps did, for `map.results` and for people. */
export interface ItemWork {
  readonly commits: readonly string[];
  readonly files: readonly string[];
  readonly insertions: number;
  readonly deletions: number;
  /** Null: no agent ran, or nobody knows. */
  readonly costUsd: number | null;
}

/** One failed attempt at an item, as the dead letter queue tells it. */
export interface ItemFailure {
  readonly at: number;
  /** The session in which it was tried: the map's own, or a later one that tried dead letters again. */
  readonly session: string;
  readonly lane: LaneId;
  readonly fault: Fault | null;
  /** The step that failed. */
  readonly step: string | null;
  readonly agentSession: string | null;
  /** Of the last thing that ran, relative to the storage root. */
  readonly logs: readonly string[];
  readonly durationMs: number;
  /** Null: no agent ran, or nobody knows. */
  readonly costUsd: number | null;
  readonly salvage: string | null;
  readonly conflicts: readonly string[];
}

export type MapEventBody =
  | {
      readonly type: "map-planned";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly MapItem[];
      readonly parallel: number;
      /** The limit for each item; null for none. */
      readonly timeoutMs: number | null;
    }
  /** From now on they are at work: each gets a lane. */
  | {
      readonly type: "items-begun";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly number[];
      /** Items that would be next, and wait because running ones have changed files that they name. */
      readonly delayed?: readonly number[];
    }
  /** Two items that still run were seen to conflict, or not to. */
  | {
      readonly type: "items-probed";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly [number, number];
      readonly heads: readonly [string, string];
      /** Empty: they go together. */
      readonly conflicts: readonly string[];
    }
  /** An item's commits were merged into the map's combined tree, which no branch holds before `map-advanced`. */
  | {
      readonly type: "item-combined";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly index: number;
      /** The merge commit. */
      readonly commit: string;
      readonly commits: number;
    }
  | {
      readonly type: "item-conflicted";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly index: number;
      /** The combined tree that it conflicts with. */
      readonly with: string;
      readonly paths: readonly string[];
    }
  /** Items whose merges are verified together. */
  | {
      readonly type: "batch-started";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly number[];
    }
  | {
      readonly type: "batch-verified";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly number[];
      readonly outcome: StepOutcome;
    }
  /** The session branch has what was combined so far. */
  | {
      readonly type: "map-advanced";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly tree: TreeState;
      readonly commits: number;
      readonly salvage: string | null;
    }
  /** The item failed and is tried again from the start. */
  | {
      readonly type: "item-retried";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly index: number;
      /** The number of the attempt that failed. */
      readonly attempt: number;
      readonly outcome: StepOutcome;
      readonly delayMs: number;
      readonly salvage: string | null;
    }
  /** The delay before an item's next attempt is over. */
  | { readonly type: "item-due"; readonly lane: LaneId; readonly path: StepPath; readonly index: number }
  /** After failures in a row no new items begin (`open`), after a while a few may try (`half-open`). */
  | {
      readonly type: "breaker-changed";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly to: "closed" | "open" | "half-open";
    }
  | {
      readonly type: "map-item-ended";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly index: number;
      readonly id: string;
      readonly end: ItemEnd;
      readonly outcome: StepOutcome;
      readonly attempts: number;
      readonly work: ItemWork;
      readonly salvage: string | null;
      /** Files in which it conflicts with other items, where that is why it failed. */
      readonly conflicts: readonly string[];
      /** Whether no other item may begin after it. */
      readonly stops: boolean;
    }
  /** They have failed, and a person wants them tried again while the map is running. */
  | {
      readonly type: "items-requeued";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly number[];
    }
  /** Another session tries these dead letters again; until that is settled nobody else may. */
  | { readonly type: "dead-letters-retried"; readonly session: string; readonly items: readonly string[] }
  /** That session has ended. Items that are in neither list were not tried. */
  | {
      readonly type: "dead-letters-settled";
      readonly session: string;
      readonly passed: readonly string[];
      readonly failed: readonly { readonly id: string; readonly failures: readonly ItemFailure[] }[];
    }
  /** A person took these out of the queue. */
  | { readonly type: "dead-letters-removed"; readonly items: readonly string[]; readonly reason: "purged" | "cleared" };
