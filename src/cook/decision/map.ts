/**
 * `map`: the agent template once for each item, many at once, merged one after another.
 *
 *   plan -> items begin, as many as run at once -> merge queue (or verified train) -> session branch advanced -> the end
 *
 * Items begin on the combined tree, so that later ones see the work of earlier ones. No branch holds that tree until it
 * is advanced, and nothing counts as merged before it is in it.
 */
import type { MapAction, Step } from "../../workflow/model.ts";
import type { Command } from "./command.ts";
import type { EventBody, StepOutcome } from "./event.ts";
import { fault } from "./fault.ts";
import { chosen, probes } from "./map-hot.ts";
import { combine, type ItemPlace, type Stage, stageOf } from "./map-item.ts";
import { breakerGate, type Gate, stopReason } from "./map-policy.ts";
import { trainCommands } from "./map-train.ts";
import { type Cursor, ended, failedWith, PASSED, pending, type Progress } from "./progress.ts";
import type { MapState } from "./state-map.ts";

/** The session branch is brought up to the combined tree when so many commits have gathered, and at the end. */
const ADVANCE_AFTER = 24;

export function mapLoop(step: Step, action: MapAction, cursor: Cursor): Progress {
  const { lane, path, context } = cursor;
  const map = cursor.node?.map ?? null;
  if (map === null) return pending({ kind: "plan-map", lane: lane.id, path, step, action, context });
  const place: ItemPlace = { cursor, step, action, map };
  const stages = new Map(map.open.map((index): [number, Stage] => [index, stageOf(place, index)]));
  const stop = stopReason(map, action);
  const commands = [...stages.values()].flatMap((stage) => commandsOf(stage, stop));
  const gate = breakerGate(map, action.policy.circuitBreaker, cursor);
  const begun = stop === null ? beginnings(place, stages, gate) : [];
  const isAtWork = [...stages.values()].some((stage) => isRunning(stage, stop));
  const merges = merging(place, { stages, isBusy: isAtWork || (stop === null && hasMore(map)) });
  const all = [...commands, ...begun, ...merges, ...probes(place)];
  if (all.length > 0 || isAtWork || map.train !== null) return pending(...all, ...advancing(place, false));
  if (map.ahead > 0) return pending(...advancing(place, true));
  return isOver(map, stop) ? ended(total(place, stop)) : pending();
}

/** An item that waits to be tried again does not begin any more once the map stops. */
function commandsOf(stage: Stage, stop: string | null): readonly Command[] {
  if (stage.kind === "ready") return [];
  return stop === null ? stage.commands : stage.commands.filter(({ kind }) => kind !== "wait-until");
}

/** Something runs in it, or is about to. */
function isRunning(stage: Stage, stop: string | null): boolean {
  if (stage.kind === "ready") return false;
  return stage.commands.length === 0 || commandsOf(stage, stop).length > 0;
}

function hasMore({ again, next, items }: MapState): boolean {
  return again.length > 0 || next < items.length;
}

function isOver(map: MapState, stop: string | null): boolean {
  return stop !== null || (map.open.length === 0 && !hasMore(map));
}

/**
 * How many items may begin. One that waits for its merge, or leaves, still has its worktree, and one that leaves may have
 * failed, which may be the end of all others. Only items that wait for a whole batch make room for those that fill it.
 */
function room({ map, action }: ItemPlace, stages: ReadonlyMap<number, Stage>): number {
  const parallel = parallelOf(map, action);
  if (action.verify === null) return parallel - stages.size;
  const ready = [...stages.values()].filter(({ kind }) => kind === "ready").length;
  return parallel - stages.size + Math.min(ready, Math.max(action.verify.batch ?? 0, parallel));
}

function beginnings(place: ItemPlace, stages: ReadonlyMap<number, Stage>, gate: Gate): readonly Command[] {
  const { cursor, map } = place;
  const { lane, path } = cursor;
  if (!hasMore(map) || cursor.session.stopping !== null) return [];
  switch (gate.kind) {
    case "change":
      return [now(gate.event)];
    case "wait":
      return [{ kind: "wait-until", lane: lane.id, path, until: gate.until, event: gate.event }];
    case "free": {
      const free = Math.min(room(place, stages), gate.slots - stages.size);
      if (free <= 0) return [];
      const { items, delayed } = chosen(place, free);
      if (items.length === 0 && delayed.length === 0) return [];
      const begun = { type: "items-begun", lane: lane.id, path, items } as const;
      return [now(delayed.length === 0 ? begun : { ...begun, delayed })];
    }
  }
}

/** A number in the workflow counts also when it was edited since; one from a variable was found out once. */
function parallelOf(map: MapState, { maxParallel }: MapAction): number {
  return /^\s*[1-9]\d*\s*$/.test(maxParallel) ? Number(maxParallel) : map.parallel;
}

interface Traffic {
  readonly stages: ReadonlyMap<number, Stage>;
  /** Whether more items can become ready without anything being merged first. */
  readonly isBusy: boolean;
}

function merging({ cursor, map, action, step }: ItemPlace, { stages, isBusy }: Traffic): readonly Command[] {
  const ready = [...stages].filter(([, { kind }]) => kind === "ready").map(([index]) => index);
  if (action.verify !== null) return trainCommands({ cursor, map, action, step }, action.verify, { ready, isBusy });
  const [index] = ready;
  return index === undefined ? [] : [combine(cursor, map, { index, base: map.head })];
}

function advancing({ cursor, map }: ItemPlace, isEnd: boolean): readonly Command[] {
  const { lane, path } = cursor;
  if (!isEnd && map.ahead < ADVANCE_AFTER) return [];
  return [{ kind: "advance-map", lane: lane.id, path, to: map.head, commits: map.ahead }];
}

function now(event: EventBody): Command {
  return { kind: "record", events: [event], whenIdle: false };
}

function total({ step, action, map }: ItemPlace, stop: string | null): StepOutcome {
  const dead = map.dead?.count ?? 0;
  const output = `Map phase completed: ${String(map.succeeded)} successful, ${String(dead)} failed${map.skipped > 0 ? `, ${String(map.skipped)} skipped` : ""} (total: ${String(map.items.length)})`;
  if (stop !== null) return failedWith(stopped(step, map, stop), { ...PASSED, output });
  if (action.failWhenEmpty && map.items.length === 0)
    return failedWith(fault("loop", `step "${step.label}" has no items (when_empty: fail)`, { at: step.at }), PASSED);
  return { ...PASSED, output };
}

function stopped(step: Step, map: MapState, stop: string): ReturnType<typeof fault> {
  const last = map.dead?.fault ?? null;
  const left = map.items.length - map.succeeded - map.skipped - (map.dead?.count ?? 0);
  const message = `the map stopped: ${stop}; ${String(left)} of ${String(map.items.length)} items were not run${last === null ? "" : `; the last failure: ${last.message}`}`;
  return fault("loop", message, {
    exitCode: last?.exitCode ?? 1,
    lastLines: last?.lastLines ?? [],
    at: last?.at ?? step.at,
    logs: last?.logs ?? [],
  });
}
