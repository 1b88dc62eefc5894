/** What a step does: the value of `write_file:`, `foreach:`, `goal_seek:`, `analyze:` and `test:`. */
import { anyTemplate, template } from "./checked-text.ts";
import type { Decoder } from "./decode.ts";
import {
  WORK,
  actionText,
  bool,
  byKind,
  careSteps,
  count,
  duration,
  integer,
  json,
  list,
  map,
  number,
  report,
  scalarOf,
  timeLimit,
  word,
  workSteps,
} from "./decode.ts";
import { failureForm } from "./failure.ts";
import type { FailureForm } from "./failure.ts";
import type { Found, Mapping } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import type { AnalyzeAction, ForeachAction, GoalSeekAction, Step, WriteFileAction } from "./model.ts";

const DEFAULT_MODE = 0o644;
const DEFAULT_PARALLEL = 10;
const MAX_PARALLEL = 1_000;
const DEFAULT_GOAL_ATTEMPTS = 5;
const DEFAULT_CACHE_AGE_MS = 300_000;

/** Permission bits, as people write them: `0644`, `"644"`, `0o755`. */
const fileMode: Decoder<number> = {
  schema: { type: ["string", "integer"] },
  decode: (node, context) => {
    const scalar = scalarOf(node, context, "permission bits");
    if (scalar === undefined) return undefined;
    const digits = /^(?:0o)?([0-7]{3,5})$/u.exec(scalar.text.trim())?.[1];
    const mode = digits === undefined ? null : Number.parseInt(digits, 8);
    if (mode !== null && mode <= 0o7777) return mode;
    const help = 'write octal digits, such as "0644"';
    return report(context, {
      code: "invalid-mode",
      at: scalar.at,
      message: `"${scalar.text}" are no permission bits`,
      help,
    });
  },
};

const asJson: Decoder<string> = map(json, (value) => JSON.stringify(value, null, 2));

/** A text; a list or a mapping is written as JSON, which is YAML as well. */
const content: Decoder<string> = byKind({
  expected: "a text, a list or a mapping",
  scalar: anyTemplate,
  list: asJson,
  map: asJson,
});

const WRITE_FILE = {
  name: "write_file",
  fields: {
    path: field(template, "The file, relative to the working directory."),
    content: field(content, "What is written."),
    format: field(word(["text", "json", "yaml"]), "What the content must be; JSON and YAML are laid out anew."),
    mode: field(fileMode, "Permission bits, in octal."),
    create_dirs: field(bool, "Whether missing folders are made."),
  },
  needs: [["path"], ["content"]],
} as const;

export const writeFile: Decoder<WriteFileAction> = mapping(WRITE_FILE, (read, context) => {
  const path = required(read, "path", { name: "write_file", context });
  const content = required(read, "content", { name: "write_file", context });
  if (path === null || content === null) return undefined;
  const { format } = read.fields;
  if (content.node.kind !== "scalar" && (format === null || format.value === "text")) {
    const help = "write a text, or add `format: json` or `format: yaml`";
    const message = "the content of a text file is a text";
    return report(context, { code: "wrong-type", at: content.node.at, message, help });
  }
  return {
    kind: "write_file",
    path: path.value,
    content: content.value,
    format: read.fields.format?.value ?? "text",
    mode: read.fields.mode?.value ?? DEFAULT_MODE,
    createDirs: read.fields.create_dirs?.value ?? false,
  };
});

type ForeachInput = ForeachAction["input"];

/** `true` means a usual number at once, `false` means one. */
const parallel: Decoder<number> = {
  schema: { anyOf: [{ type: "boolean" }, integer({ min: 1, max: MAX_PARALLEL }).schema] },
  decode: (node, context) => {
    if (node.kind === "scalar" && typeof node.value === "boolean") return node.value ? DEFAULT_PARALLEL : 1;
    return integer({ min: 1, max: MAX_PARALLEL }).decode(node, context);
  },
};

const foreachInput: Decoder<ForeachInput> = byKind<ForeachInput>({
  expected: "a command or a list of items",
  scalar: map(template, (script) => ({ kind: "command", script })),
  list: map(list(json), (items) => ({ kind: "list", items })),
});

/** Keys that stand inside `foreach:`, or in the flat form beside it. */
export const FOREACH_OPTIONS = {
  do: field(workSteps, "The steps for each item."),
  parallel: field(parallel, "How many items at once."),
  shared: field(bool, "With `parallel`: all items in one tree, for steps that do not commit."),
  max_items: field(integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), "Only the first items."),
} as const;

const FOREACH = {
  name: "foreach",
  fields: {
    foreach: field(foreachInput, "A command that prints one item a line, or a list of items.", {
      aliases: ["items", "input", "in", "command", "list"],
    }),
    ...FOREACH_OPTIONS,
    continue_on_error: field(bool, "Whether other items go on after one failed."),
  },
  needs: [["foreach"], ["do"]],
} as const;

/** `foreach:` holds all, or only its items while the rest stands beside it. */
export type ForeachValue =
  | { readonly kind: "whole"; readonly action: ForeachAction }
  | { readonly kind: "input"; readonly input: ForeachInput };

const flatForeach: Decoder<ForeachValue> = map(foreachInput, (input) => ({ kind: "input", input }));

export const foreach: Decoder<ForeachValue> = byKind<ForeachValue>({
  expected: "a mapping, a command or a list of items",
  scalar: flatForeach,
  list: flatForeach,
  map: mapping(FOREACH, (read, context) => {
    const input = required(read, "foreach", { name: "foreach", context });
    const body = required(read, "do", { name: "foreach", context });
    if (input === null || body === null) return undefined;
    const action = foreachAction({ input: input.value, body: body.value }, read.fields, read.fields.continue_on_error);
    return { kind: "whole", action };
  }),
});

type ForeachOptions = Pick<Mapping<typeof FOREACH_OPTIONS>["fields"], "parallel" | "shared" | "max_items">;

/** A loop, whose options may stand in either place. */
export function foreachAction(
  core: { readonly input: ForeachInput; readonly body: readonly Step[] },
  options: ForeachOptions,
  continueOnError: Found<boolean> | null,
): ForeachAction {
  return {
    kind: "foreach",
    input: core.input,
    steps: core.body,
    parallel: options.parallel?.value ?? 1,
    shared: options.shared?.value ?? false,
    continueOnError: continueOnError?.value ?? false,
    maxItems: options.max_items?.value ?? null,
  };
}

const GOAL_SEEK = {
  name: "goal_seek",
  fields: {
    goal: field(template, "What is to be reached."),
    claude: field(actionText("claude", WORK), "A prompt that comes closer to the goal."),
    shell: field(actionText("shell", WORK), "A script that comes closer to the goal."),
    commands: field(workSteps, "Steps that come closer to the goal.", { aliases: ["steps"] }),
    score: field(careSteps, "A step that prints a score from 0 to 100.", { aliases: ["validate"] }),
    threshold: field(number({ min: 0, max: 100 }), "The score that is enough."),
    max_attempts: field(count, "How many times it is tried."),
    timeout: field(timeLimit, "The limit for the whole loop.", { deprecated: ["timeout_seconds"] }),
    fail_on_incomplete: field(bool, "Whether running out of attempts fails the step."),
  },
  needs: [["goal"], ["score"], ["claude", "shell", "commands"]],
} as const;

export const goalSeek: Decoder<GoalSeekAction> = mapping(GOAL_SEEK, (read, context) => {
  const { fields, given, at } = read;
  const goal = required(read, "goal", { name: "goal_seek", context });
  const score = required(read, "score", { name: "goal_seek", context });
  const actions = ["claude", "shell", "commands"].filter((key) => given.has(key));
  if (actions.length !== 1) {
    const code = actions.length === 0 ? "missing-action" : "several-actions";
    report(context, { code, at, message: "goal_seek has exactly one of claude, shell and commands" });
  }
  const steps = fields.claude ?? fields.shell ?? fields.commands;
  const [judge, ...others] = score?.value ?? [];
  if (others.length > 0) {
    report(context, { code: "wrong-type", at: score?.keyAt ?? at, message: "the score is one step" });
  }
  if (goal === null || steps === null || judge === undefined) return undefined;
  return {
    kind: "goal_seek",
    goal: goal.value,
    steps: steps.value,
    score: judge,
    threshold: fields.threshold?.value ?? 100,
    maxAttempts: fields.max_attempts?.value ?? DEFAULT_GOAL_ATTEMPTS,
    timeoutMs: fields.timeout?.value ?? null,
    // The goal was asked for: what has not reached it is not done.
    failOnIncomplete: fields.fail_on_incomplete?.value ?? true,
  };
});

const ANALYZE = {
  name: "analyze",
  fields: {
    max_cache_age: field(duration, "How old the facts may be."),
    force_refresh: field(bool, "Whether they are collected anew in any case."),
    cache: field(bool, "`false` is the same as `force_refresh: true`."),
    save: field(bool, "Whether they are written to .prodigy/context/analysis.json."),
    format: field(word(["json", "summary"], { pretty: "json", text: "summary" }), "How the result is printed."),
  },
} as const;

const defaultAnalysis: AnalyzeAction = {
  kind: "analyze",
  maxCacheAgeMs: DEFAULT_CACHE_AGE_MS,
  forceRefresh: false,
  save: true,
  format: "summary",
};

export const analyze: Decoder<AnalyzeAction> = byKind({
  expected: "a mapping, or true",
  scalar: {
    schema: { enum: [true, null] },
    decode: (node, context) => {
      if (node.kind === "scalar" && (node.value === null || node.value === true)) return defaultAnalysis;
      return report(context, { code: "wrong-type", at: node.at, message: "expected a mapping, or true" });
    },
  },
  map: mapping(ANALYZE, ({ fields }) => ({
    kind: "analyze",
    maxCacheAgeMs: fields.max_cache_age?.value ?? DEFAULT_CACHE_AGE_MS,
    forceRefresh: fields.force_refresh?.value ?? fields.cache?.value === false,
    save: fields.save?.value ?? true,
    format: fields.format?.value ?? "summary",
  })),
});

const TEST = {
  name: "test",
  fields: {
    command: field(template, "The script.", { aliases: ["shell"] }),
    on_failure: field(failureForm, "What to do when it fails."),
  },
  needs: [["command"]],
} as const;

export interface TestValue {
  readonly script: string;
  readonly failure: FailureForm | null;
}

/** `test:`, an older form of a shell step that brings its own `on_failure`. */
export const test: Decoder<TestValue> = byKind<TestValue>({
  expected: "a mapping with `command`, or a script",
  scalar: map(template, (script) => ({ script, failure: null })),
  map: mapping(TEST, (read, context) => {
    const command = required(read, "command", { name: "test", context });
    if (command === null) return undefined;
    return { script: command.value, failure: read.fields.on_failure?.value ?? null };
  }),
});
