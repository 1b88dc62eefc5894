/** What the events of a map mean. */
import { assert } from "./assert.ts";
import type { Event, LaneId, MapEvent, StepPath } from "./event.ts";
import { fault } from "./fault.ts";
import { withRequeued } from "./requeue.ts";
import { itemLane, type Lane, nodeAt, passes, type Session } from "./state.ts";
import { type Breaker, type MapState, type Train, pairOf, verifyLane } from "./state-map.ts";
import { onLane, onNode } from "./update.ts";

type Types = MapEvent["type"];
type Of<T extends Types> = Event & { readonly type: T };

export function onMap(session: Session, event: Of<Types>): Session {
  switch (event.type) {
    case "map-planned":
      return onNode(session, event, (node, lane) => ({ ...node, map: planned(event, lane.tree.head) }));
    case "items-begun":
      return withMap(session, event, (map) => ({
        ...map,
        open: [...map.open, ...event.items],
        again: [...map.again.filter((index) => !event.items.includes(index)), ...(event.delayed ?? [])],
        next: Math.max(map.next, ...[...event.items, ...(event.delayed ?? [])].map((index) => index + 1)),
      }));
    case "item-combined":
      return combined(session, event);
    case "item-conflicted":
      return conflicted(session, event);
    case "items-probed":
      return withMap(session, event, (map) => ({
        ...map,
        probed: new Map(map.probed).set(pairOf(...event.items), event.heads.join(" ")),
      }));
    case "batch-started":
      return withMap(session, event, (map) => ({
        ...map,
        train: { groups: [event.items], candidate: map.head, combined: 0, commits: 0 },
      }));
    case "batch-verified":
      return passes(event.outcome) ? batchPassed(session, event) : batchRefused(session, event);
    case "map-advanced":
      return onLane(
        withMap(session, event, (map) => ({ ...map, ahead: map.ahead - event.commits })),
        event.lane,
        (lane) => ({ ...lane, tree: event.tree, commits: lane.commits + event.commits }),
      );
    case "item-retried":
      return retried(session, event);
    case "item-due":
      return withMap(session, event, (map) => ({ ...map, retries: dueNow(map, event.index) }));
    case "breaker-changed":
      return withMap(session, event, (map) => ({ ...map, breaker: changed(map.breaker, event) }));
    case "map-item-ended":
      return itemEnded(session, event);
    case "items-requeued":
      return withoutLetters(
        withMap(session, event, (map) => withRequeued(map, event.items)),
        event.items.length,
      );
    case "dead-letters-retried":
      return session;
    case "dead-letters-settled":
      return withoutLetters(session, event.passed.length);
    case "dead-letters-removed":
      return withoutLetters(session, event.items.length);
  }
}

function withoutLetters(session: Session, count: number): Session {
  return { ...session, deadLetters: Math.max(0, session.deadLetters - count) };
}

function planned({ items, parallel, timeoutMs }: Of<"map-planned">, head: string): MapState {
  return {
    items,
    parallel,
    timeoutMs,
    head,
    ahead: 0,
    next: 0,
    again: [],
    probed: new Map(),
    open: [],
    retries: new Map(),
    train: null,
    batches: 0,
    succeeded: 0,
    skipped: 0,
    dead: null,
    isFatal: false,
    breaker: { state: "closed", failures: 0, successes: 0, openings: 0, openedAt: 0 },
  };
}

interface OfMap {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly at: number;
}

function withMap(session: Session, event: OfMap, update: (map: MapState) => MapState): Session {
  return onNode(session, event, (node) => {
    assert(node.map !== null, "an event of a map that was never planned");
    return { ...node, map: update(node.map) };
  });
}

function onItem(session: Session, { lane, path }: OfMap, { index, update }: ItemUpdate): Session {
  return onLane(session, itemLane(lane, path, index), update);
}

interface ItemUpdate {
  readonly index: number;
  readonly update: (lane: Lane) => Lane;
}

function merged(lane: Lane): Lane {
  return { ...lane, merge: "merged" };
}

/** Without verification it counts at once; with it, when the whole batch has passed. */
function combined(session: Session, event: Of<"item-combined">): Session {
  const { commit, commits, index } = event;
  const next = withMap(session, event, (map) =>
    map.train === null
      ? { ...map, head: commit, ahead: map.ahead + commits }
      : {
          ...map,
          train: {
            ...map.train,
            candidate: commit,
            combined: map.train.combined + 1,
            commits: map.train.commits + commits,
          },
        },
  );
  const train = mapAt(session, event)?.train ?? null;
  return train === null ? onItem(next, event, { index, update: merged }) : next;
}

function mapAt(session: Session, { lane, path }: OfMap): MapState | null {
  const at = session.lanes.get(lane);
  return at === undefined ? null : (nodeAt(at, path)?.map ?? null);
}

/** It leaves the batch, resolves the conflict in its own worktree, and comes back. */
function conflicted(session: Session, event: Of<"item-conflicted">): Session {
  const { index, paths } = event;
  const left = withMap(session, event, (map) => ({ ...map, train: map.train === null ? null : without(map, index) }));
  const update = (lane: Lane): Lane => ({
    ...lane,
    conflict: { paths, with: event.with, round: (lane.conflict?.round ?? 0) + 1, merging: null },
  });
  return onItem(left, event, { index, update });
}

function without({ head, train }: MapState, index: number): Train | null {
  if (train === null) return null;
  const [first = [], ...rest] = train.groups;
  const left = first.filter((other) => other !== index);
  return left.length > 0 ? { ...train, groups: [left, ...rest] } : nextGroup(rest, head);
}

function nextGroup(groups: Train["groups"], head: string): Train | null {
  return groups.length === 0 ? null : { groups, candidate: head, combined: 0, commits: 0 };
}

function batchPassed(session: Session, event: Of<"batch-verified">): Session {
  const next = withMap(session, event, (map) => {
    const { train } = map;
    assert(train !== null, "a batch was verified that never began");
    return {
      ...map,
      head: train.candidate,
      ahead: map.ahead + train.commits,
      train: nextGroup(train.groups.slice(1), train.candidate),
      batches: map.batches + 1,
    };
  });
  const passed = event.items.reduce((at, index) => onItem(at, event, { index, update: merged }), next);
  return withoutVerifyLane(passed, session, event);
}

/** A batch of several is split in two; one that is alone is the culprit. */
function batchRefused(session: Session, event: Of<"batch-verified">): Session {
  const { items, outcome } = event;
  const half = Math.ceil(items.length / 2);
  const halves = items.length > 1 ? [items.slice(0, half), items.slice(half)] : [];
  const next = withMap(session, event, (map) => ({
    ...map,
    train: nextGroup([...halves, ...(map.train?.groups.slice(1) ?? [])], map.head),
    batches: map.batches + 1,
  }));
  const [index] = items;
  const left = withoutVerifyLane(next, session, event);
  if (items.length !== 1 || index === undefined) return left;
  const refused = outcome.fault ?? fault("landing", "the combined tree did not pass its verification");
  return onItem(left, event, { index, update: (lane) => ({ ...lane, merge: { refused } }) });
}

/** Its worktree has been given back before. */
function withoutVerifyLane(session: Session, before: Session, event: OfMap): Session {
  return withoutLane(session, verifyLane(event.lane, event.path, mapAt(before, event)?.batches ?? 0));
}

function retried(session: Session, event: Of<"item-retried">): Session {
  const { index, attempt, delayMs, at } = event;
  return withoutLane(
    withMap(session, event, (map) => ({
      ...map,
      retries: new Map(map.retries).set(index, {
        attempts: attempt,
        delayedMs: (map.retries.get(index)?.delayedMs ?? 0) + delayMs,
        until: at + delayMs,
        due: delayMs === 0,
      }),
    })),
    itemLane(event.lane, event.path, index),
  );
}

function dueNow({ retries }: MapState, index: number): MapState["retries"] {
  const retry = retries.get(index);
  return retry === undefined ? retries : new Map(retries).set(index, { ...retry, due: true });
}

function withoutLane(session: Session, id: LaneId): Session {
  const lanes = new Map(session.lanes);
  lanes.delete(id);
  return { ...session, lanes };
}

function changed(breaker: Breaker, { to, at }: Of<"breaker-changed">): Breaker {
  const fresh = { ...breaker, state: to, failures: 0, successes: 0 };
  return to === "open" ? { ...fresh, openings: breaker.openings + 1, openedAt: at } : fresh;
}

function itemEnded(session: Session, event: Of<"map-item-ended">): Session {
  const { index, end, outcome } = event;
  const hasPassed = end === "merged" || end === "unmerged";
  const next = withMap(session, event, (map) => {
    const retries = new Map(map.retries);
    retries.delete(index);
    const count = (map.dead?.count ?? 0) + 1;
    return {
      ...map,
      open: map.open.filter((other) => other !== index),
      probed: withoutItem(map.probed, index),
      retries,
      succeeded: map.succeeded + (hasPassed ? 1 : 0),
      skipped: map.skipped + (end === "skipped" ? 1 : 0),
      dead: end === "dead" ? { index, fault: outcome.fault, count, previous: map.dead } : map.dead,
      isFatal: map.isFatal || event.stops,
      breaker: counted(map.breaker, hasPassed),
    };
  });
  const gone = withoutLane(next, itemLane(event.lane, event.path, index));
  return end === "dead" ? { ...gone, deadLetters: gone.deadLetters + 1 } : gone;
}

function withoutItem(probed: MapState["probed"], index: number): MapState["probed"] {
  if (probed.size === 0) return probed;
  const isOther = ([pair]: readonly [string, string]): boolean => !pair.split("-").includes(String(index));
  return new Map([...probed].filter(isOther));
}

function counted(breaker: Breaker, hasPassed: boolean): Breaker {
  if (!hasPassed) return { ...breaker, failures: breaker.failures + 1 };
  return breaker.state === "half-open"
    ? { ...breaker, successes: breaker.successes + 1 }
    : { ...breaker, failures: breaker.state === "closed" ? 0 : breaker.failures };
}
