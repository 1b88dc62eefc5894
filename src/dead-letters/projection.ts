/**
 * From the journal's events to the dead letters of a session. The same events always give the same letters, so the file can
 * be thrown away and computed again.
 *
 * What an attempt at an item did is gathered while it is open; an item that passes is forgotten. So this stays as small as
 * what is going on and what has failed.
 */
import { isMapEvent, type MapEvent } from "../cook/decision/event.ts";
import type { ItemFailure, MapItem, Recorded } from "./facts.ts";
import { type DeadLetter, failedAgain, type FailedItem, letterOf } from "./letter.ts";

export interface Letters {
  /** Returns whether the queue is another one now. */
  add(event: Recorded): boolean;
  read(): LetterFile;
  /** The same without what only readers want. */
  failures(): ReadonlyMap<string, FailedItem>;
}

/** `failed_items.json`. */
export interface LetterFile {
  readonly version: 1;
  readonly session: string;
  /** The last event that it knows. */
  readonly seq: number;
  readonly updated_at: string;
  /** Whether the session has a map at all. */
  readonly has_map: boolean;
  readonly items: readonly DeadLetter[];
}

/** An item that is at work. */
interface Open {
  readonly item: MapItem;
  readonly lane: string;
  since: number;
  step: string | null;
  agentSession: string | null;
  logs: readonly string[];
  costUsd: number | null;
  /** Attempts of this time that failed. */
  readonly failures: ItemFailure[];
}

/** Read only by what is in this file. */
interface Memory {
  session: string;
  /** Whether the letters are another session's. */
  isRetry: boolean;
  hasMap: boolean;
  seq: number;
  at: number;
  readonly plans: Map<string, readonly MapItem[]>;
  readonly open: Map<string, Open>;
  readonly letters: Map<string, FailedItem>;
}

export function openLetters(): Letters {
  const memory: Memory = {
    session: "",
    isRetry: false,
    hasMap: false,
    seq: 0,
    at: 0,
    plans: new Map(),
    open: new Map(),
    letters: new Map(),
  };
  return {
    add: (event) => {
      memory.seq = event.seq;
      memory.at = event.at;
      return add(memory, event);
    },
    read: () => ({
      version: 1,
      session: memory.session,
      seq: memory.seq,
      updated_at: new Date(memory.at).toISOString(),
      has_map: memory.hasMap,
      items: memory.isRetry ? [] : [...memory.letters.values()].map(letterOf),
    }),
    failures: () => memory.letters,
  };
}

function add(memory: Memory, event: Recorded): boolean {
  if (event.type === "session-started") {
    memory.session = event.order.session;
    memory.isRetry = event.order.deadLettersOf !== undefined;
    return false;
  }
  if (isMapEvent(event)) return addOfMap(memory, event);
  if (!("lane" in event) || event.lane === null) return false;
  const open = openAt(memory, event.lane);
  if (open !== undefined) addOfItem(open, event);
  return false;
}

function addOfMap(memory: Memory, event: Extract<Recorded, MapEvent>): boolean {
  switch (event.type) {
    case "map-planned":
      memory.hasMap = true;
      memory.plans.set(planKey(event), event.items);
      return false;
    case "items-begun":
      for (const index of event.items) begin(memory, event, index);
      return false;
    case "item-due": {
      const open = memory.open.get(laneOf(event));
      if (open !== undefined) open.since = event.at;
      return false;
    }
    case "item-retried": {
      const open = memory.open.get(laneOf(event));
      if (open === undefined) return false;
      open.failures.push(failureOf(memory, open, { ...event, conflicts: [] }));
      begun(open, event.at + event.delayMs);
      return false;
    }
    case "batch-verified": {
      const [index, second] = event.items;
      const open = index === undefined ? undefined : memory.open.get(laneOf({ ...event, index }));
      if (open !== undefined && second === undefined && event.outcome.status === "failed") open.step = "verify";
      return false;
    }
    case "map-item-ended":
      return itemEnded(memory, event);
    case "dead-letters-retried":
      return update(memory, event.items, (letter) => ({ ...letter, retryingIn: event.session }));
    case "dead-letters-settled":
      return settled(memory, event);
    case "dead-letters-removed":
      return update(memory, event.items, () => null);
    case "items-probed":
    case "item-combined":
    case "item-conflicted":
    case "batch-started":
    case "map-advanced":
    case "breaker-changed":
    // A letter stays until its item has passed.
    case "items-requeued":
      return false;
  }
}

interface OfItem {
  readonly lane: string;
  readonly path: string;
  readonly index: number;
}

function planKey({ lane, path }: Pick<OfItem, "lane" | "path">): string {
  return `${lane}//${path}`;
}

function laneOf({ lane, path, index }: OfItem): string {
  return `${lane}//${path}/item-${String(index)}`;
}

function begin(memory: Memory, event: Recorded & { readonly type: "items-begun" }, index: number): void {
  const item = memory.plans.get(planKey(event))?.[index];
  if (item === undefined) return;
  const lane = laneOf({ ...event, index });
  const fresh = { item, lane, since: event.at, step: null, agentSession: null, logs: [], costUsd: null, failures: [] };
  memory.open.set(lane, fresh);
}

/** Its next attempt. */
function begun(open: Open, since: number): void {
  open.since = since;
  open.step = null;
  open.agentSession = null;
  open.logs = [];
  open.costUsd = null;
}

/** The item that a lane belongs to: its own, or one inside of it. */
function openAt({ open }: Memory, lane: string): Open | undefined {
  for (let at = lane; open.size > 0 && at.includes("//"); at = at.slice(0, at.lastIndexOf("//"))) {
    const found = open.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function addOfItem(open: Open, event: Recorded): void {
  if (event.type === "attempt-started") {
    open.agentSession = event.agentSession ?? open.agentSession;
    if (event.logs.length > 0) open.logs = event.logs;
  }
  if ("usage" in event) {
    const cost = event.usage?.costUsd ?? null;
    if (cost !== null) open.costUsd = (open.costUsd ?? 0) + cost;
  }
  // Steps of a handler for failed items do not say why it failed.
  if (event.type === "step-ended" && event.outcome.status === "failed" && !event.path.startsWith("custom/"))
    open.step = event.label;
}

interface Ended {
  readonly at: number;
  readonly outcome: { readonly fault: ItemFailure["fault"] };
  readonly salvage: string | null;
  readonly conflicts: readonly string[];
}

function failureOf({ session }: Memory, open: Open, { at, outcome, salvage, conflicts }: Ended): ItemFailure {
  return {
    at,
    session,
    lane: open.lane,
    fault: outcome.fault,
    step: conflicts.length > 0 ? "merge" : open.step,
    agentSession: open.agentSession,
    logs: open.logs,
    durationMs: Math.max(0, at - open.since),
    costUsd: open.costUsd,
    salvage,
    conflicts,
  };
}

function itemEnded(memory: Memory, event: Recorded & { readonly type: "map-item-ended" }): boolean {
  const lane = laneOf(event);
  const open = memory.open.get(lane);
  memory.open.delete(lane);
  if (event.end !== "dead") return memory.letters.delete(event.id);
  if (open === undefined) return false;
  const failures = [...open.failures, failureOf(memory, open, event)];
  memory.letters.set(event.id, failedAgain(memory.letters.get(event.id) ?? null, open.item, failures));
  return true;
}

function settled({ letters }: Memory, event: Recorded & { readonly type: "dead-letters-settled" }): boolean {
  for (const id of event.passed) letters.delete(id);
  for (const { id, failures } of event.failed) {
    const before = letters.get(id);
    if (before !== undefined) letters.set(id, failedAgain(before, before.item, failures));
  }
  // What was not tried can be tried again.
  for (const [id, letter] of letters)
    if (letter.retryingIn === event.session) letters.set(id, { ...letter, retryingIn: null });
  return true;
}

function update(
  { letters }: Memory,
  ids: readonly string[],
  change: (letter: FailedItem) => FailedItem | null,
): boolean {
  for (const id of ids) {
    const before = letters.get(id);
    if (before === undefined) continue;
    const after = change(before);
    if (after === null) letters.delete(id);
    else letters.set(id, after);
  }
  return true;
}
