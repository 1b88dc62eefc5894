/** `map.*`: what the items of a map have come to, for the steps that follow. */
import type { Json } from "../../workflow/model.ts";
import type { Attempt } from "../decision/command.ts";
import type { Recorded } from "../decision/event.ts";
import { join, nodeAt } from "../decision/state.ts";
import type { MapState } from "../decision/state-map.ts";
import { laneIn, type Room } from "./room.ts";
import { mapStrings } from "./scope.ts";

export async function mapVariables(command: Attempt, room: Room): Promise<Readonly<Record<string, Json>>> {
  const { lane, path, attempt, step } = command;
  if (step.action.kind !== "map") return {};
  const place = join(path, `body-${String(attempt)}`);
  const map = nodeAt(laneIn(room.session, lane), place)?.map ?? null;
  if (map === null) return {};
  const results = await resultsOf({ lane, path: place, map }, room);
  const dead = map.dead?.count ?? 0;
  const total = map.items.length;
  return {
    map: {
      total,
      successful: map.succeeded,
      failed: dead,
      skipped: map.skipped,
      success_rate: total === 0 ? 0 : (100 * map.succeeded) / total,
      results,
    },
  };
}

/** From the journal, because a state with all results in it would grow with what is already done. */
async function resultsOf(
  { lane, path, map }: { readonly lane: string; readonly path: string; readonly map: MapState },
  { ports }: Room,
): Promise<Json> {
  const newest = new Map<number, Json>();
  await ports.records.each("map-item-ended", (event) => {
    if (event.type === "map-item-ended" && event.lane === lane && event.path === path)
      newest.set(event.index, resultOf(event, map));
  });
  const inOrder = [...newest].toSorted(([a], [b]) => a - b).map(([, result]) => result);
  // Outputs are sealed in the journal, and will be sealed again.
  return mapStrings(inOrder, (text) => ports.masker.unseal(text));
}

function resultOf(event: Recorded & { readonly type: "map-item-ended" }, { items }: MapState): Json {
  const { outcome, work, end } = event;
  const hasPassed = end === "merged" || end === "unmerged";
  return {
    item_id: event.id,
    item: items[event.index]?.data ?? null,
    index: event.index,
    status: hasPassed ? "Success" : end === "skipped" ? "Skipped" : "Failed",
    success: hasPassed,
    output: outcome.output.trimEnd(),
    error: outcome.fault?.message ?? null,
    commits: work.commits,
    files_modified: work.files,
    insertions: work.insertions,
    deletions: work.deletions,
    attempts: event.attempts,
    duration_secs: outcome.durationMs / 1000,
    cost_usd: work.costUsd,
  };
}
