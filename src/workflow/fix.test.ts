import { expect, test } from "vitest";
import { fixWorkflow } from "./fix.ts";
import { parseWorkflow } from "./parse.ts";

test("old spellings are written anew, and comments and layout stay", () => {
  const text = [
    "# first",
    "- shell:   make   # builds",
    "  'retry_config': {attempts: 2}",
    "  capture_output: built",
    "- claude: /fix",
    "  validate: { command: make test, threshold: 90 }",
    "",
  ].join("\n");

  expect(fixWorkflow(text, { file: "a.yml" })).toBe(
    text.replace("retry_config", "retry").replace("capture_output", "capture").replace("command:", "shell:"),
  );
});

test("JSON is mended like YAML, and what is fixed is not touched again", () => {
  const fixed = fixWorkflow('[{"shell": "a", "retry_config": 2}]', { file: "a.json" });

  expect(fixed).toBe('[{"shell": "a", "retry": 2}]');
  expect(fixWorkflow(fixed, { file: "a.json" })).toBe(fixed);
});

test("a file with an error stays as it is", () => {
  const text = "- shell: a\n  retry_config: 2\n  unknown: 1\n";

  expect(parseWorkflow(text, { file: "a.yml" }).workflow).toBeNull();
  expect(fixWorkflow(text, { file: "a.yml" })).toBe(text);
});
