/** The checkpoint that an earlier Prodigy wrote after each step of a workflow. Pure. */
import type { Json } from "../workflow/model.ts";
import { countOf, type JsonObject, listOf, millisecondsOf, objectOf, textOf, timeOf } from "./fields.ts";

/** The newest form that was ever written. */
const MAX_VERSION = 1;

export interface EarlierCheckpoint {
  readonly workflowId: string;
  readonly workflowName: string | null;
  /** Null in its oldest form. */
  readonly workflowPath: string | null;
  readonly status: string;
  /** The step that comes next; of a failed workflow the one that failed. */
  readonly currentStep: number;
  readonly totalSteps: number;
  /** Set where it went over the steps more than once. */
  readonly iteration: number | null;
  readonly completed: readonly CompletedStep[];
  /** As they were, of whatever kind. */
  readonly variables: JsonObject;
  /** Milliseconds since the epoch. */
  readonly at: number | null;
  /** What made it fail. */
  readonly error: string | null;
}

export interface CompletedStep {
  readonly index: number;
  /** Such as `shell: npm test`. */
  readonly command: string;
  readonly success: boolean;
  readonly output: string | null;
  readonly durationMs: number | null;
}

/** The reason, where it cannot be used. */
export function earlierCheckpoint(json: Json): EarlierCheckpoint | { readonly problem: string } {
  const value = objectOf(json);
  const state = objectOf(value?.["execution_state"]);
  const version = countOf(value?.["version"]) ?? 0;
  if (version > MAX_VERSION)
    return {
      problem: `it is a checkpoint of form ${String(version)}, and forms up to ${String(MAX_VERSION)} are known; a newer Prodigy may read it`,
    };
  const workflowId = textOf(value?.["workflow_id"]);
  const currentStep = countOf(state?.["current_step_index"]);
  if (value === null || state === null || workflowId === null || currentStep === null)
    return { problem: "it is no checkpoint: workflow_id or execution_state.current_step_index is missing" };
  const completed = listOf(value["completed_steps"]).flatMap(completedStep);
  if (completed.length < listOf(value["completed_steps"]).length)
    return { problem: "one of its completed_steps has no step_index or command" };
  const variables = objectOf(value["variable_state"]) ?? {};
  return {
    workflowId,
    workflowName: textOf(value["workflow_name"]),
    workflowPath: textOf(value["workflow_path"]),
    status: textOf(state["status"]) ?? "Running",
    currentStep,
    totalSteps: totalOf(value, state),
    iteration: countOf(state["current_iteration"]),
    completed,
    variables,
    at: timeOf(value["timestamp"]) ?? timeOf(state["last_checkpoint"]),
    error: textOf(variables["__error_message"]),
  };
}

function completedStep(json: Json): readonly CompletedStep[] {
  const value = objectOf(json);
  const index = countOf(value?.["step_index"]);
  const command = textOf(value?.["command"]);
  if (value === null || index === null || command === null) return [];
  return [
    {
      index,
      command,
      success: value["success"] === true,
      output: textOf(value["output"]),
      durationMs: millisecondsOf(value["duration"]),
    },
  ];
}

/** The last checkpoint of a workflow says 0; the hash, which is the name and the number of steps, still knows it. */
function totalOf(value: JsonObject, state: JsonObject): number {
  const told = countOf(state["total_steps"]) || countOf(value["total_steps"]) || 0;
  return told > 0 ? told : Number(/-(\d{1,6})$/.exec(textOf(value["workflow_hash"]) ?? "")?.[1] ?? 0);
}
