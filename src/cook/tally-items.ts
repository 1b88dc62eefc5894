/** The numbers of maps. Part of `tally.ts`. */
import type { Fault, MapEvent } from "./decision/event.ts";
import type { ItemEnd } from "./decision/event-map.ts";

export interface ItemCounts {
  readonly total: number;
  readonly begun: number;
  readonly merged: number;
  readonly unmerged: number;
  readonly skipped: number;
  readonly dead: number;
  readonly retries: number;
}

/** An item in the dead letter queue. */
export interface Death {
  readonly id: string;
  readonly fault: Fault | null;
}

export interface CountedItems {
  total: number;
  begun: number;
  retries: number;
  /** By place: an item that a resume gives another chance ends once. */
  readonly ends: Map<string, Death & { readonly end: ItemEnd }>;
}

/** More of the dead are in the journal. */
const MAX_DEATHS = 50;

export function noItems(): CountedItems {
  return { total: 0, begun: 0, retries: 0, ends: new Map() };
}

/** Returns the name of what was kept aside, if anything was. */
export function countItem(items: CountedItems, event: MapEvent): string | null {
  switch (event.type) {
    case "map-planned":
      items.total += event.items.length;
      return null;
    case "items-begun":
      items.begun += event.items.length;
      return null;
    case "item-retried":
      items.retries++;
      return event.salvage;
    case "map-item-ended": {
      const { lane, path, index, id, end, outcome } = event;
      items.ends.set(`${lane} ${path} ${String(index)}`, { id, end, fault: outcome.fault });
      return event.salvage;
    }
    case "map-advanced":
      return event.salvage;
    case "item-combined":
    case "item-conflicted":
    case "items-probed":
    case "batch-started":
    case "batch-verified":
    case "item-due":
    case "breaker-changed":
    case "items-requeued":
    case "dead-letters-retried":
    case "dead-letters-settled":
    case "dead-letters-removed":
      return null;
  }
}

export function itemsOf({ total, begun, retries, ends }: CountedItems): {
  readonly items: ItemCounts;
  readonly deaths: readonly Death[];
} {
  const counts = { merged: 0, unmerged: 0, skipped: 0, dead: 0 };
  const deaths: Death[] = [];
  for (const { id, end, fault } of ends.values()) {
    counts[end]++;
    if (end === "dead" && deaths.length < MAX_DEATHS) deaths.push({ id, fault });
  }
  return { items: { total, begun, retries, ...counts }, deaths };
}
