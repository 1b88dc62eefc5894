/** MapReduce workflows: three phases, which are lowered to three steps. */
import { report } from "./decode.ts";
import type { StepContext } from "./step.ts";
import { warnAboutIds } from "./ids.ts";
import type { Found } from "./mapping.ts";
import { readMapping, required } from "./mapping.ts";
import { mapAction } from "./map-phase.ts";
import { MAPREDUCE } from "./mapreduce-table.ts";
import type { ReducePhase } from "./mapreduce-table.ts";
import type { Step, Workflow } from "./model.ts";
import { resolveLimit } from "./phase.ts";
import type { Phase } from "./phase.ts";
import type { MapEntry, MapNode } from "./source-node.ts";
import { locateStep, offsetOf } from "./source.ts";
import { workflowParts } from "./workflow-parts.ts";

/** What only a MapReduce workflow has. */
const PHASES: ReadonlySet<string> = new Set(["map", "reduce", "setup"]);

/** Judged from the parsed document: a comment or a script that speaks of MapReduce does not count. */
export function isMapReduce({ entries }: MapNode): boolean {
  return entries.some(({ key, value }: MapEntry) =>
    key === "mode" ? value.kind === "scalar" && /^map[_-]?reduce$/iu.test(value.text.trim()) : PHASES.has(key),
  );
}

export function mapReduceWorkflow(root: MapNode, name: string, context: StepContext): Workflow | undefined {
  const read = readMapping(root, MAPREDUCE, context);
  if (read === undefined) return undefined;
  const { fields } = read;
  const map = required(read, "map", { name: "a MapReduce workflow", context });
  if (map === null) return undefined;
  const { setup, reduce } = fields;
  const parts = workflowParts(fields, name, context);
  const whenEmpty = reduce?.value.whenEmpty ?? "skip";
  const policies = [fields.error_policy?.value ?? null, fields] as const;
  const action = mapAction(map.value, { policies, failWhenEmpty: whenEmpty === "fail" }, context);
  const limitOf = (phase: Found<Phase> | null): number | null =>
    resolveLimit(phase?.value.timeout ?? null, parts.environment.values, context);
  const all = [setup?.value.steps ?? [], action.steps, reduce?.value.steps ?? [], parts.merge?.steps ?? []];
  warnAboutIds(all.flat(), context);
  warnAboutBranches(reduce?.value.steps ?? [], context);
  const lowered = [
    ...(setup === null
      ? []
      : [phaseStep(setup, { label: "setup", steps: setup.value.steps, timeoutMs: limitOf(setup) }, context)]),
    emptyStep(map, { label: "map", action }, context),
    ...(reduce === null ? [] : [reduceStep(reduce, limitOf(reduce), context)]),
  ];
  return { mode: "mapreduce", ...parts, steps: lowered };
}

/** The earlier program kept a branch for each agent, and left merging them to nobody. */
function warnAboutBranches(steps: readonly Step[], context: StepContext): void {
  for (const { action, at } of steps) {
    if (action.kind !== "shell" || !/\bgit merge\b[^\n]*\b(?:prodigy-)?agent-/u.test(action.script)) continue;
    const start = offsetOf(context.out.source, at);
    const message = "the items' commits are merged already; branches of agents are not there";
    report(context, { code: "agent-branches", at: { start, end: start + 1 }, message, help: "remove this step" });
  }
}

interface PhaseParts {
  readonly label: string;
  readonly steps: readonly Step[];
  readonly timeoutMs: number | null;
}

function reduceStep(found: Found<ReducePhase>, timeoutMs: number | null, context: StepContext): Step {
  const { steps, whenEmpty } = found.value;
  const step = phaseStep(found, { label: "reduce", steps, timeoutMs }, context);
  return whenEmpty === "skip" ? { ...step, when: "map.total > 0" } : step;
}

function phaseStep(found: Found<unknown>, { label, steps, timeoutMs }: PhaseParts, context: StepContext): Step {
  return { ...emptyStep(found, { label, action: { kind: "group", steps } }, context), timeoutMs };
}

/** A step that says nothing but what it does. */
function emptyStep(
  found: Found<unknown>,
  { label, action }: Pick<Step, "label" | "action">,
  context: StepContext,
): Step {
  return {
    id: null,
    label,
    at: locateStep(context.out.source, found.keyAt),
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
    verify: false,
    captures: [],
    onSuccess: [],
    onExitCode: [],
    onFailure: { kind: "fail" },
  };
}
