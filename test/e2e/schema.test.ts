import { Validator } from "@cfworker/json-schema";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("schema prints a JSON Schema that an editor can use, and writes the same to a file", async () => {
  await using rig = await newRig();
  const printed = rig.prodigy(["schema"]);
  const written = rig.prodigy(["schema", "--output", "workflow.schema.json"]);

  expect([printed.code, written.code, written.stdout]).toEqual([0, 0, ""]);
  expect(rig.read("workflow.schema.json")).toBe(printed.stdout);
  const validator = new Validator(JSON.parse(printed.stdout), "2020-12");
  expect(validator.validate({ commands: [{ shell: "true" }] }).valid).toBe(true);
  expect(validator.validate({ commands: [{ shel: "true" }] }).valid).toBe(false);
});

test("a schema that cannot be written is told, with the reason", async () => {
  await using rig = await newRig();
  const { code, stderr } = rig.prodigy(["schema", "-o", "missing/schema.json"]);

  expect(code).toBe(1);
  expect(stderr).toContain("failed to write missing/schema.json: ");
});
