/**
 * The workflow language, fully resolved: no shorthands, no old spellings, no optional keys.
 *
 * `parse` turns YAML or JSON text into this. It is plain JSON, because the first event of every journal holds it: a
 * session resumes from that stored copy and not from the file, which may have been edited since.
 */

import type { Json } from "./json-value.ts";
import type { Parameter } from "./parameter-model.ts";
import type { Selection } from "./selection-model.ts";

/** Where a part of the workflow stands in its file. Lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The source line itself, trimmed at the end, for messages. */
  readonly text: string;
}

/**
 * A workflow that runs its steps in order. MapReduce is lowered to the same: its phases are three steps, of which the one
 * in the middle has a `map` action.
 */
export interface Workflow {
  readonly mode: "sequential" | "mapreduce";
  readonly name: string;
  readonly description: string | null;
  readonly steps: readonly Step[];
  /** Steps that land the session branch instead of git alone; null where the workflow has no `merge:`. */
  readonly merge: MergePhase | null;
  readonly environment: Environment;
  readonly parameters: readonly Parameter[];
  /** Defaults for agent steps that do not say otherwise. */
  readonly agent: AgentSettings;
  readonly settings: {
    /** Paths outside the worktree that `write_file` and `output_file` may write to; empty means none. */
    readonly allowPathsOutside: readonly string[];
    /** Passes over the steps where the call does not say it with `-n`; null for one. */
    readonly maxIterations: number | null;
  };
}

/** The `merge:` section. */
export interface MergePhase {
  readonly steps: readonly Step[];
  readonly timeoutMs: number | null;
}

/** Everything that makes a step's environment, in the order in which later wins. */
export interface Environment {
  /** Whether the process environment is passed on at all. */
  readonly inherit: boolean;
  readonly files: readonly EnvironmentFile[];
  readonly values: readonly EnvironmentValue[];
  readonly profiles: Readonly<Record<string, readonly EnvironmentValue[]>>;
  readonly secrets: readonly Secret[];
  /** Names that look like secrets and are none. */
  readonly notSecret: readonly string[];
}

/** One of `env_files:`. The path is a template; `missing` says what happens where the file is not there. */
export type EnvironmentFile = { readonly path: string; readonly missing: Missing; readonly at: SourceLocation };
type Missing = "warn" | "ignore" | "fail";

/** One `env:` entry. */
export interface EnvironmentValue {
  readonly name: string;
  readonly value:
    | { readonly kind: "text"; readonly template: string }
    /** With `cache` it runs once, and a resumed session sees the same value; otherwise for each attempt. */
    | { readonly kind: "command"; readonly script: string; readonly cache: boolean }
    | {
        readonly kind: "conditional";
        readonly condition: string;
        readonly whenTrue: string;
        readonly whenFalse: string;
      };
  /** `secret: true` in the file: masked like an entry of `secrets:`. */
  readonly secret: boolean;
  readonly at: SourceLocation;
}

/** One `secrets:` entry. */
export interface Secret {
  readonly name: string;
  readonly source:
    | { readonly kind: "env"; readonly variable: string }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "command"; readonly script: string }
    /** A program of its own, `prodigy-secret-<provider>`, is asked for it. */
    | { readonly kind: "provider"; readonly provider: string; readonly key: string; readonly version: string | null }
    | { readonly kind: "value"; readonly template: string };
  readonly at: SourceLocation;
}

export type { Json, Parameter, Selection };

/** How an agent is called. Null means: not said here. */
export interface AgentSettings {
  readonly model: string | null;
  readonly maxTurns: number | null;
  readonly maxBudgetUsd: number | null;
  readonly effort: string | null;
  readonly systemPrompt: string | null;
  /** What happens to an agent that was cut off by a crash or a stop. */
  readonly onInterrupt: "continue" | "restart" | null;
}

/** One step, wherever it stands: in the list, in a handler, in a loop, in `merge:`. */
export interface Step {
  /** Author's name for results: `${steps.ID.output}`, `${ID.NAME}`. */
  readonly id: string | null;
  /** What people see: the `name:`, or a short form of the action. */
  readonly label: string;
  readonly at: SourceLocation;
  readonly action: Action;
  /** An expression; the step is skipped when it is false. */
  readonly when: string | null;
  readonly env: readonly EnvironmentValue[];
  /** Whether only `env` is passed on (`clear_env`). */
  readonly clearEnv: boolean;
  /** A template; relative to the worktree. */
  readonly workingDir: string | null;
  /** The limit for each attempt. */
  readonly timeoutMs: number | null;
  readonly retry: RetryPolicy | null;
  readonly capture: Capture | null;
  /** A template; stdout goes there. Relative to the working directory. */
  readonly outputFile: string | null;
  readonly commitRequired: boolean;
  readonly autoCommit: AutoCommit | null;
  readonly outputs: readonly OutputDeclaration[];
  readonly validate: Validation | null;
  /** Whether it runs again on the result of a resolved merge conflict, and has to pass there. */
  readonly verify: boolean;
  /** More values that are taken from its output (`capture_outputs`). */
  readonly captures: readonly OutputCapture[];
  readonly onSuccess: readonly Step[];
  readonly onExitCode: readonly { readonly code: number; readonly steps: readonly Step[] }[];
  readonly onFailure: FailurePolicy;
}

/** What a step does. */
export type Action =
  | AgentAction
  | ShellAction
  | WriteFileAction
  | ForeachAction
  | GoalSeekAction
  | AnalyzeAction
  | GroupAction
  | CallAction
  | MapAction;

/** Runs a prompt with an agent (`claude:`). */
export interface AgentAction {
  readonly kind: "agent";
  /** The adapter's name, such as `claude`. */
  readonly agent: string;
  readonly prompt: string;
  readonly settings: AgentSettings;
}

/** Runs a script with `sh -c`. */
export interface ShellAction {
  readonly kind: "shell";
  readonly script: string;
}

/** Writes a file inside the worktree. */
export interface WriteFileAction {
  readonly kind: "write_file";
  readonly path: string;
  readonly content: string;
  readonly format: "text" | "json" | "yaml";
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly createDirs: boolean;
}

/** Runs steps once for each item. */
export interface ForeachAction {
  readonly kind: "foreach";
  readonly input:
    | { readonly kind: "command"; readonly script: string }
    | { readonly kind: "list"; readonly items: readonly Json[] };
  readonly steps: readonly Step[];
  /** How many items at once; 1 runs them in order in the step's own tree. */
  readonly parallel: number;
  /** With `parallel`: all items in one tree instead of a lane each. */
  readonly shared: boolean;
  readonly continueOnError: boolean;
  readonly maxItems: number | null;
}

/** Repeats steps until a scoring command reaches a threshold or the attempts run out. */
export interface GoalSeekAction {
  readonly kind: "goal_seek";
  readonly goal: string;
  readonly steps: readonly Step[];
  /** A step whose output is read as a score from 0 to 100. */
  readonly score: Step;
  readonly threshold: number;
  readonly maxAttempts: number;
  /** The limit for the whole loop. */
  readonly timeoutMs: number | null;
  /** Whether running out of attempts fails the step. */
  readonly failOnIncomplete: boolean;
}

/** Collects facts about the repository into `.prodigy/context/analysis.json` and `${analysis.*}`. */
export interface AnalyzeAction {
  readonly kind: "analyze";
  readonly maxCacheAgeMs: number;
  readonly forceRefresh: boolean;
  readonly save: boolean;
  readonly format: "json" | "summary";
}

/** Several steps that stand where one may stand. */
export interface GroupAction {
  readonly kind: "group";
  readonly steps: readonly Step[];
}

/** Runs steps of another file, or of another workflow, with values of their own (`use:`, `workflow:`). */
export interface CallAction {
  readonly kind: "call";
  /** What is called, for people. */
  readonly name: string;
  /** Values by name. Texts in them are templates, filled in where the caller stands. */
  readonly given: Readonly<Record<string, Json>>;
  /** What the values must be. */
  readonly parameters: readonly Parameter[];
  readonly steps: readonly Step[];
  /** Whether the steps see nothing but these values; otherwise they see what the caller sees as well. */
  readonly isolated: boolean;
  /** Variables of the steps that the caller gets. All others stay inside. */
  readonly outputs: readonly string[];
}

/**
 * Runs steps once for each item, many items at once, each in a worktree of its own; what they commit is merged. Numbers
 * that may come from variables are templates.
 */
export interface MapAction {
  readonly kind: "map";
  readonly input: MapInput;
  readonly select: Selection;
  /** The agent template. */
  readonly steps: readonly Step[];
  /** A template that gives a whole number, at least 1. */
  readonly maxParallel: string;
  readonly timeout: ItemTimeout;
  readonly policy: ItemPolicy;
  /** Steps that must pass on the combined tree before a batch of items counts as merged. */
  readonly verify: { readonly steps: readonly Step[]; readonly batch: number | null } | null;
  /** Whether an item's commits are merged. */
  readonly merge: boolean;
  /** Commits what an item's steps left uncommitted; null only reports it. */
  readonly autoCommit: AutoCommit | null;
  /** What happens when items are seen to touch the same files while they run. */
  readonly conflicts: "report" | "serialize";
  readonly worktrees: WorktreeSettings;
  /** Whether it is a failure to have no items at all. */
  readonly failWhenEmpty: boolean;
}

/** Where the items of a map come from. All texts are templates. */
export type MapInput =
  /** A text that names an existing file, or is a command. */
  | { readonly kind: "auto"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "command"; readonly script: string; readonly timeoutMs: number | null }
  | { readonly kind: "glob"; readonly patterns: readonly string[] }
  | { readonly kind: "items"; readonly items: readonly Json[] }
  /** Items that another session had planned, with their names. No text of theirs is a template, and no file says this. */
  | { readonly kind: "planned"; readonly items: readonly { readonly id: string; readonly data: Json }[] };

/** The limit for an item as a whole. Limits for single steps are in the steps. */
export interface ItemTimeout {
  /** A template that gives seconds or a duration such as `10m`; null for no limit. */
  readonly limit: string | null;
  /** What becomes of an item that met the limit. */
  readonly action: "dlq" | "skip" | "fail" | "graceful_terminate";
  /** How long a process may take to end by itself; null for the usual time. */
  readonly graceMs: number | null;
}

/** `error_policy:` */
export interface ItemPolicy {
  readonly onItemFailure:
    | { readonly kind: "dlq" | "retry" | "skip" | "stop" }
    /** Steps that run in the failed item's worktree; when they pass, the item counts as skipped and not as failed. */
    | { readonly kind: "custom"; readonly steps: readonly Step[] };
  readonly continueOnFailure: boolean;
  /** So many failures stop the map. */
  readonly maxFailures: number | null;
  /** A share from 0 to 1 above which the map stops, once `minItems` have ended. */
  readonly failureThreshold: number | null;
  readonly minItems: number;
  /** When failures are told. */
  readonly errorCollection:
    | { readonly kind: "aggregate" | "immediate" }
    | { readonly kind: "batched"; readonly size: number };
  readonly circuitBreaker: CircuitBreaker | null;
  /** How often and when an item is tried again as a whole; null for never. */
  readonly retry: RetryPolicy | null;
}

/** Stops new items from starting after failures in a row, and lets a few try again later. */
export interface CircuitBreaker {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly timeoutMs: number;
  readonly halfOpenRequests: number;
}

/** How the worktrees of a map's items are made and cleaned. */
export interface WorktreeSettings {
  /** Steps that run once in each new worktree of the pool. */
  readonly setup: readonly Step[];
  /** Globs of ignored files that stay when a worktree goes from one item to the next. */
  readonly keep: readonly string[];
  /** Globs of files that are copied from the session's worktree, such as what `setup` left uncommitted. */
  readonly copy: readonly string[];
}

/** `retry:`: what to do again, and when. */
export interface RetryPolicy {
  /** Executions in total, the first one included. */
  readonly attempts: number;
  readonly backoff:
    | { readonly kind: "fixed" }
    | { readonly kind: "linear"; readonly incrementMs: number }
    | { readonly kind: "exponential"; readonly base: number }
    | { readonly kind: "fibonacci" }
    | { readonly kind: "custom"; readonly delaysMs: readonly number[] };
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** Width of the random part as a fraction of the delay, 0 for none. */
  readonly jitterFactor: number;
  /** Empty: every failure is tried again. */
  readonly retryOn: readonly RetryMatcher[];
  /** Limit for the sum of all delays. */
  readonly budgetMs: number | null;
  readonly onExhausted:
    | { readonly kind: "stop" }
    | { readonly kind: "continue" }
    | { readonly kind: "fallback"; readonly steps: readonly Step[] };
}

export type RetryMatcher =
  | { readonly kind: "network" | "timeout" | "server_error" | "rate_limit" }
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "exit_code"; readonly code: number };

/** `capture:`: under which name a step's result is kept, and how it is read. */
export interface Capture {
  readonly name: string;
  readonly format: "string" | "json" | "lines" | "number" | "boolean";
  /** Which text is the value itself. */
  readonly source: "stdout" | "stderr" | "both";
  /** Which of `NAME.stderr`, `NAME.exit_code`, `NAME.success`, `NAME.duration` are kept as well. */
  readonly streams: {
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly exitCode: boolean;
    readonly success: boolean;
    readonly duration: boolean;
  };
}

/** One entry of `capture_outputs:`, in the order in which it is applied: source, size, pattern, lines, path. */
export interface OutputCapture {
  readonly name: string;
  readonly source: "stdout" | "stderr" | "both" | "combined";
  readonly maxBytes: number;
  /** A regular expression; its first group counts, or else all that it matches. */
  readonly pattern: string | null;
  readonly multiline: "preserve" | "join" | "first_line" | "last_line" | "array";
  readonly jsonPath: string | null;
  /** Used when the pattern or the path finds nothing. */
  readonly default: string | null;
}

/** `auto_commit:` with its `commit_config:`. */
export interface AutoCommit {
  /** A template; null for `Auto-commit: <step>`. */
  readonly messageTemplate: string | null;
  /** A regular expression that the message must match. */
  readonly messagePattern: string | null;
  readonly sign: boolean;
  readonly author: string | null;
  /** Globs; null means everything. */
  readonly includeFiles: readonly string[] | null;
  readonly excludeFiles: readonly string[];
  /** Whether all commits of this step become one. */
  readonly squash: boolean;
}

/** One of `outputs:`: the files that a step added or changed and that match. */
export interface OutputDeclaration {
  readonly name: string;
  readonly filePattern: string;
  readonly at: SourceLocation;
}

/** `validate:`: whether the work is complete, and what to do while it is not. */
export interface Validation {
  /** Run in order; may be empty when only `resultFile` is read. */
  readonly steps: readonly Step[];
  /** A template; where the result is read from instead of the last step's output. */
  readonly resultFile: string | null;
  /** Percentage from 0 to 100. */
  readonly threshold: number;
  /** `exit_code`: success of the steps is completion; `json`: the result must be read and reach the threshold. */
  readonly format: "json" | "exit_code";
  readonly expectedSchema: Json;
  readonly timeoutMs: number | null;
  readonly onIncomplete: {
    readonly steps: readonly Step[];
    readonly maxAttempts: number;
    readonly failWorkflow: boolean;
    readonly commitRequired: boolean;
  } | null;
  readonly at: SourceLocation;
}

/** `on_failure:`, one meaning for all its forms. */
export type FailurePolicy =
  | { readonly kind: "fail" }
  | { readonly kind: "tolerate" }
  | {
      readonly kind: "handle";
      readonly steps: readonly Step[];
      /** How many times the handler may run. */
      readonly rounds: number;
      /**
       * After a handler that passed: `rerun` the original and believe its result; `accept` the step as recovered without
       * proof; `replace` its result by the handler's; `fail` it all the same, after cleaning up.
       */
      readonly after: "rerun" | "accept" | "replace" | "fail";
      /** Whether what still fails after its handlers fails the run. */
      readonly failWorkflow: boolean;
      /** Whether a failing handler fails the run even if `failWorkflow` is false. */
      readonly handlerFailureFatal: boolean;
      /** The limit for each handler step that has none of its own. */
      readonly timeoutMs: number | null;
    };
