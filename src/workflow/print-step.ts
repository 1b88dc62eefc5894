/** A step as it is printed. */
import type { Action, CallAction, FailurePolicy, Json, Step, Validation } from "./model.ts";
import type { Entries } from "./print-parts.ts";
import {
  parameterTree,
  printAgent,
  printAutoCommit,
  printCapture,
  printEnvironmentValues,
  printMilliseconds,
  printRetry,
} from "./print-parts.ts";
import type { Printed, PrintedMap } from "./print-yaml.ts";
import { mapOf, printJson } from "./print-yaml.ts";
import { labelOf } from "./step-label.ts";

export function printStep(step: Step): PrintedMap {
  return mapOf([
    ["id", step.id ?? undefined],
    ["name", nameOf(step)],
    ["when", step.when ?? undefined],
    ...action(step.action),
    ["env", printEnvironmentValues(step.env, "step")],
    ["clear_env", step.clearEnv ? true : undefined],
    ["working_dir", step.workingDir ?? undefined],
    ["timeout", printMilliseconds(step.timeoutMs)],
    ["retry", step.retry === null ? undefined : printRetry(step.retry, printSteps)],
    ...printCapture(step.capture),
    ["output_file", step.outputFile ?? undefined],
    ["outputs", outputs(step)],
    ["commit_required", step.commitRequired ? true : undefined],
    ...printAutoCommit(step.autoCommit),
    ["verify", step.verify ? true : undefined],
    ["validate", step.validate === null ? undefined : validate(step.validate)],
    ["on_success", step.onSuccess.length === 0 ? undefined : printSteps(step.onSuccess)],
    ["on_exit_code", onExitCode(step)],
    ...onFailure(step.onFailure),
  ]);
}

export function printSteps(steps: readonly Step[]): Printed {
  return steps.map(printStep);
}

/** A group that had no key but its steps would read as these steps alone. */
function nameOf({ label, action: what }: Step): string | undefined {
  return label === labelOf(what) && what.kind !== "group" ? undefined : label;
}

function action(value: Action): Entries {
  switch (value.kind) {
    case "agent":
      return [["claude", value.prompt], ...printAgent(value.settings)];
    case "shell":
      return [["shell", value.script]];
    case "write_file":
      return [
        [
          "write_file",
          mapOf([
            ["path", value.path],
            ["content", value.content],
            ["format", value.format === "text" ? undefined : value.format],
            ["mode", value.mode === 0o644 ? undefined : value.mode.toString(8).padStart(4, "0")],
            ["create_dirs", value.createDirs ? true : undefined],
          ]),
        ],
      ];
    case "foreach":
      return [["foreach", foreach(value)]];
    case "goal_seek":
      return [["goal_seek", goalSeek(value)]];
    case "analyze":
      return [
        [
          "analyze",
          mapOf([
            ["max_cache_age", printMilliseconds(value.maxCacheAgeMs)],
            ["force_refresh", value.forceRefresh ? true : undefined],
            ["save", value.save ? undefined : false],
            ["format", value.format],
          ]),
        ],
      ];
    case "group":
      return [["commands", printSteps(value.steps)]];
    case "call":
      return [["workflow", call(value)]];
    // It stands in no list of steps: the phases around it are printed by themselves.
    case "map":
      return [];
  }
}

/** Files are put together already, so that what is called stands where it is called. */
function call({ name, given, parameters, steps, isolated, outputs: copied }: CallAction): PrintedMap {
  const declared = new Set(parameters.map((parameter) => parameter.name));
  const values = Object.entries(given);
  const own = values.filter(([key]) => declared.has(key)).map(([key, value]) => [key, printJson(value)] as const);
  const inputs = values.filter(([key]) => !declared.has(key)).map(([key, value]) => [key, variableIn(value)] as const);
  return mapOf([
    ["name", name],
    ["declares", parameters.length === 0 ? undefined : parameters.map(parameterTree)],
    ["with", own.length === 0 ? undefined : mapOf(own)],
    ["inputs", inputs.length === 0 ? undefined : mapOf(inputs)],
    ["outputs", copied.length === 0 ? undefined : copied],
    ["inherit", isolated ? undefined : true],
    ["commands", printSteps(steps)],
  ]);
}

/** An input that is not declared is nothing but a variable: `${NAME}`. */
function variableIn(value: Json): string {
  return typeof value === "string" ? value.slice(2, -1) : "";
}

function foreach(value: Extract<Action, { readonly kind: "foreach" }>): PrintedMap {
  return mapOf([
    ["foreach", value.input.kind === "command" ? value.input.script : value.input.items.map(printJson)],
    ["parallel", value.parallel === 1 ? undefined : value.parallel],
    ["shared", value.shared ? true : undefined],
    ["max_items", value.maxItems ?? undefined],
    ["continue_on_error", value.continueOnError ? true : undefined],
    ["do", printSteps(value.steps)],
  ]);
}

function goalSeek(value: Extract<Action, { readonly kind: "goal_seek" }>): PrintedMap {
  return mapOf([
    ["goal", value.goal],
    ["commands", printSteps(value.steps)],
    ["score", printStep(value.score)],
    ["threshold", value.threshold],
    ["max_attempts", value.maxAttempts],
    ["timeout", printMilliseconds(value.timeoutMs)],
    ["fail_on_incomplete", value.failOnIncomplete ? undefined : false],
  ]);
}

function outputs({ outputs: declared }: Step): PrintedMap | undefined {
  if (declared.length === 0) return undefined;
  return mapOf(declared.map(({ name, filePattern }) => [name, mapOf([["file_pattern", filePattern]])]));
}

function validate(value: Validation): PrintedMap {
  const { onIncomplete } = value;
  return mapOf([
    ["commands", value.steps.length === 0 ? undefined : printSteps(value.steps)],
    ["result_file", value.resultFile ?? undefined],
    ["threshold", value.threshold],
    ["format", value.format],
    ["expected_schema", value.expectedSchema === null ? undefined : printJson(value.expectedSchema)],
    ["timeout", printMilliseconds(value.timeoutMs)],
    ["on_incomplete", onIncomplete === null ? undefined : incomplete(onIncomplete)],
  ]);
}

function incomplete(value: NonNullable<Validation["onIncomplete"]>): PrintedMap {
  const hasSteps = value.steps.length > 0;
  return mapOf([
    ["commands", hasSteps ? printSteps(value.steps) : undefined],
    ["max_attempts", hasSteps ? value.maxAttempts : undefined],
    ["fail_workflow", value.failWorkflow ? undefined : false],
    ["commit_required", value.commitRequired ? true : undefined],
  ]);
}

function onExitCode({ onExitCode: cases }: Step): PrintedMap | undefined {
  return cases.length === 0 ? undefined : mapOf(cases.map(({ code, steps }) => [code, printSteps(steps)]));
}

function onFailure(policy: FailurePolicy): Entries {
  switch (policy.kind) {
    case "fail":
      return [];
    case "tolerate":
      return [["allow_failure", true]];
    case "handle":
      return [["on_failure", handler(policy)]];
  }
}

function handler(policy: Extract<FailurePolicy, { readonly kind: "handle" }>): PrintedMap {
  const hasSteps = policy.steps.length > 0;
  return mapOf([
    ["commands", hasSteps ? printSteps(policy.steps) : undefined],
    // Without steps it is this number that makes it a handler at all.
    ["max_attempts", hasSteps && policy.rounds === 1 ? undefined : policy.rounds],
    ...after(policy.after),
    ["fail_workflow", policy.failWorkflow ? undefined : false],
    ["handler_failure_fatal", policy.handlerFailureFatal ? true : undefined],
    ["timeout", printMilliseconds(policy.timeoutMs)],
  ]);
}

function after(value: "rerun" | "accept" | "replace" | "fail"): Entries {
  switch (value) {
    case "rerun":
      return [["retry_original", true]];
    case "accept":
      return [["retry_original", false]];
    case "replace":
      return [["strategy", "fallback"]];
    case "fail":
      return [["strategy", "cleanup"]];
  }
}
