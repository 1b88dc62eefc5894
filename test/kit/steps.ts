/** Workflows for tests of the engine, written in a few words. */
import type { Action, AgentSettings, Step, Workflow } from "../../src/workflow/model.ts";

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
  return {
    id: null,
    label: action.kind,
    at: NOWHERE,
    action,
    when: null,
    env: [],
    clearEnv: false,
    workingDir: null,
    timeoutMs: null,
    retry: null,
    capture: null,
    outputFile: null,
    commitRequired: false,
    autoCommit: null,
    outputs: [],
    validate: null,
    onSuccess: [],
    onExitCode: [],
    onFailure: { kind: "fail" },
    ...rest,
  };
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
    settings: { allowPathsOutside: [] },
    ...rest,
  };
}
