/**
 * Items that touch the same files: seen early, while their agents still run, and if the workflow says so, kept apart.
 *
 * Only lanes that have committed changes to a common file are looked at more closely, by a merge that nobody keeps.
 */
import type { Json } from "../../workflow/model.ts";
import type { Command } from "./command.ts";
import type { ItemPlace } from "./map-item.ts";
import { itemLane, type Lane } from "./state.ts";
import { pairOf } from "./state-map.ts";

/** Whether items that run at the same time will conflict, for pairs that have not been looked at as they are now. */
export function probes(place: ItemPlace): readonly Command[] {
  const { cursor, map } = place;
  const lanes = liveLanes(place);
  const commands: Command[] = [];
  for (const [at, [first, one]] of lanes.entries()) {
    for (const [second, other] of lanes.slice(at + 1)) {
      const heads = `${one.tree.head} ${other.tree.head}`;
      if (map.probed.get(pairOf(first, second)) === heads || !haveCommonFile(one, other)) continue;
      commands.push({
        kind: "probe-items",
        lane: cursor.lane.id,
        path: cursor.path,
        items: [first, second],
        heads: [one.tree.head, other.tree.head],
      });
    }
  }
  return commands;
}

/** Lanes of items that have committed something which is not merged yet. */
function liveLanes({ cursor, map }: ItemPlace): readonly (readonly [index: number, lane: Lane])[] {
  return map.open.flatMap((index) => {
    const lane = cursor.session.lanes.get(itemLane(cursor.lane.id, cursor.path, index));
    return lane === undefined || lane.merge !== null || lane.work.files.length === 0 ? [] : [[index, lane] as const];
  });
}

function haveCommonFile(one: Lane, other: Lane): boolean {
  return one.work.files.some((file) => other.work.files.includes(file));
}

/** So many items further on are looked at for one that can begin. */
const LOOKAHEAD = 64;

/** Which items begin next; with `serialize`, those wait that name a file which a running one has changed. */
export function chosen(
  place: ItemPlace,
  free: number,
): { readonly items: readonly number[]; readonly delayed: readonly number[] } {
  const { map, action } = place;
  const ahead = free + (action.conflicts === "serialize" ? LOOKAHEAD : 0);
  const count = Math.max(0, Math.min(ahead, map.items.length - map.next));
  const fresh = Array.from({ length: count }, (_, at) => map.next + at);
  const inOrder = [...map.again, ...fresh];
  if (action.conflicts === "report") return { items: inOrder.slice(0, free), delayed: [] };
  const hot = liveLanes(place).flatMap(([, lane]) => lane.work.files);
  const items: number[] = [];
  const delayed: number[] = [];
  for (const index of inOrder) {
    if (items.length >= free) break;
    const isHot = names(map.items[index]?.data ?? null, hot);
    if (!isHot) items.push(index);
    else if (index >= map.next) delayed.push(index);
  }
  return { items, delayed };
}

/** Whether a text in the item's data speaks of one of the files. */
function names(data: Json, files: readonly string[]): boolean {
  if (typeof data === "string") return files.some((file) => data.includes(file));
  if (data === null || typeof data !== "object") return false;
  return Object.values(data).some((value) => names(value, files));
}
