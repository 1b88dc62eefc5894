import { expect, test } from "vitest";
import { parseWorkflow } from "./parse.ts";

test("a secret may say that it is one, and a profile may have its values below env", () => {
  const text = [
    'secrets: { K: { secret: true, value: "$HIDDEN" } }',
    "profiles: { p: { description: for tests, env: { A: b } } }",
    "commands: [{ shell: a }]",
  ].join("\n");
  const { workflow, diagnostics } = parseWorkflow(text, { file: "a.yml" });

  expect(diagnostics).toEqual([]);
  expect(workflow?.environment.secrets[0]?.source).toEqual({ kind: "value", template: "$HIDDEN" });
  expect(workflow?.environment.profiles["p"]?.map(({ name, value }) => [name, value])).toEqual([
    ["A", { kind: "text", template: "b" }],
  ]);
});
