/** Every key of a workflow. */
import { agentDefaults } from "./agent-settings.ts";
import { subWorkflows } from "./call.ts";
import { template } from "./checked-text.ts";
import { anyText, bool, integer, list, text, word, workSteps } from "./decode.ts";
import type { Decoder } from "./decode.ts";
import { environment, environmentFiles, profiles } from "./environment.ts";
import type { Fields, Refusal, Table } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import { extendsKey, importsKey, templateKey } from "./compose-schema.ts";
import { defaults, parameters } from "./parameters.ts";
import { PHASE_FIELDS, phase } from "./phase.ts";
import type { Phase } from "./phase.ts";
import { retryPolicy } from "./retry.ts";
import { secrets } from "./secret-sources.ts";

const MERGE = { name: "merge", fields: PHASE_FIELDS, needs: [["commands"]] } as const;

const merge: Decoder<Phase> = phase(
  (steps) => ({ steps, timeout: null }),
  mapping(MERGE, (read, context) => {
    const steps = required(read, "commands", { name: "merge", context });
    return steps === null ? undefined : { steps: steps.value, timeout: read.fields.timeout?.value ?? null };
  }),
);

const NOT_HERE: Refusal = {
  code: "unknown-key",
  message: 'unknown key "timeout" in a workflow',
  help: "give each step its own `timeout:`",
};

/** Keys of every kind of workflow. */
export const COMMON_FIELDS = {
  name: field(text, "What people see."),
  description: field(anyText, "For the reader of the file."),
  version: field(anyText, "The file's own version, for its reader."),
  merge: field(merge, "Steps that land the work."),
  env: field(environment, "Variables for all steps."),
  env_files: field(environmentFiles, "Files with variables.", { aliases: ["env_file"] }),
  secrets: field(secrets, "Variables whose values are masked."),
  profiles: field(profiles, "Sets of variables, chosen by `--profile`."),
  inherit: field(bool, "Whether the process environment is passed on."),
  not_secret: field(list(text, { orOne: true }), "Names that look like secrets and are none."),
  parameters: field(parameters, "Values given by `--param`."),
  defaults: field(defaults, "Values of parameters that nobody gives."),
  imports: field(importsKey, "Files whose steps and named parts are added."),
  extends: field(extendsKey, "A file that says what this one does not."),
  template: field(templateKey, "A file with parameters, whose steps are added."),
  retry_defaults: field(retryPolicy, "What `retry` is where a step does not say it."),
  agent: field(agentDefaults, "How agents are called where a step does not say it."),
  allow_paths_outside: field(list(template, { orOne: true }), "Paths outside the worktree that steps may write to."),
} as const satisfies Fields;

const CONFIG: Refusal = {
  code: "unknown-key",
  message: 'a workflow has no "config": its settings are keys of the workflow itself',
  help: "move what is in it up, such as `max_iterations:`, `agent:` or `retry_defaults:`",
};

/** Keys that no kind of workflow has. */
export const COMMON_REFUSED = {
  config: CONFIG,
  use: {
    code: "unknown-key",
    message: '"use" is the key of a step',
    help: "write it into `commands:`, or write `template:`",
  },
  timeout: NOT_HERE,
} as const satisfies Readonly<Record<string, Refusal>>;

/** Keys that would be about items, of which a sequential workflow has none. */
const MAPREDUCE_ONLY: Readonly<Record<string, Refusal>> = Object.fromEntries(
  [
    "error_policy",
    "on_item_failure",
    "continue_on_failure",
    "max_failures",
    "failure_threshold",
    "error_collection",
    "circuit_breaker",
    "agent_template",
    "max_parallel",
  ].map((key) => [key, aboutItems(key)]),
);

function aboutItems(key: string): Refusal {
  const help = "each step has its own `on_failure:` and `retry:`; a `foreach` has `continue_on_error:` and `parallel:`";
  return {
    code: "unknown-key",
    message: `"${key}" is about the items of a map, and this workflow has no "map:"`,
    help,
  };
}

export const WORKFLOW = {
  name: "a workflow",
  fields: {
    ...COMMON_FIELDS,
    max_iterations: field(
      integer({ min: 1, max: 10_000 }),
      "How often the steps are passed over where `-n` is not given.",
    ),
    mode: field(word(["sequential"], { standard: "sequential" }), "How the workflow runs."),
    commands: field(workSteps, "The steps, in order.", { aliases: ["steps"] }),
    workflows: field(subWorkflows, "Workflows that run as steps: those that no step names run after all steps.", {
      aliases: ["sub_workflows"],
    }),
  },
  refused: { ...COMMON_REFUSED, ...MAPREDUCE_ONLY },
  // Another file may have the steps.
  needs: [["commands", "workflows", "imports", "extends", "template"]],
} as const satisfies Table<Fields>;
