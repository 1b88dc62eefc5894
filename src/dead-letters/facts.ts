/** What events tell of items, by the names that are used here. */
export type { EventBody, Fault, Recorded } from "../cook/decision/event.ts";
export type { ItemFailure, MapItem } from "../cook/decision/event-map.ts";
