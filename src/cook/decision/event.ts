/**
 * What can happen to a session, in the past tense. The journal holds these and nothing else; every other file about a
 * session is computed from them.
 *
 * The union is a file format: a new variant or field needs an upgrade in `upgrade.ts` and a golden journal.
 */
import type { Json, Workflow } from "../../workflow/model.ts";
import type { MapEventBody } from "./event-map.ts";
import type {
  LaneId,
  StepPath,
  TreeState,
  Changes,
  Commit,
  Usage,
  Fault,
  AttemptResult,
  Slot,
  StepOutcome,
  ValidationResult,
} from "./facts.ts";

export type {
  LaneId,
  StepPath,
  TreeState,
  Changes,
  Commit,
  Usage,
  Fault,
  AttemptResult,
  Slot,
  StepOutcome,
  ValidationResult,
} from "./facts.ts";

/** Version of the journal's form. Journals of a newer version are refused. */
export const SCHEMA_VERSION = 1;

/** What a session was asked to do. */
export interface SessionOrder {
  readonly session: string;
  readonly workflow: Workflow;
  /** As the user gave it; null for `exec`. */
  readonly workflowFile: string | null;
  /** One iteration of the workflow for each; empty means one iteration without input. */
  readonly inputs: readonly string[];
  readonly parameters: Readonly<Record<string, Json>>;
  readonly profile: string | null;
  /** `-n`: passes over the steps for each input. */
  readonly maxIterations: number;
  /** Whether a failing input is salvaged and left behind (`--keep-going`). */
  readonly keepGoing: boolean;
  readonly dryRun: boolean;
  readonly repository: { readonly key: string; readonly path: string };
  /** The commit that the session branch starts at. */
  readonly base: string;
  /** The branch that was checked out; null on a detached HEAD. */
  readonly target: string | null;
  readonly branch: string;
  readonly parent: string | null;
  /** The session whose dead letters it tries again, and which keeps them. Absent in all others. */
  readonly deadLettersOf?: string;
  readonly versions: { readonly prodigy: string; readonly node: string; readonly git: string };
}

/** A process that works, or worked, on a session. */
export interface Worker {
  readonly pid: number;
  readonly startedAt: string;
  readonly host: string;
}

export type PauseReason =
  | { readonly kind: "signal"; readonly signal: "SIGINT" | "SIGTERM" | "SIGHUP" }
  | { readonly kind: "stop" }
  | { readonly kind: "pause" }
  | { readonly kind: "poison"; readonly path: StepPath; readonly starts: number }
  | { readonly kind: "limit"; readonly resetsAt: number | null }
  | { readonly kind: "disk"; readonly freeBytes: number };

/** An event before the journal has given it its number. */
export type Event = EventBody & {
  /** Milliseconds since the epoch. */
  readonly at: number;
};

/** An event as the journal holds it. */
export type Recorded = Event & { readonly seq: number };

export type EventBody =
  | MapEventBody
  | { readonly type: "session-started"; readonly order: SessionOrder }
  /** A process has taken the session's lock: at the start and at every resume. Whatever ran before is now interrupted. */
  | {
      readonly type: "session-opened";
      readonly worker: Worker;
      readonly autoLand: boolean;
      /** While this worker is at it, no step fails for the want of a commit (`PRODIGY_NO_COMMIT_VALIDATION`). */
      readonly waivesCommits?: true;
    }
  | { readonly type: "workflow-changed"; readonly workflow: Workflow }
  | {
      readonly type: "lane-prepared";
      readonly lane: LaneId;
      readonly directory: string;
      readonly tree: TreeState;
      readonly salvage: string | null;
      /** Whether the worktree was made just now. Absent where it is the lane's own, and not of the pool. */
      readonly fresh?: boolean;
      readonly slot?: Slot;
    }
  | { readonly type: "lane-failed"; readonly lane: LaneId; readonly fault: Fault }
  /**
   * Values such as `${uuid}` and `${cmd:...}`, by the text in the braces. `path` is the step that they are for; the main
   * lane's root where they are for all steps. Recorded before anything uses them, so that whoever resumes sees the same.
   */
  | {
      readonly type: "values-computed";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly values: readonly { readonly key: string; readonly value: Json }[];
    }
  /** `when` was evaluated, and came out true. */
  | { readonly type: "step-entered"; readonly lane: LaneId; readonly path: StepPath }
  | {
      readonly type: "attempt-started";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      /** What runs, as people see it. */
      readonly label: string;
      /** The agent session chosen for this attempt; the same again when it is continued. */
      readonly agentSession: string | null;
      readonly continued: boolean;
      /** Other attempts write in the same tree at the same time, so it is never put back. */
      readonly shared: boolean;
      /** Where its output goes, relative to the storage root. */
      readonly logs: readonly string[];
    }
  | {
      readonly type: "attempt-ended";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      readonly result: AttemptResult;
      readonly tree: TreeState;
      /** New commits since the attempt began, oldest first. */
      readonly commits: readonly Commit[];
      readonly usage: Usage | null;
      /** Variables that later steps see. */
      readonly set: Readonly<Record<string, Json>>;
    }
  /** A graceful stop ended the attempt. It does not count against the limit of starts. */
  | {
      readonly type: "attempt-interrupted";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      readonly usage: Usage | null;
    }
  /** The agent's session could not be continued; it starts afresh from the last recorded tree. */
  | {
      readonly type: "continuation-failed";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      readonly reason: string;
      readonly usage: Usage | null;
    }
  | {
      readonly type: "retry-due";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      readonly delayMs: number;
    }
  /** The path is that of the called steps, which see the values. */
  | {
      readonly type: "call-begun";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly given: Readonly<Record<string, Json>>;
    }
  | { readonly type: "items-planned"; readonly lane: LaneId; readonly path: StepPath; readonly items: readonly Json[] }
  | {
      readonly type: "validated";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly round: number;
      readonly result: ValidationResult;
      readonly set: Readonly<Record<string, Json>>;
    }
  | {
      readonly type: "step-ended";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly label: string;
      readonly outcome: StepOutcome;
      readonly set: Readonly<Record<string, Json>>;
    }
  | {
      readonly type: "item-ended";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly index: number;
      readonly outcome: StepOutcome;
    }
  | {
      readonly type: "lane-merged";
      readonly lane: LaneId;
      readonly into: LaneId;
      readonly tree: TreeState;
      readonly commits: number;
    }
  | {
      readonly type: "lane-conflicted";
      readonly lane: LaneId;
      readonly into: LaneId;
      readonly paths: readonly string[];
    }
  | { readonly type: "lane-removed"; readonly lane: LaneId; readonly salvage: string | null }
  /** One pass over the steps ended; `-n` goes on only while passes make commits. */
  | { readonly type: "pass-ended"; readonly input: number; readonly pass: number; readonly commits: number }
  | {
      readonly type: "input-ended";
      readonly input: number;
      readonly value: string | null;
      readonly outcome: StepOutcome;
      readonly salvage: string | null;
    }
  | {
      readonly type: "landing-planned";
      readonly commits: number;
      readonly changes: Changes;
      /** Files that were left uncommitted in the session's worktree. */
      readonly leftovers: readonly string[];
      /** Why it cannot land as things stand, with what to do. */
      readonly obstacle: Fault | null;
    }
  | {
      readonly type: "landing-answered";
      readonly answer: "yes" | "no" | "nobody";
      readonly by: "flag" | "person" | "policy";
    }
  | { readonly type: "landing-requested"; readonly by: "resume" | "worktree merge" }
  | {
      readonly type: "target-merged";
      readonly lane: LaneId;
      readonly tree: TreeState;
      readonly conflicts: readonly string[];
    }
  | {
      readonly type: "landed";
      readonly commit: string;
      readonly previous: string;
      readonly how: "fast-forward" | "merge" | "already";
    }
  | { readonly type: "landing-conflicted"; readonly paths: readonly string[] }
  | { readonly type: "landing-refused"; readonly fault: Fault }
  /** Another process asked for it by the session's inbox. */
  | { readonly type: "pause-requested"; readonly reason: PauseReason }
  | { readonly type: "session-paused"; readonly reason: PauseReason }
  | { readonly type: "session-failed"; readonly fault: Fault; readonly path: StepPath | null }
  | {
      readonly type: "session-ended";
      readonly landing: "landed" | "declined" | "not-landed" | "nothing" | "dry-run";
      readonly failedInputs: number;
      /** Items in the dead letter queue. Absent in sessions without a map. */
      readonly deadLetters?: number;
    }
  | { readonly type: "warned"; readonly lane: LaneId | null; readonly path: StepPath | null; readonly message: string };

const MAP_EVENTS: Readonly<Record<MapEventBody["type"], true>> = {
  "map-planned": true,
  "items-begun": true,
  "item-combined": true,
  "item-conflicted": true,
  "items-probed": true,
  "batch-started": true,
  "batch-verified": true,
  "map-advanced": true,
  "item-retried": true,
  "item-due": true,
  "breaker-changed": true,
  "map-item-ended": true,
  "items-requeued": true,
  "dead-letters-retried": true,
  "dead-letters-settled": true,
  "dead-letters-removed": true,
};

export type MapEvent = Event & MapEventBody;

export function isMapEvent<E extends Event>(event: E): event is Extract<E, { readonly type: MapEventBody["type"] }> {
  return event.type in MAP_EVENTS;
}
