import { Validator } from "@cfworker/json-schema";
import { expect, test } from "vitest";
import { documentedYaml, workflowFiles } from "../../test/kit/corpus.ts";
import { disagreement } from "../../test/kit/schema-agreement.ts";
import { workflowJsonSchema } from "./json-schema.ts";

// A fresh copy, because the validator writes marks into the schema that it is given.
const validator = new Validator(JSON.parse(JSON.stringify(workflowJsonSchema())), "2020-12");

test.each([...workflowFiles(), ...documentedYaml()])("schema and parser agree on $place", ({ text }) => {
  expect(disagreement(text)).toBeNull();
});

test.each([
  "mode: MapReduce\nmap: {input: a, agent_template: b}\n",
  "- {shell: a, capture: b, capture_format: JSON}\n",
])("words in another case are good for both: %s", (text) => expect(disagreement(text)).toBeNull());

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
