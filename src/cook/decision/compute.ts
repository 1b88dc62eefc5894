/**
 * Values such as `${uuid}`, `${date:...}`, `${file:...}` and `${cmd:...}` are computed once for a step, and recorded before
 * anything uses them: its attempts, its condition and its validation see the same, and so does a worker that resumes.
 * What stands in the workflow's own `env:` is computed once for the whole session.
 */
import type { Json } from "../../workflow/model.ts";
import { type ComputedKey, parseComputed } from "../../workflow/computed-key.ts";
import { computedOf, computedOfEnvironment, isConstant } from "../../workflow/computed.ts";
import type { Command, UsingValues } from "./command.ts";
import type { LaneId, StepPath } from "./event.ts";
import { MAIN, nodeAt, type Session } from "./state.ts";

/** The command, or what has to be computed before it. */
export function withValues(command: Command, session: Session): Command {
  switch (command.kind) {
    case "evaluate":
    case "attempt":
    case "plan-items":
    case "plan-map":
    case "read-validation":
      return missingValues(command, session) ?? command;
    case "record":
    case "compute":
    case "prepare-lane":
    case "account":
    case "wait":
    case "combine-item":
    case "probe-items":
    case "merge-into":
    case "advance-map":
    case "release-lane":
    case "wait-until":
    case "merge-lane":
    case "remove-lane":
    case "leave-input":
    case "plan-landing":
    case "ask-landing":
    case "merge-target":
    case "land":
      return command;
  }
}

/** What has been computed for a place: for the session as a whole, and for the step. */
export interface Values {
  readonly ofSession: Readonly<Record<string, Json>>;
  readonly ofStep: Readonly<Record<string, Json>>;
}

export function valuesAt(session: Session, place: { readonly lane: LaneId; readonly path: StepPath }): Values {
  const lane = session.lanes.get(place.lane);
  const node = lane === undefined ? null : nodeAt(lane, stepOf(place.path));
  return { ofSession: session.lanes.get(MAIN)?.root.computed ?? {}, ofStep: node?.computed ?? {} };
}

/** After a failure the world may have been mended: what was read from it is read again. What is ours stays, and so does what the author has cached. */
export function keptValues(values: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(values).filter(([key]) => {
      const kind = parseComputed(key)?.kind;
      return kind === "uuid" || kind === "date" || kind === "env-cmd";
    }),
  );
}

function missingValues(target: UsingValues, session: Session): Command | null {
  const { workflow, profile } = session.order;
  const ofEnvironment = computedOfEnvironment(workflow.environment, profile);
  const own = computedOf(target.step, target.kind === "evaluate" ? "condition" : "all");
  if (ofEnvironment.length === 0 && own.length === 0) return null;
  const known = valuesAt(session, target);
  const forAll = ofEnvironment.filter((key) => isConstant(key) && !Object.hasOwn(known.ofSession, key));
  if (forAll.length > 0) return { kind: "compute", lane: MAIN, path: "", keys: nextOf(forAll), target };
  const forStep = [...ofEnvironment.filter((key) => !isConstant(key)), ...own];
  const keys = forStep.filter((key: ComputedKey) => !Object.hasOwn(known.ofStep, key));
  if (keys.length === 0) return null;
  return { kind: "compute", lane: target.lane, path: stepOf(target.path), keys: [...new Set(keys)], target };
}

/** Commands of `env:` come after all others, and one by one: each sees the values before it. */
function nextOf(keys: readonly ComputedKey[]): readonly ComputedKey[] {
  const others = keys.filter((key) => parseComputed(key)?.kind !== "env-cmd");
  return others.length > 0 ? others : keys.slice(0, 1);
}

/** The path of the step that a path inside of it belongs to: its runs and the body of its loop are the same step. */
function stepOf(path: StepPath): StepPath {
  return path.replace(/(?:\/(?:run|rerun-\d+|body-\d+))+$/, "");
}
