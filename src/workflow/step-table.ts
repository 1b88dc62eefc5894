/** Every key of a step. */
import { FOREACH_OPTIONS, analyze, foreach, goalSeek, test, writeFile } from "./actions.ts";
import { agentFields } from "./agent-settings.ts";
import { given, subWorkflow } from "./call.ts";
import { captureFormat, captureOutput, captureStreams } from "./capture.ts";
import { expression, name, template } from "./checked-text.ts";
import { autoCommit, commitConfig, outputs } from "./commit.ts";
import type { Decoder } from "./decode.ts";
import { anyText, bool, followUpSteps, integer, json, list, text, timeLimit, workSteps, wrongType } from "./decode.ts";
import { stepEnvironment } from "./environment.ts";
import { onExitCode } from "./exit-codes.ts";
import { failureForm } from "./failure.ts";
import { handler } from "./handler.ts";
import type { Fields, Mapping, Refusal, Table } from "./mapping.ts";
import { COMMAND_NAME } from "./legacy.ts";
import { field, mapping } from "./mapping.ts";
import type { Json } from "./model.ts";
import { retryPolicy } from "./retry.ts";
import { toJson } from "./source-node.ts";
import { stepValidate } from "./step-validate.ts";
import { validation } from "./validation.ts";

const METADATA = {
  name: "metadata",
  fields: {
    retries: field(integer({ min: 0, max: 1_000 }), "How many times more the step is tried."),
    timeout: field(timeLimit, "Same as `timeout` on the step."),
    continue_on_error: field(bool, "Same as `allow_failure` on the step."),
    env: field(stepEnvironment, "Same as `env` on the step."),
    commit_required: field(bool, "Same as `commit_required` on the step."),
    analysis: field(json, "Has no effect."),
  },
} as const;

export type Metadata = Mapping<(typeof METADATA)["fields"]>["fields"];

/** `options:` may hold anything. */
const options: Decoder<Readonly<Record<string, Json>>> = {
  schema: { type: "object" },
  decode: (node, context) =>
    node.kind === "map"
      ? Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]))
      : wrongType(node, context, "a mapping"),
};

const ACTION_FIELDS = {
  claude: field(template, "A prompt for the agent."),
  shell: field(template, "A script, run with `sh -c`."),
  write_file: field(writeFile, "Writes a file."),
  foreach: field(foreach, "Runs steps once for each item."),
  goal_seek: field(goalSeek, "Repeats steps until a score is reached."),
  analyze: field(analyze, "Collects facts about the repository.", { nullable: true }),
  commands: field(workSteps, "Several steps where one may stand.", { aliases: ["steps"] }),
  use: field(text, "Steps of a template or of an import with an alias, `ALIAS` or `ALIAS.STEP`."),
  with: field(given, "Values for what `use:` names."),
  workflow: field(subWorkflow, "Runs another workflow with values of its own.", { aliases: ["sub_workflow"] }),
  test: field(test, "A script with its own on_failure; write `shell:` and `on_failure:`."),
  handler: field(handler, "A handler of the earlier language; write `shell:` or `claude:`."),
  command: field(text, "An agent command of the earlier language; write `claude:`."),
} as const;

const STEP_FIELDS = {
  ...ACTION_FIELDS,
  ...FOREACH_OPTIONS,
  ...agentFields,
  id: field(name, "The step's name in `${steps.ID.output}`."),
  name: field(text, "What people see."),
  description: field(anyText, "For the reader of the file."),
  when: field(expression, "The step is skipped when this is false.", { aliases: ["if"] }),
  env: field(stepEnvironment, "Variables for this step."),
  clear_env: field(bool, "Whether only `env` is passed on."),
  temporary: field(bool, "Has no effect: a step's `env` is always its own."),
  working_dir: field(template, "Where the step runs, relative to the worktree.", { aliases: ["cwd"] }),
  timeout: field(timeLimit, "The limit for each attempt."),
  retry: field(retryPolicy, "Whether and when a failure is tried again.", { deprecated: ["retry_config"] }),
  capture: field(name, "The name under which the result is kept."),
  capture_output: field(captureOutput, "`true` keeps the result under its default name."),
  capture_format: field(captureFormat, "How the result is read."),
  capture_streams: field(captureStreams, "Which texts and facts are kept."),
  output_file: field(template, "Where stdout is written to."),
  output: field(text, "Has no effect: a note of the file that the step itself writes."),
  commit_required: field(bool, "Whether the step must commit something."),
  auto_commit: field(autoCommit, "Whether its changes are committed."),
  commit_config: field(commitConfig, "How they are committed."),
  outputs: field(outputs, "Files that the step makes, by name."),
  validate: field(validation, "Whether the work is complete, and what to do while it is not."),
  verify: field(bool, "Whether it must pass again on the result of a resolved merge conflict."),
  step_validate: field(stepValidate, "Commands that must pass after the step."),
  skip_validation: field(bool, "Whether `validate` is left out."),
  validation_timeout: field(timeLimit, "The limit for the whole validation."),
  ignore_validation_failure: field(bool, "Whether an incomplete step counts as done."),
  on_success: field(followUpSteps, "Steps that follow when it succeeds."),
  on_failure: field(failureForm, "What happens when it fails."),
  on_exit_code: field(onExitCode, "Steps by exit code."),
  allow_failure: field(bool, "Whether a failure is tolerated."),
  continue_on_error: field(bool, "Same as `allow_failure`; in a flat `foreach`, whether other items go on."),
  fail_workflow: field(bool, "`false` is the same as `allow_failure: true`."),
  args: field(list(anyText, { orOne: true }), "Arguments of a command given by `name:`."),
  options: field(options, "Options of a command given by `name:`."),
  metadata: field(
    mapping(METADATA, (read): Metadata => read.fields),
    "Older place of retries, timeout, env and commit_required.",
  ),
  analysis: field(json, "Has no effect.", { nullable: true }),
} as const;

export const ACTION_KEYS = [
  "claude",
  "shell",
  "test",
  "write_file",
  "foreach",
  "goal_seek",
  "analyze",
  "handler",
  "command",
  "commands",
  "use",
  "workflow",
] as const;

/** What other tools call a script or a prompt. */
export const FOREIGN_ACTIONS = ["run", "script", "cmd", "bash", "prompt"] as const;

function foreign(key: string): Refusal {
  const help = key === "prompt" ? "write `claude:`" : "write `shell:`";
  return { code: "unknown-key", message: `unknown key "${key}" in a step`, help };
}

export const STEP = {
  name: "a step",
  fields: STEP_FIELDS,
  refused: Object.fromEntries(FOREIGN_ACTIONS.map((key) => [key, foreign(key)])),
  needs: [[...ACTION_KEYS, "name"]],
  rules: {
    allOf: [
      // Of the earlier language: a name without an action is an agent command, if it is one word.
      {
        anyOf: [
          ...[...ACTION_KEYS, "steps"].map((key) => ({ required: [key] })),
          { properties: { name: { pattern: COMMAND_NAME.source } } },
        ],
      },
      // The loop's own keys stand inside, or beside items alone.
      {
        anyOf: [
          { not: { required: ["foreach"] } },
          { properties: { foreach: { type: "object" } } },
          { required: ["do"] },
        ],
      },
    ],
  },
} as const satisfies Table<Fields>;
export type StepRead = Mapping<(typeof STEP)["fields"]>;

export const STEP_KEYS: ReadonlySet<string> = new Set(
  Object.entries(STEP.fields).flatMap(([key, { aliases, deprecated }]) => [key, ...aliases, ...deprecated]),
);
