/**
 * How a map stands: what runs now, what waits, what became of the rest, and how long it will still take. The fold of a
 * session's events, for the live view and, as `mapreduce_data.board`, for whoever looks from another terminal.
 *
 * It is plain data, and no longer than what is going on: ten thousand items do not make it slower.
 */
import { isMapEvent, type MapEvent, type Recorded, type StepOutcome } from "../cook/decision/event.ts";
import type { Json } from "../workflow/model.ts";

// Type aliases and not interfaces: only those are known to be JSON.
export type Board = {
  readonly total: number;
  readonly parallel: number;
  /** Steps of the agent template. */
  readonly steps: number;
  readonly merged: number;
  readonly unmerged: number;
  readonly skipped: number;
  readonly dead: number;
  /** Attempts at items that failed and were followed by another one. */
  readonly retries: number;
  /** Items that have begun and have not ended, in that order. */
  readonly open: readonly OpenItem[];
  /** Failures of the same kind, the most frequent first. */
  readonly causes: readonly Cause[];
  /** The newest failures, the newest first. */
  readonly failures: readonly { readonly id: string; readonly at: number; readonly message: string }[];
  /** Items that have ended since this worker came, and when it came or the map began. */
  readonly ended: number;
  readonly since: number;
  /** How long all items that have ended took, and how many they were. */
  readonly taken: { readonly ms: number; readonly items: number };
  /** When the newest event happened; what came before a resume has no part in times. */
  readonly at: number;
  /** Null while the map runs. */
  readonly over: "passed" | "failed" | null;
};

export type OpenItem = {
  readonly index: number;
  readonly id: string;
  readonly state: "running" | "waiting to be merged" | "resolving a conflict" | "waiting to be tried again";
  /** When it began. */
  readonly since: number;
  /** What runs in it, and since when; empty between two steps. */
  readonly label: string;
  readonly labelSince: number;
  /** The step of the agent template, from 1; 0 before the first. */
  readonly step: number;
  readonly attempt: number;
};

export type Cause = {
  /** The first message of this kind. */
  readonly message: string;
  readonly kind: string;
  readonly count: number;
  /** The first few items. */
  readonly items: readonly string[];
};

/** A board, and what it takes to carry it on. */
export interface Boarding {
  readonly board: Board | null;
  readonly steps: number;
  readonly path: string;
  readonly ids: readonly string[];
  readonly causeOf: ReadonlyMap<number, string>;
}

export const NO_BOARD: Boarding = { board: null, steps: 0, path: "", ids: [], causeOf: new Map() };

const MAX_CAUSES = 20;
const MAX_FAILURES = 10;
const MAX_NAMED = 3;

/** Returns what it was given where the event is nothing to it. */
export function watchMap(before: Boarding, event: Recorded): Boarding {
  if (event.type === "session-started") return { ...NO_BOARD, steps: stepsOf(event.order.workflow) };
  if (event.type === "workflow-changed") return { ...before, steps: stepsOf(event.workflow) };
  if (event.type === "map-planned") return planned(before, event);
  if (before.board === null) return before;
  const after = isMapEvent(event) ? ofMap(before, before.board, event) : ofLane(before, before.board, event);
  if (after === before || after.board === null) return after;
  return { ...after, board: { ...after.board, at: event.at } };
}

/** What a session's file says; null where there is no map, or an earlier version has written it. */
export function boardFrom(json: Json): Board | null {
  return isBoard(json) ? json : null;
}

/** Nobody but `watchMap` writes it, and all files of one version have the same form. */
function isBoard(json: Json): json is Board {
  return json !== null && typeof json === "object" && "total" in json && "open" in json && "taken" in json;
}

/** Items that have neither begun nor ended. */
export function leftOf(board: Board): number {
  return Math.max(0, board.total - endedOf(board) - board.open.length);
}

export function endedOf({ merged, unmerged, skipped, dead }: Board): number {
  return merged + unmerged + skipped + dead;
}

export function countOf({ open }: Board, state: OpenItem["state"]): number {
  return open.filter((item) => item.state === state).length;
}

export interface Forecast {
  /** How long an item takes. */
  readonly itemMs: number;
  readonly perMinute: number;
  readonly leftMs: number;
}

/** From the items that have ended: all others take as long as they did on average. Null before the first end. */
export function forecastOf(board: Board, now: number): Forecast | null {
  const { taken, parallel, open, ended, since } = board;
  if (taken.items === 0) return null;
  const itemMs = taken.ms / taken.items;
  const begun = open.reduce((sum, item) => sum + Math.max(0, itemMs - (now - item.since)), 0);
  const lanes = Math.max(1, Math.min(parallel, leftOf(board) + open.length));
  const perMinute = ended / (Math.max(1, now - since) / 60_000);
  return { itemMs, perMinute, leftMs: (begun + leftOf(board) * itemMs) / lanes };
}

interface WorkflowSteps {
  readonly steps: readonly { readonly action: { readonly kind: string; readonly steps?: unknown } }[];
}

function stepsOf({ steps }: WorkflowSteps): number {
  const action = steps.find(({ action: { kind } }) => kind === "map")?.action;
  return Array.isArray(action?.steps) ? action.steps.length : 0;
}

function planned(before: Boarding, event: Recorded & { readonly type: "map-planned" }): Boarding {
  const { items, parallel, at, path } = event;
  const board: Board = {
    total: items.length,
    parallel,
    steps: before.steps,
    merged: 0,
    unmerged: 0,
    skipped: 0,
    dead: 0,
    retries: 0,
    open: [],
    causes: [],
    failures: [],
    ended: 0,
    since: at,
    taken: { ms: 0, items: 0 },
    at,
    over: null,
  };
  return { board, steps: before.steps, path, ids: items.map(({ id }) => id), causeOf: new Map() };
}

function ofMap(before: Boarding, board: Board, event: Recorded & { readonly type: MapEvent["type"] }): Boarding {
  switch (event.type) {
    case "items-begun":
      return begun(before, event);
    case "items-requeued":
      return revived(before, event.items);
    case "item-conflicted":
      return withItem(before, event.index, (item) => ({ ...item, state: "resolving a conflict" }));
    case "item-retried": {
      const { index, attempt } = event;
      const next = withItem(before, index, (item) => ({
        ...item,
        state: "waiting to be tried again",
        label: "",
        step: 0,
        attempt: attempt + 1,
      }));
      return withBoard(next, { retries: board.retries + 1 });
    }
    case "item-due":
      return withItem(before, event.index, (item) => ({ ...item, state: "running" }));
    case "map-item-ended":
      return ended(before, board, event);
    case "map-planned":
    case "item-combined":
    case "items-probed":
    case "batch-started":
    case "batch-verified":
    case "map-advanced":
    case "breaker-changed":
    case "dead-letters-retried":
    case "dead-letters-settled":
    case "dead-letters-removed":
      return before;
  }
}

/** A resume gives the dead another chance: they have not ended, then. */
function begun(before: Boarding, event: Recorded & { readonly type: "items-begun" }): Boarding {
  const { items, at } = event;
  const alive = revived(before, items);
  const fresh = items.map((index) => newItem(before.ids[index] ?? String(index), index, at));
  return withBoard(alive, { open: [...(alive.board?.open ?? []), ...fresh], over: null });
}

function revived(before: Boarding, items: readonly number[]): Boarding {
  const { board } = before;
  const again = items.filter((index) => before.causeOf.has(index));
  if (again.length === 0 || board === null) return before;
  const causeOf = new Map(before.causeOf);
  let { causes } = board;
  for (const index of again) {
    causes = withoutOne(causes, causeOf.get(index) ?? "");
    causeOf.delete(index);
  }
  return withBoard({ ...before, causeOf }, { dead: board.dead - again.length, causes });
}

function newItem(id: string, index: number, at: number): OpenItem {
  return { index, id, state: "running", since: at, label: "", labelSince: at, step: 0, attempt: 1 };
}

function ended(before: Boarding, board: Board, event: Recorded & { readonly type: "map-item-ended" }): Boarding {
  const { index, id, end, outcome, at } = event;
  const item = board.open.find((other) => other.index === index);
  const { ms, items } = board.taken;
  const next = withBoard(before, {
    [end]: board[end] + 1,
    open: board.open.filter((other) => other !== item),
    ended: board.ended + 1,
    taken: item === undefined ? board.taken : { ms: ms + Math.max(0, at - item.since), items: items + 1 },
  });
  return end === "dead" || end === "skipped" ? failed(next, { index, id, end, outcome, at }) : next;
}

interface Failure {
  readonly index: number;
  readonly id: string;
  readonly end: "dead" | "skipped";
  readonly outcome: StepOutcome;
  readonly at: number;
}

function failed(before: Boarding, { index, id, end, outcome, at }: Failure): Boarding {
  const { board } = before;
  if (board === null) return before;
  const message = outcome.fault?.message ?? "it failed";
  const kind = kindOf(message);
  const known = board.causes.find((cause) => cause.kind === kind);
  const cause = known ?? { message, kind, count: 0, items: [] };
  const counted = { ...cause, count: cause.count + 1, items: [...cause.items, id].slice(0, MAX_NAMED) };
  const causes = [...board.causes.filter((other) => other !== known), counted].toSorted((a, b) => b.count - a.count);
  const failures = [{ id, at, message }, ...board.failures].slice(0, MAX_FAILURES);
  const causeOf = end === "dead" ? new Map(before.causeOf).set(index, kind) : before.causeOf;
  return withBoard({ ...before, causeOf }, { causes: causes.slice(0, MAX_CAUSES), failures });
}

/** Messages that differ in numbers and names only are one cause. */
function kindOf(message: string): string {
  return message
    .replaceAll(/"[^"\n]*"/g, '"…"')
    .replaceAll(/[\w.@~+/-]*\d[\w.@~+/-]*/g, "…")
    .slice(0, 200);
}

function withoutOne(causes: readonly Cause[], kind: string): readonly Cause[] {
  return causes.flatMap((cause) => {
    if (cause.kind !== kind) return [cause];
    return cause.count > 1 ? [{ ...cause, count: cause.count - 1 }] : [];
  });
}

function ofLane(before: Boarding, board: Board, event: Exclude<Recorded, MapEvent>): Boarding {
  if (event.type === "session-opened") return opened(before, board, event.at);
  if (event.type === "attempt-started")
    return withItem(before, indexIn(before, event.lane), (item) => ({
      ...item,
      state: item.state === "resolving a conflict" ? item.state : "running",
      label: event.label,
      labelSince: event.at,
      step: stepIn(event.path) ?? item.step,
    }));
  if (event.type === "attempt-ended" || event.type === "attempt-interrupted" || event.type === "continuation-failed")
    return withItem(before, indexIn(before, event.lane), (item) => ({ ...item, label: "", labelSince: event.at }));
  if (event.type !== "step-ended") return before;
  if (event.lane === "main") return stepEnded(before, event);
  if (!isLast(event.path, board.steps) || event.outcome.status === "failed") return before;
  return withItem(before, indexIn(before, event.lane), (item) => ({
    ...item,
    state: "waiting to be merged",
    label: "",
    labelSince: event.at,
  }));
}

/** While nobody worked on it, no time of the items' own went by. */
function opened(before: Boarding, board: Board, at: number): Boarding {
  const idleMs = Math.max(0, at - board.at);
  const open = board.open.map((item) => ({ ...item, since: item.since + idleMs, label: "", labelSince: at }));
  return withBoard(before, { open, ended: 0, since: at });
}

function stepEnded(before: Boarding, { path, outcome }: Recorded & { readonly type: "step-ended" }): Boarding {
  if (!`${before.path}/`.startsWith(`${path}/`)) return before;
  return withBoard(before, { over: outcome.status === "failed" ? "failed" : "passed" });
}

/** After the last step of the template, or after a conflict was resolved. */
function isLast(path: string, steps: number): boolean {
  return path === `step-${String(steps - 1)}` || /^resolve-\d+\/step-\d+$/.test(path);
}

function stepIn(path: string): number | null {
  const match = /^step-(\d+)(?:\/|$)/.exec(path);
  return match === null ? null : Number(match[1]) + 1;
}

/** Which item a lane belongs to; -1 where it is none of this map's. */
function indexIn({ path }: Boarding, lane: string): number {
  const start = `main//${path}/item-`;
  if (!lane.startsWith(start)) return -1;
  const rest = lane.slice(start.length);
  return /^\d+$/.test(rest) ? Number(rest) : -1;
}

function withItem(before: Boarding, index: number, update: (item: OpenItem) => OpenItem): Boarding {
  if (before.board === null || index < 0) return before;
  return withBoard(before, {
    open: before.board.open.map((item) => (item.index === index ? update(item) : item)),
  });
}

function withBoard(before: Boarding, values: Partial<Board>): Boarding {
  return before.board === null ? before : { ...before, board: { ...before.board, ...values } };
}
