import { spawnSync } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Step, Workflow } from "./model.ts";
import { parseWorkflow } from "./parse.ts";

const fixtures = new URL("../../test/workflows/", import.meta.url);

/** The workflow of a text that must be good. */
function good(text: string, file = "workflow.yml"): Workflow {
  const { workflow, diagnostics } = parseWorkflow(text, { file });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  if (workflow === null) throw new Error("no workflow");
  return workflow;
}

function firstStep(text: string): Step {
  const [step] = good(text).steps;
  if (step === undefined) throw new Error("no step");
  return step;
}

function problems(text: string, file = "workflow.yml"): readonly string[] {
  return parseWorkflow(text, { file }).diagnostics.map(
    ({ at, severity, code, message }) => `${at.line}:${at.column} ${severity} ${code}: ${message}`,
  );
}

describe("files of the earlier program", () => {
  test.each([
    ["capture-conditional-flow.yml", 10],
    ["complex-build-pipeline.yml", 3],
    ["coverage.yml", 5],
    ["documentation-maintain.yml", 12],
    ["environment-example.yml", 5],
    ["implement.yml", 3],
    ["product-enhancement-workflow.yml", 3],
    ["spec.yml", 3],
    ["standard-workflow.yml", 7],
    ["tech-debt.yml", 4],
    ["test-sensitive-masking.yml", 2],
    ["test-sequential-resume.yml", 5],
  ])("%s parses to %i steps", async (file, count) => {
    expect(good(await readFile(new URL(file, fixtures), "utf8"), file).steps).toHaveLength(count);
  });

  test("there is a line above for each file", async () => {
    const files = (await readdir(fixtures)).filter((file) => file.endsWith(".yml"));
    expect(files).toHaveLength(12);
  });

  test("the environment example keeps all of its environment", async () => {
    const text = await readFile(new URL("environment-example.yml", fixtures), "utf8");

    const { environment, steps } = good(text);

    expect(environment.values.map(({ name, value }) => [name, value])).toEqual([
      ["NODE_ENV", { kind: "text", template: "production" }],
      ["API_URL", { kind: "text", template: "https://api.example.com" }],
      ["WORKERS", { kind: "command", script: "nproc 2>/dev/null || echo 4", cache: true }],
      [
        "DEPLOY_ENV",
        { kind: "conditional", condition: "${branch} == 'main'", whenTrue: "production", whenFalse: "staging" },
      ],
    ]);
    expect(environment.secrets.map(({ name, source }) => [name, source])).toEqual([
      ["API_KEY", { kind: "env", variable: "SECRET_API_KEY" }],
    ]);
    expect(environment.files).toMatchObject([{ path: ".env.production", missing: "warn" }]);
    expect(Object.keys(environment.profiles)).toEqual(["development", "testing"]);
    expect(steps.map(({ label, action }) => [label, action.kind])).toEqual([
      ["Show environment", "shell"],
      ["Build frontend", "shell"],
      ["Run tests", "shell"],
      ["Deploy application", "shell"],
      ["Cleanup", "shell"],
    ]);
    expect(steps[4]?.clearEnv).toBe(true);
  });

  test("a step's own fail_workflow: false tolerates its failure", async () => {
    const text = await readFile(new URL("documentation-maintain.yml", fixtures), "utf8");

    expect(good(text).steps.at(-1)?.onFailure).toEqual({ kind: "tolerate" });
  });
});

describe("one form", () => {
  test.each([
    ["a list", "- shell: a\n"],
    ["commands", "commands:\n  - shell: a\n"],
    ["steps", "steps:\n  - shell: a\n"],
    ["JSON with tabs", '{\n\t"commands": [\n\t\t{"shell": "a"}\n\t]\n}'],
    ["a JSON list", '[{"shell": "a"}]'],
    ["one step without a list", "commands:\n  shell: a\n"],
    ["a byte order mark and CRLF", "\uFEFFcommands:\r\n  - shell: a\r\n"],
  ])("%s gives the same steps", (_, text) => {
    const steps = good(text).steps;
    expect(steps).toHaveLength(1);
    expect(steps[0]?.action).toEqual({ kind: "shell", script: "a" });
  });

  test("a workflow without a name is called like its file", () => {
    expect(good("- shell: a", "some/where/fix it.yaml").name).toBe("fix it");
    expect(good("name: mine\ncommands: [{shell: a}]").name).toBe("mine");
  });

  test("anchors, aliases and merge keys are filled in; a mapping's own keys win", () => {
    const text = [
      "env: &env {A: 1, B: 2}",
      "commands:",
      "  - &base {shell: one, timeout: 5, env: {<<: *env, B: 3}}",
      "  - {<<: *base, shell: two}",
      "  - *base",
    ].join("\n");

    const { steps } = good(text);

    expect(steps.map(({ action, timeoutMs }) => [action, timeoutMs])).toEqual([
      [{ kind: "shell", script: "one" }, 5_000],
      [{ kind: "shell", script: "two" }, 5_000],
      [{ kind: "shell", script: "one" }, 5_000],
    ]);
    expect(steps[0]?.env.map(({ name, value }) => [name, value])).toEqual([
      ["B", { kind: "text", template: "3" }],
      ["A", { kind: "text", template: "1" }],
    ]);
  });

  test("a step knows its place in the file", () => {
    expect(good("# a\ncommands:\n  - name: x\n    shell: a\n").steps[0]?.at).toEqual({
      file: "workflow.yml",
      line: 3,
      column: 5,
      text: "  - name: x",
    });
  });

  test("the result is plain JSON", () => {
    const workflow = good("- shell: a\n  retry: 2\n  validate: [{shell: b}]\n  on_failure: {claude: /x}\n");

    expect(JSON.parse(JSON.stringify(workflow))).toEqual(workflow);
  });
});

describe("what the earlier program promised and did not do", () => {
  test("9.1 P1: env values may be numbers, truth values, commands and conditions", () => {
    const text =
      "env:\n  N: 4\n  F: 1.0\n  B: true\n  C: {command: nproc}\n  S: {secret: true, value: x}\ncommands: [{shell: a}]\n";

    expect(good(text).environment.values.map(({ name, value, secret }) => [name, value, secret])).toEqual([
      ["N", { kind: "text", template: "4" }, false],
      ["F", { kind: "text", template: "1.0" }, false],
      ["B", { kind: "text", template: "true" }, false],
      ["C", { kind: "command", script: "nproc", cache: true }, false],
      ["S", { kind: "text", template: "x" }, true],
    ]);
  });

  test("9.1 P2: name is a label and never a command beside an action", () => {
    const step = firstStep("- name: Run tests\n  shell: npm test\n");

    expect([step.label, step.action]).toEqual(["Run tests", { kind: "shell", script: "npm test" }]);
  });

  test("9.1 P3: keys of both old schemas work in one step", () => {
    const text = [
      "- shell: a",
      "  id: one",
      "  retry: {attempts: 2, backoff: fixed}",
      "  env: {X: 1}",
      "  working_dir: sub",
      "  on_exit_code: {3: {shell: b}}",
      "  auto_commit: true",
      "  capture: result",
      "  capture_streams: both",
      "  outputs: {f: {file_pattern: '*.md'}}",
    ].join("\n");

    const step = firstStep(text);

    expect(step).toMatchObject({ id: "one", workingDir: "sub", retry: { attempts: 2, backoff: { kind: "fixed" } } });
    expect(step.capture).toMatchObject({ name: "result", source: "both", streams: { stderr: true } });
    expect(step.onExitCode.map(({ code, steps }) => [code, steps.length])).toEqual([[3, 1]]);
    expect(step.autoCommit).not.toBeNull();
    expect(step.outputs.map(({ name, filePattern }) => [name, filePattern])).toEqual([["f", "*.md"]]);
  });

  test("9.1 P4: unknown keys are errors at every level", () => {
    const text =
      "nam: x\ncommands:\n  - shell: a\n    validate: {shell: b, treshold: 3, format: json}\n    retry: {atempts: 2}\n";

    expect(parseWorkflow(text, { file: "w.yml" }).diagnostics.map(({ help }) => help)).toEqual([
      'did you mean "name"?',
      'did you mean "threshold"?',
      'did you mean "attempts"?',
    ]);
  });

  test("9.1 P6: what kind of workflow it is does not depend on comments or scripts", () => {
    const text = '# mode: mapreduce\n- shell: "echo mode: mapreduce; echo template: parameters:"\n';

    expect(good(text).steps).toHaveLength(1);
  });

  test.each(["mode: mapreduce\n", "mode: 'mapreduce'\n", "mode: MapReduce\n", "mode: map-reduce\n", ""])(
    "9.1 P6: %j before a map makes a MapReduce workflow",
    (mode) => {
      const { steps, mode: found } = good(`name: x\n${mode}map: {input: a.json, agent_template: [{shell: b}]}\n`);

      expect([found, ...steps.map(({ label }) => label)]).toEqual(["mapreduce", "map"]);
    },
  );

  test("9.1 P10: a back-off is a word or a mapping", () => {
    const backoffs = [
      "exponential",
      "{exponential: {base: 3}}",
      "{exponential: }",
      "{type: linear, increment: 2s}",
      "fibonacci",
      "{custom: {delays: [1s, {secs: 2, nanos: 0}]}}",
    ];

    expect(backoffs.map((text) => firstStep(`- {shell: a, retry: {backoff: ${text}}}`).retry?.backoff)).toEqual([
      { kind: "exponential", base: 2 },
      { kind: "exponential", base: 3 },
      { kind: "exponential", base: 2 },
      { kind: "linear", incrementMs: 2_000 },
      { kind: "fibonacci" },
      { kind: "custom", delaysMs: [1_000, 2_000] },
    ]);
  });

  test.each([
    ["- {shell: a, on_failure: [{shell: b}, {claude: /c}]}\n", ["shell: b", "claude: /c"]],
    ["- {claude: /a, on_failure: [{shell: b}, {claude: /c}]}\n", ["shell: b", "claude: /c"]],
    ["- {shell: a, on_failure: {claude: /c}}\n", ["claude: /c"]],
    ["- {shell: a, on_failure: {commands: [{shell: b}], max_attempts: 2}}\n", ["shell: b"]],
    ["- {shell: a, on_failure: echo b}\n", ["shell: echo b"]],
  ])("9.1 P7: on_failure takes steps in any form: %j", (text, labels) => {
    const { onFailure } = firstStep(text);

    expect(onFailure.kind === "handle" && onFailure.steps.map(({ label }) => label)).toEqual(labels);
  });

  test("9.1 P8: a handler keeps all that it says", () => {
    const { onFailure } = firstStep(
      "- {shell: a, on_failure: {shell: b, commit_required: true, when: x, timeout: 5, on_success: [{shell: c}]}}\n",
    );
    const [handler] = onFailure.kind === "handle" ? onFailure.steps : [];

    expect(handler).toMatchObject({ commitRequired: true, when: "x", onSuccess: [{ label: "shell: c" }] });
    expect(handler?.timeoutMs ?? (onFailure.kind === "handle" && onFailure.timeoutMs)).toBe(5_000);
  });

  test("blocks whose text is not indented are all told, and nothing that follows from them", () => {
    const text =
      "- shell: |\n  cat << EOF\n  a: b\n  EOF\n  name: x\n- shell: |\n\n  echo '{\n    1\n  }'\n- shell: |\n    good\n";

    expect(problems(text)).toEqual([
      '2:3 error bad-indentation: this is the text of "- shell: |", and is not indented below its key',
      '8:3 error bad-indentation: this is the text of "- shell: |", and is not indented below its key',
    ]);
  });

  test("the content of a JSON or YAML file may be data", () => {
    const { action } = firstStep("- write_file: {path: a, format: yaml, content: {url: '${URL}', list: [1]}}\n");

    expect(action.kind === "write_file" && JSON.parse(action.content)).toEqual({ url: "${URL}", list: [1] });
    expect(problems("- write_file: {path: a, content: {b: 1}}\n")).toEqual([
      "1:25 error wrong-type: the content of a text file is a text",
    ]);
  });

  test("9.1 P9: words may be written in CamelCase", () => {
    expect(firstStep("- {shell: a, retry: {retry_on: [ServerError, rate-limit]}}").retry?.retryOn).toEqual([
      { kind: "server_error" },
      { kind: "rate_limit" },
    ]);
  });

  test("9.1 P11: retry_config works, with a warning that names retry", () => {
    const text = "- shell: a\n  retry_config: {max_attempts: 4}\n";

    expect(firstStep(text).retry?.attempts).toBe(4);
    expect(problems(text)).toEqual(['2:3 warning deprecated-spelling: "retry_config" is an old spelling']);
  });

  test("9.1 P12: parameters in short form and with capitals", () => {
    const text =
      "parameters:\n  required: [target, {name: n, type: Number}]\n  optional: [{name: o, type: string, default: x}]\ncommands: [{shell: a}]\n";

    expect(good(text).parameters).toEqual([
      { name: "target", type: "any", description: null, required: true, default: null, validation: null },
      { name: "n", type: "number", description: null, required: true, default: null, validation: null },
      { name: "o", type: "string", description: null, required: false, default: "x", validation: null },
    ]);
  });

  test("9.1 P14: capture_format: text is string, and other words are errors", () => {
    expect(firstStep("- {shell: a, capture: x, capture_format: text}").capture?.format).toBe("string");
    expect(problems("- {shell: a, capture: x, capture_format: xml}")).toEqual([
      '1:42 error unknown-value: "xml" is not one of string, json, lines, number, boolean',
    ]);
  });

  test("9.2 S10: old commands keep their arguments", () => {
    const text =
      "- prodigy-implement-spec $ARG\n- {name: prodigy-review, args: [a, 'b c'], options: {max: 3, fast: true}}\n- /prodigy-lint\n- {name: prodigy-lint, commit_required: true}\n";

    expect(
      good(text).steps.map(({ action, commitRequired }) => [action.kind === "agent" && action.prompt, commitRequired]),
    ).toEqual([
      ["/prodigy-implement-spec $ARG", true],
      ['/prodigy-review a "b c" --max 3 --fast', false],
      ["/prodigy-lint", false],
      ["/prodigy-lint", true],
    ]);
  });
});

describe("steps", () => {
  test("the flat and the nested foreach are one", () => {
    const nested = firstStep(
      "- foreach: {foreach: ls, do: [{shell: 'x ${item}'}], parallel: true, max_items: 3, continue_on_error: true}",
    );
    const flat = firstStep(
      "- foreach: ls\n  do: [{shell: 'x ${item}'}]\n  parallel: true\n  max_items: 3\n  continue_on_error: true\n",
    );

    expect(flat.action).toMatchObject({
      kind: "foreach",
      parallel: 10,
      maxItems: 3,
      continueOnError: true,
      shared: false,
    });
    expect(flat.onFailure).toEqual({ kind: "fail" });
    expect(strip(flat.action)).toEqual(strip(nested.action));
  });

  test("a list of items may hold any values", () => {
    const step = firstStep("- {foreach: [1, a, {b: c}], do: {shell: x}, parallel: 2}");

    expect(step.action).toMatchObject({ input: { kind: "list", items: [1, "a", { b: "c" }] }, parallel: 2 });
  });

  test("goal_seek in full", () => {
    const step = firstStep(
      "- goal_seek: {goal: cover, claude: /cover, validate: 'score.sh', threshold: 80, max_attempts: 3, timeout: 1h}",
    );

    expect(step.label).toBe("goal_seek: cover");
    expect(step.action).toMatchObject({
      kind: "goal_seek",
      steps: [{ action: { kind: "agent", prompt: "/cover" } }],
      score: { action: { kind: "shell", script: "score.sh" } },
      threshold: 80,
      maxAttempts: 3,
      timeoutMs: 3_600_000,
      failOnIncomplete: true,
    });
  });

  test("write_file reads its mode as octal, quoted or not", () => {
    const modes = ["0755", '"0755"', "0o755", "755"];

    expect(modes.map((mode) => firstStep(`- write_file: {path: a, content: "", mode: ${mode}}`).action)).toEqual(
      modes.map(() => ({ kind: "write_file", path: "a", content: "", format: "text", mode: 0o755, createDirs: false })),
    );
  });

  test.each(["analyze:", "analyze: true", "analyze: {}"])("%s has its defaults", (text) => {
    expect(firstStep(`- ${text}`).action).toEqual({
      kind: "analyze",
      maxCacheAgeMs: 300_000,
      forceRefresh: false,
      save: true,
      format: "summary",
    });
  });

  test("a truth value is a script as good as any", () => {
    expect(firstStep("- shell: true").action).toEqual({ kind: "shell", script: "true" });
  });

  test("capture_output: true keeps the result under the name of its kind", () => {
    const steps = ["shell: a", "claude: /a", "test: {command: a}", "analyze: true"];

    expect(steps.map((text) => firstStep(`- {${text}, capture_output: true}`).capture?.name)).toEqual([
      "shell.output",
      "claude.output",
      "test.output",
      "analyze.output",
    ]);
  });

  test("step_validate becomes a validation that is decided by exit codes", () => {
    const forms = [
      "npm test",
      "[npm test, 'claude: /check']",
      "{commands: [{command: a, expect_exit_code: 3}], max_attempts: 2, retry_delay: 1}",
    ];

    const found = forms.map((text) => firstStep(`- {shell: x, step_validate: ${text}}`).validate);

    expect(found.map((validate) => [validate?.format, validate?.steps.map(({ action }) => action.kind)])).toEqual([
      ["exit_code", ["shell"]],
      ["exit_code", ["shell", "agent"]],
      ["exit_code", ["shell"]],
    ]);
    expect(found[2]?.steps[0]?.retry).toMatchObject({ attempts: 2, initialDelayMs: 1_000 });
  });

  test("metadata is an older place for keys of the step", () => {
    const step = firstStep(
      "- {claude: /a, metadata: {retries: 2, timeout: 5, continue_on_error: true, commit_required: true, env: {A: b}}}",
    );

    expect(step).toMatchObject({
      retry: { attempts: 3 },
      timeoutMs: 5_000,
      onFailure: { kind: "tolerate" },
      commitRequired: true,
    });
    expect(step.env.map(({ name }) => name)).toEqual(["A"]);
  });

  test("a text is an agent command in a list of steps, and a script in a handler", () => {
    const step = firstStep("- {shell: a, on_failure: [make fix, /fix], validate: {commands: [check]}}");

    expect(step.onFailure).toMatchObject({
      steps: [{ action: { script: "make fix" } }, { action: { prompt: "/fix" } }],
    });
    expect(step.validate?.steps).toMatchObject([{ action: { prompt: "/check" }, commitRequired: false }]);
  });

  test.each([
    ["{command: 'exit 3', expect_exit_code: 3}", "all", 0],
    ["{command: 'echo abc', expect_output: '^a.c$'}", "all", 0],
    ["{command: 'echo abd', expect_output: '^a.c$'}", "all", 1],
    ["{command: 'exit 1'}, {command: 'exit 3', expect_exit_code: 3}", "any", 0],
    ["{command: 'exit 1'}, {command: 'true'}", "{at_least: 2}", 1],
  ])("step_validate of %s with %s ends with %i", (commands, criteria, status) => {
    const step = firstStep(`- {shell: x, step_validate: {commands: [${commands}], success_criteria: ${criteria}}}`);
    const action = step.validate?.steps[0]?.action;

    expect(spawnSync("sh", ["-c", action?.kind === "shell" ? action.script : "exit 99"]).status).toBe(status);
  });

  test("retry_defaults reach work, and neither handlers nor checks", () => {
    const text = [
      "retry_defaults: {attempts: 4, initial_delay: 5s}",
      "commands:",
      "  - {shell: a, on_failure: {shell: fix}, validate: [{shell: check}]}",
      "  - {shell: b, retry: false}",
      "  - {shell: c, retry: {attempts: 2}}",
    ].join("\n");

    const [first, second, third] = good(text).steps;

    expect(first?.retry).toMatchObject({ attempts: 4, initialDelayMs: 5_000 });
    expect(first?.onFailure).toMatchObject({ kind: "handle", steps: [{ retry: null }] });
    expect(first?.validate?.steps[0]?.retry).toBeNull();
    expect(second?.retry).toBeNull();
    expect(third?.retry).toMatchObject({ attempts: 2, initialDelayMs: 5_000 });
  });

  test("a timeout of 0 is none", () => {
    expect(
      ["0", "90", "1h30m", "500ms", '"2.5s"'].map((text) => firstStep(`- {shell: a, timeout: ${text}}`).timeoutMs),
    ).toEqual([null, 90_000, 5_400_000, 500, 2_500]);
  });

  test("validate in all its forms", () => {
    const forms = [
      "[{shell: a}]",
      "a",
      "{shell: a, threshold: 80}",
      "{commands: [{shell: a}]}",
      "{commands: [{shell: a}], result_file: r}",
      "{result_file: r}",
      "{shell: a, format: exit_code}",
    ];

    expect(
      forms
        .map((text) => firstStep(`- {shell: x, validate: ${text}}`).validate)
        .map((validate) => [validate?.format, validate?.steps.length, validate?.threshold]),
    ).toEqual([
      ["exit_code", 1, 100],
      ["exit_code", 1, 100],
      ["json", 1, 80],
      ["exit_code", 1, 100],
      ["json", 1, 100],
      ["json", 0, 100],
      ["exit_code", 1, 100],
    ]);
  });

  test("a label is the first line of the action, cut at 80 characters", () => {
    expect(firstStep(`- shell: |\n    ${"x".repeat(100)}\n    second\n`).label).toBe(`shell: ${"x".repeat(73)}`);
    expect(firstStep("- claude: /fix $ARG").label).toBe("claude: /fix $ARG");
  });
});

describe("secrets", () => {
  test.each([
    ["TOKEN", { kind: "env", variable: "TOKEN" }],
    ['"${env:TOKEN}"', { kind: "env", variable: "TOKEN" }],
    ['"${env.TOKEN}"', { kind: "env", variable: "TOKEN" }],
    ["$TOKEN", { kind: "env", variable: "TOKEN" }],
    ["env:TOKEN", { kind: "env", variable: "TOKEN" }],
    ["file:~/.token", { kind: "file", path: "~/.token" }],
    ["cmd:pass show x", { kind: "command", script: "pass show x" }],
    ["{provider: file, key: a/b}", { kind: "file", path: "a/b" }],
    ["{command: pass show x}", { kind: "command", script: "pass show x" }],
  ])("%s", (text, source) => {
    expect(good(`secrets: {S: ${text}}\ncommands: [{shell: a}]`).environment.secrets[0]?.source).toEqual(source);
  });
});

describe("problems", () => {
  test("all of them are reported at once, in the order of the file", () => {
    const text = [
      "commands:",
      "  - shell: a",
      "    timeout: soon",
      "    when: '${a} =='",
      "  - claude: /x",
      "    shell: y",
      "  - name: Run tests",
      "  - shell:",
      "  - shell: [a]",
      "extends: base.yml",
    ].join("\n");

    expect(problems(text)).toEqual([
      '3:14 error invalid-duration: "soon" is not a duration',
      "4:19 error invalid-expression: the expression ends where a value is needed",
      '5:5 error several-actions: a step has one action, this one has "claude" and "shell"',
      "7:5 error missing-action: a step needs an action",
      '8:5 error empty-value: "shell" has no value',
      "9:5 error wrong-type: expected a text, found a list",
      '10:10 error unreadable-file: the base "base.yml" cannot be read: only a text was given, and no way to other files',
    ]);
  });

  test("a handler that cannot run is a warning", () => {
    expect(problems("- {shell: 'a || true', on_failure: {claude: /fix}}")).toEqual([
      "1:24 warning never-runs: this on_failure can never run: the script always ends with success",
    ]);
  });

  test("a problem in a template is shown where it stands, also in a block", () => {
    const [problem] = parseWorkflow("- shell: |\n    echo fine\n    echo ${step.files_added:json|nofilter(}\n", {
      file: "w.yml",
    }).diagnostics;

    expect([problem?.code, problem?.at.line, problem?.at.column]).toEqual(["invalid-template", 3, 10]);
  });
});

/** Without places, which differ between two spellings. */
function strip(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === "at" ? undefined : part)));
}
