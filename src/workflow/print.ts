/**
 * A workflow -> YAML in the current spelling. What is printed reads back as the same workflow, places apart; defaults that
 * the reader fills in are left out.
 */
import type { AgentSettings, Environment, EnvironmentFile, MergePhase, Secret, Workflow } from "./model.ts";
import { printPhases } from "./print-map.ts";
import { parameterTree, printAgent, printEnvironmentValues, printMilliseconds } from "./print-parts.ts";
import { printSteps } from "./print-step.ts";
import type { Printed, PrintedMap } from "./print-yaml.ts";
import { mapOf, printYaml } from "./print-yaml.ts";

export function printWorkflow(workflow: Workflow): string {
  return printYaml(workflowTree(workflow));
}

/** The workflow as the mapping that is printed. */
export function workflowTree(workflow: Workflow): PrintedMap {
  const { environment } = workflow;
  return mapOf([
    ["name", workflow.name],
    ["mode", workflow.mode === "mapreduce" ? workflow.mode : undefined],
    ["description", workflow.description ?? undefined],
    ["parameters", some(workflow.parameters.map(parameterTree))],
    ...environmentEntries(environment),
    ["agent", agentTree(workflow.agent)],
    ["allow_paths_outside", some(workflow.settings.allowPathsOutside)],
    ["max_iterations", workflow.settings.maxIterations ?? undefined],
    ...(workflow.mode === "mapreduce" ? printPhases(workflow) : ([["commands", printSteps(workflow.steps)]] as const)),
    ["merge", workflow.merge === null ? undefined : mergeTree(workflow.merge)],
  ]);
}

function agentTree(agent: AgentSettings): PrintedMap | undefined {
  const tree = mapOf(printAgent(agent));
  return tree.size === 0 ? undefined : tree;
}

function mergeTree({ steps, timeoutMs }: MergePhase): PrintedMap {
  return mapOf([
    ["timeout", printMilliseconds(timeoutMs)],
    ["commands", printSteps(steps)],
  ]);
}

function environmentEntries(environment: Environment): readonly (readonly [string, Printed | undefined])[] {
  const profiles = Object.entries(environment.profiles);
  return [
    ["inherit", environment.inherit ? undefined : false],
    ["env_files", some(environment.files.map(environmentFile))],
    ["env", printEnvironmentValues(environment.values, "workflow")],
    [
      "profiles",
      profiles.length === 0
        ? undefined
        : mapOf(profiles.map(([name, values]) => [name, printEnvironmentValues(values, "workflow") ?? new Map()])),
    ],
    ["secrets", environment.secrets.length === 0 ? undefined : mapOf(environment.secrets.map(secretEntry))],
    ["not_secret", some(environment.notSecret)],
  ];
}

function environmentFile({ path, missing }: EnvironmentFile): Printed {
  switch (missing) {
    case "warn":
      return path;
    case "ignore":
      return mapOf([
        ["path", path],
        ["optional", true],
      ]);
    case "fail":
      return mapOf([
        ["path", path],
        ["required", true],
      ]);
  }
}

function secretEntry({ name, source }: Secret): readonly [string, PrintedMap] {
  switch (source.kind) {
    case "env":
      return [name, mapOf([["env", source.variable]])];
    case "file":
      return [name, mapOf([["file", source.path]])];
    case "command":
      return [name, mapOf([["command", source.script]])];
    case "provider":
      return [
        name,
        mapOf([
          ["provider", source.provider],
          ["key", source.key],
          ["version", source.version ?? undefined],
        ]),
      ];
    case "value":
      return [name, mapOf([["value", source.template]])];
  }
}

/** A list that is printed only when something is in it. */
function some(list: readonly Printed[]): readonly Printed[] | undefined {
  return list.length === 0 ? undefined : list;
}
