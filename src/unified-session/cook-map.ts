/** From the events of a map to `mapreduce_data`. Part of `cook-adapter.ts`. */
import type { Event, MapEvent } from "../cook/decision/event.ts";
import type { MapReduceSession, SessionUpdate } from "./state.ts";
import { metadata } from "./updates.ts";

/** How far a map is, as far as its numbers need it. */
export interface MapFacts {
  /** The path of the step that the map is. */
  readonly step: string;
  readonly total: number;
  readonly passed: number;
  readonly skipped: number;
  /** Items that failed. A resume may give them another chance. */
  readonly dead: ReadonlySet<number>;
}

type MapFact = MapEvent & { readonly type: "map-planned" | "items-begun" | "map-item-ended" };

export function noItems(job: string): MapReduceSession {
  const numbers = { total_items: 0, processed_items: 0, failed_items: 0, agent_count: 0 };
  return { job_id: job, ...numbers, phase: "Setup", reduce_results: null, board: null };
}

export function mapFacts(before: MapFacts | null, event: MapFact): MapFacts | null {
  switch (event.type) {
    case "map-planned":
      return { step: stepOf(event.path), total: event.items.length, passed: 0, skipped: 0, dead: new Set() };
    case "items-begun":
      return before !== null && event.items.some((index) => before.dead.has(index))
        ? { ...before, dead: new Set([...before.dead].filter((index) => !event.items.includes(index))) }
        : before;
    case "map-item-ended":
      return before === null ? null : ended(before, event);
  }
}

function ended(before: MapFacts, { index, end }: MapFact & { readonly type: "map-item-ended" }): MapFacts {
  switch (end) {
    case "merged":
    case "unmerged":
      return { ...before, passed: before.passed + 1 };
    case "skipped":
      return { ...before, skipped: before.skipped + 1 };
    case "dead":
      return { ...before, dead: new Set([...before.dead, index]) };
  }
}

/** The numbers that people see. */
function mapNumbers({ total, passed, skipped, dead }: MapFacts): Partial<MapReduceSession> {
  return { total_items: total, processed_items: passed + skipped + dead.size, failed_items: dead.size };
}

function stepOf(path: string): string {
  return /^input-\d+\/pass-\d+\/step-\d+/.exec(path)?.[0] ?? path;
}

export function mapUpdates(event: MapEvent, map: MapFacts | null): readonly SessionUpdate[] {
  if (map === null) return [];
  switch (event.type) {
    case "map-planned":
      return [{ kind: "mapreduce", values: { ...mapNumbers(map), phase: "Map", agent_count: event.parallel } }];
    case "items-begun":
      return [{ kind: "mapreduce", values: mapNumbers(map) }];
    case "map-item-ended":
      return [
        { kind: "mapreduce", values: mapNumbers(map) },
        metadata({ last_item: event.id, last_item_end: event.end }),
      ];
    case "item-combined":
    case "item-conflicted":
    case "items-probed":
    case "batch-started":
    case "batch-verified":
    case "map-advanced":
    case "item-retried":
    case "item-due":
    case "breaker-changed":
    case "items-requeued":
    // The numbers tell how the map ended; what became of its dead letters since is in their queue.
    case "dead-letters-retried":
    case "dead-letters-settled":
    case "dead-letters-removed":
      return [];
  }
}

/** After the map comes the reduce phase, and its output is what it leaves. */
export function phaseUpdates(map: MapFacts | null, { path, outcome }: Ended): readonly SessionUpdate[] {
  if (map === null || path !== stepOf(path)) return [];
  if (path === map.step) return outcome.status === "failed" ? [] : [{ kind: "mapreduce", values: { phase: "Reduce" } }];
  return [{ kind: "mapreduce", values: { reduce_results: outcome.output.slice(-MAX_RESULT) } }];
}

type Ended = Event & { readonly type: "step-ended" };

/** Of what the reduce phase printed, its end is kept; the log has it all. */
const MAX_RESULT = 4096;
