/** `analyze:` — the repository's facts. */
import type { AnalyzeAction, Json } from "../../../workflow/model.ts";
import { passed, type Ran, refusedWith } from "../result.ts";
import type { Execution } from "./execution.ts";

export interface Analyzed {
  readonly ran: Ran;
  /** What `${analysis.*}` is from now on. */
  readonly facts: Json;
}

export async function runAnalyze(action: AnalyzeAction, { room, setting, command }: Execution): Promise<Analyzed> {
  const { ports, signal } = room;
  const startedAt = ports.clock.now();
  const { maxCacheAgeMs, forceRefresh, save } = action;
  const found = await ports.files.analyze(
    { directory: setting.root, maxCacheAgeMs, forceRefresh, save, head: setting.place.lane.tree.head },
    signal,
  );
  if (!found.ok) return { ran: refusedWith({ ...found.fault, at: command.step.at }), facts: null };
  const { facts, cached } = found.value;
  const text =
    action.format === "json"
      ? JSON.stringify(facts)
      : `Analysis ${cached ? "taken from the cache" : "made"}${save ? ": .prodigy/context/analysis.json" : ""}`;
  return { ran: passed(text, ports.clock.now() - startedAt), facts };
}
