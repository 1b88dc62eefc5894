import { readFile, readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { MapAction, Step, Workflow } from "./model.ts";
import { parseWorkflow } from "./parse.ts";

const compat = new URL("../../test/workflows/compat/", import.meta.url);

function good(text: string, file = "workflow.yml"): Workflow {
  const { workflow, diagnostics } = parseWorkflow(text, { file });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  if (workflow === null) throw new Error("no workflow");
  return workflow;
}

function problems(text: string): readonly string[] {
  return parseWorkflow(text, { file: "workflow.yml" }).diagnostics.map(
    ({ at, severity, code, message }) => `${at.line}:${at.column} ${severity} ${code}: ${message}`,
  );
}

function labelled(workflow: Workflow, label: string): Step {
  const step = workflow.steps.find((one) => one.label === label);
  if (step === undefined) throw new Error(`no step ${label}`);
  return step;
}

function mapOf(workflow: Workflow): MapAction {
  const { action } = labelled(workflow, "map");
  if (action.kind !== "map") throw new Error("no map");
  return action;
}

/** The steps of a phase that is a group. */
function phase(workflow: Workflow, label: string): readonly Step[] {
  const { action } = labelled(workflow, label);
  if (action.kind !== "group") throw new Error("no group");
  return action.steps;
}

/** The map action with these keys besides the two that it must have. */
function mapWith(keys: string, around = ""): MapAction {
  return mapOf(good(`map:\n  agent_template: [{claude: /a}, {shell: b}]\n  input: items.json\n${keys}${around}`));
}

function inputOf(keys: string): MapAction["input"] {
  return mapOf(good(`map:\n  agent_template: [{claude: /a}]\n${keys}`)).input;
}

describe("phases", () => {
  test("a MapReduce workflow is three steps, each at its place in the file", () => {
    const workflow = good(
      "setup: [{shell: a}]\nmap: {input: x.json, agent_template: [{shell: b}]}\nreduce: [{shell: c}]\n",
    );

    expect(workflow.mode).toBe("mapreduce");
    expect(workflow.steps.map(({ label, action, at }) => [label, action.kind, at.line])).toEqual([
      ["setup", "group", 1],
      ["map", "map", 2],
      ["reduce", "group", 3],
    ]);
  });

  test.each(["[{shell: a}, {shell: b}]", "{commands: [{shell: a}, {shell: b}]}", "{steps: [{shell: a}, {shell: b}]}"])(
    "a phase may be written as %s",
    (form) => {
      const map = "map: {input: x.json, agent_template: [{shell: b}]}";
      const workflow = good(`setup: ${form}\n${map}\nreduce: ${form}\n`);

      expect(phase(workflow, "setup").map(({ label }) => label)).toEqual(["shell: a", "shell: b"]);
      expect(phase(workflow, "reduce").map(({ label }) => label)).toEqual(["shell: a", "shell: b"]);
    },
  );

  test("one step needs no list around it, in any phase", () => {
    const step = "{shell: a, timeout: 5}";
    const workflow = good(`setup: ${step}\nmap: {input: x.json, agent_template: ${step}}\nreduce: ${step}\n`);

    const steps = [...phase(workflow, "setup"), ...mapOf(workflow).steps, ...phase(workflow, "reduce")];
    expect(steps.map(({ label, timeoutMs }) => [label, timeoutMs])).toEqual([
      ["shell: a", 5_000],
      ["shell: a", 5_000],
      ["shell: a", 5_000],
    ]);
  });

  test.each([
    ["timeout: 900", 900_000],
    ["timeout: '15m'", 900_000],
    ["timeout: $LIMIT", 60_000],
    ["timeout: ${LIMIT}", 60_000],
    ["timeout: 0", null],
  ])("a setup with %s has that limit for all of its steps", (timeout, expected) => {
    const text = `env: {LIMIT: 1m}\nsetup:\n  ${timeout}\n  commands: [{shell: a}]\nmap: {input: x, agent_template: [{shell: b}]}\n`;

    expect(labelled(good(text), "setup").timeoutMs).toBe(expected);
  });

  test("a limit that nobody gives is told at its place", () => {
    expect(
      problems("setup: {commands: [{shell: a}], timeout: $LIMIT}\nmap: {input: x, agent_template: [{shell: b}]}\n"),
    ).toEqual(['1:42 error invalid-duration: "LIMIT" has no fixed value in "env:", which this limit needs']);
  });

  test.each([
    ["reduce: [{shell: c}]", "map.total > 0", false],
    ["reduce: {commands: [{shell: c}], when_empty: skip}", "map.total > 0", false],
    ["reduce: {commands: [{shell: c}], when_empty: run}", null, false],
    ["reduce: {commands: [{shell: c}], when_empty: fail}", null, true],
  ])("%s says what happens without items", (reduce, when, fails) => {
    const workflow = good(`map: {input: x, agent_template: [{shell: b}]}\n${reduce}\n`);

    expect([labelled(workflow, "reduce").when, mapOf(workflow).failWhenEmpty]).toEqual([when, fails]);
  });

  test("environment, secrets, parameters and merge are those of any workflow", () => {
    const workflow = good(
      "env: {A: 1, T: 60}\nsecrets: {B: 'env:C'}\nparameters: {n: {type: number, default: 2}}\nmerge: {commands: [{shell: m}], timeout: $T}\nmap: {input: x, agent_template: [{shell: b}]}\n",
    );

    expect(workflow.environment.values.map(({ name }) => name)).toEqual(["A", "T"]);
    expect(workflow.environment.secrets.map(({ name }) => name)).toEqual(["B"]);
    expect(workflow.parameters.map(({ name }) => name)).toEqual(["n"]);
    expect([workflow.merge?.steps.length, workflow.merge?.timeoutMs]).toEqual([1, 60_000]);
  });
});

describe("captured outputs", () => {
  test("a place alone takes the whole output; a mapping says more", () => {
    const workflow = good(`
setup:
  commands: [{shell: a}, {shell: b}]
  capture_outputs:
    first: 0
    second:
      command_index: 1
      source: stderr
      pattern: 'v(\\d+)'
      json_path: a.0.b
      max_size: 100
      default: none
      multiline: LastLine
map: {input: x, agent_template: [{shell: b}]}
`);

    expect(phase(workflow, "setup").map(({ captures }) => captures)).toEqual([
      [
        {
          name: "first",
          source: "stdout",
          maxBytes: 1_048_576,
          pattern: null,
          multiline: "preserve",
          jsonPath: null,
          default: null,
        },
      ],
      [
        {
          name: "second",
          source: "stderr",
          maxBytes: 100,
          pattern: "v(\\d+)",
          multiline: "last_line",
          jsonPath: "a[0].b",
          default: "none",
        },
      ],
    ]);
  });

  test("a step that is not there is told", () => {
    expect(
      problems(
        "setup: {commands: [{shell: a}], capture_outputs: {x: 1}}\nmap: {input: x, agent_template: [{shell: b}]}\n",
      ),
    ).toEqual(['1:51 error out-of-range: "x" is taken from step 1, and setup has 1 step']);
  });
});

describe("input", () => {
  test.each<[string, MapAction["input"]]>([
    ["  input: items.json\n", { kind: "auto", text: "items.json" }],
    ["  input: find . -name '*.rs'\n", { kind: "auto", text: "find . -name '*.rs'" }],
    ["  input: src/**/*.ts\n", { kind: "glob", patterns: ["src/**/*.ts"] }],
    ["  input: '*.md'\n", { kind: "glob", patterns: ["*.md"] }],
    ["  input: [1, {id: a}]\n", { kind: "items", items: [1, { id: "a" }] }],
    ["  input: {file: a.json}\n", { kind: "file", path: "a.json" }],
    ["  input: {command: ls, timeout: 5}\n", { kind: "command", script: "ls", timeoutMs: 5_000 }],
    ["  input: {glob: ['*.ts', '*.js']}\n", { kind: "glob", patterns: ["*.ts", "*.js"] }],
    ["  input: {items: [a]}\n", { kind: "items", items: ["a"] }],
    ["  file: a.json\n", { kind: "file", path: "a.json" }],
    ["  command: ls\n", { kind: "command", script: "ls", timeoutMs: null }],
    ["  glob: '*.ts'\n", { kind: "glob", patterns: ["*.ts"] }],
    ["  items: [a, b]\n", { kind: "items", items: ["a", "b"] }],
  ])("%j says where the items come from", (keys, expected) => {
    expect(inputOf(keys)).toEqual(expected);
  });

  test("two places for the items are one too many", () => {
    expect(problems("map:\n  input: a\n  glob: b\n  agent_template: [{shell: b}]\n")).toEqual([
      '1:1 error conflicting-keys: a map takes its items from one place, this one names "input" and "glob"',
    ]);
  });
});

describe("selection and numbers", () => {
  test("all keys are kept, and numbers may be variables", () => {
    const map = mapWith(
      "  json_path: $.items[*]\n  filter: score > 5\n  sort_by: [score DESC, name]\n  distinct: name\n  offset: 2\n  max_items: ${LIMIT}\n  max_parallel: $WORKERS\n",
    );

    expect(map.select).toEqual({
      jsonPath: "$.items[*]",
      filter: "score > 5",
      sortBy: "score DESC, name",
      distinct: "name",
      offset: "2",
      maxItems: "${LIMIT}",
    });
    expect(map.maxParallel).toBe("${WORKERS}");
  });

  test("without a word about them all items are taken, ten at once, with no limit", () => {
    const map = mapWith("");

    expect(Object.values(map.select).every((value) => value === null)).toBe(true);
    expect([map.maxParallel, map.timeout]).toEqual(["10", { limit: null, action: "dlq", graceMs: null }]);
  });

  test("an empty json_path is none", () => {
    expect(mapWith("  json_path: ''\n").select.jsonPath).toBeNull();
  });

  test("a filter that cannot be read is underlined where it breaks", () => {
    expect(problems("map:\n  input: a\n  filter: score >\n  agent_template: [{shell: b}]\n")).toEqual([
      expect.stringMatching(/^3:\d+ error invalid-expression: /u),
    ]);
  });

  test.each([
    ["0", "2:17 error out-of-range: 0 is out of range: it must be from 1 to 1000"],
    ["60", "2:17 warning many-at-once: 60 agents at once are more than most machines and accounts bear"],
    ["many", '2:17 error wrong-type: expected a whole number, found "many"'],
  ])("max_parallel: %s is told of", (value, expected) => {
    expect(problems(`map:\n  max_parallel: ${value}\n  input: a\n  agent_template: [{shell: b}]\n`)).toEqual([
      expected,
    ]);
  });

  test("a key that is nearly right is guessed", () => {
    const { diagnostics } = parseWorkflow("map: {input: a, agent_templates: [{shell: b}], max_paralel: 3}\n", {
      file: "workflow.yml",
    });

    expect(diagnostics.map(({ help }) => help)).toEqual([
      'did you mean "agent_template"?',
      'did you mean "max_parallel"?',
    ]);
  });
});

describe("time limits", () => {
  test.each([
    ["  agent_timeout_secs: 300\n", "300"],
    ["  agent_timeout_secs: 5m\n", "5m"],
    ["  agent_timeout_secs: $LIMIT\n", "${LIMIT}"],
    ["  timeout_config: {agent_timeout_secs: 30}\n", "30"],
    ["  timeout_config: {default: 5m, per_command: 2m}\n", "5m"],
    ["  timeout_per_agent: 10m\n", "10m"],
  ])("%j limits an item", (keys, expected) => {
    expect(mapWith(keys).timeout.limit).toBe(expected);
  });

  test.each([
    ["per_agent", "PerAgent", "30", [null, null]],
    ["per_command", "PerCommand", null, [300_000, 60_000]],
    ["hybrid", "Hybrid", "30", [300_000, 60_000]],
  ])("9.1 P9: the policy may be %s or %s", (snake, camel, limit, steps) => {
    for (const policy of [snake, camel]) {
      const map = mapWith(
        `  timeout_config: {timeout_policy: ${policy}, agent_timeout_secs: 30, command_timeouts: {claude: 300, shell: 60}}\n`,
      );

      expect(map.timeout.limit).toBe(limit);
      expect(map.steps.map(({ timeoutMs }) => timeoutMs)).toEqual(steps);
    }
  });

  test("both kinds of limits hold where no policy is named", () => {
    const map = mapWith("  timeout_config: {agent_timeout_secs: 30, command_timeouts: {shell: 60}}\n");

    expect([map.timeout.limit, ...map.steps.map(({ timeoutMs }) => timeoutMs)]).toEqual(["30", null, 60_000]);
  });

  test.each(["dlq", "Dlq", "skip", "Skip", "fail", "Fail", "graceful_terminate", "GracefulTerminate"])(
    "9.1 P9: the action may be %s",
    (action) => {
      const map = mapWith(`  timeout_config: {timeout_action: ${action}, cleanup_grace_period_secs: 5}\n`);

      expect(map.timeout.action).toBe(action.replace(/(?<=[a-z])(?=[A-Z])/gu, "_").toLowerCase());
      expect(map.timeout.graceMs).toBe(5_000);
    },
  );

  test("with timeout_policy: per_command the item's limit is that of each step", () => {
    const inner = mapWith("  timeout_config: {agent_timeout_secs: 100, timeout_policy: per_command}\n");
    const outer = mapWith(
      "  agent_timeout_secs: 100\n  timeout_config: {timeout_policy: per_command, command_timeouts: {shell: 5}}\n",
    );

    expect(
      [inner, outer].map(({ timeout, steps }) => [timeout.limit, ...steps.map(({ timeoutMs }) => timeoutMs)]),
    ).toEqual([
      [null, 100_000, 100_000],
      [null, 100_000, 5_000],
    ]);
  });

  test("a place counts all steps, or where that is no such step those of its kind", () => {
    const map = mapOf(
      good(
        "map:\n  input: a\n  agent_template: [{claude: /a}, {shell: b}, {shell: c}]\n  timeout_config: {command_timeouts: {shell_0: 5, shell_2: 7}}\n",
      ),
    );

    expect(map.steps.map(({ timeoutMs }) => timeoutMs)).toEqual([null, 5_000, 7_000]);
  });

  test("per_command limits each step that has no limit of its own", () => {
    const map = mapWith("  timeout_config: {per_command: 2m, command_timeouts: {shell: 60}}\n");

    expect(map.steps.map(({ timeoutMs }) => timeoutMs)).toEqual([120_000, 60_000]);
  });

  test("a step's own limit wins, then that of its place, then that of its kind", () => {
    const map = mapOf(
      good(`
map:
  input: a
  agent_template:
    - {shell: a}
    - {shell: b}
    - {shell: c, timeout: 7}
    - {shell: d, timeout: 0}
    - {write_file: {path: a, content: b}}
  timeout_config:
    timeout_policy: per_command
    command_timeouts: {shell: 60, shell_1: 90, unknown: 5}
`),
    );

    expect(map.steps.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000, 90_000, 7_000, null, 5_000]);
  });

  test("a place that is no such step is told", () => {
    expect(
      problems(
        "map:\n  input: a\n  agent_template: [{shell: b}]\n  timeout_config:\n    command_timeouts: {claude_0: 5, shell_3: 5}\n",
      ),
    ).toEqual([
      '5:24 warning no-effect: "claude_0" has no effect: step 0 is shell',
      '5:37 warning no-effect: "shell_3" has no effect: there is no step 3',
    ]);
  });
});

describe("failures", () => {
  test("without a word failed items go to the dead letters, and the others go on", () => {
    expect(mapWith("").policy).toEqual({
      onItemFailure: { kind: "dlq" },
      continueOnFailure: true,
      maxFailures: null,
      failureThreshold: null,
      minItems: 10,
      errorCollection: { kind: "aggregate" },
      circuitBreaker: null,
      retry: null,
    });
  });

  test("the same keys stand in error_policy, beside map or inside it", () => {
    const keys = ["on_item_failure: skip", "continue_on_failure: false", "max_failures: 2", "failure_threshold: 0.2"];
    const inPolicy = mapWith("", `error_policy:\n${keys.map((key) => `  ${key}\n`).join("")}`);
    const beside = mapWith("", keys.map((key) => `${key}\n`).join(""));
    const inside = mapWith(keys.map((key) => `  ${key}\n`).join(""));

    expect(inPolicy.policy).toMatchObject({
      onItemFailure: { kind: "skip" },
      continueOnFailure: false,
      maxFailures: 2,
      failureThreshold: 0.2,
    });
    expect([beside.policy, inside.policy]).toEqual([inPolicy.policy, inPolicy.policy]);
    expect(mapWith(`  error_policy:\n${keys.map((key) => `    ${key}\n`).join("")}`).policy).toEqual(inPolicy.policy);
  });

  test("error_policy wins, and the other place is told", () => {
    const text = "max_failures: 3\nerror_policy: {max_failures: 2}\nmap: {input: a, agent_template: [{shell: b}]}\n";

    expect(mapOf(good(text)).policy.maxFailures).toBe(2);
    expect(problems(text)).toEqual([
      '1:1 warning no-effect: this "max_failures" has no effect: line 2 says something else, and wins',
    ]);
  });

  test.each(["{custom: [{shell: a}]}", "{custom: {shell: a}}", "[{shell: a}]", "!custom {shell: a}"])(
    "9.1 P10: on_item_failure may be %s",
    (form) => {
      const { onItemFailure } = mapWith("", `error_policy:\n  on_item_failure: ${form}\n`).policy;

      expect(onItemFailure.kind === "custom" && onItemFailure.steps.map(({ label }) => label)).toEqual(["shell: a"]);
    },
  );

  test.each(["my_handler", "{custom: my_handler}", "!custom my_handler"])(
    "the name of a handler is refused with what to write: %s",
    (form) => {
      const { diagnostics } = parseWorkflow(
        `map: {input: a, agent_template: [{shell: b}]}\non_item_failure: ${form}\n`,
        { file: "workflow.yml" },
      );

      expect(diagnostics.map(({ code, help }) => [code, help])).toEqual([
        ["unknown-value", "write dlq, retry, skip, stop, or `custom:` with steps"],
      ]);
    },
  );

  test.each([
    ["aggregate", { kind: "aggregate" }],
    ["Immediate", { kind: "immediate" }],
    ["batched:10", { kind: "batched", size: 10 }],
    ["{batched: 10}", { kind: "batched", size: 10 }],
    ["{batched: {size: 10}}", { kind: "batched", size: 10 }],
    ["!batched {size: 10}", { kind: "batched", size: 10 }],
  ])("9.1 P10: error_collection may be %s", (form, expected) => {
    expect(mapWith("", `error_policy:\n  error_collection: ${form}\n`).policy.errorCollection).toEqual(expected);
  });

  test.each([
    ["{backoff: fixed, initial_delay: 2s}", { kind: "fixed" }, 2_000],
    ["{backoff: !fixed {delay: {secs: 1, nanos: 500000000}}}", { kind: "fixed" }, 1_500],
    ["{backoff: {exponential: {initial: 2s, multiplier: 3}}}", { kind: "exponential", base: 3 }, 2_000],
    ["{backoff: {linear: {initial: {secs: 4}, increment: {secs: 5}}}}", { kind: "linear", incrementMs: 5_000 }, 4_000],
    ["{backoff: {type: exponential, initial: 5s, multiplier: 4}}", { kind: "exponential", base: 4 }, 5_000],
    ["{backoff: !fibonacci {initial: {secs: 6}}}", { kind: "fibonacci" }, 6_000],
  ])("9.1 P10: retry_config may be %s", (form, backoff, initialDelayMs) => {
    const { retry } = mapWith("", `error_policy:\n  retry_config: ${form}\n`).policy;

    expect(retry).toMatchObject({ attempts: 3, backoff, initialDelayMs });
  });

  test("retry without numbers tries three times; numbers alone are tried, too", () => {
    expect(mapWith("", "on_item_failure: retry\n").policy.retry?.attempts).toBe(3);
    expect(mapWith("", "retry_config: {attempts: 5}\n").policy.retry?.attempts).toBe(5);
    expect(mapWith("  retry_on_failure: 2\n").policy.retry?.attempts).toBe(3);
  });

  test("retry_defaults are about steps, and not about items", () => {
    const map = mapWith("", "retry_defaults: {attempts: 9}\nretry_config: {backoff: fixed}\n");

    expect(map.policy.retry?.attempts).toBe(3);
    expect(map.steps.map(({ retry }) => retry?.attempts)).toEqual([9, 9]);
  });

  test("the circuit breaker has the numbers of the file, and the usual ones for the rest", () => {
    expect(mapWith("", "circuit_breaker: {failure_threshold: 2, timeout: 1m}\n").policy.circuitBreaker).toEqual({
      failureThreshold: 2,
      successThreshold: 3,
      timeoutMs: 60_000,
      halfOpenRequests: 3,
    });
  });
});

test("merging the branches of agents is told to be done already", () => {
  const text =
    'map: {input: a, agent_template: [{shell: b}]}\nreduce:\n  - shell: "git merge --no-ff prodigy-agent-*"\n';

  expect(problems(text)).toEqual([
    "3:5 warning agent-branches: the items' commits are merged already; branches of agents are not there",
  ]);
});

test("keys about items are refused with the reason where there is no map", () => {
  expect(problems("error_policy: {max_failures: 2}\ncommands: [{shell: a}]\n")).toEqual([
    '1:1 error unknown-key: "error_policy" is about the items of a map, and this workflow has no "map:"',
  ]);
});

describe("merging and worktrees", () => {
  test.each([
    ["  verify: [{shell: make test}]\n", null],
    ["  verify: {commands: [{shell: make test}], batch: 5}\n", 5],
    ["  verify: {shell: make test}\n", null],
  ])("%j runs on the combined tree", (keys, batch) => {
    const { verify } = mapWith(keys);

    expect([verify?.steps.map(({ label }) => label), verify?.batch]).toEqual([["shell: make test"], batch]);
  });

  test.each([
    ["", true],
    ["  merge: always\n", true],
    ["  merge: on_commit\n", true],
    ["  merge: never\n", false],
    ["  merge: false\n", false],
  ])("with %j, commits are merged: %s", (keys, expected) => {
    expect(mapWith(keys).merge).toBe(expected);
  });

  test("what an item leaves uncommitted is committed where the file says so", () => {
    expect(mapWith("").autoCommit).toBeNull();
    expect(mapWith("  auto_commit: true\n").autoCommit?.messageTemplate).toBeNull();
    expect(mapWith("  auto_commit: {message: m}\n").autoCommit?.messageTemplate).toBe("m");
    expect(mapWith("  auto_commit: true\n  commit_config: {message: m}\n").autoCommit?.messageTemplate).toBe("m");
  });

  test("worktree settings stand in a mapping or flat", () => {
    const inner = mapWith("  worktree: {setup: [{shell: npm ci}], keep: [cache], copy: .env}\n").worktrees;
    const flat = mapWith("  setup_worktree: [{shell: npm ci}]\n  keep: [cache]\n  copy: .env\n").worktrees;

    expect(inner.setup.map(({ label }) => label)).toEqual(["shell: npm ci"]);
    expect([inner.keep, inner.copy, flat.keep, flat.copy]).toEqual([["cache"], [".env"], ["cache"], [".env"]]);
    expect(flat.setup).toHaveLength(1);
    expect(mapWith("").worktrees).toEqual({ setup: [], keep: ["node_modules", ".venv", "target"], copy: [] });
  });

  test("conflicts are reported, or delay the later item", () => {
    expect([mapWith("").conflicts, mapWith("  conflict_policy: serialize\n").conflicts]).toEqual([
      "report",
      "serialize",
    ]);
  });
});

describe("files of the earlier program", () => {
  const meanings: Readonly<Record<string, (workflow: Workflow) => unknown>> = {
    "book-docs-drift.yml": (workflow) => [mapOf(workflow).maxParallel, mapOf(workflow).policy.maxFailures],
    "capture-output-custom-vars.yml": (workflow) => mapOf(workflow).steps.map(({ capture }) => capture?.name),
    "debtmap-reduce.yml": (workflow) => [
      labelled(workflow, "setup").timeoutMs,
      mapOf(workflow).select.maxItems,
      mapOf(workflow).steps.map(({ validate }) => validate?.onIncomplete?.maxAttempts),
    ],
    "fix-files-mapreduce.yml": (workflow) => mapOf(workflow).select,
    "mapreduce-command-input.yml": (workflow) => [mapOf(workflow).input, mapOf(workflow).timeout.limit],
    "mapreduce-env-example.yml": (workflow) => [
      workflow.environment.values.filter(({ secret }) => secret).map(({ name }) => name),
      Object.keys(workflow.environment.profiles),
      workflow.merge?.steps.length,
    ],
    "mapreduce-example.yml": (workflow) => mapOf(workflow).select.sortBy,
    "minimal-mapreduce.yml": (workflow) => mapOf(workflow).steps.map(({ commitRequired }) => commitRequired),
    "test-mapreduce-context.yml": (workflow) => mapOf(workflow).input,
    "workflow-syntax-drift.yml": (workflow) => [mapOf(workflow).timeout.limit, workflow.merge?.steps.length],
  };
  const expected: Readonly<Record<string, unknown>> = {
    "book-docs-drift.yml": ["${MAX_PARALLEL}", 2],
    "capture-output-custom-vars.yml": ["analysis_result", "todo_count", undefined],
    "debtmap-reduce.yml": [900_000, "10", [3, 5, undefined, undefined]],
    "fix-files-mapreduce.yml": {
      jsonPath: "$.files[*]",
      filter: "path matches '\\.rs$' && has_issues == true",
      sortBy: "complexity DESC",
      distinct: null,
      offset: null,
      maxItems: null,
    },
    "mapreduce-command-input.yml": [{ kind: "auto", text: "find . -name '*.rs' -type f | head -20" }, "30"],
    "mapreduce-env-example.yml": [["API_TOKEN"], ["development", "production"], 4],
    "mapreduce-example.yml": "priority",
    "minimal-mapreduce.yml": [false, false, true],
    "test-mapreduce-context.yml": { kind: "auto", text: "test-items.json" },
    "workflow-syntax-drift.yml": ["300", 5],
  };

  test.each(Object.keys(expected))("%s has the meaning that its author gave it", async (file) => {
    const workflow = good(await readFile(new URL(file, compat), "utf8"), file);

    expect(workflow.steps.map(({ label }) => label)).toEqual(["setup", "map", "reduce"]);
    expect(meanings[file]?.(workflow)).toEqual(expected[file]);
  });

  test("there is a meaning above for each file", async () => {
    expect((await readdir(compat)).filter((file) => file.endsWith(".yml")).toSorted()).toEqual(Object.keys(expected));
  });
});
