/** How far a MapReduce job of an earlier Prodigy had come, from either form of its state. Pure. */
import type { Json } from "../workflow/model.ts";
import { countOf, type JsonObject, listOf, objectOf, textOf, timeOf } from "./fields.ts";

export interface EarlierJob {
  readonly job: string;
  readonly phase: "setup" | "map" | "reduce" | "complete";
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Items that were not done: those that waited and those at work when it stopped. */
  readonly pending: readonly Json[];
  /** Which writing of the state it is; the highest is the newest. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly at: number | null;
}

export function earlierJob(json: Json): EarlierJob | { readonly problem: string } {
  const value = objectOf(json);
  if (value === null) return { problem: "it is not an object" };
  const metadata = objectOf(value["metadata"]);
  return metadata === null ? stateOf(value) : checkpointOf(value, metadata);
}

/** `checkpoint-vN.json`: all of the job in one object; items that wait are named by their place. */
function stateOf(value: JsonObject): ReturnType<typeof earlierJob> {
  const job = textOf(value["job_id"]);
  if (job === null) return { problem: "job_id is missing" };
  const items = listOf(value["work_items"]);
  const done = new Set(listOf(value["completed_agents"]).map(String));
  const failed = objectOf(value["failed_agents"]) ?? {};
  const reduce = objectOf(value["reduce_phase_state"]);
  const pending = items.filter((_, index) => {
    const id = `item_${String(index)}`;
    return !done.has(id) && !Object.hasOwn(failed, id);
  });
  const total = countOf(value["total_items"]) ?? items.length;
  const isOver = value["is_complete"] === true || reduce?.["completed"] === true;
  const isMapped = pending.length === 0 && total > 0;
  return {
    job,
    phase: isOver ? "complete" : isMapped || reduce?.["started"] === true ? "reduce" : "map",
    total,
    succeeded: countOf(value["successful_count"]) ?? done.size,
    failed: countOf(value["failed_count"]) ?? Object.keys(failed).length,
    pending,
    version: countOf(value["checkpoint_version"]) ?? 0,
    at: timeOf(value["updated_at"]),
  };
}

/** `ID.checkpoint.gz`, unpacked. */
function checkpointOf(value: JsonObject, metadata: JsonObject): ReturnType<typeof earlierJob> {
  const job = textOf(metadata["job_id"]);
  const work = objectOf(value["work_item_state"]);
  if (job === null || work === null) return { problem: "metadata.job_id or work_item_state is missing" };
  const phase = textOf(metadata["phase"])?.toLowerCase();
  const completed = listOf(work["completed_items"]);
  const failed = listOf(work["failed_items"]);
  const waiting = listOf(work["pending_items"]).map((item) => objectOf(item)?.["data"] ?? item);
  const running = Object.values(objectOf(work["in_progress_items"]) ?? {}).map(
    (item) => objectOf(objectOf(item)?.["work_item"])?.["data"] ?? item,
  );
  return {
    job,
    phase: phase === "setup" || phase === "reduce" || phase === "complete" ? phase : "map",
    total: countOf(metadata["total_work_items"]) ?? completed.length + failed.length + waiting.length + running.length,
    succeeded: completed.length,
    failed: failed.length,
    pending: [...running, ...waiting],
    version: countOf(metadata["version"]) ?? 0,
    at: timeOf(metadata["created_at"]),
  };
}
