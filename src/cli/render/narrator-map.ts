/**
 * A map in plain lines, calm also with thousands of items: each item's end while they are few, and otherwise now and then
 * how far it is. When failures are told is the workflow's own choice (`error_collection`); `-v` tells everything at once.
 */
import {
  type Board,
  endedOf,
  isMapEvent,
  type MapEvent,
  NO_BOARD,
  openTally,
  type Recorded,
  watchMap,
  type Workflow,
} from "../../index.ts";
import { causeText, countsText, timeText } from "./board.ts";
import { plural, shortCost } from "./format.ts";
import { bad, detail, good, type Line, progress } from "./line.ts";

export interface MapNarrator {
  learn(event: Recorded): void;
  tell(event: Recorded): readonly Line[];
  /** Something happened in the lane of an item, and nobody asked for details. */
  isOfItem(event: Recorded): boolean;
  /** How an item's lane is called; null for other lanes. */
  nameOf(lane: string): string | null;
}

/** With more items than this, only every now and then a line is written. */
const MAX_TOLD = 100;
/** Between two lines about how far it is; longer where it takes hours. */
const MIN_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 60_000;
const PAUSE_SHARE = 30;
const MAX_LISTED = 50;

interface Memory {
  collection: Collection;
  /** Failures that are still to be told. */
  readonly pending: Line[];
  /** Those beyond the first few are only counted. */
  untold: number;
  toldAt: number;
}

type Collection = { readonly kind: "aggregate" | "immediate" } | { readonly kind: "batched"; readonly size: number };

export function openMapNarrator(verbosity: number): MapNarrator {
  const tally = openTally();
  const memory: Memory = { collection: { kind: "immediate" }, pending: [], untold: 0, toldAt: 0 };
  let watched = NO_BOARD;
  return {
    learn: (event) => {
      tally.add(event);
      watched = watchMap(watched, event);
      const workflow = workflowOf(event);
      if (workflow !== null) memory.collection = verbosity > 0 ? { kind: "immediate" } : collectionOf(workflow);
    },
    isOfItem: (event) =>
      verbosity === 0 &&
      watched.board !== null &&
      "lane" in event &&
      (event.lane ?? "").startsWith(`main//${watched.path}/`),
    nameOf: (lane) => {
      const start = `main//${watched.path}/item-`;
      const id = lane.startsWith(start) ? watched.ids[Number(lane.slice(start.length))] : undefined;
      return id === undefined ? null : `item ${id}: `;
    },
    tell: (event) => {
      const { board, ids } = watched;
      if (board === null) return [];
      if (isMapEvent(event)) {
        const names = (index: number): string => ids[index] ?? String(index + 1);
        const spent = shortCost(tally.glance());
        return [
          ...tellMap(event, { board, names, memory, isVerbose: verbosity > 0 }),
          ...howFar(event, { board, memory, spent }),
        ];
      }
      return ENDS.has(event.type) || board.over !== null ? flush(memory) : [];
    },
  };
}

const ENDS: ReadonlySet<Recorded["type"]> = new Set(["session-failed", "session-paused", "session-ended"]);

function workflowOf(event: Recorded): Workflow | null {
  if (event.type === "session-started") return event.order.workflow;
  return event.type === "workflow-changed" ? event.workflow : null;
}

function collectionOf({ steps }: Workflow): Collection {
  for (const { action } of steps) if (action.kind === "map") return action.policy.errorCollection;
  return { kind: "immediate" };
}

interface Told {
  readonly board: Board;
  readonly names: (index: number) => string;
  readonly memory: Memory;
  readonly isVerbose: boolean;
}

type Of<T extends MapEvent["type"]> = Recorded & { readonly type: T };

function tellMap(event: Of<MapEvent["type"]>, { board, names, memory, isVerbose }: Told): readonly Line[] {
  switch (event.type) {
    case "map-planned":
      return [
        detail(`Processing ${plural(event.items.length, "item")} with max ${plural(event.parallel, "parallel agent")}`),
      ];
    case "map-item-ended":
      return itemEnded(event, memory, isVerbose || board.total <= MAX_TOLD);
    case "item-conflicted":
      return [bad(`item ${names(event.index)} conflicts with others in ${event.paths.join(", ")}; resolving`)];
    case "items-probed": {
      if (event.conflicts.length === 0) return [];
      const [first = "", second = ""] = event.items.map(names);
      return [bad(`items ${first} and ${second} will conflict in ${event.conflicts.join(", ")}`)];
    }
    case "item-retried": {
      const why = event.outcome.fault?.message ?? "";
      return failure(memory, bad(`item ${names(event.index)} failed and is tried again: ${why}`));
    }
    case "batch-verified":
      return [detail(`verification of ${plural(event.items.length, "merged item")}: ${event.outcome.status}`)];
    case "breaker-changed":
      return [bad(`circuit breaker: ${event.to}`)];
    case "items-requeued":
      return [detail(`${plural(event.items.length, "failed item")} will be tried again, as asked`)];
    case "items-begun":
    case "item-combined":
    case "batch-started":
    case "map-advanced":
    case "item-due":
    // They happen to sessions that have ended, when nobody is told anything.
    case "dead-letters-retried":
    case "dead-letters-settled":
    case "dead-letters-removed":
      return [];
  }
}

function itemEnded({ id, end, outcome, work }: Of<"map-item-ended">, memory: Memory, isTold: boolean): readonly Line[] {
  const why = outcome.fault?.message ?? "";
  switch (end) {
    case "merged":
      return isTold ? [good(`item ${id}: ${plural(work.commits.length, "commit")} merged`)] : [];
    case "unmerged":
      return isTold ? [good(`item ${id}: done`)] : [];
    case "skipped":
      return failure(memory, bad(`item ${id} failed and is skipped: ${why}`));
    case "dead":
      return failure(memory, bad(`item ${id} failed and is in the dead letter queue: ${why}`));
  }
}

function failure(memory: Memory, line: Line): readonly Line[] {
  const { collection, pending } = memory;
  if (collection.kind === "immediate") return [line];
  if (pending.length < MAX_LISTED) pending.push(line);
  else memory.untold++;
  return collection.kind === "batched" && pending.length + memory.untold >= collection.size ? flush(memory) : [];
}

function flush(memory: Memory): readonly Line[] {
  const { pending, untold } = memory;
  if (pending.length === 0) return [];
  memory.untold = 0;
  return [...pending.splice(0), ...(untold === 0 ? [] : [bad(`and ${plural(untold, "more failure")}`)])];
}

interface Far {
  readonly board: Board;
  readonly memory: Memory;
  readonly spent: string;
}

/** With many items now and then, and at last. */
function howFar(event: Recorded, { board, memory, spent }: Far): readonly Line[] {
  if (event.type === "map-planned") memory.toldAt = event.at;
  const ended = endedOf(board);
  const isLast = ended === board.total;
  if (event.type !== "map-item-ended" || board.total <= MAX_TOLD) return [];
  const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (event.at - board.since) / PAUSE_SHARE));
  if (!isLast && event.at - memory.toldAt < pauseMs) return [];
  memory.toldAt = event.at;
  const [worst] = board.causes;
  return [
    progress(`${String(ended)} of ${plural(board.total, "item")}: ${countsText(board)}`),
    detail(timeText(board, event.at, spent)),
    ...(worst === undefined || memory.collection.kind === "immediate"
      ? []
      : [detail(`most fail with: ${causeText(worst)}`)]),
  ];
}
