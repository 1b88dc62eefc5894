import type { Recorded } from "./decision/event.ts";
import { evolve } from "./decision/evolve.ts";
import type { Session, State } from "./decision/state.ts";

/** The state that a journal comes to. */
export function folded(history: readonly Recorded[]): Session {
  let state: State = { kind: "none" };
  for (const event of history) state = evolve(state, event);
  if (state.kind === "none") throw new Error("bug: a journal without session-started");
  return state;
}
