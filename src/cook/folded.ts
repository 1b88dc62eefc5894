import type { Recorded } from "./decision/event.ts";
import { evolve } from "./decision/evolve.ts";
import type { Session, State } from "./decision/state.ts";

/** The state that a journal comes to. Whoever resumes asks several times, and a long journal takes a while. */
export function folded(history: readonly Recorded[]): Session {
  const known = states.get(history);
  // Who has the list may have added to it.
  if (known?.events === history.length) return known.session;
  let state: State = { kind: "none" };
  for (const event of history) state = evolve(state, event);
  if (state.kind === "none") throw new Error("bug: a journal without session-started");
  states.set(history, { events: history.length, session: state });
  return state;
}

const states = new WeakMap<readonly Recorded[], { readonly events: number; readonly session: Session }>();
