/**
 * One item of a map: a worktree from the pool, the agent template, its commits merged, the worktree back.
 *
 * What an item wants depends on its own lane alone, so it is worked out once for each state of the lane.
 */
import type { Json, MapAction, Step } from "../../workflow/model.ts";
import { parseDuration } from "../../workflow/duration.ts";
import type { Command } from "./command.ts";
import type { EventBody, StepOutcome } from "./event.ts";
import type { ItemEnd } from "./event-map.ts";
import { fault } from "./fault.ts";
import { MAX_RESOLUTIONS } from "./limits.ts";
import { itemRetryDelay, type Tries } from "./map-policy.ts";
import {
  child,
  type Cursor,
  deadlineWithin,
  elapsedMs,
  failedWith,
  PASSED,
  pending,
  type Progress,
  syntheticStep,
} from "./progress.ts";
import { itemResolution } from "./resolve.ts";
import { itemLane, type Lane, passes } from "./state.ts";
import type { MapState } from "./state-map.ts";

export type Stage =
  /** It needs a place among those that run at once. */
  | { readonly kind: "working"; readonly commands: readonly Command[] }
  /** Its commits wait to be merged. */
  | { readonly kind: "ready" }
  /** Its worktree goes back, or it has and what became of the item is to be told. */
  | { readonly kind: "leaving"; readonly commands: readonly Command[] };

export interface ItemPlace {
  readonly cursor: Cursor;
  readonly step: Step;
  readonly action: MapAction;
  readonly map: MapState;
}

export function stageOf(place: ItemPlace, index: number): Stage {
  const { cursor, map } = place;
  const lane = cursor.session.lanes.get(itemLane(cursor.lane.id, cursor.path, index));
  if (lane === undefined) return waiting(place, index);
  const known = stages.get(lane);
  // What a verification or a merge of others does to the map does not change what this item wants; a stop does.
  const seen: Seen = {
    action: place.action,
    retry: map.retries.get(index),
    isStopping: cursor.session.stopping !== null,
  };
  if (known !== undefined && isSame(known.seen, seen)) return known.stage;
  const stage = workedOut(place, index, lane);
  stages.set(lane, { seen, stage });
  return stage;
}

/** All that a stage depends on besides the lane. */
interface Seen {
  readonly action: MapAction;
  readonly retry: unknown;
  readonly isStopping: boolean;
}

function isSame(one: Seen, other: Seen): boolean {
  return one.action === other.action && one.retry === other.retry && one.isStopping === other.isStopping;
}

interface Known {
  readonly seen: Seen;
  readonly stage: Stage;
}

const stages = new WeakMap<Lane, Known>();

/** An item without a lane: it begins, or it waits until it is tried again. */
function waiting({ cursor, action, map }: ItemPlace, index: number): Stage {
  const { lane, path } = cursor;
  const retry = map.retries.get(index);
  if (retry !== undefined && !retry.due) {
    const at = `${path}/item-${String(index)}`;
    const event = { type: "item-due", lane: lane.id, path, index } as const;
    return working({ kind: "wait-until", lane: lane.id, path: at, until: retry.until, event });
  }
  return working({
    kind: "prepare-lane",
    lane: itemLane(lane.id, path, index),
    tree: { head: map.head, snapshot: null },
    mode: "restore",
    reason: "a new item",
    pool: poolOf(action),
  });
}

function poolOf({ worktrees }: MapAction): NonNullable<(Command & { kind: "prepare-lane" })["pool"]> {
  return { keep: worktrees.keep, copy: worktrees.copy };
}

function working(...commands: readonly Command[]): Stage {
  return { kind: "working", commands };
}

function workedOut(place: ItemPlace, index: number, lane: Lane): Stage {
  const { action } = place;
  if (lane.removed) return { kind: "leaving", commands: [told(place, index, lane)] };
  if (!lane.ready && lane.merge === null) {
    const { tree, want: mode } = lane;
    const reason = "the item was interrupted";
    return working({ kind: "prepare-lane", lane: lane.id, tree, mode, reason, pool: poolOf(action) });
  }
  if (lane.merge !== null) return leaving(place, index, lane);
  const steps = itemSteps(place, index, lane);
  if (steps.kind === "pending") return working(...steps.commands);
  if (!passes(steps.outcome) || lane.tree.head === lane.root.before.head || !action.merge)
    return leaving(place, index, lane);
  return { kind: "ready" };
}

/** Everything that runs in the item's worktree, up to the point where its commits can be merged. */
function itemSteps(place: ItemPlace, index: number, lane: Lane): Progress {
  const { action, map } = place;
  const inside = itemCursor(place, index, lane);
  const deadline = deadlineWithin(inside, itemLimit(map, action));
  const cursor: Cursor = { ...inside, context: { ...inside.context, deadline } };
  if (lane.fresh && action.worktrees.setup.length > 0) {
    const setup = cursor.sequence(action.worktrees.setup, child(cursor, "setup", { own: false }));
    if (setup.kind === "pending" || !passes(setup.outcome)) return setup;
  }
  const steps = cursor.sequence(action.steps, cursor);
  if (steps.kind === "pending") return steps;
  if (!passes(steps.outcome)) return rescued(place, steps.outcome, cursor);
  const left = leftovers(place, cursor);
  if (left !== null && (left.kind === "pending" || !passes(left.outcome))) return left;
  return lane.conflict === null ? steps : resolved(place, index, cursor);
}

/** Commits what the steps left, where the workflow says so. */
function leftovers({ action, step }: ItemPlace, cursor: Cursor): Progress | null {
  const begun = cursor.node?.children.has("leftovers") === true;
  if (action.autoCommit === null || (cursor.lane.tree.snapshot === null && !begun)) return null;
  const commit: Step = {
    ...syntheticStep("commit what is left", { kind: "shell", script: ":" }, step.at),
    autoCommit: action.autoCommit,
  };
  return cursor.sequence([commit], child(cursor, "leftovers"));
}

/** `on_item_failure: {custom: steps}`. */
function rescued({ action }: ItemPlace, outcome: StepOutcome, cursor: Cursor): Progress {
  const { onItemFailure } = action.policy;
  if (onItemFailure.kind !== "custom") return { kind: "ended", outcome };
  const error = { message: outcome.fault?.message ?? "it failed", exit_code: outcome.exitCode ?? -1 };
  const locals = { ...cursor.context.locals, error };
  const handled = cursor.sequence(onItemFailure.steps, child(cursor, "custom", { locals, own: false, deadline: null }));
  return handled.kind === "pending" ? handled : { kind: "ended", outcome };
}

/** The combined tree is merged into the item's worktree, and an agent resolves what conflicts. */
function resolved({ action, step }: ItemPlace, index: number, cursor: Cursor): Progress {
  const { lane } = cursor;
  const { conflict } = lane;
  if (conflict === null) return { kind: "ended", outcome: PASSED };
  if (conflict.round > MAX_RESOLUTIONS) return { kind: "ended", outcome: conflicting(lane) };
  if (conflict.merging === null)
    return pending({ kind: "merge-into", lane: lane.id, commit: conflict.with, label: `item ${String(index + 1)}` });
  const steps = itemResolution(action, conflict, { step, workflow: cursor.session.order.workflow });
  const done = cursor.sequence(steps, child(cursor, `resolve-${String(conflict.round)}`, { deadline: null }));
  if (done.kind === "pending" || passes(done.outcome)) return done;
  return { kind: "ended", outcome: conflicting(lane, done.outcome) };
}

function conflicting({ conflict }: Lane, outcome: StepOutcome | null = null): StepOutcome {
  const paths = conflict?.paths ?? [];
  const reason = outcome?.fault ?? null;
  const why = reason === null ? "" : `; it could not be resolved: ${reason.message}`;
  const message = `the item's commits conflict with those of other items in ${paths.join(", ")}${why}`;
  const { lastLines = [], logs = [], exitCode = null } = reason ?? {};
  return failedWith(
    fault("conflict", message, { help: "its work is kept: see prodigy salvage list", lastLines, logs, exitCode }),
  );
}

export function itemCursor({ cursor, map }: ItemPlace, index: number, lane: Lane): Cursor {
  const item = map.items[index] ?? { id: "", data: null };
  const locals: Readonly<Record<string, Json>> = {
    ...cursor.context.locals,
    item: item.data,
    index,
    total: map.items.length,
    item_index: index,
    item_total: map.items.length,
    item_json: JSON.stringify(item.data),
    item_id: item.id,
    "map.key": item.id,
  };
  const context = { ...cursor.context, locals, lane: lane.id, shared: false, own: true };
  return { ...cursor, lane, node: lane.root, path: "", context };
}

/** Only one at a time: each is merged into what the one before it has left. */
export function combine(
  { lane, path, session }: Cursor,
  { items }: MapState,
  { index, base }: { readonly index: number; readonly base: string },
): Command {
  const head = session.lanes.get(itemLane(lane.id, path, index))?.tree.head ?? base;
  return { kind: "combine-item", lane: lane.id, path, index, base, head, label: items[index]?.id ?? String(index) };
}

/** Nothing runs in a lane whose steps have passed: its last recorded state is what is there. */
function leaving(place: ItemPlace, index: number, lane: Lane): Stage {
  const outcome = outcomeOf(place, index, lane);
  const name = place.map.items[index]?.id ?? String(index);
  const known = lane.ready && passes(outcome) ? lane.tree : null;
  const merged = lane.merge === "merged" ? lane.tree.head : null;
  const reason = passes(outcome) ? `uncommitted files of item ${name}` : `item ${name} failed`;
  return { kind: "leaving", commands: [{ kind: "release-lane", lane: lane.id, known, merged, reason }] };
}

/** How the item ended, from what stands in its lane. */
function outcomeOf(place: ItemPlace, index: number, lane: Lane): StepOutcome {
  const { merge } = lane;
  const steps = itemSteps(place, index, lane);
  const outcome = steps.kind === "ended" ? steps.outcome : PASSED;
  const said = { ...outcome, output: lane.said === "" ? outcome.output : lane.said };
  if (merge === null || merge === "merged") return said;
  return "refused" in merge ? failedWith(merge.refused, said) : { ...conflicting(lane), output: said.output };
}

/** The worktree is back, and everything else can be said: whether it is tried again, and if not, how it ended. */
function told(place: ItemPlace, index: number, lane: Lane): Command {
  const { cursor, map, action } = place;
  const base = { lane: cursor.lane.id, path: cursor.path, index };
  const given = outcomeOf(place, index, lane);
  const limitMs = itemLimit(map, action);
  const isLate = hasMetLimit(limitMs, given, itemCursor(place, index, lane));
  const outcome = isLate ? lateOutcome(given, limitMs ?? 0) : given;
  const tries: Tries = { index, outcome, retry: map.retries.get(index) ?? null };
  const attempts = (tries.retry?.attempts ?? 0) + 1;
  const { salvage } = lane;
  const delayMs = passes(outcome) ? null : itemRetryDelay(action.policy, cursor.path, tries);
  if (delayMs !== null) return now({ type: "item-retried", ...base, attempt: attempts, outcome, delayMs, salvage });
  return now({
    type: "map-item-ended",
    ...base,
    id: map.items[index]?.id ?? String(index),
    end: endOf(action, lane, { outcome, isLate }),
    outcome,
    attempts,
    work: lane.work,
    salvage,
    conflicts: lane.merge === "merged" ? [] : (lane.conflict?.paths ?? []),
    stops: isLate && action.timeout.action === "fail",
  });
}

/** A limit in the workflow counts also when it was edited since; one from a variable was found out once. */
function itemLimit({ timeoutMs }: MapState, { timeout }: MapAction): number | null {
  if (timeout.limit === null) return null;
  return parseDuration(timeout.limit) ?? timeoutMs;
}

function hasMetLimit(timeoutMs: number | null, { fault: reason }: StepOutcome, cursor: Cursor): boolean {
  return timeoutMs !== null && reason?.kind === "timeout" && elapsedMs(cursor) >= timeoutMs;
}

function lateOutcome(outcome: StepOutcome, timeoutMs: number): StepOutcome {
  if (outcome.fault === null) return outcome;
  const message = `the item timed out after ${String(timeoutMs / 1000)} s: ${outcome.fault.message}`;
  return { ...outcome, fault: { ...outcome.fault, message } };
}

function endOf(action: MapAction, lane: Lane, { outcome, isLate }: Ended): ItemEnd {
  if (passes(outcome)) return lane.merge === "merged" ? "merged" : "unmerged";
  // Its work is done and paid: nobody means that by "skip".
  if (lane.conflict !== null || lane.merge !== null) return "dead";
  if (isLate) return action.timeout.action === "skip" ? "skipped" : "dead";
  const { onItemFailure } = action.policy;
  if (onItemFailure.kind === "skip") return "skipped";
  return onItemFailure.kind === "custom" && wasRescued(lane) ? "skipped" : "dead";
}

interface Ended {
  readonly outcome: StepOutcome;
  readonly isLate: boolean;
}

function wasRescued({ root }: Lane): boolean {
  const last = root.children.get("custom")?.last ?? null;
  return last !== null && passes(last);
}

function now(event: EventBody): Command {
  return { kind: "record", events: [event], whenIdle: false };
}
