/**
 * `foreach`: steps once for each item; in order, side by side in one tree, or side by side in a lane each.
 *
 * A lane's commits are merged in the order of the items, so the result does not depend on who was faster.
 */
import type { ForeachAction, Json, Step } from "../../workflow/model.ts";
import type { Command } from "./command.ts";
import type { StepOutcome } from "./event.ts";
import { fault } from "./fault.ts";
import { child, type Cursor, ended, failedWith, PASSED, pending, type Progress, WAITING } from "./progress.ts";
import { sizeOf } from "./ranges.ts";
import { itemLane, type Lane, type Node, passes } from "./state.ts";

export function foreachLoop(step: Step, action: ForeachAction, cursor: Cursor): Progress {
  const { lane, path, context, node } = cursor;
  if (node === null || node.items === null) return pending({ kind: "plan-items", lane: lane.id, path, step, context });
  const running = openItems(node, action, cursor);
  // In the order of the items; of those that have not begun after a failure, nobody waits.
  const mergeable = running[0] ?? node.done;
  const commands = running.flatMap((index) => itemCommands({ action, cursor, node, mergeable }, index));
  if (running.length > 0) return commands.length === 0 ? WAITING : pending(...commands);
  return ended(total(step, action, node));
}

/** The first items that have not ended; after a failure only those that have begun already. */
function openItems(node: Node, action: ForeachAction, cursor: Cursor): readonly number[] {
  const count = node.items?.length ?? 0;
  const stopped = node.failed !== null && !action.continueOnError;
  const open: number[] = [];
  // What has begun stands among the first open ones, so there is no need to look further.
  for (let index = node.done, seen = 0; index < count && seen < action.parallel; index++) {
    const [, next] = node.settled.find(([from, to]) => index >= from && index < to) ?? [];
    if (next !== undefined) {
      index = next - 1;
      continue;
    }
    seen += 1;
    if (!stopped || hasBegun(node, index, cursor)) open.push(index);
  }
  return open;
}

function hasBegun(node: Node, index: number, { session, lane, path }: Cursor): boolean {
  return node.children.has(segment(index)) || session.lanes.has(itemLane(lane.id, path, index));
}

interface Loop {
  readonly action: ForeachAction;
  readonly cursor: Cursor;
  readonly node: Node;
  /** The item whose lane may be merged now. */
  readonly mergeable: number;
}

function itemCommands(loop: Loop, index: number): readonly Command[] {
  const { action, cursor } = loop;
  // Inside of items that share a tree there is nothing that lanes could be merged into one after the other.
  const own = action.parallel > 1 && !action.shared && !cursor.context.shared;
  const progress = own
    ? itemInLane(loop, index)
    : cursor.sequence(action.steps, child(cursor, segment(index), itemContext(loop, index)));
  if (progress.kind === "pending") return progress.commands;
  return [itemEnded(index, progress.outcome, cursor)];
}

function itemEnded(index: number, outcome: StepOutcome, { lane, path }: Cursor): Command {
  return { kind: "record", events: [{ type: "item-ended", lane: lane.id, path, index, outcome }], whenIdle: false };
}

function itemContext({ action, cursor, node }: Loop, index: number): Partial<Cursor["context"]> {
  const items = node.items ?? [];
  const item = items[index] ?? null;
  const locals: Readonly<Record<string, Json>> = {
    ...cursor.context.locals,
    item,
    index,
    total: items.length,
    item_index: index,
    item_total: items.length,
    item_json: JSON.stringify(item),
    item_id: `item_${String(index)}`,
  };
  const { shared } = cursor.context;
  return { locals, shared: shared || (action.parallel > 1 && action.shared), own: true };
}

/** Worktree, steps, merge in order, worktree away. */
function itemInLane(loop: Loop, index: number): Progress {
  const { action, cursor, node } = loop;
  const id = itemLane(cursor.lane.id, cursor.path, index);
  const lane = cursor.session.lanes.get(id);
  if (lane === undefined) {
    const tree = { head: node.before.head, snapshot: null };
    return pending({ kind: "prepare-lane", lane: id, tree, mode: "restore", reason: "a new lane" });
  }
  const remove: Command = {
    kind: "remove-lane",
    lane: id,
    target: null,
    reason: `item ${String(index + 1)} of ${cursor.path}`,
  };
  if (lane.removed) return ended(laneOutcome(lane.merge, lane.root.last));
  if (!lane.ready && lane.merge === null) {
    return pending({
      kind: "prepare-lane",
      lane: id,
      tree: lane.tree,
      mode: lane.want,
      reason: "the step was interrupted",
    });
  }
  if (lane.merge !== null) return pending(remove);
  const context = { ...cursor.context, ...itemContext(loop, index), lane: id };
  const steps = cursor.sequence(action.steps, { ...cursor, lane, node: lane.root, path: "", context });
  if (steps.kind === "pending") return steps;
  // Its worktree stays for a resume to go on in it. There are no more of them than run side by side: after them the loop ends.
  if (!passes(steps.outcome) && !action.continueOnError) return steps;
  if (!passes(steps.outcome) || lane.tree.head === lane.root.before.head) return pending(remove);
  if (index !== loop.mergeable) return WAITING;
  return pending({
    kind: "merge-lane",
    lane: id,
    into: cursor.lane.id,
    from: lane.tree,
    label: `item ${String(index + 1)}`,
  });
}

function laneOutcome(merge: Lane["merge"], last: StepOutcome | null): StepOutcome {
  const outcome = last ?? PASSED;
  if (merge === null || merge === "merged" || "refused" in merge) return outcome;
  const conflict = fault(
    "conflict",
    `the item's commits conflict with those of earlier items in ${merge.conflicts.join(", ")}`,
    {
      help: "its work is kept: see prodigy salvage list",
    },
  );
  return failedWith(conflict, outcome);
}

function total(step: Step, action: ForeachAction, node: Node): StepOutcome {
  const count = node.items?.length ?? 0;
  const failed = node.failed?.count ?? 0;
  const passed = node.done + sizeOf(node.settled) - failed;
  const output = `Foreach completed: ${String(count)} total, ${String(passed)} successful, ${String(failed)} failed`;
  if (failed === 0) return { ...PASSED, output };
  const first = node.failure?.fault ?? null;
  const message = `${String(failed)} of ${String(count)} items of step "${step.label}" failed${first === null ? "" : `; the first: ${first.message}`}`;
  const given = failedWith(
    fault("loop", message, {
      exitCode: first?.exitCode ?? 1,
      lastLines: first?.lastLines ?? [],
      at: first?.at ?? step.at,
      logs: first?.logs ?? [],
    }),
    {
      ...PASSED,
      output,
    },
  );
  return action.continueOnError ? { ...given, exitCode: 1 } : given;
}

function segment(index: number): string {
  return `item-${String(index)}`;
}
