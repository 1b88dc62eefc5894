/** What should be in flight now, in the imperative. `decide` proposes these, `perform` carries them out. */
import type { Json, MapAction, Step } from "../../workflow/model.ts";
import type { AttemptResult, EventBody, LaneId, StepOutcome, StepPath, TreeState } from "./event.ts";

export type Command =
  /** Nothing but a conclusion. With `whenIdle` it waits until no effect is in flight. */
  | { readonly kind: "record"; readonly events: readonly EventBody[]; readonly whenIdle: boolean }
  | PrepareLane
  | Compute
  | Evaluate
  | Attempt
  | Account
  | {
      readonly kind: "wait";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly attempt: number;
      readonly delayMs: number;
      readonly until: number;
    }
  | PlanItems
  | PlanMap
  | CombineItem
  | ReadValidation
  /** Merges a commit into the lane's worktree, where an agent can resolve the conflicts. */
  | { readonly kind: "merge-into"; readonly lane: LaneId; readonly commit: string; readonly label: string }
  /** Finds out whether two items that still run will conflict. */
  | {
      readonly kind: "probe-items";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly items: readonly [number, number];
      readonly heads: readonly [string, string];
    }
  /** Brings the session branch up to the map's combined tree. */
  | {
      readonly kind: "advance-map";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly to: string;
      readonly commits: number;
    }
  /** Gives the worktree of a map's lane back. */
  | {
      readonly kind: "release-lane";
      readonly lane: LaneId;
      readonly known: TreeState | null;
      readonly merged: string | null;
      readonly reason: string;
    }
  /** Waits until a moment, in milliseconds since the epoch, and then records an event. */
  | {
      readonly kind: "wait-until";
      readonly lane: LaneId;
      readonly path: StepPath;
      readonly until: number;
      readonly event: EventBody;
    }
  | {
      readonly kind: "merge-lane";
      readonly lane: LaneId;
      readonly into: LaneId;
      readonly from: TreeState;
      readonly label: string;
    }
  | { readonly kind: "remove-lane"; readonly lane: LaneId; readonly target: string | null; readonly reason: string }
  | {
      readonly kind: "leave-input";
      readonly input: number;
      readonly value: string | null;
      readonly to: TreeState;
      readonly outcome: StepOutcome;
    }
  | { readonly kind: "plan-landing" }
  | { readonly kind: "ask-landing"; readonly commits: number; readonly target: string }
  | { readonly kind: "merge-target"; readonly target: string }
  | { readonly kind: "land"; readonly target: string };

export interface PrepareLane {
  readonly kind: "prepare-lane";
  readonly lane: LaneId;
  readonly tree: TreeState;
  readonly mode: "keep" | "restore";
  readonly reason: string;
  /** Takes the worktree from the session's pool. */
  readonly pool?: { readonly keep: readonly string[]; readonly copy: readonly string[] };
}

/** What a step sees besides the lane's variables, and what bounds it. */
export interface StepContext {
  readonly lane: LaneId;
  /** Variables of the loops around the step, such as `item`. */
  readonly locals: Readonly<Record<string, Json>>;
  /** Nothing may run longer than this moment, in milliseconds since the epoch. */
  readonly deadline: number | null;
  /** The limit for steps that have none of their own. */
  readonly defaultTimeoutMs: number | null;
  /** Whether its changes are a step's own (`step.*`), and not a validation's or a handler's. */
  readonly own: boolean;
  /** Other steps write in the same tree at the same time. */
  readonly shared: boolean;
}

/** Computes values that another command uses, such as `${uuid}`; it is proposed again when they are there. */
export interface Compute {
  readonly kind: "compute";
  readonly lane: LaneId;
  /** Where the values belong to. */
  readonly path: StepPath;
  readonly keys: readonly string[];
  readonly target: UsingValues;
}

/** Commands that fill in texts of a step. */
export type UsingValues = Evaluate | Attempt | PlanItems | PlanMap | ReadValidation;

/** Evaluates a step's `when`. */
export interface Evaluate {
  readonly kind: "evaluate";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly step: Step;
  readonly context: StepContext;
}

/** Executes a step's action once and settles what follows from it: auto-commit, capture, outputs, snapshot. */
export interface Attempt {
  readonly kind: "attempt";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly attempt: number;
  readonly step: Step;
  readonly context: StepContext;
  /** The lane's tree when the attempt first began. */
  readonly since: TreeState;
  /** The lane's tree when the step first began. */
  readonly before: TreeState;
  /** The agent session to continue, after an interruption. */
  readonly resume: string | null;
  /** How steps inside ended, for actions made of steps. Null: the action is still to be executed. */
  readonly settled: AttemptResult | null;
}

/** Finds out what an agent had cost when it died with its worker. */
export interface Account {
  readonly kind: "account";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly attempt: number;
  readonly agent: string;
  /** The event log that it left, relative to the storage root. */
  readonly log: string;
}

/** Finds the items of a `foreach`, or the values of a call. */
export interface PlanItems {
  readonly kind: "plan-items";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly step: Step;
  readonly context: StepContext;
}

/** Finds a map's items and the numbers that come from variables. */
export interface PlanMap {
  readonly kind: "plan-map";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly step: Step;
  readonly action: MapAction;
  readonly context: StepContext;
}

/** Merges an item's commits into the combined tree of its map. */
export interface CombineItem {
  readonly kind: "combine-item";
  /** The lane that the map stands in. */
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly index: number;
  readonly base: string;
  readonly head: string;
  readonly label: string;
}

/** Reads the result of a validation round. */
export interface ReadValidation {
  readonly kind: "read-validation";
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly round: number;
  readonly step: Step;
  readonly context: StepContext;
  readonly outcome: StepOutcome;
}

/** Two commands with the same key are the same work; it is never in flight twice. */
export function keyOf(command: Exclude<Command, { kind: "record" }>): string {
  switch (command.kind) {
    case "attempt":
    case "account":
    case "wait":
      return `${command.kind} ${command.lane} ${command.path} ${String(command.attempt)}`;
    case "compute":
    case "evaluate":
    case "plan-map":
    case "combine-item":
    case "advance-map":
    case "wait-until":
    case "plan-items":
      return `${command.kind} ${command.lane} ${command.path}`;
    case "read-validation":
      return `${command.kind} ${command.lane} ${command.path} ${String(command.round)}`;
    case "prepare-lane":
    case "remove-lane":
    case "release-lane":
    case "merge-into":
    case "merge-lane":
      return `${command.kind} ${command.lane}`;
    case "probe-items":
      return `${command.kind} ${command.lane} ${command.path} ${command.items.join(" ")}`;
    case "leave-input":
      return `${command.kind} ${String(command.input)}`;
    case "plan-landing":
    case "ask-landing":
    case "merge-target":
    case "land":
      return command.kind;
  }
}
