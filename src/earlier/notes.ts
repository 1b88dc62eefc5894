/** The small files that an earlier Prodigy kept beside its sessions. Pure. */
import type { Json } from "../workflow/model.ts";
import { countOf, listOf, objectOf, textOf, timeOf } from "./fields.ts";

/** `.metadata/NAME.json`, beside the worktrees. */
export interface WorktreeNote {
  readonly session: string;
  readonly worktree: string;
  readonly branch: string;
  /** Where it came from; null where that was not noted. */
  readonly target: string | null;
  readonly status: string;
  readonly merged: boolean;
  readonly error: string | null;
}

export function worktreeNote(json: Json): WorktreeNote | { readonly problem: string } {
  const value = objectOf(json);
  const [session, worktree, branch] = ["session_id", "worktree_name", "branch"].map((name) => textOf(value?.[name]));
  if (value === null || !session || !worktree || !branch)
    return { problem: "session_id, worktree_name or branch is missing" };
  return {
    session,
    worktree,
    branch,
    target: textOf(value["original_branch"]) || null,
    status: textOf(value["status"]) ?? "unknown",
    merged: value["merged"] === true,
    error: textOf(value["error"]),
  };
}

/** A worktree whose removal had failed. */
export interface Orphan {
  readonly path: string;
  readonly agent: string | null;
  readonly item: string | null;
  readonly error: string | null;
}

export function orphans(json: Json): readonly Orphan[] | { readonly problem: string } {
  if (!Array.isArray(json)) return { problem: "it is not a list" };
  const found = listOf(json).flatMap((entry) => {
    const value = objectOf(entry);
    const path = textOf(value?.["path"]);
    if (value === null || path === null) return [];
    return [{ path, agent: textOf(value["agent_id"]), item: textOf(value["item_id"]), error: textOf(value["error"]) }];
  });
  return found.length === json.length ? found : { problem: "an entry has no path" };
}

/** Which job a session ran, stored under both ids. */
export interface JobMapping {
  readonly session: string;
  readonly job: string;
  readonly workflow: string | null;
}

export function jobMapping(json: Json): JobMapping | { readonly problem: string } {
  const value = objectOf(json);
  const session = textOf(value?.["session_id"]);
  const job = textOf(value?.["job_id"]);
  if (session === null || job === null) return { problem: "session_id or job_id is missing" };
  return { session, job, workflow: textOf(value?.["workflow_name"]) };
}

/** `resume_locks/ID.lock` */
export interface ResumeLock {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly since: number | null;
}

export function resumeLock(json: Json): ResumeLock | { readonly problem: string } {
  const value = objectOf(json);
  const pid = countOf(value?.["process_id"]);
  const host = textOf(value?.["hostname"]);
  if (pid === null || host === null) return { problem: "process_id or hostname is missing" };
  return { pid, host, since: timeOf(value?.["acquired_at"]) };
}
