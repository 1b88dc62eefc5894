import type { Json } from "../workflow/model.ts";
import type {
  Checkpoint,
  Duration,
  MapReduceSession,
  SessionStatus,
  SessionType,
  UnifiedSession,
  WorkflowSession,
} from "./state.ts";

/**
 * A session file of this or any earlier Prodigy. Unknown fields are ignored; nullable ones may be absent. The value is a
 * problem's description when something that every session has is missing or of the wrong kind.
 */
export function decodeSession(value: Json): UnifiedSession | { readonly problem: string } {
  try {
    return sessionOf(value);
  } catch (error) {
    if (error instanceof DecodeProblem) return { problem: error.message };
    throw error;
  }
}

class DecodeProblem extends Error {}

type JsonObject = { readonly [key: string]: Json };

const STATUSES: readonly SessionStatus[] = ["Initializing", "Running", "Paused", "Completed", "Failed", "Cancelled"];
const TYPES: readonly SessionType[] = ["Workflow", "MapReduce"];
const PHASES: readonly MapReduceSession["phase"][] = ["Setup", "Map", "Reduce", "Complete"];

function sessionOf(json: Json): UnifiedSession {
  const value = object(json, "the session");
  const workflow = value["workflow_data"] ?? null;
  const mapreduce = value["mapreduce_data"] ?? null;
  return {
    id: text(value, "id"),
    session_type: oneOf(value, "session_type", TYPES),
    status: oneOf(value, "status", STATUSES),
    started_at: time(value, "started_at"),
    updated_at: time(value, "updated_at"),
    completed_at: nullable(value, "completed_at"),
    metadata: object(value["metadata"], "metadata"),
    checkpoints: list(value, "checkpoints").map(checkpointOf),
    timings: mapValues(object(value["timings"], "timings"), durationFrom),
    error: nullable(value, "error"),
    workflow_data: workflow === null ? null : workflowOf(object(workflow, "workflow_data")),
    mapreduce_data: mapreduce === null ? null : mapReduceOf(object(mapreduce, "mapreduce_data")),
  };
}

function checkpointOf(json: Json): Checkpoint {
  const value = object(json, "a checkpoint");
  return {
    id: text(value, "id"),
    created_at: time(value, "created_at"),
    state: value["state"] ?? null,
    metadata: object(value["metadata"] ?? {}, "a checkpoint's metadata"),
  };
}

function workflowOf(value: JsonObject): WorkflowSession {
  return {
    workflow_id: text(value, "workflow_id"),
    workflow_name: text(value, "workflow_name"),
    current_step: number(value, "current_step"),
    total_steps: number(value, "total_steps"),
    completed_steps: list(value, "completed_steps").map((step) => number({ step }, "step")),
    variables: mapValues(object(value["variables"], "variables"), (variable) =>
      typeof variable === "string" ? variable : JSON.stringify(variable),
    ),
    iterations_completed: number(value, "iterations_completed"),
    files_changed: number(value, "files_changed"),
    worktree_name: nullable(value, "worktree_name"),
  };
}

function mapReduceOf(value: JsonObject): MapReduceSession {
  return {
    job_id: text(value, "job_id"),
    total_items: number(value, "total_items"),
    processed_items: number(value, "processed_items"),
    failed_items: number(value, "failed_items"),
    agent_count: number(value, "agent_count"),
    phase: oneOf(value, "phase", PHASES),
    reduce_results: value["reduce_results"] ?? null,
    board: value["board"] ?? null,
  };
}

function durationFrom(json: Json): Duration {
  const value = object(json, "a timing");
  return { secs: number(value, "secs"), nanos: number(value, "nanos") };
}

function object(value: Json | undefined, what: string): JsonObject {
  if (value === undefined || value === null || typeof value !== "object" || isList(value)) {
    throw new DecodeProblem(`${what} is not an object`);
  }
  return value;
}

function list(value: JsonObject, key: string): readonly Json[] {
  const found = value[key];
  if (found === undefined || !isList(found)) throw new DecodeProblem(`${key} is not a list`);
  return found;
}

/** `Array.isArray` does not know readonly arrays. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function text(value: JsonObject, key: string): string {
  const found = value[key];
  if (typeof found !== "string") throw new DecodeProblem(`${key} is not a text`);
  return found;
}

function time(value: JsonObject, key: string): string {
  const found = text(value, key);
  if (Number.isNaN(Date.parse(found))) throw new DecodeProblem(`${key} is not a time`);
  return found;
}

function number(value: JsonObject, key: string): number {
  const found = value[key];
  if (typeof found !== "number") throw new DecodeProblem(`${key} is not a number`);
  return found;
}

function nullable(value: JsonObject, key: string): string | null {
  return (value[key] ?? null) === null ? null : text(value, key);
}

function oneOf<T extends string>(value: JsonObject, key: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value[key]);
  if (found === undefined) throw new DecodeProblem(`${key} is none of ${allowed.join(", ")}`);
  return found;
}

function mapValues<T>(value: JsonObject, of: (part: Json) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, of(part)]));
}
