/**
 * A dry run: the same engine with a performer that does nothing, so nothing can be executed by mistake. Every step is
 * assumed to pass; conditions and items that would need a command are assumed to be there.
 */
import type { CallAction, Json } from "../../workflow/model.ts";
import { callSegment } from "../decision/call.ts";
import type { EventBody, ValidationResult } from "../decision/event.ts";
import { join, type Lane, MAIN, type Session } from "../decision/state.ts";
import type { Effect, Performer } from "../orchestrator.ts";
import type { FilesPort, MaskerPort } from "../ports.ts";
import { plannedDry } from "./dry-map.ts";
import { laneIn } from "./room.ts";
import { shownLabel } from "./perform.ts";

export function createDryPerformer({ masker, files }: DryPorts): Performer {
  return {
    announce: (command, session) => announce(command, session, masker),
    perform: (command, session) =>
      command.kind === "plan-map" ? plannedDry(command, session, files) : Promise.resolve(pretend(command, session)),
  };
}

export interface DryPorts {
  readonly masker: MaskerPort;
  /** Only looked at, to find the items of a map. */
  readonly files: Pick<FilesPort, "read" | "list">;
}

function announce(command: Effect, session: Session, masker: MaskerPort): EventBody | null {
  if (command.kind !== "attempt" || command.settled !== null) return null;
  const { lane, path, attempt, context } = command;
  return {
    type: "attempt-started",
    lane,
    path,
    attempt,
    label: masker.mask(shownLabel(command, session, { masker })),
    agentSession: null,
    continued: false,
    shared: context.shared,
    logs: [],
  };
}

const COMPLETE: ValidationResult = {
  completion: 100,
  status: "complete",
  implemented: [],
  missing: [],
  gaps: {},
  raw: null,
  problem: null,
};

function pretend(command: Effect, session: Session): readonly EventBody[] {
  switch (command.kind) {
    case "prepare-lane":
      return [
        {
          type: "lane-prepared",
          lane: command.lane,
          directory: session.order.repository.path,
          tree: command.tree,
          salvage: null,
          ...(command.pool === undefined ? {} : { fresh: false }),
        },
      ];
    case "compute": {
      const values = command.keys.map((key) => ({ key, value: `<${key}>` }));
      return [{ type: "values-computed", lane: command.lane, path: command.path, values }];
    }
    case "evaluate":
      return [{ type: "step-entered", lane: command.lane, path: command.path }];
    case "attempt":
      return [pretendedAttempt(command, session)];
    case "wait":
      return [{ type: "retry-due", lane: command.lane, path: command.path, attempt: command.attempt, delayMs: 0 }];
    case "plan-items":
      return [assumedParts(command)];
    case "read-validation":
      return [
        {
          type: "validated",
          lane: command.lane,
          path: command.path,
          round: command.round,
          result: COMPLETE,
          set: { validation: { completion: 100, gaps: {}, missing: [] } },
        },
      ];
    case "merge-lane":
      return [
        { type: "lane-merged", lane: command.lane, into: command.into, tree: mainLane(session).tree, commits: 0 },
      ];
    case "remove-lane":
    case "release-lane":
      return [{ type: "lane-removed", lane: command.lane, salvage: null }];
    case "wait-until":
      return [command.event];
    case "plan-map":
    case "combine-item":
    case "probe-items":
    case "merge-into":
    case "advance-map":
    case "account":
    case "leave-input":
    case "plan-landing":
    case "ask-landing":
    case "merge-target":
    case "land":
      throw new Error(`bug: a dry run came to ${command.kind}`);
  }
}

function pretendedAttempt({ lane, path, attempt, settled }: Effect & { kind: "attempt" }, session: Session): EventBody {
  const passed = { ok: true, exitCode: 0, output: "", stderr: "", durationMs: 0, fault: null, resetsAt: null };
  const { tree } = laneIn(session, lane);
  return {
    type: "attempt-ended",
    lane,
    path,
    attempt,
    result: settled ?? passed,
    tree,
    commits: [],
    usage: null,
    set: {},
  };
}

function mainLane(session: Session): Lane {
  return laneIn(session, MAIN);
}

function assumedParts(command: Effect & { kind: "plan-items" }): EventBody {
  const { lane, path, step } = command;
  if (step.action.kind === "call") return assumedCall(command, step.action);
  return { type: "items-planned", lane, path, items: assumedItems(command) };
}

/** A command that would list the items is not run; one item stands for all of them. */
function assumedItems(command: Effect & { kind: "plan-items" }): readonly Json[] {
  const { action } = command.step;
  if (action.kind !== "foreach" || action.input.kind === "command") return ["<item>"];
  return action.maxItems === null ? action.input.items : action.input.items.slice(0, action.maxItems);
}

/** Texts stay as they are written: what they would be filled with is not known. */
function assumedCall({ lane, path }: Effect & { kind: "plan-items" }, action: CallAction): EventBody {
  const defaults = action.parameters.map(({ name, default: value }) => [name, value] as const);
  const given = { ...Object.fromEntries(defaults), ...action.given };
  return { type: "call-begun", lane, path: join(path, callSegment(action)), given };
}
