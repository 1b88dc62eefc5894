/** What a loop leaves to later steps, besides the variables that every step leaves. */
import type { Json } from "../../workflow/model.ts";
import type { Attempt } from "../decision/command.ts";
import { sizeOf } from "../decision/ranges.ts";
import { type ItemResult, join, type Node, nodeAt } from "../decision/state.ts";
import { laneIn, type Room } from "./room.ts";
import { mapStrings } from "./scope.ts";

/** `foreach.total`, `foreach.successful`, `foreach.failed` and, of the first items that ended, `foreach.results`. */
export function loopVariables({ lane, path, attempt, step }: Attempt, room: Room): Readonly<Record<string, Json>> {
  if (step.action.kind !== "foreach") return {};
  const loop = nodeAt(laneIn(room.session, lane), join(path, `body-${String(attempt)}`));
  if (loop === null) return {};
  const ended = loop.done + sizeOf(loop.settled);
  const failed = loop.failed?.count ?? 0;
  const { masker } = room.ports;
  return {
    "foreach.total": loop.items?.length ?? 0,
    "foreach.successful": ended - failed,
    "foreach.failed": failed,
    // Items and outputs are sealed in the state, and will be sealed again.
    "foreach.results": mapStrings(resultsOf(loop), (text) => masker.unseal(text)),
  };
}

function resultsOf(loop: Node): readonly Json[] {
  const results: ItemResult[] = [];
  for (let result = loop.results; result !== null; result = result.previous) results.push(result);
  return results
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, status, exitCode, output }) => ({
      item: loop.items?.[index] ?? null,
      index,
      success: status !== "failed",
      status,
      exit_code: exitCode,
      output: output.trimEnd(),
    }));
}
