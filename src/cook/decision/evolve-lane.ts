/** Lanes come and go. */
import type { Event } from "./event.ts";
import {
  emptyNode,
  isStray,
  type Lane,
  loopOf,
  MAIN,
  newNode,
  type Node,
  type Session,
  someNode,
  variablesAt,
  NO_WORK,
} from "./state.ts";
import { laneOf, onLane } from "./update.ts";

export function prepared(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const known = session.lanes.get(event.lane);
  if (known === undefined) return withItemLane(session, event);
  const waiting = known.want === "keep" && someNode(known.root, isContinued);
  return onLane(session, event.lane, (lane) => ({
    ...lane,
    directory: event.directory,
    ready: true,
    removed: false,
    want: "keep",
    fresh: lane.fresh || event.fresh === true,
    slot: event.slot ?? lane.slot,
    // An agent that is continued works on in what it left; should that fail, the lane goes back to the tree before it.
    tree: waiting ? lane.tree : event.tree,
  }));
}

/** A lane for one item of a loop. It sees the variables that its loop had when it was made. */
function withItemLane(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const place = loopOf(event.lane);
  // The loop may have ended while the worktree was being made: then the lane is a stray and goes at once.
  const parent = session.lanes.get(place?.parent ?? MAIN) ?? laneOf(session, MAIN);
  const bare: Lane = {
    ...parent,
    id: event.lane,
    vars: variablesAt(parent, place?.path ?? ""),
    directory: event.directory,
    ready: true,
    want: "keep",
    tree: event.tree,
    commits: 0,
    merge: null,
    removed: false,
    fresh: event.fresh === true,
    pooled: event.fresh !== undefined,
    slot: event.slot ?? null,
    conflict: null,
    work: NO_WORK,
    said: "",
    salvage: null,
    root: emptyNode,
  };
  return {
    ...session,
    lanes: new Map(session.lanes).set(event.lane, { ...bare, root: newNode(bare, session, event.at) }),
  };
}

function isContinued({ attempt }: Node): boolean {
  return attempt?.status === "interrupted" && attempt.agentSession !== null && !attempt.shared;
}

/** A lane is remembered until its item has ended; one that no loop knows any more is gone with its worktree. */
export function laneRemoved(session: Session, event: Event & { readonly type: "lane-removed" }): Session {
  const { lane: id, salvage } = event;
  if (!isStray(session, id)) return onLane(session, id, (lane) => ({ ...lane, removed: true, ready: false, salvage }));
  const lanes = new Map(session.lanes);
  lanes.delete(id);
  return { ...session, lanes };
}
