/**
 * Every path below the storage root. Nothing else puts these paths together.
 *
 * Ids that come from people or from files pass `safeId` first. The functions that make paths check again and throw,
 * because an id that reaches them unchecked is a bug, and a path out of the root could delete what is not ours.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { ulid } from "ulid";
import type { LaneId } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { fileFault, ok } from "./fault.ts";

const SAFE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Where one repository's things are. */
export interface RepositoryPaths {
  readonly events: string;
  readonly sessions: string;
  readonly deadLetters: string;
  readonly worktrees: string;
  readonly logs: string;
  /** The private git repository that holds snapshots and salvage. */
  readonly shadow: string;
}

/** Where one session's things are. */
export interface SessionPaths {
  /** The journal: its event files and, below it, their blobs. Truth; all else can be computed or is a log. */
  readonly events: string;
  readonly blobs: string;
  /** The session as JSON, a projection. */
  readonly state: string;
  readonly deadLetters: string;
  readonly worktree: string;
  readonly lanes: string;
  readonly logs: string;
  readonly inbox: string;
  readonly lock: string;
  /** Records of the processes that were started for the session. */
  readonly children: string;
}

export function repositoryPaths(root: string, repository: string): RepositoryPaths {
  assertId(repository);
  return {
    events: join(root, "events", repository),
    sessions: join(root, "state", repository, "sessions"),
    deadLetters: join(root, "dlq", repository),
    worktrees: join(root, "worktrees", repository),
    logs: join(root, "logs", repository),
    shadow: join(root, "shadow", `${repository}.git`),
  };
}

export function sessionPaths(root: string, repository: string, session: string): SessionPaths {
  assertId(session);
  const at = repositoryPaths(root, repository);
  return {
    events: join(at.events, session),
    blobs: join(at.events, session, "blobs"),
    state: join(at.sessions, `${session}.json`),
    deadLetters: join(at.deadLetters, session, "failed_items.json"),
    worktree: join(at.worktrees, session),
    lanes: `${join(at.worktrees, session)}.lanes`,
    logs: join(at.logs, session),
    inbox: join(root, "inbox", repository, session),
    lock: join(root, "locks", repository, session),
    children: join(root, "children", repository, `${session}.jsonl`),
  };
}

/** The same with the session's worktrees in another place, such as on a faster disk. */
export function withWorktreesIn(paths: SessionPaths, worktree: string): SessionPaths {
  return { ...paths, worktree, lanes: `${worktree}.lanes` };
}

/** The session's own worktree below a folder for worktrees. */
export function worktreeIn(worktrees: string, repository: string, session: string): string {
  assertId(repository);
  assertId(session);
  return join(worktrees, repository, session);
}

/** Folders that wait to be deleted: a rename takes no time, deleting a big tree does. */
export function trashDirectory(root: string): string {
  return join(root, "trash");
}

/** Where sessions stood before they were kept by repository. */
export function legacySessionsDirectory(root: string): string {
  return join(root, "sessions");
}

/** Log files of one attempt, relative to the storage root, as events name them. */
export function logFiles(attempt: {
  readonly repository: string;
  readonly session: string;
  readonly lane: LaneId;
  readonly sequence: number;
  readonly label: string;
}): {
  readonly stdout: string;
  readonly stderr: string;
  readonly events: string;
} {
  assertId(attempt.repository);
  assertId(attempt.session);
  const name = `${String(attempt.sequence).padStart(6, "0")}-${slug(attempt.label, 40) || "step"}`;
  const start = ["logs", attempt.repository, attempt.session, laneName(attempt.lane), name].join("/");
  return { stdout: `${start}.stdout`, stderr: `${start}.stderr`, events: `${start}.jsonl` };
}

/** A lane's worktree: the session's own for `main`, else one in the folder beside it. */
export function laneDirectory(paths: SessionPaths, lane: LaneId): string {
  return lane === "main" ? paths.worktree : join(paths.lanes, laneName(lane));
}

/** A lane's id as a file name. Two lanes never get the same. */
export function laneName(lane: LaneId): string {
  const name = lane.replaceAll("/", "+");
  return name.length <= 100 && /^[A-Za-z0-9_-][A-Za-z0-9_+-]*$/.test(name) && !lane.includes("+")
    ? name
    : `${slug(lane, 60)}-${hash(lane)}`;
}

/** `{repo}`: the folder's name for people, and a hash so that two folders of one name stay apart. */
export function repositoryKey(name: string, realCommonDirectory: string): string {
  return `${slug(basename(name), 60) || "repository"}-${hash(realCommonDirectory)}`;
}

/** Sorts by time of creation. */
export function newSessionId(now: number, unit: () => number): string {
  return `session-${ulid(now, unit).toLowerCase()}`;
}

/** Whether an id may become a part of a path. */
export function safeId(text: string): Outcome<string> {
  if (SAFE_ID.test(text) && text !== "." && text !== "..") return ok(text);
  return fileFault(
    `${JSON.stringify(text.slice(0, 140))} is not an id.`,
    "Ids have 1 to 128 letters, digits, dots, underscores and dashes. List the sessions with: prodigy sessions list",
  );
}

function assertId(text: string): void {
  assert(safeId(text).ok, `unsafe id in a path: ${JSON.stringify(text)}`);
}

function slug(text: string, length: number): string {
  return text
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .slice(0, length)
    .replace(/^-+|-+$/g, "");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
