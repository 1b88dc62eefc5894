/** What the events of the landing mean. */
import { assert } from "./assert.ts";
import type { Event } from "./event.ts";
import { type Lane, MAIN, type Session } from "./state.ts";
import { onLane } from "./update.ts";

export function targetMerged(session: Session, event: Event & { readonly type: "target-merged" }): Session {
  const merged = onLane(session, event.lane, (lane) => ({
    ...lane,
    tree: event.tree,
    conflict: lane.conflict === null ? null : { ...lane.conflict, merging: event.conflicts },
  }));
  const { landing } = session;
  if (landing.kind !== "agreed" || event.lane !== MAIN) return merged;
  return { ...merged, landing: { ...landing, targetMerged: true, conflicted: event.conflicts.length > 0 } };
}

export function landingConflicted(session: Session): Session {
  const { landing } = session;
  if (landing.kind !== "agreed") return session;
  const { conflicts } = landing;
  return { ...session, landing: { ...landing, conflicts: conflicts + 1, conflicted: true, targetMerged: false } };
}

export function answered(session: Session, answer: "yes" | "no" | "nobody"): Session {
  const { landing } = session;
  assert(landing.kind === "planned", "an answer without a question");
  if (answer !== "yes") {
    const result = answer === "no" ? "declined" : "not-landed";
    return { ...session, landing: { kind: "settled", result, fault: null } };
  }
  return {
    ...onLane(session, MAIN, withoutResolutions),
    landing: { kind: "agreed", plan: landing.plan, conflicts: 0, targetMerged: false, conflicted: false },
  };
}

/** Conflicts are counted anew from here on, and so are the rounds that resolve them. */
export function withoutResolutions(lane: Lane): Lane {
  const { root } = lane;
  const children = [...root.children].filter(([segment]) => !segment.startsWith("resolve-"));
  return children.length === root.children.size ? lane : { ...lane, root: { ...root, children: new Map(children) } };
}
