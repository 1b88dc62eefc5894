import type { EventBody } from "./event.ts";
import { join, MAIN, type Node, type Session } from "./state.ts";
import type { MapState } from "./state-map.ts";

/** A person wants items tried again that have failed while their map is still running. Too late is told. */
export function requeued(session: Session, ids: readonly string[]): readonly EventBody[] {
  const wanted = new Set(ids);
  const main = session.lanes.get(MAIN);
  const isRunning = session.status === "running" && session.stopping === null;
  const maps = main === undefined || !isRunning ? [] : mapsIn(main.root, "");
  const events = maps.flatMap(({ path, map }): readonly EventBody[] => {
    const items = deadOf(map).filter((index) => wanted.has(map.items[index]?.id ?? ""));
    return items.length === 0 ? [] : [{ type: "items-requeued", lane: MAIN, path, items }];
  });
  if (events.length > 0) return events;
  const message =
    "items were asked to be tried again, and the map that they belong to has ended, or they have not failed";
  return [{ type: "warned", lane: null, path: null, message }];
}

/** A map without some of its dead, which begin anew. */
export function withRequeued(map: MapState, items: readonly number[]): MapState {
  const left = all(map).filter(({ index }) => !items.includes(index));
  const dead = left.reduce<MapState["dead"]>(
    (previous, item) => ({ ...item, count: (previous?.count ?? 0) + 1, previous }),
    null,
  );
  return { ...map, dead, again: [...map.again, ...items] };
}

function deadOf(map: MapState): readonly number[] {
  return all(map).map(({ index }) => index);
}

/** The first one that died first. */
function all(map: MapState): readonly NonNullable<MapState["dead"]>[] {
  const items: NonNullable<MapState["dead"]>[] = [];
  for (let item = map.dead; item !== null; item = item.previous) items.push(item);
  return items.toReversed();
}

interface Found {
  readonly path: string;
  readonly map: MapState;
}

function mapsIn(node: Node, path: string): readonly Found[] {
  const own = node.map === null ? [] : [{ path, map: node.map }];
  return [...own, ...[...node.children].flatMap(([segment, child]) => mapsIn(child, join(path, segment)))];
}
