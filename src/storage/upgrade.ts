import assert from "node:assert/strict";
import { type Event, SCHEMA_VERSION } from "../cook/decision/event.ts";
import type { Json } from "../workflow/model.ts";

/** `UPGRADES[i]` turns an event of version i + 1 into version i + 2. One for each version that was ever released. */
const UPGRADES: readonly ((event: Json) => Json)[] = [];

/** Brings an event of any earlier version to today's form. Newer versions are refused before it comes to this. */
export function upgradeEvent(event: Json, version: number): Event {
  assert(version >= 1 && version <= SCHEMA_VERSION, `no way from journal form ${version} to ${SCHEMA_VERSION}`);
  let upgraded = event;
  for (const step of UPGRADES.slice(version - 1)) upgraded = step(upgraded);
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: the checksum proves that a Prodigy of that version wrote this event, and its upgrades lead here.
  return upgraded as Json & Event;
}
