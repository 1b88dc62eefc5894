/** Workflows for tests of the engine, written in a few words. */
import { syntheticStep } from "../../src/cook/decision/progress.ts";
import type {
  Action,
  AgentSettings,
  Capture,
  FailurePolicy,
  ForeachAction,
  GoalSeekAction,
  ItemPolicy,
  Json,
  MapAction,
  RetryPolicy,
  Step,
  Validation,
  Workflow,
} from "../../src/workflow/model.ts";

const NOWHERE = { file: "test.yml", line: 1, column: 1, text: "" };
export const NO_SETTINGS: AgentSettings = {
  model: null,
  maxTurns: null,
  maxBudgetUsd: null,
  effort: null,
  systemPrompt: null,
  onInterrupt: null,
};

export function step(action: Action, rest: Partial<Step> = {}): Step {
  return { ...syntheticStep(action.kind, action, NOWHERE), ...rest };
}

export function shell(script: string, rest: Partial<Step> = {}): Step {
  return step({ kind: "shell", script }, { label: `shell: ${script.split("\n", 1)[0] ?? ""}`, ...rest });
}

export function agent(prompt: string, rest: Partial<Step> = {}): Step {
  return step(
    { kind: "agent", agent: "claude", prompt, settings: NO_SETTINGS },
    { label: `claude: ${prompt.split("\n", 1)[0] ?? ""}`, ...rest },
  );
}

export function workflow(steps: readonly Step[], rest: Partial<Workflow> = {}): Workflow {
  return {
    mode: "sequential",
    name: "test",
    description: null,
    steps,
    merge: null,
    environment: { inherit: true, files: [], values: [], profiles: {}, secrets: [], notSecret: [] },
    parameters: [],
    agent: NO_SETTINGS,
    settings: { allowPathsOutside: [], maxIterations: null },
    ...rest,
  };
}

export function handle(
  steps: readonly Step[],
  rest: Partial<FailurePolicy & { kind: "handle" }> = {},
): FailurePolicy & { kind: "handle" } {
  return {
    kind: "handle",
    steps,
    rounds: 1,
    after: "rerun",
    failWorkflow: true,
    handlerFailureFatal: false,
    timeoutMs: null,
    ...rest,
  };
}

export function foreach(
  items: readonly Json[],
  steps: readonly Step[],
  { rest = {}, ...action }: Partial<ForeachAction> & { readonly rest?: Partial<Step> } = {},
): Step {
  return step(
    {
      kind: "foreach",
      input: { kind: "list", items },
      steps,
      parallel: 1,
      shared: false,
      continueOnError: false,
      maxItems: null,
      ...action,
    },
    rest,
  );
}

export function map(
  items: readonly Json[],
  steps: readonly Step[],
  { policy = {}, rest = {}, ...action }: MapOptions = {},
): Step {
  const everything = { jsonPath: null, filter: null, sortBy: null, distinct: null, offset: null, maxItems: null };
  return step(
    {
      kind: "map",
      input: { kind: "items", items },
      select: everything,
      steps,
      maxParallel: "2",
      timeout: { limit: null, action: "dlq", graceMs: null },
      policy: {
        onItemFailure: { kind: "dlq" },
        continueOnFailure: true,
        maxFailures: null,
        failureThreshold: null,
        minItems: 10,
        errorCollection: { kind: "aggregate" },
        circuitBreaker: null,
        retry: null,
        ...policy,
      },
      verify: null,
      merge: true,
      autoCommit: null,
      conflicts: "report",
      worktrees: { setup: [], keep: [], copy: [] },
      failWhenEmpty: false,
      ...action,
    },
    { label: "map", ...rest },
  );
}

type MapOptions = Partial<Omit<MapAction, "policy">> & {
  readonly policy?: Partial<ItemPolicy>;
  readonly rest?: Partial<Step>;
};

export function goalSeek(score: Step, steps: readonly Step[], rest: Partial<GoalSeekAction> = {}): Step {
  return step({
    kind: "goal_seek",
    goal: "done",
    steps,
    score,
    threshold: 80,
    maxAttempts: 2,
    timeoutMs: null,
    failOnIncomplete: true,
    ...rest,
  });
}

export function group(steps: readonly Step[], rest: Partial<Step> = {}): Step {
  return step({ kind: "group", steps }, rest);
}

export function retry(attempts: number, rest: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    attempts,
    backoff: { kind: "fixed" },
    initialDelayMs: 10,
    maxDelayMs: 1_000_000,
    jitterFactor: 0,
    retryOn: [],
    budgetMs: null,
    onExhausted: { kind: "stop" },
    ...rest,
  };
}

export function validation(steps: readonly Step[], rest: Partial<Validation> = {}): Validation {
  return {
    steps,
    resultFile: null,
    threshold: 100,
    format: "exit_code",
    expectedSchema: null,
    timeoutMs: null,
    onIncomplete: null,
    at: NOWHERE,
    ...rest,
  };
}

export function capture(name: string, rest: Partial<Capture> = {}): Capture {
  return {
    name,
    format: "string",
    source: "stdout",
    streams: { stdout: true, stderr: false, exitCode: false, success: false, duration: false },
    ...rest,
  };
}
