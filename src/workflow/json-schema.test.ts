import { Validator } from "@cfworker/json-schema";
import { readFile, readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { workflowJsonSchema } from "./json-schema.ts";

const fixtures = new URL("../../test/workflows/", import.meta.url);
const files = (await readdir(fixtures, { recursive: true })).filter((file) => file.endsWith(".yml"));
// A fresh copy, because the validator writes marks into the schema that it is given.
const validator = new Validator(JSON.parse(JSON.stringify(workflowJsonSchema())), "2020-12");

test.each(files)("the schema accepts %s, as the parser does", async (file) => {
  const value: unknown = parse(await readFile(new URL(file, fixtures), "utf8"));

  expect(validator.validate(value).errors).toEqual([]);
});

const pages = await Promise.all(
  ["workflow", "mapreduce"].map((page) => readFile(new URL(`../../docs/${page}.md`, import.meta.url), "utf8")),
);
const examples = pages.flatMap((page) => [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = ""]) => text));

test.each(examples)("the schema accepts this example of the documentation:\n%s", (text) => {
  expect(validator.validate(parse(text)).errors).toEqual([]);
});

test.each([
  [[{ shel: "a" }]],
  [{ commands: [{ shell: "a" }], nmae: "x" }],
  [{ commands: [{ shell: "a", retry: { atempts: 2 } }] }],
  [{ commands: [{ shell: "a", validate: { shell: "b", threshold: 120 } }] }],
  [{ commands: [] }],
  [{ map: { input: "a", agent_template: [{ shell: "b" }], max_paralel: 3 } }],
  [{ map: { input: "a", agent_template: [{ shell: "b" }], max_parallel: 0 } }],
  [{ map: { input: "a", agent_template: [{ shell: "b" }] }, error_policy: { max_failure: 2 } }],
  [{ map: { input: "a", agent_template: [{ shell: "b" }] }, commands: [{ shell: "c" }] }],
])("the schema refuses %j", (value) => {
  expect(validator.validate(value).valid).toBe(false);
});
