/** The phases of a MapReduce workflow, which the reader lowered to three steps, as they are printed. */
import type { ItemPolicy, MapAction, MapInput, OutputCapture, Step, Workflow } from "./model.ts";
import type { Entries } from "./print-parts.ts";
import { printAutoCommit, printMilliseconds, printRetry } from "./print-parts.ts";
import { printSteps } from "./print-step.ts";
import type { Printed, PrintedMap } from "./print-yaml.ts";
import { mapOf, printJson } from "./print-yaml.ts";

export function printPhases({ steps }: Workflow): Entries {
  const at = steps.findIndex(({ action }) => action.kind === "map");
  const map = steps[at]?.action;
  if (map?.kind !== "map") return [["setup", printSteps(steps)]];
  const [setup, reduce] = [steps[at - 1], steps[at + 1]];
  return [
    ["setup", setup === undefined ? undefined : setupPhase(setup)],
    ["map", mapPhase(map)],
    ["reduce", reduce === undefined ? undefined : reducePhase(reduce, map)],
    ["error_policy", policy(map.policy)],
  ];
}

function stepsOf({ action }: Step): readonly Step[] {
  return action.kind === "group" ? action.steps : [];
}

function setupPhase(step: Step): PrintedMap {
  const steps = stepsOf(step);
  const captures = steps.flatMap((one, index) =>
    one.captures.map((capture) => [capture.name, outputCapture(index, capture)] as const),
  );
  return mapOf([
    ["timeout", printMilliseconds(step.timeoutMs)],
    ["commands", printSteps(steps)],
    ["capture_outputs", captures.length === 0 ? undefined : mapOf(captures)],
  ]);
}

function outputCapture(index: number, capture: OutputCapture): PrintedMap {
  return mapOf([
    ["command_index", index],
    ["source", capture.source],
    ["max_size", capture.maxBytes],
    ["pattern", capture.pattern ?? undefined],
    ["multiline", capture.multiline],
    ["json_path", capture.jsonPath ?? undefined],
    ["default", capture.default ?? undefined],
  ]);
}

function reducePhase(step: Step, { failWhenEmpty }: MapAction): PrintedMap {
  return mapOf([
    ["timeout", printMilliseconds(step.timeoutMs)],
    ["when_empty", failWhenEmpty ? "fail" : step.when === null ? "run" : "skip"],
    ["commands", printSteps(stepsOf(step))],
  ]);
}

function mapPhase(map: MapAction): PrintedMap {
  const { select, verify, timeout, worktrees } = map;
  const limits = mapOf([
    ["agent_timeout_secs", timeout.limit ?? undefined],
    ["timeout_action", timeout.action === "dlq" ? undefined : timeout.action],
    ["cleanup_grace_period_secs", printMilliseconds(timeout.graceMs)],
  ]);
  return mapOf([
    ["input", input(map.input)],
    ["json_path", select.jsonPath ?? undefined],
    ["filter", select.filter ?? undefined],
    ["sort_by", select.sortBy ?? undefined],
    ["distinct", select.distinct ?? undefined],
    ["offset", select.offset ?? undefined],
    ["max_items", select.maxItems ?? undefined],
    ["max_parallel", map.maxParallel],
    ["timeout_config", limits.size === 0 ? undefined : limits],
    ["agent_template", printSteps(map.steps)],
    [
      "verify",
      verify === null
        ? undefined
        : mapOf([
            ["batch", verify.batch ?? undefined],
            ["commands", printSteps(verify.steps)],
          ]),
    ],
    ["merge", map.merge ? undefined : "never"],
    ...printAutoCommit(map.autoCommit),
    ["conflict_policy", map.conflicts === "report" ? undefined : map.conflicts],
    [
      "worktree",
      mapOf([
        ["setup", worktrees.setup.length === 0 ? undefined : printSteps(worktrees.setup)],
        ["keep", worktrees.keep],
        ["copy", worktrees.copy.length === 0 ? undefined : worktrees.copy],
      ]),
    ],
  ]);
}

function input(value: MapInput): Printed {
  switch (value.kind) {
    case "auto":
      return value.text;
    case "file":
      return mapOf([["file", value.path]]);
    case "command":
      return mapOf([
        ["command", value.script],
        ["timeout", printMilliseconds(value.timeoutMs)],
      ]);
    case "glob":
      return mapOf([["glob", value.patterns]]);
    case "items":
      return value.items.map(printJson);
    // No file says it: it is printed for people only, and their names are then those of the data.
    case "planned":
      return value.items.map(({ data }) => printJson(data));
  }
}

function policy(value: ItemPolicy): PrintedMap {
  const { circuitBreaker: breaker, onItemFailure, errorCollection } = value;
  return mapOf([
    [
      "on_item_failure",
      onItemFailure.kind === "custom" ? mapOf([["custom", printSteps(onItemFailure.steps)]]) : onItemFailure.kind,
    ],
    ["continue_on_failure", value.continueOnFailure],
    ["max_failures", value.maxFailures ?? undefined],
    ["failure_threshold", value.failureThreshold ?? undefined],
    ["min_items", value.minItems],
    [
      "error_collection",
      errorCollection.kind === "batched" ? `batched:${String(errorCollection.size)}` : errorCollection.kind,
    ],
    [
      "circuit_breaker",
      breaker === null
        ? undefined
        : mapOf([
            ["failure_threshold", breaker.failureThreshold],
            ["success_threshold", breaker.successThreshold],
            ["timeout", printMilliseconds(breaker.timeoutMs)],
            ["half_open_requests", breaker.halfOpenRequests],
          ]),
    ],
    ["retry_config", value.retry === null ? undefined : printRetry(value.retry, printSteps)],
  ]);
}
