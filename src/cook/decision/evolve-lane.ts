/** Lanes come and go. */
import type { Event } from "./event.ts";
import { emptyNode, type Lane, newNode, type Node, parentLane, type Session } from "./state.ts";
import { laneOf, onLane } from "./update.ts";

export function prepared(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const known = session.lanes.get(event.lane);
  if (known === undefined) return withItemLane(session, event);
  const waiting = known.want === "keep" && continues(known.root);
  return onLane(session, event.lane, (lane) => ({
    ...lane,
    directory: event.directory,
    ready: true,
    removed: false,
    want: "keep",
    // An agent that is continued works on in what it left; should that fail, the lane goes back to the tree before it.
    tree: waiting ? lane.tree : event.tree,
  }));
}

/** A lane for one item of a loop. It sees the variables that its parent had when it was made. */
function withItemLane(session: Session, event: Event & { readonly type: "lane-prepared" }): Session {
  const parent = laneOf(session, parentLane(event.lane));
  const bare: Lane = {
    ...parent,
    id: event.lane,
    directory: event.directory,
    ready: true,
    want: "keep",
    tree: event.tree,
    commits: 0,
    merge: null,
    removed: false,
    root: emptyNode,
  };
  return {
    ...session,
    lanes: new Map(session.lanes).set(event.lane, { ...bare, root: newNode(bare, session, event.at) }),
  };
}

function continues(node: Node): boolean {
  if (node.attempt?.status === "interrupted" && node.attempt.agentSession !== null) return true;
  return [...node.children.values()].some(continues);
}
