/** What events are made of. `event.ts` gives these names to everybody else. */
import type { Json, SourceLocation } from "../../workflow/model.ts";

/** `main`, or the path of the foreach item that the lane belongs to. */
export type LaneId = string;

/**
 * Where in the run something stands, such as `input-0/pass-0/step-2/handler-1/step-0`. The path names the phase, the
 * iteration, the step, the handler or validation round; with the attempt and the step's hash it is the result's key.
 */
export type StepPath = string;

/** Which worktree of the pool a lane has, and what goes with it. */
export interface Slot {
  /** From 1; the lowest that is free. */
  readonly number: number;
  /** A folder outside of the worktree, empty when an item begins. */
  readonly scratch: string;
}

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
