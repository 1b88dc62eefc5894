/** Workflows by chance, as the reader can make them: every key, texts of every kind. They are for reading, not for running. */
import fc from "fast-check";
import type {
  AgentSettings,
  AutoCommit,
  Capture,
  EnvironmentValue,
  FailurePolicy,
  Json,
  RetryPolicy,
  Step,
  Validation,
  Workflow,
} from "../../src/workflow/model.ts";
import { firstLine, labelOf } from "../../src/workflow/step-label.ts";
import { parseTemplate } from "../../src/workflow/template.ts";
import { step, workflow } from "./steps.ts";

/** Texts that YAML might take for something else, and everything that it must escape. */
const awkward = fc.constantFrom(
  "yes",
  "null",
  "~",
  "0644",
  "1e3",
  "0x1f",
  "- a",
  "a: b",
  "a # b",
  "'",
  '"',
  "*a",
  "&a",
  "!a",
  "%a",
  "@a",
  "`a`",

  "a\n\nb\n",
  "a\n  b\n",
  "a \nb",
  "a\tb",
  "a\r\nb",
  "echo \\\n  b",
  "{a: b}",
  "[a]",
  "|",
  ">",
  "?",
  "<<",
  "=",
  "\u0007",
  "${item.name|sh}",
  "$HOME and $(pwd)",
  "$${kept}",
  "${a:-b}",
  "é\u2028ü",
  "\uFEFFa",
  "👩‍💻 ok",
  "a: |\n  b",
);
const anyChance = fc.oneof(awkward, fc.string({ unit: "binary", maxLength: 20 }), fc.lorem({ maxCount: 4 }));
const template = fc.oneof(awkward, anyChance).filter((text) => text.trim() !== "" && parseTemplate(text).ok);
const anyTemplate = fc.oneof(template, fc.constant(""));
const text = anyChance.filter((value) => value.trim() !== "");
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,8}$/u);
const condition = fc.constantFrom("true", "a > 1 && 'b' == \"c\"", "${item.x} == 'y'", "!done");
const bool = fc.boolean();
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { freq: 2 });
const milliseconds = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(60_000, 3_600_000));
const count = fc.integer({ min: 1, max: 100 });
const percent = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(0.5, 99.9));
const few = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(some, { maxLength: 3 });
const one = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(some, { minLength: 1, maxLength: 3 });
const data: fc.Arbitrary<Json> = fc
  .oneof(awkward, fc.jsonValue({ maxDepth: 2 }))
  // The text of JSON knows no -0, and drops a key that sets the prototype.
  .map((value) => JSON.parse(JSON.stringify(value)) as Json); // A JSON value by construction.

const agentSettings: fc.Arbitrary<AgentSettings> = fc.record({
  model: maybe(text),
  maxTurns: maybe(count),
  maxBudgetUsd: maybe(fc.constantFrom(0, 0.25, 5)),
  effort: maybe(text),
  systemPrompt: maybe(template),
  onInterrupt: maybe(fc.constantFrom("continue" as const, "restart" as const)),
});
const NO_AGENT: AgentSettings = {
  model: null,
  maxTurns: null,
  maxBudgetUsd: null,
  effort: null,
  systemPrompt: null,
  onInterrupt: null,
};

const at = { file: "", line: 1, column: 1, text: "" };
const environmentValue: fc.Arbitrary<EnvironmentValue["value"]> = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), template: anyTemplate }),
  fc.record({ kind: fc.constant("command" as const), script: template, cache: bool }),
  fc.record({ kind: fc.constant("conditional" as const), condition, whenTrue: anyTemplate, whenFalse: anyTemplate }),
);
const environment: fc.Arbitrary<readonly EnvironmentValue[]> = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/u), environmentValue, bool), {
    selector: ([key]) => key,
    maxLength: 3,
  })
  .map((all) => all.map(([key, value, secret]) => ({ name: key, value, secret, at })));

// Commands of a step run for each attempt.
const stepEnvironment = environment.map((all) =>
  all.map((one) => (one.value.kind === "command" ? { ...one, value: { ...one.value, cache: false } } : one)),
);

const capture: fc.Arbitrary<Capture> = fc
  .record({
    name,
    format: fc.constantFrom(
      "string" as const,
      "json" as const,
      "lines" as const,
      "number" as const,
      "boolean" as const,
    ),
    source: fc.constantFrom("stdout" as const, "stderr" as const, "both" as const),
    streams: fc.record({ stdout: bool, stderr: bool, exitCode: bool, success: bool, duration: bool }),
  })
  .map((made) => {
    const all = { stdout: true, stderr: true, exitCode: true, success: true, duration: true };
    return made.source === "stdout" ? made : { ...made, streams: all };
  });

const autoCommit: fc.Arbitrary<AutoCommit> = fc.record({
  messageTemplate: maybe(template),
  messagePattern: maybe(fc.constantFrom("^fix", "a|b")),
  sign: bool,
  author: maybe(template),
  includeFiles: maybe(few(fc.constantFrom("*.ts", "src/**"))),
  excludeFiles: few(fc.constantFrom("*.md", "out/")),
  squash: bool,
});

function retry(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<RetryPolicy> {
  return fc.record({
    attempts: fc.integer({ min: 2, max: 9 }),
    backoff: fc.oneof(
      fc.constantFrom({ kind: "fixed" as const }, { kind: "fibonacci" as const }),
      fc.record({ kind: fc.constant("linear" as const), incrementMs: milliseconds }),
      fc.record({ kind: fc.constant("exponential" as const), base: fc.constantFrom(1, 1.5, 3) }),
      fc.record({ kind: fc.constant("custom" as const), delaysMs: one(milliseconds) }),
    ),
    initialDelayMs: milliseconds,
    maxDelayMs: milliseconds,
    jitterFactor: fc.constantFrom(0, 0.3, 1),
    retryOn: few(
      fc.constantFrom(
        { kind: "network" as const },
        { kind: "rate_limit" as const },
        { kind: "pattern" as const, pattern: "a.b" },
        { kind: "exit_code" as const, code: 3 },
      ),
    ),
    budgetMs: maybe(milliseconds),
    onExhausted: fc.oneof(
      fc.constantFrom({ kind: "stop" as const }, { kind: "continue" as const }),
      steps.map((fallback) => ({ kind: "fallback" as const, steps: fallback })),
    ),
  });
}

function validation(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Validation> {
  const incomplete = fc.oneof(
    fc.record({ steps, maxAttempts: count, failWorkflow: bool, commitRequired: bool }),
    fc.record({ steps: fc.constant([]), maxAttempts: fc.constant(0), failWorkflow: bool, commitRequired: bool }),
  );
  return fc.record({
    steps,
    resultFile: maybe(template),
    threshold: percent,
    format: fc.constantFrom("json" as const, "exit_code" as const),
    expectedSchema: maybe(fc.constantFrom<Json>({ type: "object" }, true)),
    timeoutMs: maybe(milliseconds),
    onIncomplete: maybe(incomplete),
    at: fc.constant(at),
  });
}

function failure(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<FailurePolicy> {
  return fc.oneof(
    fc.constantFrom<FailurePolicy>({ kind: "fail" }, { kind: "tolerate" }),
    fc.record({
      kind: fc.constant("handle" as const),
      steps: fc.oneof(steps, fc.constant([])),
      rounds: count,
      after: fc.constantFrom("rerun" as const, "accept" as const, "replace" as const, "fail" as const),
      failWorkflow: bool,
      handlerFailureFatal: bool,
      timeoutMs: maybe(milliseconds),
    }),
  );
}

function anyAction(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Step["action"]> {
  const input = fc.oneof(
    fc.record({ kind: fc.constant("command" as const), script: template }),
    fc.record({ kind: fc.constant("list" as const), items: few(data) }),
  );
  return fc.oneof(
    fc.record({
      kind: fc.constant("agent" as const),
      agent: fc.constant("claude"),
      prompt: template,
      settings: agentSettings,
    }),
    fc.record({ kind: fc.constant("shell" as const), script: template }),
    fc.record({
      kind: fc.constant("write_file" as const),
      path: template,
      content: anyTemplate,
      format: fc.constantFrom("text" as const, "json" as const, "yaml" as const),
      mode: fc.constantFrom(0o644, 0o755, 0o4755),
      createDirs: bool,
    }),
    fc.record({
      kind: fc.constant("foreach" as const),
      input,
      steps,
      parallel: count,
      shared: bool,
      continueOnError: bool,
      maxItems: maybe(count),
    }),
    fc.record({
      kind: fc.constant("goal_seek" as const),
      goal: template,
      steps,
      score: steps.map(([first]) => first ?? step({ kind: "shell", script: "true" }, { label: "shell: true" })),
      threshold: percent,
      maxAttempts: count,
      timeoutMs: maybe(milliseconds),
      failOnIncomplete: bool,
    }),
    fc.record({
      kind: fc.constant("analyze" as const),
      maxCacheAgeMs: milliseconds,
      forceRefresh: bool,
      save: bool,
      format: fc.constantFrom("json" as const, "summary" as const),
    }),
    fc.record({ kind: fc.constant("group" as const), steps }),
  );
}

const { steps: anySteps } = fc.letrec<{ readonly steps: readonly Step[] }>((tie) => {
  const inner = tie("steps");
  const leaf = fc
    .oneof(
      template.map((script) => ({ kind: "shell" as const, script })),
      template.map((prompt) => ({ kind: "agent" as const, agent: "claude", prompt, settings: NO_AGENT })),
    )
    .map((action) => step(action, { label: labelOf(action) }));
  const rich = fc
    .record({
      action: anyAction(inner),
      given: maybe(text),
      rest: fc.record({
        id: maybe(name),
        when: maybe(condition),
        env: stepEnvironment,
        clearEnv: bool,
        workingDir: maybe(template),
        timeoutMs: maybe(milliseconds),
        retry: maybe(retry(inner)),
        capture: maybe(capture),
        outputFile: maybe(template),
        commitRequired: bool,
        autoCommit: maybe(autoCommit),
        outputs: maybe(name).map((key) => (key === null ? [] : [{ name: key, filePattern: "*.md", at }])),
        validate: maybe(validation(inner)),
        verify: bool,
        onSuccess: fc.oneof(fc.constant([]), inner),
        onExitCode: maybe(inner).map((steps) => (steps === null ? [] : [{ code: 3, steps }])),
        onFailure: failure(inner),
      }),
    })
    .map(({ action, given, rest }) =>
      step(action, { label: given === null ? labelOf(action) : firstLine(given), ...rest }),
    );
  return {
    steps: fc.oneof(
      { maxDepth: 1, depthIdentifier: "steps" },
      one(leaf),
      fc.array(rich, { minLength: 1, maxLength: 2 }),
    ),
  };
});

export const anyModel: fc.Arbitrary<Workflow> = fc
  .record({
    name: text,
    description: maybe(anyChance),
    steps: anySteps,
    merge: maybe(fc.record({ steps: anySteps, timeoutMs: maybe(milliseconds) })),
    environment: fc.record({
      inherit: bool,
      files: few(
        fc.record({
          path: template.map((path) => path.trim()),
          missing: fc.constantFrom("warn" as const, "ignore" as const, "fail" as const),
          at: fc.constant(at),
        }),
      ),
      values: environment,
      profiles: fc.dictionary(name, environment, { maxKeys: 2 }),
      secrets: fc.constantFrom(
        [],
        [{ name: "A", source: { kind: "env" as const, variable: "B" }, at }],
        [{ name: "C", source: { kind: "command" as const, script: "pass show c" }, at }],
        [{ name: "D", source: { kind: "file" as const, path: "~/d" }, at }],
      ),
      notSecret: few(text),
    }),
    parameters: maybe(fc.record({ name, description: maybe(anyChance), required: bool, default: data })).map((found) =>
      found === null ? [] : [{ ...found, type: "any" as const, validation: null }],
    ),
    agent: agentSettings,
    settings: fc.record({
      allowPathsOutside: few(template),
      maxIterations: maybe(fc.integer({ min: 1, max: 10_000 })),
    }),
  })
  .map(({ steps, ...rest }) => workflow(steps, { ...rest, name: rest.name.trim() }));
