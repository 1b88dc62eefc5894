import { distance } from "fastest-levenshtein";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { disagreement } from "../../test/kit/schema-agreement.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { renderDiagnostic } from "./diagnostic.ts";
import { parseWorkflow } from "./parse.ts";

/** Parses what must be refused, and checks what holds for every refusal. */
function refuse(text: string, file = "broken.yml"): readonly Diagnostic[] {
  const started = process.hrtime.bigint();
  const { workflow, diagnostics } = parseWorkflow(text, { file });
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6;
  expect(workflow).toBeNull();
  expect(diagnostics.filter(({ severity }) => severity === "error")).not.toEqual([]);
  expectInside(text, diagnostics);
  // Generous, for a machine that does other things meanwhile.
  expect(elapsedMs).toBeLessThan(1_000);
  return diagnostics;
}

function expectInside(text: string, diagnostics: readonly Diagnostic[]): void {
  const lines = text.split("\n");
  for (const diagnostic of diagnostics) {
    const { line, column, length } = diagnostic.at;
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
    expect(length).toBeGreaterThanOrEqual(1);
    expect(renderDiagnostic(diagnostic)).toContain(`${line}:${column}`);
  }
}

/** A workflow with nearly every key of the language, none of which may be misspelt. */
const RICH = `name: rich
description: all
version: "1"
mode: sequential
env:
  PLAIN: a
  COMMAND: {command: nproc, cache: true}
  CHOICE:
    condition: "true"
    when_true: a
    when_false: b
env_files: [.env]
secrets:
  TOKEN: {provider: env, key: TOKEN}
profiles:
  dev: {PLAIN: b}
inherit: true
not_secret: [PLAIN]
parameters:
  - name: target
    type: string
    description: where
    default: x
    required: false
retry_defaults:
  attempts: 2
agent:
  model: large
  max_turns: 5
  max_budget: 2
  effort: high
  system_prompt: be brief
  on_interrupt: restart
allow_paths_outside: [/srv/out]
commands:
  - claude: /fix
    id: fix
    commit_required: true
    auto_commit: true
    commit_config:
      message_template: done
      message_pattern: "^d"
      sign: false
      author: A <a@example.com>
      include_files: ["*.ts"]
      exclude_files: ["*.md"]
      squash: true
    outputs:
      report: {file_pattern: "*.md"}
    validate:
      claude: /check
      result_file: result.json
      threshold: 80
      format: json
      timeout: 60
      expected_schema: {type: object}
      on_incomplete:
        claude: /complete
        max_attempts: 3
        fail_workflow: true
        commit_required: false
  - shell: npm test
    when: "true"
    working_dir: sub
    clear_env: false
    timeout: 10m
    capture: result
    capture_format: json
    capture_streams:
      stdout: true
      stderr: false
      exit_code: true
      success: true
      duration: true
    output_file: out.txt
    allow_failure: false
    retry:
      attempts: 3
      backoff: {exponential: {base: 2}}
      initial_delay: 1s
      max_delay: 30s
      jitter: true
      jitter_factor: 0.2
      retry_on: [network, {pattern: x}, {exit_code: 3}]
      retry_budget: 5m
      on_failure: stop
    on_success: {shell: echo}
    on_exit_code:
      3: {shell: echo}
    on_failure:
      claude: /debug
      max_attempts: 3
      fail_workflow: false
      retry_original: true
      strategy: recovery
      handler_failure_fatal: false
  - write_file:
      path: a
      content: b
      format: text
      mode: "0644"
      create_dirs: true
  - foreach:
      foreach: ls
      do: [{shell: echo}]
      parallel: 2
      shared: false
      max_items: 3
      continue_on_error: true
  - goal_seek:
      goal: cover
      claude: /cover
      score: echo 3
      threshold: 90
      max_attempts: 3
      timeout: 1h
      fail_on_incomplete: true
  - analyze:
      max_cache_age: 300
      force_refresh: false
      save: true
      format: json
merge:
  commands: [{shell: echo}]
  timeout: 60
`;

/** Names that the author chooses are no keys of the language. */
const FREE = new Set(["PLAIN", "COMMAND", "CHOICE", "TOKEN", "dev", "report", "3"]);
/** Inside this mapping everything is allowed. */
const INSIDE_SCHEMA = "expected_schema: {";

interface Key {
  readonly name: string;
  readonly start: number;
}

function keysOf(text: string): readonly Key[] {
  return [...text.matchAll(/(?<=^|[\s{-])([A-Za-z_0-9]+):(?=\s)/gmu)].flatMap((match) => {
    const [, name = ""] = match;
    const isFree = FREE.has(name) || text.slice(0, match.index).endsWith(INSIDE_SCHEMA);
    return isFree ? [] : [{ name, start: match.index }];
  });
}

function replaceAt(text: string, key: Key, name: string): string {
  return text.slice(0, key.start) + name + text.slice(key.start + key.name.length);
}

/** Slips of the pen: a letter left out, doubled, swapped or replaced. */
function typos(name: string): readonly string[] {
  const middle = Math.floor(name.length / 2);
  return [
    name.slice(0, middle) + name.slice(middle + 1),
    name.slice(0, middle) + name.charAt(middle) + name.slice(middle),
    `${name.slice(0, -1)}q`,
    `${name}zz`,
  ].filter((typo) => typo.length > 1 && typo !== name);
}

const KEYS = keysOf(RICH);
const TYPOS = KEYS.flatMap((key) => typos(key.name).map((typo) => ({ key, typo })));

test("the workflow that is broken below is good by itself", () => {
  expect(parseWorkflow(RICH, { file: "rich.yml" }).diagnostics).toEqual([]);
});

test("the corpus is large enough", () => {
  expect(TYPOS.length + WRONG_VALUES.length + HAND_MADE.length).toBeGreaterThan(400);
});

describe("misspelt keys", () => {
  test.each(TYPOS)("$typo for $key.name at $key.start", ({ key, typo }) => {
    const text = replaceAt(RICH, key, typo);

    const diagnostics = refuse(text);

    const line = text.slice(0, key.start).split("\n").length;
    const column = key.start - text.lastIndexOf("\n", key.start - 1);
    const found = diagnostics.find(
      ({ code, at }) => code === "unknown-key" && at.line === line && at.column === column,
    );
    expect(found?.at.length).toBe(typo.length);
    const [, guess = ""] = /^did you mean "(\w+)"\?$/u.exec(found?.help ?? "") ?? [];
    expect(guess).not.toBe("");
    expect(distance(guess, typo)).toBeLessThanOrEqual(distance(key.name, typo));
  });
});

/** Keys whose value ends their line, with that value's range. */
const ONE_LINERS = [...RICH.matchAll(/^[ -]*([a-z_]+): (?=\S)/gmu)].flatMap((match) => {
  const [whole, name = ""] = match;
  const start = match.index + whole.length;
  // These take any value, or nearly any.
  const isOpen = ["expected_schema", "default", "dev", "foreach"].includes(name);
  return isOpen ? [] : [{ name, start, end: RICH.indexOf("\n", start) }];
});

/** Values that none of them takes. */
const WRONG_VALUES = ONE_LINERS.flatMap((key) => ["", "[[1]]", "{zz: 1}", "*nowhere"].map((value) => ({ key, value })));

describe("values that are missing or of a wrong kind", () => {
  test.each(WRONG_VALUES)("$key.name: $value at $key.start", ({ key, value }) => {
    const text = RICH.slice(0, key.start) + value + RICH.slice(key.end);

    const lines = refuse(text).flatMap(({ at, severity }) => (severity === "error" ? [at.line] : []));

    expect(lines).toContain(text.slice(0, key.start).split("\n").length);
  });
});

test.each([
  ["- name: test\n  run: npm test\n", ['unknown key "run" in a step', "write `shell:`"]],
  ["- prompt: /fix\n", ['unknown key "prompt" in a step', "write `claude:`"]],
  [
    "map: {input: a, agent_template: {shell: b}}\nmax_parallel: 3\n",
    ['"max_parallel" stands inside "map:", not beside it', "indent it below `map:`"],
  ],
])("a key of another place or tool is told its own: %j", (text, [message, help]) => {
  expect(refuse(text)).toMatchObject([{ message, help }]);
});

test("the schema refuses what is misspelt or of a wrong kind, too", () => {
  const misspelt = TYPOS.map(({ key, typo }) => replaceAt(RICH, key, typo));
  const wrong = WRONG_VALUES.map(({ key, value }) => RICH.slice(0, key.start) + value + RICH.slice(key.end));
  // Every tenth, because judging by a schema takes long.
  for (const text of [...misspelt, ...wrong].filter((_, index) => index % 10 === 0)) {
    expect(disagreement(text)).toBeNull();
  }
});

const step = (keys: string): string => `- shell: a\n  ${keys}\n`;

const HAND_MADE: readonly (readonly [code: string, text: string])[] = [
  ["empty-file", ""],
  ["empty-file", "\n\n"],
  ["empty-file", "# nothing\n"],
  ["empty-file", "---\n"],
  ["wrong-type", "hello"],
  ["wrong-type", "42\n"],
  ["wrong-type", "null\n"],
  ["multiple-documents", "- shell: a\n---\n- shell: b\n"],
  ["tab-indentation", "commands:\n\t- shell: a\n"],
  ["bad-indentation", "commands:\n  - shell: a\n   - shell: b\n"],
  ["yaml-syntax", "commands:\n  - shell: echo a: b\n"],
  ["yaml-syntax", 'commands:\n  - shell: "never closed\n'],
  ["yaml-syntax", "commands: [{shell: a}\n"],
  ["yaml-syntax", "- shell: a\nconfig:\n  x: 1\n"],
  ["yaml-syntax", "{\n"],
  ["yaml-syntax", "- shell: @a\n"],
  ["yaml-syntax", '- shell: "\\q"\n'],
  ["invalid-character", "- shell: a\u0000b\n"],
  ["invalid-character", "- shell: a\ud800b\n"],
  ["invalid-character", "- shell: \u001b[31m\n"],
  ["unknown-tag", "- shell: !secret a\n"],
  ["unknown-alias", "- shell: *nowhere\n"],
  ["alias-cycle", "commands: &all\n  - commands: *all\n"],
  ["alias-cycle", "- &s {shell: a, on_success: *s}\n"],
  ["bad-merge-key", "- {<<: 3, shell: a}\n"],
  ["duplicate-key", "- shell: a\n  shell: b\n"],
  ["duplicate-key", "commands: [{shell: a}]\nsteps: [{shell: a}]\n"],
  ["invalid-key", "- {[a]: b, shell: c}\n"],
  ["invalid-key", "- true: b\n  shell: c\n"],
  ["invalid-key", step("on_exit_code: {x: {shell: b}}")],
  ["invalid-key", step("on_exit_code: {256: {shell: b}}")],
  ["missing-key", "name: x\n"],
  ["no-steps", "commands: []\n"],
  ["no-steps", "[]\n"],
  ["wrong-type", "commands: 3\n"],
  ["empty-value", "commands:\n"],
  ["wrong-type", "- 3\n"],
  ["wrong-type", "- []\n"],
  ["empty-value", "- shell: ''\n"],
  ["missing-action", "- {}\n"],
  ["missing-action", "- id: x\n"],
  ["missing-action", "- name: Run the tests\n"],
  ["several-actions", "- {shell: a, claude: /b}\n"],
  ["several-actions", "- {shell: a, write_file: {path: a, content: b}}\n"],
  ["ambiguous-command", "- command: npm test\n"],
  ["invalid-duration", step("timeout: soon")],
  ["invalid-duration", step("timeout: 10x")],
  ["invalid-duration", step("timeout: -1")],
  ["invalid-duration", step("timeout: 1e99")],
  ["invalid-duration", step("timeout: .inf")],
  ["out-of-range", step("retry: 0")],
  ["wrong-type", step("retry: 1.5")],
  ["wrong-type", step("retry: many")],
  ["unknown-value", step("retry: {backoff: slow}")],
  ["conflicting-keys", step("retry: {backoff: {fixed: {}, linear: {increment: 1s}}}")],
  ["invalid-pattern", step('retry: {retry_on: [{pattern: "("}]}')],
  ["unknown-value", step("retry: {retry_on: [weather]}")],
  ["out-of-range", step("retry: {jitter_factor: 2}")],
  ["missing-key", step("retry: {on_failure: {}}")],
  ["invalid-expression", step('when: "${a} =="')],
  ["invalid-name", step('capture: "a b"')],
  ["unknown-value", step("{capture: a, capture_format: xml}").replace("{", "").replace("}", "").replace(", ", "\n  ")],
  ["wrong-type", step("commit_required: yes")],
  ["wrong-type", step("commit_required: 1")],
  ["wrong-type", step("env: [A=b]")],
  ["invalid-name", step("env: {A B: c}")],
  ["empty-value", step("env: {A: }")],
  ["wrong-type", step("env: {A: [b]}")],
  ["conflicting-keys", step("env: {A: {command: a, value: b}}")],
  ["missing-key", step("env: {A: {condition: 'true'}}")],
  ["invalid-glob", step("outputs: {a: {file_pattern: '[a'}}")],
  ["missing-key", step("outputs: {a: {}}")],
  ["invalid-pattern", step("auto_commit: {message_pattern: '['}")],
  ["missing-key", step("validate: {threshold: 3}")],
  ["out-of-range", step("validate: {shell: a, threshold: 120}")],
  ["out-of-range", step("validate: {shell: a, threshold: -1}")],
  ["conflicting-keys", step("validate: {shell: a, claude: /b}")],
  ["no-steps", step("validate: []")],
  ["out-of-range", step("validate: {shell: a, on_incomplete: {claude: /b, max_attempts: 0}}")],
  ["conflicting-keys", step("validate: {shell: a}\n  step_validate: b")],
  ["missing-key", "- write_file: {path: a}\n"],
  ["invalid-mode", "- write_file: {path: a, content: b, mode: 999}\n"],
  ["unknown-value", "- write_file: {path: a, content: b, format: xml}\n"],
  ["missing-key", "- foreach: {foreach: ls}\n"],
  ["missing-key", "- foreach: ls\n"],
  ["out-of-range", "- foreach: {foreach: ls, do: [{shell: a}], parallel: 0}\n"],
  ["conflicting-keys", "- {shell: a, do: [{shell: b}]}\n"],
  ["missing-key", "- goal_seek: {claude: /a, score: b}\n"],
  ["missing-action", "- goal_seek: {goal: a, score: b}\n"],
  ["out-of-range", "- goal_seek: {goal: a, claude: /b, score: c, threshold: 101}\n"],
  ["out-of-range", "- goal_seek: {goal: a, claude: /b, score: c, max_attempts: 0}\n"],
  ["wrong-type", "- analyze: 3\n"],
  ["unknown-value", "- handler: {name: docker, attributes: {command: test}}\n"],
  ["unknown-key", "- handler: {name: cargo, attributes: {command: test, speed: 1}}\n"],
  ["missing-key", "- handler: {name: shell, attributes: {}}\n"],
  ["missing-key", "mode: mapreduce\n"],
  ["missing-key", "name: x\nmap: {}\n"],
  ["missing-key", "map: {input: a}\n"],
  ["missing-key", "map: {agent_template: [{shell: a}]}\n"],
  ["conflicting-keys", "map: {input: a, file: b, agent_template: [{shell: a}]}\n"],
  ["conflicting-keys", "map: {input: {file: b, glob: c}, agent_template: [{shell: a}]}\n"],
  ["conflicting-keys", "map: {input: a, agent_template: [{shell: a}]}\ncommands: [{shell: a}]\n"],
  ["unknown-value", "mode: sequential\nmap: {input: a, agent_template: [{shell: a}]}\n"],
  ["out-of-range", "map: {input: a, agent_template: [{shell: a}], max_parallel: 0}\n"],
  ["wrong-type", "map: {input: a, agent_template: [{shell: a}], max_parallel: many}\n"],
  ["invalid-duration", "map: {input: a, agent_template: [{shell: a}], agent_timeout_secs: soon}\n"],
  ["invalid-expression", "map: {input: a, agent_template: [{shell: a}], filter: 'a =='}\n"],
  ["invalid-expression", "map: {input: a, agent_template: [{shell: a}], json_path: '$.a['}\n"],
  ["invalid-expression", "map: {input: a, agent_template: [{shell: a}], sort_by: 'a,'}\n"],
  ["unknown-key", "map: {input: a, agent_template: [{shell: a}], batch_size: 3}\n"],
  ["unknown-key", "map: {input: a, agent_template: [{shell: a}], reduce: []}\n"],
  ["unknown-value", "map: {input: a, agent_template: [{shell: a}]}\non_item_failure: my_handler\n"],
  ["unknown-value", "map: {input: a, agent_template: [{shell: a}]}\nerror_policy: {on_item_failure: {custom: mine}}\n"],
  ["unknown-value", "map: {input: a, agent_template: [{shell: a}]}\nerror_collection: batched\n"],
  ["out-of-range", "map: {input: a, agent_template: [{shell: a}]}\nfailure_threshold: 20\n"],
  ["invalid-key", "map: {input: a, agent_template: [{shell: a}], timeout_config: {command_timeouts: {cargo: 3}}}\n"],
  [
    "out-of-range",
    "setup: {commands: [{shell: a}], capture_outputs: {x: 1}}\nmap: {input: a, agent_template: [{shell: a}]}\n",
  ],
  ["invalid-duration", "setup: {commands: [{shell: a}], timeout: $T}\nmap: {input: a, agent_template: [{shell: a}]}\n"],
  ["unknown-value", "mode: random\ncommands: [{shell: a}]\n"],
  ["missing-key", "imports: [{}]\ncommands: [{shell: a}]\n"],
  ["unreadable-file", "imports: [{path: https://example.com/a.yml}]\ncommands: [{shell: a}]\n"],
  ["unreadable-file", "extends: a\ncommands: [{shell: a}]\n"],
  ["missing-key", "template: {}\ncommands: [{shell: a}]\n"],
  ["not-supported-yet", "workflows: {a: {source: b.yml, working_dir: c}}\n"],
  ["empty-value", "workflows: {}\ncommands: [{shell: a}]\n"],
  ["missing-key", "- workflow: {with: {a: b}}\n"],
  ["conflicting-keys", "- {shell: a, with: {b: c}}\n"],
  ["unreadable-file", "- use: base\n"],
  ["unknown-key", "timeout: 5\ncommands: [{shell: a}]\n"],
  ["duplicate-key", "parameters: [a, a]\ncommands: [{shell: a}]\n"],
  ["wrong-type", "parameters: [{name: a, type: number, default: x}]\ncommands: [{shell: a}]\n"],
  ["missing-key", "secrets: {A: {provider: env}}\ncommands: [{shell: a}]\n"],
  ["invalid-name", "secrets: {A: {provider: no name, key: a}}\ncommands: [{shell: a}]\n"],
  ["missing-key", "merge: {timeout: 5}\ncommands: [{shell: a}]\n"],
];

describe("hand-made faults", () => {
  test.each(HAND_MADE)("%s: %j", (code, text) => {
    expect(refuse(text).map((diagnostic) => diagnostic.code)).toContain(code);
    expect(disagreement(text)).toBeNull();
  });
});

describe("files that would hurt", () => {
  const nested = (levels: number): string => `${"[".repeat(levels)}a${"]".repeat(levels)}`;
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x, x, x]",
    ..."bcdefghi".split("").map((name, at) => `${name}: &${name} [${Array(10).fill(`*${"abcdefgh"[at]}`).join(", ")}]`),
  ].join("\n");

  test.each([
    ["nesting-too-deep", "flow lists", nested(100_000)],
    ["nesting-too-deep", "flow mappings", "{".repeat(50_000)],
    ["nesting-too-deep", "lists in one line", "- ".repeat(50_000)],
    ["nesting-too-deep", "questions", "? ".repeat(50_000)],
    [
      "nesting-too-deep",
      "indented mappings",
      Array.from({ length: 1_000 }, (_, at) => `${" ".repeat(at)}a:`).join("\n"),
    ],
    ["nesting-too-deep", "lists that the parser could read", nested(70)],
    ["alias-bomb", "aliases", bomb],
    ["file-too-large", "text", "#".repeat(4 * 1024 * 1024 + 1)],
    ["too-many-steps", "steps", "- shell: a\n".repeat(10_001)],
    ["empty-value", "a long line", `- {name: "${"x".repeat(1_000_000)}", shell: }\n`],
  ])("%s: %s", (code, _, text) => {
    const before = process.cpuUsage();
    const { workflow, diagnostics } = parseWorkflow(text, { file: "big.yml" });

    expect(workflow).toBeNull();
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
    expectInside(text, diagnostics);
    // The largest of these are at the limits; a second of computing is what they take on a slow machine.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(4_000);
  });

  test("more than 500 problems are cut off with a word about it", () => {
    const { diagnostics } = parseWorkflow("- shel: a\n".repeat(2_000), { file: "many.yml" });

    expect(diagnostics).toHaveLength(501);
    expect(diagnostics.at(-1)?.code).toBe("too-many-problems");
  });
});

test("whatever is cut out of or put into a workflow, it is either good or refused with a place", () => {
  const scraps = [
    "\t",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "&a ",
    "*a ",
    "<<: ",
    "!x ",
    "|\n",
    "#",
    "\r\n",
    "\u0000",
    "${",
    "\ud83d",
    "? ",
    "---\n",
    "0x",
    "~",
    "null",
  ];
  const change = fc.record({ at: fc.nat(RICH.length), remove: fc.nat(12), insert: fc.constantFrom("", ...scraps) });

  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let text = RICH;
      for (const { at, remove, insert } of changes) text = text.slice(0, at) + insert + text.slice(at + remove);
      const { workflow, diagnostics } = parseWorkflow(text, { file: "mutant.yml" });
      expect(workflow === null).toBe(diagnostics.some(({ severity }) => severity === "error"));
      expectInside(text, diagnostics);
    }),
    { seed: 20_240_501, numRuns: 200 },
  );
});
