/**
 * Every side effect of a run, by name. `system`, `storage`, `worktree` and `agents` implement these; the crash tests
 * implement them in memory and die at each one.
 *
 * Failures that belong to the world come back as values (`Fault`). What is thrown is a bug, or the end of this process.
 */
import type { AgentSettings, AutoCommit, Json } from "../workflow/model.ts";
import type {
  Changes,
  Commit,
  Event,
  Fault,
  LaneId,
  PauseReason,
  Recorded,
  Slot,
  TreeState,
  Usage,
} from "./decision/event.ts";

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: JournalPort;
  readonly records: RecordsPort;
  readonly inbox: InboxPort;
  readonly trees: TreesPort;
  readonly commands: CommandsPort;
  readonly agents: AgentsPort;
  readonly files: FilesPort;
  readonly host: HostPort;
  readonly masker: MaskerPort;
  readonly person: PersonPort;
  readonly logs: LogsPort;
}

/** Names the files that an attempt's output goes to. Paths are relative to the storage root. */
export interface LogsPort {
  name(attempt: { readonly lane: LaneId; readonly sequence: number; readonly label: string }): {
    readonly stdout: string;
    readonly stderr: string;
    readonly events: string;
  };
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Ends early, without an error, when the signal is aborted. A machine that slept does not make it late. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Random {
  uuid(): string;
  /** At least 0, less than 1. */
  unit(): number;
}

export interface JournalPort {
  /** Appends in order and gives the numbers. With `durable` it returns only when the disk has them. */
  append(events: readonly Event[], options: { readonly durable: boolean }): Promise<readonly Recorded[]>;
}

/** What the journal holds so far. */
export interface RecordsPort {
  /** Gives the events of one type, in order. */
  each(type: Event["type"], visit: (event: Recorded) => void): Promise<void>;
}

/** What other processes ask of a live session. */
export interface InboxPort {
  /** Waits for the next request; null when the signal is aborted. */
  next(signal: AbortSignal): Promise<InboxRequest | null>;
}

/** What another process may ask of a live session. */
export type InboxRequest =
  | PauseReason
  /** Items of its map that have failed, by their ids, are to be tried again. */
  | { readonly kind: "retry-items"; readonly items: readonly string[] };

/** A lane's place: its own worktree and, unless it is the main lane, a detached HEAD or a branch of its own. */
export interface LaneTree {
  readonly lane: LaneId;
  readonly directory: string;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** Worktrees, snapshots, salvage, merging and landing of one session. */
export interface TreesPort {
  /**
   * Makes sure that the lane's worktree is there and in the wanted state.
   * - `keep`: what is there stays as it is; a missing worktree is made again from `tree`.
   * - `restore`: files, index and HEAD become exactly `tree`; whatever else was there is salvaged first.
   * Idempotent, also when an earlier call died half-way. Returns the state that is now there.
   */
  prepare(options: {
    readonly lane: LaneId;
    readonly tree: TreeState;
    readonly mode: "keep" | "restore";
    /** Why something may have to be salvaged, for `salvage list`. */
    readonly reason: string;
    /** Takes the worktree from the session's pool. Absent: it is the lane's own. */
    readonly pool?: PoolUse | undefined;
  }): Promise<Outcome<Prepared>>;

  /**
   * Records what the lane's files are now: HEAD, the commits since `since.head` and, where files differ from HEAD (the
   * ignored ones aside, `keep` included), a snapshot that `prepare` can restore.
   */
  capture(options: {
    readonly lane: LaneId;
    readonly since: TreeState;
    readonly keep: readonly string[];
  }): Promise<Outcome<Captured>>;

  /** Files that differ between two recorded states, untracked ones included. */
  changes(options: {
    readonly lane: LaneId;
    readonly from: TreeState;
    readonly to: TreeState;
  }): Promise<Outcome<Changes>>;

  /** Commits what is uncommitted. `value` is null when there was nothing to commit. */
  commit(options: {
    readonly lane: LaneId;
    readonly message: string;
    readonly config: AutoCommit;
    readonly since: string;
  }): Promise<Outcome<string | null>>;

  /** Keeps the lane's present state under a name of its own, then puts it back to `to`. Null when they were equal. */
  salvage(options: {
    readonly lane: LaneId;
    readonly to: TreeState;
    readonly reason: string;
  }): Promise<Outcome<string | null>>;

  /** Merges the lane's commits into another lane's branch and working tree. Serial by the caller's order; idempotent. */
  mergeLane(options: {
    readonly lane: LaneId;
    readonly from: TreeState;
    readonly into: LaneId;
    readonly message: string;
  }): Promise<
    Outcome<
      | { readonly kind: "merged"; readonly tree: TreeState; readonly commits: number }
      | { readonly kind: "conflict"; readonly paths: readonly string[] }
    >
  >;

  /** What landing the session branch would do, and what stands against it. Changes nothing. */
  planLanding(options: { readonly base: string; readonly target: string | null }): Promise<
    Outcome<{
      readonly commits: number;
      readonly changes: Changes;
      readonly leftovers: readonly string[];
      readonly obstacle: Fault | null;
    }>
  >;

  /**
   * Merges the target into the session's worktree, leaving conflicts there for an agent. With none it commits.
   * Idempotent: a merge in progress is reported as it stands.
   */
  mergeTarget(options: {
    readonly target: string;
  }): Promise<Outcome<{ readonly tree: TreeState; readonly conflicts: readonly string[] }>>;

  /**
   * Brings the session branch into the target and verifies that it is contained there. Idempotent: a branch that is
   * already contained is `already`. Nothing of the user's uncommitted work is overwritten.
   */
  land(options: { readonly target: string; readonly message: string }): Promise<
    Outcome<
      | {
          readonly kind: "landed";
          readonly commit: string;
          readonly previous: string;
          readonly how: "fast-forward" | "merge" | "already";
        }
      | { readonly kind: "conflict"; readonly paths: readonly string[] }
    >
  >;

  /**
   * Merges one commit into another without a worktree and without moving any branch. The same call gives a commit of the
   * same content again, so one that was lost before it was recorded does no harm.
   */
  combine(options: {
    readonly base: string;
    readonly head: string;
    /** Null: nothing is committed, `commit` is then the merged tree. */
    readonly message: string | null;
  }): Promise<
    Outcome<
      | { readonly kind: "merged"; readonly commit: string; readonly commits: number }
      | { readonly kind: "conflict"; readonly paths: readonly string[] }
    >
  >;

  /**
   * Brings the lane's branch and files forward to a commit that contains it. Uncommitted files stay; those that stand in
   * the way are salvaged first. Idempotent.
   */
  advance(options: {
    readonly lane: LaneId;
    readonly to: string;
    readonly reason: string;
  }): Promise<Outcome<{ readonly tree: TreeState; readonly salvage: string | null }>>;

  /** As `mergeTarget`, for any lane and any commit. */
  mergeInto(options: {
    readonly lane: LaneId;
    readonly commit: string;
    readonly message: string;
  }): Promise<Outcome<{ readonly tree: TreeState; readonly conflicts: readonly string[] }>>;

  /**
   * Gives the lane's worktree back to the pool, for the next `prepare` to put into order. What is in it and neither in
   * `merged` nor ignored is salvaged first. Idempotent.
   */
  release(options: {
    readonly lane: LaneId;
    /** The lane's last recorded state, when nothing has run in it since: then nobody has to look. */
    readonly known: TreeState | null;
    /** A commit that holds the lane's work, if any does. */
    readonly merged: string | null;
    readonly reason: string;
  }): Promise<Outcome<{ readonly salvage: string | null }>>;

  /** Removes the pool's worktrees. Those that a lane still has are salvaged first. */
  dropPool(options: { readonly reason: string }): Promise<Outcome<null>>;

  /** Salvages what is uncommitted, then removes the worktree and, if its commits are contained in the target, the branch. */
  remove(options: {
    readonly lane: LaneId;
    readonly target: string | null;
    readonly reason: string;
  }): Promise<Outcome<{ readonly salvage: string | null }>>;
}

export interface Prepared {
  readonly directory: string;
  readonly tree: TreeState;
  readonly salvage: string | null;
  /** Whether the worktree was made just now, so that what is set up once in each has to be. */
  readonly fresh: boolean;
  /** Absent where the worktree is not of the pool. */
  readonly slot?: Slot;
}

/** How a worktree goes from one lane to the next: tracked files as in the commit, everything else away. */
export interface PoolUse {
  /** Globs of ignored files and folders that stay. */
  readonly keep: readonly string[];
  /** Globs of files that are copied from the main lane's worktree. */
  readonly copy: readonly string[];
}

export interface Captured {
  readonly tree: TreeState;
  /** Commits since `since.head`, oldest first. */
  readonly commits: readonly Commit[];
  /** What `changes` from `since` to `tree` would give, where that is known already. */
  readonly changes?: Changes;
}

/** Where a process writes its output, and who else listens. */
export interface OutputTarget {
  /** Relative to the storage root; written as it comes, masked. */
  readonly stdoutLog: string;
  readonly stderrLog: string;
  /** Each complete line, masked, for the live view. */
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
}

export interface CommandRun {
  readonly lane: LaneId;
  /** Whether what it prints may itself be a secret that nobody knows yet: then no log is written. @default false */
  readonly unlogged?: boolean;
  readonly script: string;
  readonly directory: string;
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
  readonly output: OutputTarget;
}

export interface CommandResult {
  /** Null when it was ended by a signal or did not start. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly ended: "exited" | "timeout" | "stopped" | "not-started";
  readonly durationMs: number;
  /** Up to `MAX_CAPTURE_BYTES`; the rest is in the log. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  /** The system's message when it did not start. */
  readonly problem: string | null;
}

/** Runs scripts with `sh -c` in process groups of their own, which end with them. */
export interface CommandsPort {
  run(run: CommandRun, signal: AbortSignal): Promise<CommandResult>;
}

export interface AgentRun {
  readonly lane: LaneId;
  readonly agent: string;
  readonly prompt: string;
  readonly settings: AgentSettings;
  /** The agent's own session: started under this id, or continued when `resume` is set. */
  readonly sessionId: string;
  readonly resume: boolean;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
  readonly output: OutputTarget & { readonly eventLog: string; readonly onActivity: (text: string) => void };
}

export interface AgentResult {
  readonly ended: "exited" | "timeout" | "idle" | "stopped" | "not-started";
  readonly ok: boolean;
  readonly exitCode: number | null;
  /** The agent's final text. */
  readonly text: string;
  readonly stderr: string;
  readonly durationMs: number;
  readonly usage: Usage;
  /** Null when ok. Its `kind` says what can be done about it. */
  readonly fault: Fault | null;
  /** When a used-up quota comes back, in milliseconds since the epoch. */
  readonly resetsAt: number | null;
  /** Tools that were refused to the agent. */
  readonly denied: readonly string[];
  /** The session that was to be continued is not there any more, or cannot be. */
  readonly couldNotResume: boolean;
}

export interface AgentsPort {
  /** Whether the agent can take up an earlier session; false for unknown agents. */
  canResume(agent: string): boolean;
  run(run: AgentRun, signal: AbortSignal): Promise<AgentResult>;
  /** What an attempt that died had cost, as far as its log tells. */
  usageFromLog(agent: string, eventLog: string): Promise<Usage | null>;
}

/** Files of a lane's worktree. Paths that lead out of it, by `..` or by links, are refused. */
export interface FilesPort {
  read(options: FileAccess & { readonly maxBytes: number }): Promise<Outcome<string | null>>;
  write(
    options: FileAccess & { readonly content: string; readonly mode: number | null; readonly createDirs: boolean },
  ): Promise<Outcome<{ readonly path: string; readonly bytes: number }>>;
  /** Files below a folder that match one of the globs, relative to it and in order. */
  list(options: { readonly root: string; readonly patterns: readonly string[] }): Promise<Outcome<readonly string[]>>;
  /** Collects the facts of `analyze`. */
  analyze(
    options: {
      readonly directory: string;
      readonly maxCacheAgeMs: number;
      readonly forceRefresh: boolean;
      readonly save: boolean;
      readonly head: string;
    },
    signal: AbortSignal,
  ): Promise<Outcome<{ readonly facts: Json; readonly cached: boolean }>>;
}

export interface FileAccess {
  /** The worktree. */
  readonly root: string;
  /** What a relative path starts from, inside the worktree. */
  readonly directory: string;
  readonly path: string;
  /** Places outside the worktree that the workflow allows. */
  readonly allowOutside: readonly string[];
}

/** The machine around the run. */
export interface HostPort {
  /** The environment of this process, as it was at its start. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a file of the user, such as an env file; null when there is none. */
  readText(path: string, maxBytes: number): Promise<Outcome<string | null>>;
  /** Ends processes of this session that an earlier, killed worker left behind. Returns how many there were. */
  endLeftovers(): Promise<number>;
  /** Free bytes where the storage root is. */
  freeBytes(): Promise<number>;
  /**
   * The first of ten ports that are free on the loopback interface and that no other slot has, of this worker or another.
   * The same for a slot until this worker ends; null where none can be had.
   */
  portsFor(slot: number): Promise<number | null>;
}

/** Knows the secrets and takes them out of everything that is written or shown. */
export interface MaskerPort {
  /** Registers a value; short ones, numbers, booleans and paths that exist are ignored unless `certain`. */
  add(name: string, value: string, options: { readonly certain: boolean }): void;
  mask(text: string): string;
  /** Puts `{{secret:NAME}}` in the place of each secret, and back again. */
  seal(text: string): string;
  unseal(text: string): string;
}

export interface PersonPort {
  /** `nobody` when there is no terminal to ask at. */
  confirm(question: string, signal: AbortSignal): Promise<"yes" | "no" | "nobody">;
}

/** What is shown while an attempt runs; never journalled. */
export interface LiveSink {
  line(lane: LaneId, path: string, stream: "stdout" | "stderr", line: string): void;
  activity(lane: LaneId, path: string, text: string): void;
}
