/** Every key of a MapReduce workflow. */
import type { Decoder } from "./decode.ts";
import { word } from "./decode.ts";
import { POLICY_FIELDS, errorPolicy } from "./item-policy.ts";
import { mapPhase } from "./map-phase.ts";
import type { Fields, Refusal, Table } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import { PHASE_FIELDS, phase } from "./phase.ts";
import type { Phase } from "./phase.ts";
import { setup } from "./setup.ts";
import { COMMON_FIELDS, COMMON_REFUSED } from "./workflow-table.ts";

export interface ReducePhase extends Phase {
  /** What happens when there was no item. */
  readonly whenEmpty: "skip" | "run" | "fail";
}

const REDUCE = {
  name: "reduce",
  fields: {
    ...PHASE_FIELDS,
    when_empty: field(word(["skip", "run", "fail"]), "What happens when there was no item."),
  },
  needs: [["commands"]],
} as const;

const reduce: Decoder<ReducePhase> = phase(
  (steps) => ({ steps, timeout: null, whenEmpty: "skip" }),
  mapping(REDUCE, (read, context): ReducePhase | undefined => {
    const steps = required(read, "commands", { name: "reduce", context });
    if (steps === null) return undefined;
    const { timeout, when_empty } = read.fields;
    return { steps: steps.value, timeout: timeout?.value ?? null, whenEmpty: when_empty?.value ?? "skip" };
  }),
);

const IN_SEQUENCE: Refusal = {
  code: "conflicting-keys",
  message: "a MapReduce workflow has no steps of its own",
  help: "move them into `setup:`, `map.agent_template:` or `reduce:`",
};

const ONE_PASS: Refusal = {
  code: "conflicting-keys",
  message: "a MapReduce workflow goes over its items once",
  help: "`retry:` in `error_policy:` tries items that failed again",
};

/** Keys of the map that are easily written beside it. */
const INSIDE_MAP = [
  "agent_template",
  "input",
  "json_path",
  "filter",
  "sort_by",
  "distinct",
  "max_items",
  "max_parallel",
];

function insideMap(key: string): Refusal {
  return {
    code: "unknown-key",
    message: `"${key}" stands inside "map:", not beside it`,
    help: "indent it below `map:`",
  };
}

const NO_STEPS: Refusal = {
  code: "conflicting-keys",
  message: "`workflows:` run after the steps of a workflow, and a MapReduce workflow has none",
  help: "write `workflow: {source: FILE}` as a step of a phase",
};

export const MAPREDUCE = {
  name: "a MapReduce workflow",
  fields: {
    ...COMMON_FIELDS,
    mode: field(word(["mapreduce"], { map_reduce: "mapreduce" }), "How the workflow runs."),
    setup: field(setup, "Steps before the items are looked for."),
    map: field(mapPhase, "What is done for each item."),
    reduce: field(reduce, "Steps after all items."),
    error_policy: field(errorPolicy, "What the failure of an item means."),
    ...POLICY_FIELDS,
  },
  refused: {
    ...COMMON_REFUSED,
    max_iterations: ONE_PASS,
    commands: IN_SEQUENCE,
    steps: IN_SEQUENCE,
    ...Object.fromEntries(INSIDE_MAP.map((key) => [key, insideMap(key)])),
    workflows: NO_STEPS,
    sub_workflows: NO_STEPS,
  },
  needs: [["map", "extends", "template"]],
} as const satisfies Table<Fields>;
