/** Copies of a session in which one lane or one node has changed. */
import { assert } from "./assert.ts";
import type { LaneId, StepPath } from "./event.ts";
import { type Lane, newNode, type Node, type Session, withNode } from "./state.ts";

export function laneOf(session: Session, id: LaneId): Lane {
  const lane = session.lanes.get(id);
  assert(lane !== undefined, `event for unknown lane ${id}`);
  return lane;
}

export function onLane(session: Session, id: LaneId, update: (lane: Lane) => Lane): Session {
  return { ...session, lanes: new Map(session.lanes).set(id, update(laneOf(session, id))) };
}

export interface Located {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly at: number;
}

export function onNode(session: Session, event: Located, update: (node: Node, lane: Lane) => Node): Session {
  return onLane(session, event.lane, (lane) =>
    withNode(lane, event.path, { make: () => newNode(lane, session, event.at), update: (node) => update(node, lane) }),
  );
}

/** Sets variables: inside of a loop's item or of a call they are its own, everywhere else the lane's. */
export function setting(session: Session, event: Located & { readonly set: Lane["vars"] }): Session {
  if (Object.keys(event.set).length === 0) return session;
  const [item] = AROUND.exec(event.path) ?? [];
  if (item === undefined)
    return onLane(session, event.lane, (lane) => ({ ...lane, vars: { ...lane.vars, ...event.set } }));
  return onNode(session, { ...event, path: item }, (node) => ({ ...node, vars: { ...node.vars, ...event.set } }));
}

/** The innermost item or call around a path. */
const AROUND = /^(?:.*\/)?(?:item|call|flow)-\d+(?=\/)/;
