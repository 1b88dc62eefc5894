/** `validate:`: whether the work is complete, and what to do while it is not. */
import { template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import {
  CARE,
  actionText,
  bool,
  byKind,
  careSteps,
  integer,
  json,
  legacyCareSteps,
  number,
  report,
  timeLimit,
  word,
  wrongType,
} from "./decode.ts";
import type { Fields, Found, Mapping, Table } from "./mapping.ts";
import { field, mapping } from "./mapping.ts";
import type { Json, Step, Validation } from "./model.ts";
import type { SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";
import { locateStep } from "./source.ts";

type Incomplete = NonNullable<Validation["onIncomplete"]>;

const DEFAULT_THRESHOLD = 100;
const DEFAULT_ROUNDS = 2;
const MAX_ROUNDS = 10_000;

const ON_INCOMPLETE = {
  name: "on_incomplete",
  fields: {
    claude: field(actionText("claude", CARE), "A prompt that completes the work."),
    shell: field(actionText("shell", CARE), "A script that completes the work."),
    commands: field(legacyCareSteps, "Steps that complete the work.", { aliases: ["steps"] }),
    max_attempts: field(integer({ min: 1, max: MAX_ROUNDS }), "How many times they may run.", {
      aliases: ["max_retries"],
    }),
    fail_workflow: field(bool, "Whether what is still incomplete fails the run."),
    commit_required: field(bool, "Whether each round must commit something."),
    prompt: field(template, "Has no effect: nobody is asked during a run."),
  },
} as const satisfies Table<Fields>;

const incompleteMapping: Decoder<Incomplete> = mapping(ON_INCOMPLETE, (read, context) => {
  const { fields, given } = read;
  if (fields.prompt !== null) {
    const message = '"prompt" has no effect: nobody is asked during a run';
    report(context, { code: "no-effect", at: fields.prompt.keyAt, message });
  }
  const steps = onlyOne(read, context);
  if (steps === undefined) return undefined;
  const hasHandler = given.has("claude") || given.has("shell") || given.has("commands");
  return {
    steps,
    // With nothing to run there is nothing to repeat.
    maxAttempts: hasHandler ? (fields.max_attempts?.value ?? DEFAULT_ROUNDS) : 0,
    failWorkflow: fields.fail_workflow?.value ?? true,
    commitRequired: fields.commit_required?.value ?? false,
  };
});

const incompleteSteps: Decoder<Incomplete> = {
  schema: legacyCareSteps.schema,
  decode: (node, context) => {
    const decoder = node.kind === "list" ? legacyCareSteps : careSteps;
    const steps = decoder.decode(node, context);
    return steps === undefined
      ? undefined
      : { steps, maxAttempts: DEFAULT_ROUNDS, failWorkflow: true, commitRequired: false };
  },
};

const onIncomplete: Decoder<Incomplete> = byKind({
  expected: "a mapping or a list of steps",
  scalar: incompleteSteps,
  list: incompleteSteps,
  map: incompleteMapping,
});

const schemaObject: Decoder<Json> = {
  schema: { type: ["object", "boolean"] },
  decode: (node, context) => {
    const isSchema = node.kind === "map" || (node.kind === "scalar" && typeof node.value === "boolean");
    return isSchema ? json.decode(node, context) : wrongType(node, context, "a JSON Schema");
  },
};

const VALIDATE = {
  name: "validate",
  fields: {
    shell: field(actionText("shell", CARE), "A script that checks the work.", { deprecated: ["validate.command"] }),
    claude: field(actionText("claude", CARE), "A prompt that checks the work."),
    commands: field(legacyCareSteps, "Steps that check the work.", { aliases: ["steps"] }),
    result_file: field(template, "Where the result is read from instead of the last step's output."),
    threshold: field(number({ min: 0, max: 100 }), "The percentage at which the work is complete."),
    format: field(word(["json", "exit_code"]), "Whether the result is JSON, or the success of the steps."),
    timeout: field(timeLimit, "The limit for the whole validation."),
    expected_schema: field(schemaObject, "A JSON Schema that the result must match."),
    on_incomplete: field(onIncomplete, "What to do while the work is incomplete."),
  },
  needs: [["shell", "claude", "commands", "result_file"]],
} as const satisfies Table<Fields>;

type ValidateRead = Mapping<(typeof VALIDATE)["fields"]>;

const validateMapping: Decoder<Validation> = mapping(VALIDATE, (read, context) => {
  const { fields, given, at } = read;
  const steps = onlyOne(read, context);
  if (steps === undefined) return undefined;
  const hasSteps = given.has("shell") || given.has("claude") || given.has("commands");
  if (!hasSteps && !given.has("result_file")) {
    const help = "add `shell:`, `claude:` or `commands:`, or a `result_file:`";
    return report(context, { code: "missing-key", at, message: "validate checks nothing", help });
  }
  return {
    steps,
    resultFile: fields.result_file?.value ?? null,
    threshold: fields.threshold?.value ?? DEFAULT_THRESHOLD,
    format: formatOf(read, context),
    expectedSchema: fields.expected_schema?.value ?? null,
    timeoutMs: fields.timeout?.value ?? null,
    onIncomplete: fields.on_incomplete?.value ?? null,
    at: locateStep(context.out.source, at),
  };
});

const validateSteps: Decoder<Validation> = {
  schema: careSteps.schema,
  decode: (node, context) => {
    const steps = (node.kind === "list" ? legacyCareSteps : careSteps).decode(node, context);
    return steps === undefined ? undefined : byExitCode(steps, node, context);
  },
};

/** `validate:` in all its forms. A list of steps is complete when they succeed. */
export const validation: Decoder<Validation> = byKind({
  expected: "a mapping or a list of steps",
  scalar: validateSteps,
  list: validateSteps,
  map: validateMapping,
});

/** A validation that is nothing but its steps. */
export function byExitCode(steps: readonly Step[], node: SourceNode, context: Context): Validation {
  return {
    steps,
    resultFile: null,
    threshold: DEFAULT_THRESHOLD,
    format: "exit_code",
    expectedSchema: null,
    timeoutMs: null,
    onIncomplete: null,
    at: locateStep(context.out.source, node.at),
  };
}

/** Steps that say nothing of a result are judged by their success; whatever else is read must be JSON. */
function formatOf({ fields, given, at }: ValidateRead, context: Context): "json" | "exit_code" {
  if (fields.format !== null) return fields.format.value;
  const speaksOfResult = given.has("result_file") || given.has("threshold") || given.has("expected_schema");
  if (speaksOfResult) return "json";
  if (given.has("commands")) return "exit_code";
  if (given.has("shell")) {
    const message = "the output of this script must be JSON with a completion_percentage";
    const help = "write `format: exit_code` if the script's success is all that counts";
    report(context, { code: "output-must-be-json", at: fields.shell?.keyAt ?? at, message, help });
  }
  return "json";
}

interface CheckRead {
  readonly given: ReadonlySet<string>;
  readonly at: Range;
  readonly fields: Readonly<Record<"shell" | "claude" | "commands", Found<readonly Step[]> | null>>;
}

/** The value of the one key that is there, or no steps. */
function onlyOne(read: CheckRead, context: Context): readonly Step[] | undefined {
  const present = (["shell", "claude", "commands"] as const).filter((key) => read.given.has(key));
  if (present.length > 1) {
    const message = `${present.map((key) => `"${key}"`).join(" and ")} cannot stand together`;
    const help = "put them in order under `commands:`";
    return report(context, { code: "conflicting-keys", at: read.at, message, help });
  }
  const [key] = present;
  return key === undefined ? [] : read.fields[key]?.value;
}
