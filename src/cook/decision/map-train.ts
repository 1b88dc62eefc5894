/**
 * The verified train: items are merged in batches, and a batch counts only when the verification passes on the combined
 * tree. Green alone and red together must not land. A batch that fails is split in two and each half is tried on what
 * counts by then, until the culprits stand alone.
 */
import type { MapAction } from "../../workflow/model.ts";
import type { Command } from "./command.ts";
import { combine, type ItemPlace } from "./map-item.ts";
import type { Lane } from "./state.ts";
import { type Train, verifyLane } from "./state-map.ts";

interface Waiting {
  readonly ready: readonly number[];
  /** Whether more items may become ready while these wait. */
  readonly isBusy: boolean;
}

export function trainCommands(
  place: ItemPlace,
  verify: NonNullable<MapAction["verify"]>,
  { ready, isBusy }: Waiting,
): readonly Command[] {
  const { cursor, map } = place;
  const { lane, path } = cursor;
  if (map.train !== null) return atWork(place, verify, map.train);
  const size = verify.batch ?? Number.POSITIVE_INFINITY;
  // The worktrees of items that wait are not free for others.
  const isFull = ready.length >= Math.min(size, Math.max(map.parallel, 1));
  if (ready.length === 0 || (!isFull && isBusy)) return [];
  const items = ready.slice(0, Math.min(size, ready.length));
  return [{ kind: "record", events: [{ type: "batch-started", lane: lane.id, path, items }], whenIdle: false }];
}

function atWork(place: ItemPlace, verify: NonNullable<MapAction["verify"]>, train: Train): readonly Command[] {
  const { cursor, map } = place;
  const items = train.groups[0] ?? [];
  const index = items[train.combined];
  return index === undefined
    ? verifying(place, verify, { items, candidate: train.candidate })
    : [combine(cursor, map, { index, base: train.candidate })];
}

interface Batch {
  readonly items: readonly number[];
  readonly candidate: string;
}

function verifying(
  place: ItemPlace,
  verify: NonNullable<MapAction["verify"]>,
  { items, candidate }: Batch,
): readonly Command[] {
  const { cursor, map, action } = place;
  const { lane: parent, path } = cursor;
  const id = verifyLane(parent.id, path, map.batches);
  const lane = cursor.session.lanes.get(id);
  const pool = { keep: action.worktrees.keep, copy: action.worktrees.copy };
  if (lane === undefined || (!lane.ready && !lane.removed)) {
    const tree = lane?.tree ?? { head: candidate, snapshot: null };
    const mode = lane?.want ?? "restore";
    return [{ kind: "prepare-lane", lane: id, tree, mode, reason: "the verification was interrupted", pool }];
  }
  const steps = cursor.sequence(stepsOf(action, verify, lane), {
    ...cursor,
    lane,
    node: lane.root,
    path: "",
    context: { ...cursor.context, lane: id, shared: false, own: false },
  });
  if (steps.kind === "pending") return steps.commands;
  if (!lane.removed)
    return [{ kind: "release-lane", lane: id, known: lane.tree, merged: candidate, reason: "a verification" }];
  const { outcome } = steps;
  return [
    {
      kind: "record",
      events: [{ type: "batch-verified", lane: parent.id, path, items, outcome }],
      whenIdle: false,
    },
  ];
}

/** A new worktree is set up before anything is verified in it. */
function stepsOf(
  action: MapAction,
  verify: NonNullable<MapAction["verify"]>,
  lane: Lane,
): NonNullable<MapAction["verify"]>["steps"] {
  return lane.fresh ? [...action.worktrees.setup, ...verify.steps] : verify.steps;
}
