import { expect, test } from "vitest";
import { fixWorkflow } from "./fix.ts";

const HEAD = "mode: mapreduce\nmap:\n  input: a.json\n";

test("the commands of agent_template move up, with their comments and blocks", () => {
  const text = [
    `${HEAD}  agent_template:`,
    "    # for each",
    "    commands: # old",
    "      - claude: /fix # one",
    "",
    "  # far left",
    "      - shell: |",
    "          a",
    "            b",
    "  max_parallel: 2",
    "",
  ].join("\n");

  expect(fixWorkflow(text, { file: "a.yml" })).toBe(
    [
      `${HEAD}  agent_template:`,
      "    # for each",
      "    # old",
      "    - claude: /fix # one",
      "",
      "  # far left",
      "    - shell: |",
      "        a",
      "          b",
      "  max_parallel: 2",
      "",
    ].join("\n"),
  );
});

test("commands that are not indented more than their key move up without it", () => {
  expect(fixWorkflow(`${HEAD}  agent_template:\n    commands:\n    - shell: a\n`, { file: "a.yml" })).toBe(
    `${HEAD}  agent_template:\n    - shell: a\n`,
  );
});

test("the commands of a mapping in one line, and of JSON, move up", () => {
  expect(fixWorkflow(`${HEAD}  agent_template: { commands: [{ shell: "a } b" }] } # c\n`, { file: "a.yml" })).toBe(
    `${HEAD}  agent_template: [{ shell: "a } b" }] # c\n`,
  );
  expect(
    fixWorkflow('{"mode": "mapreduce", "map": {"input": "a.json", "agent_template": {"commands": ["/a"]}}}', {
      file: "a.json",
    }),
  ).toBe('{"mode": "mapreduce", "map": {"input": "a.json", "agent_template": ["/a"]}}');
});

test("lines that end as on Windows keep their ends", () => {
  const text = `${HEAD}  agent_template:\n    commands:\n      - shell: a\n`.replaceAll("\n", "\r\n");

  expect(fixWorkflow(text, { file: "a.yml" })).toBe(
    `${HEAD}  agent_template:\n    - shell: a\n`.replaceAll("\n", "\r\n"),
  );
});
