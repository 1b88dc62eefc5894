/** What a workflow needs from the machine, so that a run can say before the first paid step what is missing. */
import type { Action, Step, Workflow } from "../workflow/model.ts";

export interface Needs {
  /** Names of the agents that its steps call. */
  readonly agents: ReadonlySet<string>;
  /** Whether somebody's commits will be made, who then must have a name. */
  readonly commits: boolean;
  /** Whether the workflow changes where programs are found, so that nothing can be said beforehand. */
  readonly ownPath: boolean;
  /** Variables that the workflow itself sets anywhere; null when files or profiles of it may set others. */
  readonly sets: ReadonlySet<string> | null;
}

export function needsOf(workflow: Workflow): Needs {
  const agents = new Set<string>();
  const sets = new Set<string>();
  let commits = false;
  const all = [...workflow.steps, ...(workflow.merge?.steps ?? [])];
  for (const step of everyStep(all)) {
    for (const { name } of step.env) sets.add(name);
    if (step.action.kind === "agent") agents.add(step.action.agent);
    commits ||= step.action.kind === "agent" || step.commitRequired || step.autoCommit !== null;
  }
  const { inherit, values, files, profiles } = workflow.environment;
  for (const { name } of values) sets.add(name);
  const knowsAll = inherit && files.length === 0 && Object.keys(profiles).length === 0;
  const ownPath = !inherit || values.some(({ name }) => name === "PATH" || name === "PRODIGY_CLAUDE_BIN");
  return { agents, commits, ownPath, sets: knowsAll ? sets : null };
}

/** Each step, wherever it stands, and after it those inside it. */
export function* everyStep(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    for (const inner of partsOf(step)) yield* everyStep(inner);
  }
}

function partsOf(step: Step): readonly (readonly Step[])[] {
  const { validate, onSuccess, onExitCode, onFailure, retry } = step;
  return [
    ...insideAction(step.action),
    validate?.steps ?? [],
    validate?.onIncomplete?.steps ?? [],
    onSuccess,
    ...onExitCode.map((entry) => entry.steps),
    onFailure.kind === "handle" ? onFailure.steps : [],
    retry?.onExhausted.kind === "fallback" ? retry.onExhausted.steps : [],
  ];
}

function insideAction(action: Action): readonly (readonly Step[])[] {
  switch (action.kind) {
    case "foreach":
    case "group":
    case "call":
      return [action.steps];
    case "goal_seek":
      return [action.steps, [action.score]];
    case "map": {
      const { policy, verify, worktrees } = action;
      const handler = policy.onItemFailure.kind === "custom" ? policy.onItemFailure.steps : [];
      return [worktrees.setup, action.steps, handler, verify?.steps ?? []];
    }
    case "agent":
    case "shell":
    case "write_file":
    case "analyze":
      return [];
  }
}
