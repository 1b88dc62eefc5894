/** Parts of a workflow that stand at several places, as they are printed. */
import type { AgentSettings, AutoCommit, Capture, EnvironmentValue, Parameter, RetryPolicy, Step } from "./model.ts";
import type { Printed, PrintedMap } from "./print-yaml.ts";
import { mapOf, printJson } from "./print-yaml.ts";

export type Entries = readonly (readonly [string, Printed | undefined])[];
export type PrintSteps = (steps: readonly Step[]) => Printed;

/** Seconds where they are whole, which is how the language counts, else milliseconds. */
export function printMilliseconds(ms: number | null): Printed | undefined {
  if (ms === null) return undefined;
  return ms % 1_000 === 0 ? ms / 1_000 : `${String(ms)}ms`;
}

export function printAgent(agent: AgentSettings): Entries {
  return [
    ["model", agent.model ?? undefined],
    ["max_turns", agent.maxTurns ?? undefined],
    ["max_budget", agent.maxBudgetUsd ?? undefined],
    ["effort", agent.effort ?? undefined],
    ["system_prompt", agent.systemPrompt ?? undefined],
    ["on_interrupt", agent.onInterrupt ?? undefined],
  ];
}

/** Nothing where there are no values. */
export function printEnvironmentValues(
  values: readonly EnvironmentValue[],
  place: "workflow" | "step",
): PrintedMap | undefined {
  return values.length === 0 ? undefined : mapOf(values.map((value) => [value.name, environmentValue(value, place)]));
}

// Commands of a step run for each attempt, so that `cache` has no meaning there.
function environmentValue({ value, secret }: EnvironmentValue, place: "workflow" | "step"): Printed {
  const isSecret = ["secret", secret ? true : undefined] as const;
  switch (value.kind) {
    case "text":
      return secret ? mapOf([["value", value.template], isSecret]) : value.template;
    case "command":
      return mapOf([["command", value.script], ["cache", place === "workflow" ? value.cache : undefined], isSecret]);
    case "conditional":
      return mapOf([
        ["condition", value.condition],
        ["when_true", value.whenTrue],
        ["when_false", value.whenFalse],
        isSecret,
      ]);
  }
}

export function printCapture(capture: Capture | null): Entries {
  if (capture === null) return [];
  return [
    ["capture", capture.name],
    ["capture_format", capture.format === "string" ? undefined : capture.format],
    ["capture_streams", captureStreams(capture)],
  ];
}

function captureStreams({ source, streams }: Capture): Printed | undefined {
  if (source !== "stdout") return source;
  const { stdout, stderr, exitCode, success, duration } = streams;
  const tree = mapOf([
    ["stdout", stdout ? undefined : false],
    ["stderr", stderr ? true : undefined],
    ["exit_code", exitCode ? undefined : false],
    ["success", success ? undefined : false],
    ["duration", duration ? undefined : false],
  ]);
  return tree.size === 0 ? undefined : tree;
}

export function printAutoCommit(commit: AutoCommit | null): Entries {
  if (commit === null) return [];
  const config = mapOf([
    ["message_template", commit.messageTemplate ?? undefined],
    ["message_pattern", commit.messagePattern ?? undefined],
    ["sign", commit.sign ? true : undefined],
    ["author", commit.author ?? undefined],
    ["include_files", commit.includeFiles ?? undefined],
    ["exclude_files", commit.excludeFiles.length === 0 ? undefined : commit.excludeFiles],
    ["squash", commit.squash ? true : undefined],
  ]);
  return [
    ["auto_commit", true],
    ["commit_config", config.size === 0 ? undefined : config],
  ];
}

/** Every part is said, so that defaults of the workflow could not change it. */
export function printRetry(retry: RetryPolicy, printSteps: PrintSteps): PrintedMap {
  return mapOf([
    ["attempts", retry.attempts],
    ["backoff", backoff(retry.backoff)],
    ["initial_delay", printMilliseconds(retry.initialDelayMs)],
    ["max_delay", printMilliseconds(retry.maxDelayMs)],
    ["jitter_factor", retry.jitterFactor === 0 ? undefined : retry.jitterFactor],
    ["retry_on", retry.retryOn.length === 0 ? undefined : retry.retryOn.map(matcher)],
    ["retry_budget", printMilliseconds(retry.budgetMs)],
    ["on_failure", exhausted(retry.onExhausted, printSteps)],
  ]);
}

function backoff(value: RetryPolicy["backoff"]): Printed {
  switch (value.kind) {
    case "fixed":
    case "fibonacci":
      return value.kind;
    case "linear":
      return mapOf([
        ["type", "linear"],
        ["increment", printMilliseconds(value.incrementMs)],
      ]);
    case "exponential":
      return mapOf([
        ["type", "exponential"],
        ["base", value.base],
      ]);
    case "custom":
      return mapOf([["custom", value.delaysMs.map((delay) => printMilliseconds(delay) ?? 0)]]);
  }
}

function matcher(value: RetryPolicy["retryOn"][number]): Printed {
  switch (value.kind) {
    case "network":
    case "timeout":
    case "server_error":
    case "rate_limit":
      return value.kind;
    case "pattern":
      return mapOf([["pattern", value.pattern]]);
    case "exit_code":
      return mapOf([["exit_code", value.code]]);
  }
}

function exhausted(value: RetryPolicy["onExhausted"], printSteps: PrintSteps): Printed | undefined {
  switch (value.kind) {
    case "stop":
      return undefined;
    case "continue":
      return "continue";
    case "fallback":
      return mapOf([["fallback", printSteps(value.steps)]]);
  }
}

export function parameterTree(parameter: Parameter): PrintedMap {
  return mapOf([
    ["name", parameter.name],
    ["type", parameter.type === "any" ? undefined : parameter.type],
    ["description", parameter.description ?? undefined],
    ["required", parameter.required],
    ["default", parameter.default === null ? undefined : printJson(parameter.default)],
    ["validation", parameter.validation ?? undefined],
  ]);
}
