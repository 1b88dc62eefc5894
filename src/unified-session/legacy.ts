import type { Json } from "../workflow/model.ts";

/** What the session files of an earlier Prodigy say. */
export interface LegacySession {
  readonly id: string;
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly iterationsCompleted: number;
  readonly filesChanged: number;
  readonly errors: readonly string[];
  readonly worktreeName: string | null;
  readonly workflowName: string;
}

/** Null when it is something else, without a session's id; a problem when it is a session that says too little. */
export function legacySession(json: Json): LegacySession | { readonly problem: string } | null {
  if (json === null || typeof json !== "object" || !("session_id" in json)) return null;
  const id = json["session_id"];
  const startedAt = json["started_at"] ?? null;
  if (typeof id !== "string") return { problem: "session_id is not a text" };
  if (typeof startedAt !== "string" || Number.isNaN(Date.parse(startedAt)))
    return { problem: "started_at is not a time" };
  return {
    id,
    status: text(json["status"]) ?? "unknown",
    startedAt,
    endedAt: time(json["ended_at"]),
    iterationsCompleted: count(json["iterations_completed"]),
    filesChanged: count(json["files_changed"]),
    errors: texts(json["errors"]),
    worktreeName: text(json["worktree_name"]),
    workflowName: workflowName(json["workflow_state"]),
  };
}

function workflowName(state: Json | undefined): string {
  if (state === undefined || state === null || typeof state !== "object" || !("workflow_path" in state))
    return "unknown";
  const file = text(state["workflow_path"])?.split(/[/\\]/).at(-1) ?? "";
  return file.replace(/\.ya?ml$/, "") || "unknown";
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function time(value: Json | undefined): string | null {
  const found = text(value);
  return found === null || Number.isNaN(Date.parse(found)) ? null : found;
}

function count(value: Json | undefined): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((part): part is string => typeof part === "string") : [];
}
