/** `use:` and `workflow:`: steps with values of their own. What they set stays inside; `settle` copies the declared outputs. */
import type { CallAction, Step } from "../../workflow/model.ts";
import { child, type Cursor, pending, type Progress } from "./progress.ts";

export function callBody(step: Step, action: CallAction, cursor: Cursor): Progress {
  const { lane, path, context } = cursor;
  const inside = child(cursor, callSegment(action), { locals: localsInside(action, context.locals), own: true });
  if (inside.node === null || inside.node.vars === null)
    return pending({ kind: "plan-items", lane: lane.id, path, step, context });
  return cursor.sequence(action.steps, inside);
}

/** Under which name the called steps are evaluated: it tells what they see of their caller (`variablesAt`). */
export function callSegment({ isolated }: CallAction): string {
  return isolated ? "flow-0" : "call-0";
}

/** A value that is given hides what has the same name around the caller, such as the item of a loop. */
function localsInside({ isolated, given, parameters }: CallAction, locals: Cursor["context"]["locals"]): typeof locals {
  if (isolated) return {};
  const hidden = new Set([...Object.keys(given), ...parameters.map(({ name }) => name)]);
  return Object.fromEntries(Object.entries(locals).filter(([name]) => !hidden.has(name)));
}
