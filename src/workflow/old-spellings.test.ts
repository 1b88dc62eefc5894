import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { fixWorkflow } from "./fix.ts";
import { oldSpellingRows } from "./old-spellings.ts";
import { parseWorkflow } from "./parse.ts";

test("docs/workflow.md has the table of old spellings", () => {
  const page = readFileSync(new URL("../../docs/workflow.md", import.meta.url), "utf8");
  const table = ["| written | means | `--fix` |", "| --- | --- | --- |", ...oldSpellingRows()];

  expect(page).toContain(`\n${table.join("\n")}\n`);
});

const CASES: readonly (readonly [string, string, string])[] = [
  [
    "a test with its handler",
    "- test:\n    command: make # c\n    on_failure:\n      claude: /fix\n  timeout: 5\n",
    "- shell: make # c\n  on_failure:\n    claude: /fix\n  timeout: 5\n",
  ],
  ["a test that is a text", "- test: make\n", "- shell: make\n"],
  [
    "a test in one line",
    "- test: {command: make, on_failure: {claude: /fix}} # c\n",
    "- shell: make\n  on_failure: {claude: /fix} # c\n",
  ],
  ["a test in flow style", "[{test: {command: make, on_failure: true}}]\n", "[{shell: make, on_failure: true}]\n"],
  ["a command", "- command: fix # c\n- command: '/b'\n", "- claude: /fix # c\n- claude: '/b'\n"],
  [
    "a command that had to commit",
    "- command: prodigy-code-review\n  id: a\n",
    "- claude: /prodigy-code-review\n  commit_required: true\n  id: a\n",
  ],
  [
    "a bare text",
    "- lint --all # c\n- prodigy-lint\n",
    "- claude: /lint --all # c\n  commit_required: true\n- claude: /prodigy-lint\n",
  ],
  ["a bare text in flow style", "[lint]\n", "[{claude: /lint, commit_required: true}]\n"],
  [
    "a handler",
    "- handler:\n    name: shell\n    attributes:\n      command: make\n      timeout: 3\n  id: a\n",
    "- shell: make\n  timeout: 3\n  id: a\n",
  ],
  [
    "metadata",
    "- claude: /a\n  metadata:\n    retries: 2 # two\n    timeout: 5\n",
    "- claude: /a\n  retry: 3 # two\n  timeout: 5\n",
  ],
  [
    "metadata in one line",
    "- claude: /a\n  metadata: {retries: 2, commit_required: true}\n",
    "- claude: /a\n  retry: 3\n  commit_required: true\n",
  ],
  [
    "a named command",
    "- name: fix\n  args:\n    - a\n    - b c\n  id: x\n",
    '- name: fix\n  claude: "/fix a \\"b c\\""\n  id: x\n',
  ],
  [
    "a word",
    "- shell: a\n  retry: {attempts: 2, retry_on: [RateLimit, 'server-error']}\n",
    "- shell: a\n  retry: {attempts: 2, retry_on: [rate_limit, 'server_error']}\n",
  ],
  [
    "one old spelling inside another",
    "- test:\n    command: a\n    on_failure:\n      - test:\n          command: b\n        retry_config: 2\n",
    "- shell: a\n  on_failure:\n    - shell: b\n      retry: 2\n",
  ],
];

test.each(CASES)("%s is written anew", (_, old, current) => {
  expect(parseWorkflow(old, { file: "a.yml" }).workflow).not.toBeNull();
  expect(fixWorkflow(old, { file: "a.yml" })).toBe(current);
  expect(parseWorkflow(current, { file: "a.yml" }).diagnostics.map(({ code }) => code)).not.toContain(
    "deprecated-spelling",
  );
});

test("JSON stays JSON", () => {
  const old = '["lint", {"test": {"command": "make", "on_failure": true}}, {"command": "/prodigy-code-review"}]';

  expect(JSON.parse(fixWorkflow(old, { file: "a.json" }))).toEqual([
    { claude: "/lint", commit_required: true },
    { shell: "make", on_failure: true },
    { claude: "/prodigy-code-review", commit_required: true },
  ]);
});

test("what cannot be rewritten with its comments is left to the author, and says so", () => {
  const old = "- test: # here\n    command: make\n- |\n  lint\n";
  const { diagnostics } = parseWorkflow(old, { file: "a.yml" });

  expect(fixWorkflow(old, { file: "a.yml" })).toBe(old);
  expect(diagnostics.filter(({ help }) => help?.endsWith("`--fix` leaves this one to you") === true)).toHaveLength(2);
});

test("where the result would mean something else, the text stays", () => {
  const old = "- test:\n    command: make\n    on_failure: true\n  on_failure: false\n  capture_output: true\n";

  expect(fixWorkflow(old, { file: "a.yml" })).toBe(old);
});

const FILES = ["../../test/workflows/", "../../test/workflows/compat/"].flatMap((path) => {
  const folder = new URL(path, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /\.(?:ya?ml|json)$/u.test(file))
    .map((file) => [file, new URL(file, folder)] as const);
});

test.each(FILES)("%s means the same after a fix, and a second fix changes nothing", (file, url) => {
  const text = readFileSync(url, "utf8");
  const fixed = fixWorkflow(text, { file });
  const meaning = (source: string): unknown =>
    JSON.parse(
      JSON.stringify(parseWorkflow(source, { file }).workflow, (key, value: unknown) => (key === "at" ? null : value)),
    );

  expect(meaning(fixed)).toEqual(meaning(text));
  expect(fixWorkflow(fixed, { file })).toBe(fixed);
});
