/** Every key of a workflow. */
import { agentDefaults } from "./agent-settings.ts";
import { template } from "./checked-text.ts";
import { anyText, bool, byKind, list, map, text, timeLimit, word, workSteps } from "./decode.ts";
import type { Decoder } from "./decode.ts";
import { environment, environmentFiles, profiles, secrets } from "./environment.ts";
import type { Fields, Refusal, Table } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import type { MergePhase } from "./model.ts";
import { parameters } from "./parameters.ts";
import { retryPolicy } from "./retry.ts";

const MERGE = {
  name: "merge",
  fields: {
    commands: field(workSteps, "The steps that land the work.", { aliases: ["steps"] }),
    timeout: field(timeLimit, "The limit for all of them."),
  },
} as const;

const mergeSteps: Decoder<MergePhase> = map(workSteps, (steps) => ({ steps, timeoutMs: null }));

const merge: Decoder<MergePhase> = byKind({
  expected: "a list of steps, or a mapping with `commands`",
  scalar: mergeSteps,
  list: mergeSteps,
  map: {
    get schema() {
      return mergeMapping.schema;
    },
    decode: (node, context) => {
      // One step without a list around it is what a user of `on_success:` expects to work here, too.
      const keys = node.kind === "map" ? node.entries.map(({ key }) => key) : [];
      const isPhase =
        keys.includes("commands") ||
        keys.includes("steps") ||
        !keys.some((key) => context.stepKeys.has(key) && key !== "timeout");
      return (isPhase ? mergeMapping : mergeSteps).decode(node, context);
    },
  },
});

const mergeMapping: Decoder<MergePhase> = mapping(MERGE, (read, context) => {
  const steps = required(read, "commands", { name: "merge", context });
  return steps === null ? undefined : { steps: steps.value, timeoutMs: read.fields.timeout?.value ?? null };
});

const COMPOSITION = "composing workflows of several files";

function notYet(key: string): Refusal {
  const help = "write the steps into this file";
  return {
    code: "not-supported-yet",
    message: `"${key}" belongs to ${COMPOSITION}, which this version does not know`,
    help,
  };
}

const NOT_HERE: Refusal = {
  code: "unknown-key",
  message: 'unknown key "timeout" in a workflow',
  help: "give each step its own `timeout:`",
};

export const WORKFLOW = {
  name: "a workflow",
  fields: {
    name: field(text, "What people see."),
    description: field(anyText, "For the reader of the file."),
    version: field(anyText, "The file's own version, for its reader."),
    mode: field(word(["sequential"], { standard: "sequential" }), "How the workflow runs."),
    commands: field(workSteps, "The steps, in order.", { aliases: ["steps"] }),
    merge: field(merge, "Steps that land the work."),
    env: field(environment, "Variables for all steps."),
    env_files: field(environmentFiles, "Files with variables.", { aliases: ["env_file"] }),
    secrets: field(secrets, "Variables whose values are masked."),
    profiles: field(profiles, "Sets of variables, chosen by `--profile`."),
    inherit: field(bool, "Whether the process environment is passed on."),
    not_secret: field(list(text, { orOne: true }), "Names that look like secrets and are none."),
    parameters: field(parameters, "Values given by `--param`."),
    retry_defaults: field(retryPolicy, "What `retry` is where a step does not say it."),
    agent: field(agentDefaults, "How agents are called where a step does not say it."),
    allow_paths_outside: field(list(template, { orOne: true }), "Paths outside the worktree that steps may write to."),
  },
  refused: {
    imports: notYet("imports"),
    extends: notYet("extends"),
    template: notYet("template"),
    workflows: notYet("workflows"),
    sub_workflows: notYet("sub_workflows"),
    use: notYet("use"),
    defaults: notYet("defaults"),
    timeout: NOT_HERE,
  },
} as const satisfies Table<Fields>;

export const MAPREDUCE_KEYS: ReadonlySet<string> = new Set(["map", "reduce", "setup"]);
