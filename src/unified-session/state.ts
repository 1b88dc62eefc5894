/**
 * A session as users and other programs read it: one JSON file, the same form for every kind of session. Nobody reads it
 * to decide anything; it is computed from the journal, and `applyUpdate` is the one way in which it changes.
 *
 *     Initializing -> Running <-> Paused
 *     each of them -> Completed or Failed;  Failed -> Running (a resume)
 *
 * Completed and Cancelled are the end. The field names are a file format.
 */
import type { Json } from "../workflow/model.ts";

export type SessionType = "Workflow" | "MapReduce";
export type SessionStatus = "Initializing" | "Running" | "Paused" | "Completed" | "Failed" | "Cancelled";

/** A length of time, as the files have it. */
export interface Duration {
  readonly secs: number;
  readonly nanos: number;
}

export interface UnifiedSession {
  readonly id: string;
  readonly session_type: SessionType;
  readonly status: SessionStatus;
  /** RFC 3339. */
  readonly started_at: string;
  readonly updated_at: string;
  readonly completed_at: string | null;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly checkpoints: readonly Checkpoint[];
  readonly timings: Readonly<Record<string, Duration>>;
  readonly error: string | null;
  readonly workflow_data: WorkflowSession | null;
  readonly mapreduce_data: MapReduceSession | null;
}

export interface Checkpoint {
  readonly id: string;
  readonly created_at: string;
  readonly state: Json;
  readonly metadata: Readonly<Record<string, Json>>;
}

export interface WorkflowSession {
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly current_step: number;
  readonly total_steps: number;
  readonly completed_steps: readonly number[];
  readonly variables: Readonly<Record<string, string>>;
  readonly iterations_completed: number;
  readonly files_changed: number;
  readonly worktree_name: string | null;
}

export interface MapReduceSession {
  readonly job_id: string;
  readonly total_items: number;
  readonly processed_items: number;
  readonly failed_items: number;
  readonly agent_count: number;
  readonly phase: "Setup" | "Map" | "Reduce" | "Complete";
  readonly reduce_results: Json;
  /** How the map stands (`cook-board.ts`); null before there is one. */
  readonly board: Json;
}

export type SessionUpdate =
  | { readonly kind: "status"; readonly status: SessionStatus }
  /** Two keys do more than stay there: `files_changed_delta` adds to `files_changed`, `increment_iteration` counts one. */
  | { readonly kind: "metadata"; readonly values: Readonly<Record<string, Json>> }
  | { readonly kind: "checkpoint"; readonly checkpoint: Checkpoint }
  /** The session failed for this reason. */
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "progress"; readonly current: number; readonly total: number }
  | { readonly kind: "timing"; readonly operation: string; readonly duration: Duration }
  | { readonly kind: "workflow"; readonly values: Partial<WorkflowSession> }
  | { readonly kind: "mapreduce"; readonly values: Partial<MapReduceSession> };

export type UpdateResult =
  | { readonly ok: true; readonly session: UnifiedSession }
  | { readonly ok: false; readonly problem: string };

/** More would only make every writing slower; the journal has them all. */
export const MAX_CHECKPOINTS = 20;

/** Steps of the workflow have labels of their own; labels made from items would grow without end. */
export const MAX_TIMINGS = 200;

const LEGAL: Readonly<Record<SessionStatus, readonly SessionStatus[]>> = {
  Initializing: ["Running", "Paused", "Completed", "Failed"],
  Running: ["Paused", "Completed", "Failed"],
  Paused: ["Running", "Completed", "Failed"],
  Failed: ["Running"],
  Completed: [],
  Cancelled: [],
};

/** The session after an update that came at `at` (RFC 3339), or why the update is not legal. */
export function applyUpdate(session: UnifiedSession, update: SessionUpdate, at: string): UpdateResult {
  const updated = { ...session, updated_at: at };
  switch (update.kind) {
    case "status":
      return changeStatus(updated, update.status, at);
    case "error":
      return changeStatus({ ...updated, error: update.message }, "Failed", at);
    case "metadata":
      return changed(withMetadata(updated, update.values));
    case "checkpoint":
      return changed({ ...updated, checkpoints: [...session.checkpoints, update.checkpoint].slice(-MAX_CHECKPOINTS) });
    case "progress":
      return changed(withProgress(updated, update.current, update.total));
    case "timing":
      return changed(withTiming(updated, update.operation, update.duration));
    case "workflow":
      return changed(withWorkflow(updated, update.values));
    case "mapreduce":
      return changed(withMapReduce(updated, update.values));
  }
}

/** Whether a session may go from one status to another; staying is always legal. */
export function isLegal(from: SessionStatus, to: SessionStatus): boolean {
  return from === to || LEGAL[from].includes(to);
}

export function durationOf(ms: number): Duration {
  const whole = Math.max(0, Math.round(ms));
  return { secs: Math.floor(whole / 1000), nanos: (whole % 1000) * 1_000_000 };
}

export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

function changeStatus(session: UnifiedSession, status: SessionStatus, at: string): UpdateResult {
  if (!isLegal(session.status, status)) {
    return { ok: false, problem: `Session ${session.id} cannot go from ${session.status} to ${status}.` };
  }
  const ended = status === "Completed" || status === "Failed" || status === "Cancelled";
  // What an earlier attempt failed of is in the journal; a completed session has no error.
  const error = status === "Completed" ? null : session.error;
  return changed({ ...session, status, error, completed_at: ended ? at : null });
}

function withMetadata(session: UnifiedSession, values: Readonly<Record<string, Json>>): UnifiedSession {
  const merged = { ...session, metadata: { ...session.metadata, ...values } };
  const data = session.workflow_data;
  if (data === null) return merged;
  const delta = values["files_changed_delta"];
  const files = typeof delta === "number" ? data.files_changed + delta : data.files_changed;
  const iterations = values["increment_iteration"] === true ? data.iterations_completed + 1 : data.iterations_completed;
  return { ...merged, workflow_data: { ...data, files_changed: files, iterations_completed: iterations } };
}

function withProgress(session: UnifiedSession, current: number, total: number): UnifiedSession {
  if (session.workflow_data !== null) return withWorkflow(session, { current_step: current, total_steps: total });
  return withMapReduce(session, { processed_items: current, total_items: total });
}

function withTiming(session: UnifiedSession, operation: string, duration: Duration): UnifiedSession {
  const known = Object.hasOwn(session.timings, operation);
  if (!known && Object.keys(session.timings).length >= MAX_TIMINGS) return session;
  const entries = Object.entries({ ...session.timings, [operation]: duration });
  return { ...session, timings: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function withWorkflow(session: UnifiedSession, values: Partial<WorkflowSession>): UnifiedSession {
  if (session.workflow_data === null) return session;
  return { ...session, workflow_data: { ...session.workflow_data, ...values } };
}

function withMapReduce(session: UnifiedSession, values: Partial<MapReduceSession>): UnifiedSession {
  if (session.mapreduce_data === null) return session;
  return { ...session, mapreduce_data: { ...session.mapreduce_data, ...values } };
}

function changed(session: UnifiedSession): UpdateResult {
  return { ok: true, session };
}
