/** `step_validate:` of the earlier language, as a `validate:` that is decided by exit codes. */
import { pattern, template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, byKind, count, duration, integer, list, report, wordSchema, wrongType, word, CARE } from "./decode.ts";
import { field, mapping, required, tableSchema } from "./mapping.ts";
import type { Step, Validation } from "./model.ts";
import type { ScalarNode, SourceNode } from "./source-node.ts";
import { byExitCode } from "./validation.ts";

/** One command and what it must do. */
interface Check {
  readonly type: "shell" | "claude";
  readonly command: string;
  readonly exitCode: number;
  readonly output: string | null;
  readonly node: SourceNode;
}

const CHECK = {
  name: "a command of step_validate",
  fields: {
    command: field(template, "What is run."),
    expect_output: field(pattern, "A regular expression that its stdout matches."),
    expect_exit_code: field(integer({ min: 0, max: 255 }), "The exit code that it must end with."),
    command_type: field(word(["shell", "claude"]), "Who runs it."),
  },
  needs: [["command"]],
} as const;

const check: Decoder<Check> = byKind<Check>({
  expected: "a text or a mapping with `command`",
  scalar: {
    schema: template.schema,
    decode: (node, context) => {
      const written = template.decode(node, context)?.trim();
      if (written === undefined) return undefined;
      const [, type = written.startsWith("/") ? "claude" : "shell", command = written] =
        /^(claude|shell):\s*(.+)$/su.exec(written) ?? [];
      return { type: type === "claude" ? "claude" : "shell", command, exitCode: 0, output: null, node };
    },
  },
  map: {
    get schema() {
      return checkMapping.schema;
    },
    decode: (node, context) => {
      const value = checkMapping.decode(node, context);
      return value === undefined ? undefined : { ...value, node };
    },
  },
});

const checkMapping: Decoder<Omit<Check, "node">> = mapping(CHECK, (read, context) => {
  const command = required(read, "command", { name: "a command of step_validate", context });
  if (command === null) return undefined;
  const { command_type, expect_exit_code, expect_output } = read.fields;
  return {
    type: command_type?.value ?? (command.value.startsWith("/") ? "claude" : "shell"),
    command: command.value,
    exitCode: expect_exit_code?.value ?? 0,
    output: expect_output?.value ?? null,
  };
});

type Criteria = { readonly kind: "all" | "any" } | { readonly kind: "at_least"; readonly passes: number };

const AT_LEAST = {
  name: "success_criteria",
  fields: { at_least: field(count, "How many must pass.", { aliases: ["atleast", "AtLeast"] }) },
  needs: [["at_least"]],
} as const;

const criteria: Decoder<Criteria> = byKind<Criteria>({
  expected: "all, any or a mapping with `at_least`",
  scalar: {
    schema: wordSchema(["all", "any"]),
    decode: (node, context) => {
      const kind = word(["all", "any"]).decode(node, context);
      return kind === undefined ? undefined : { kind };
    },
  },
  map: mapping(AT_LEAST, (read, context): Criteria | undefined => {
    const found = required(read, "at_least", { name: "success_criteria", context });
    return found === null ? undefined : { kind: "at_least", passes: found.value };
  }),
});

const STEP_VALIDATE = {
  name: "step_validate",
  fields: {
    commands: field(list(check, { orOne: true }), "What is run."),
    success_criteria: field(criteria, "How many must pass."),
    max_attempts: field(count, "How many times each is tried."),
    retry_delay: field(duration, "The time between two attempts."),
  },
  needs: [["commands"]],
} as const;

const DEFAULT_RETRY_DELAY_MS = 5_000;

const checks: Decoder<Validation> = {
  get schema() {
    return { ...list(check, { orOne: true }).schema, minItems: 1 };
  },
  decode: (node, context) => {
    const read = list(check, { orOne: true }).decode(node, context);
    return read === undefined ? undefined : validationOf(read, { node, context, criteria: { kind: "all" } });
  },
};

export const stepValidate: Decoder<Validation> = byKind<Validation>({
  expected: "a text, a list or a mapping with `commands`",
  scalar: checks,
  list: checks,
  map: {
    get schema() {
      return tableSchema(STEP_VALIDATE);
    },
    decode: (node, context) => decodeMapping(node, context),
  },
});

function decodeMapping(node: SourceNode, context: Context): Validation | undefined {
  return mapping(STEP_VALIDATE, (read) => {
    const found = required(read, "commands", { name: "step_validate", context });
    if (found === null) return undefined;
    const { success_criteria, max_attempts, retry_delay } = read.fields;
    const made = validationOf(found.value, { node, context, criteria: success_criteria?.value ?? { kind: "all" } });
    const attempts = max_attempts?.value ?? 1;
    if (made === undefined || attempts === 1) return made;
    const delayMs = retry_delay?.value ?? DEFAULT_RETRY_DELAY_MS;
    // What only counts the checks has nothing to try again.
    const counts = made.steps.length > 1 && made.steps.some(({ onFailure }) => onFailure.kind === "tolerate");
    const tried = counts ? made.steps.length - 1 : made.steps.length;
    return {
      ...made,
      steps: made.steps.map((step, index) => (index < tried ? repeated(step, attempts, delayMs) : step)),
    };
  }).decode(node, context);
}

function repeated(step: Step, attempts: number, delayMs: number): Step {
  const backoff = { kind: "fixed" } as const;
  const onExhausted = { kind: "stop" } as const;
  const retry = {
    attempts,
    backoff,
    initialDelayMs: delayMs,
    maxDelayMs: delayMs,
    jitterFactor: 0,
    retryOn: [],
    budgetMs: null,
    onExhausted,
  };
  return { ...step, retry };
}

interface Place {
  readonly node: SourceNode;
  readonly context: Context;
  readonly criteria: Criteria;
}

function validationOf(found: readonly Check[], { node, context, criteria: wanted }: Place): Validation | undefined {
  if (found.length === 0)
    return report(context, { code: "no-steps", at: node.at, message: "step_validate has no commands" });
  if (wanted.kind === "all") {
    const steps = allOf(found.map((one) => stepOf(one, context)));
    return steps === undefined ? undefined : byExitCode(steps.flat(), node, context);
  }
  if (found.some((one) => one.type === "claude")) return countedSteps(found, { node, context, criteria: wanted });
  const steps = context.decodeSteps(shellNode(countingScript(found, wanted), node), CARE);
  return steps === undefined ? undefined : byExitCode(steps, node, context);
}

/** An agent cannot be called from a script, so that each check is a step that may fail, and the last one counts. */
function countedSteps(found: readonly Check[], { node, context, criteria: wanted }: Place): Validation | undefined {
  const ids = found.map((_, index) => `check_${node.at.start}_${index + 1}`);
  const checked = allOf(
    found.map((one, index) =>
      stepOf(one, context)?.map((step) => ({
        ...step,
        id: ids[index] ?? null,
        onFailure: { kind: "tolerate" as const },
      })),
    ),
  );
  const passed = ids.map((id) => `\${steps.${id}.success}`).join(" ");
  const count = `for passed in ${passed}; do [ "$passed" = true ] && passes=$((passes + 1)); done`;
  const script = ["passes=0", count, `[ "$passes" -ge ${passesOf(wanted)} ]`].join("\n");
  const last = context.decodeSteps(shellNode(script, node), CARE);
  return checked === undefined || last === undefined
    ? undefined
    : byExitCode([...checked.flat(), ...last], node, context);
}

function passesOf(wanted: Criteria): number {
  return wanted.kind === "at_least" ? wanted.passes : 1;
}

function stepOf(one: Check, context: Context): readonly Step[] | undefined {
  if (one.type === "shell") return context.decodeSteps(shellNode(scriptOf(one), one.node), CARE);
  if (one.exitCode !== 0 || one.output !== null) {
    return wrongType(one.node, context, "a shell command, which alone can have an expectation");
  }
  return context.decodeSteps(actionNode("claude", one.command, one.node), CARE);
}

/** A script that passes when the command does what is expected. */
function scriptOf(one: Check): string {
  if (one.exitCode === 0 && one.output === null) return one.command;
  const run = `prodigy_output=$(\n${one.command}\n)\nprodigy_status=$?\nprintf '%s\\n' "$prodigy_output"\n[ "$prodigy_status" -eq ${one.exitCode} ]`;
  if (one.output === null) return run;
  return `${run} && printf '%s\\n' "$prodigy_output" | grep -E -q -e '${one.output.replaceAll("'", "'\\''")}'`;
}

function countingScript(found: readonly Check[], wanted: Criteria): string {
  const lines = found.map((one) => `if (\n${scriptOf(one)}\n); then prodigy_passes=$((prodigy_passes + 1)); fi`);
  return ["prodigy_passes=0", ...lines, `[ "$prodigy_passes" -ge ${passesOf(wanted)} ]`].join("\n");
}

function shellNode(script: string, node: SourceNode): SourceNode {
  return actionNode("shell", script, node);
}

function actionNode(action: "claude" | "shell", value: string, { at }: SourceNode): SourceNode {
  const scalar: ScalarNode = { kind: "scalar", value, text: value, style: "quoted", at, size: 1, height: 0 };
  return { kind: "map", entries: [{ key: action, keyAt: at, value: scalar }], at, size: 2, height: 1 };
}
