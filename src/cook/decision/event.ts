/**
 * What can happen to a session, in the past tense. The journal holds these and nothing else; every other file about a
 * session is computed from them.
 *
 * The union is a file format: a new variant or field needs an upgrade in `upgrade.ts` and a golden journal.
 */
import type { Json, SourceLocation, Workflow } from "../../workflow/model.ts";

/** Version of the journal's form. Journals of a newer version are refused. */
export const SCHEMA_VERSION = 1;

/** `main`, or the path of the foreach item that the lane belongs to. */
export type LaneId = string;

/**
 * Where in the run something stands, such as `input-0/pass-0/step-2/handler-1/step-0`. The path names the phase, the
 * iteration, the step, the handler or validation round; with the attempt and the step's hash it is the result's key.
 */
export type StepPath = string;

/** A lane's files at one moment: the commit and, where files differ from it, a snapshot of all of them. */
export interface TreeState {
  readonly head: string;
  /** Null where the files are exactly the commit's. */
  readonly snapshot: string | null;
}

/** Files and lines that differ between two trees. */
export interface Changes {
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly deleted: readonly string[];
  readonly insertions: number;
  readonly deletions: number;
}

export interface Commit {
  readonly hash: string;
  readonly message: string;
  readonly author: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly changes: Changes;
}

/** What an agent's run cost. Null means unknown, which is not zero. */
export interface Usage {
  readonly costUsd: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly turns: number | null;
}

/** The world misbehaved in a way that a user can understand. */
export interface Fault {
  readonly kind:
    | "exit"
    | "signal"
    | "timeout"
    | "idle"
    | "spawn"
    | "agent"
    | "limit"
    | "overloaded"
    | "auth"
    | "denied"
    | "budget"
    | "commit-required"
    | "incomplete"
    | "goal"
    | "template"
    | "expression"
    | "capture"
    | "file"
    | "outputs"
    | "environment"
    | "git"
    | "conflict"
    | "landing"
    | "handler"
    | "loop"
    | "interrupted"
    | "input";
  /** One sentence: what was attempted, on what, what happened. */
  readonly message: string;
  readonly exitCode: number | null;
  /** Last lines of the output, already masked. */
  readonly lastLines: readonly string[];
  /** What the user can do, where there is something. */
  readonly help: string | null;
  readonly at: SourceLocation | null;
  /** Log files that show more. */
  readonly logs: readonly string[];
}

/** How one execution of a step's action ended. */
export interface AttemptResult {
  readonly ok: boolean;
  readonly exitCode: number | null;
  /** An agent's final text, or a command's stdout. */
  readonly output: string;
  readonly stderr: string;
  readonly durationMs: number;
  readonly fault: Fault | null;
  /** When a used-up quota comes back, in milliseconds since the epoch. */
  readonly resetsAt: number | null;
}

/** How a step ended, after retries, validation and handlers. */
export interface StepOutcome {
  /**
   * `recovered`: a handler passed and the original was not run again, so nothing proves the repair. `tolerated`: it
   * failed and the workflow goes on. Neither is ever shown as success.
   */
  readonly status: "ok" | "skipped" | "recovered" | "tolerated" | "failed";
  readonly exitCode: number | null;
  readonly output: string;
  readonly fault: Fault | null;
  readonly durationMs: number;
}

/** What the validation of a step's work found. */
export interface ValidationResult {
  readonly completion: number;
  readonly status: "complete" | "incomplete" | "failed" | "skipped";
  readonly implemented: readonly string[];
  readonly missing: readonly string[];
  readonly gaps: Json;
  /** The whole result as it was read. */
  readonly raw: Json;
  /** Why it counts as failed, where it could not be read. */
  readonly problem: string | null;
}

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
  | { readonly type: "session-started"; readonly order: SessionOrder }
  /** A process has taken the session's lock: at the start and at every resume. Whatever ran before is now interrupted. */
  | { readonly type: "session-opened"; readonly worker: Worker; readonly autoLand: boolean }
  | { readonly type: "workflow-changed"; readonly workflow: Workflow }
  | {
      readonly type: "lane-prepared";
      readonly lane: LaneId;
      readonly directory: string;
      readonly tree: TreeState;
      readonly salvage: string | null;
      /** Whether the worktree was made just now. Absent where it is the lane's own, and not of the pool. */
      readonly fresh?: boolean;
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

const MAP_EVENTS = {
  "map-planned": true,
  "items-begun": true,
  "item-combined": true,
  "item-conflicted": true,
  "batch-started": true,
  "batch-verified": true,
  "map-advanced": true,
  "item-retried": true,
  "item-due": true,
  "breaker-changed": true,
  "map-item-ended": true,
} as const satisfies Partial<Record<Event["type"], true>>;

/** What happens to a map as a whole and to its items, besides what happens in their lanes. */
export type MapEvent = Event & { readonly type: keyof typeof MAP_EVENTS };

export function isMapEvent<E extends Event>(event: E): event is Extract<E, { readonly type: MapEvent["type"] }> {
  return event.type in MAP_EVENTS;
}
