import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import type { Parameter } from "../index.ts";
import { actionOf } from "./commands/exec.ts";
import { inputOf } from "./commands/run.ts";
import { readParameters, typed } from "./parameters.ts";

test.each([
  ["5", 5],
  ["-5", -5],
  ["1.5", 1.5],
  ["1e3", 1000],
  ["true", true],
  ["False", "False"],
  ["", ""],
  ["1.2.3", "1.2.3"],
  ["12345678901234567890", "12345678901234567890"],
])("--param %j is %j", (text, value) => {
  expect(typed(text)).toBe(value);
});

test("a declared text stays as it was typed, a value may hold =, and --param wins over the file", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "p.yml");
  await writeFile(file, "n: 1\nlist: [a, 2]\n");
  const declared: Parameter[] = [
    { name: "code", type: "string", description: null, required: true, default: null, validation: null },
  ];
  const read = await readParameters({ pairs: ["code=007", "n=2", "expr=a=b"], file, declared });
  expect(read).toEqual({ ok: true, value: { code: "007", n: 2, expr: "a=b", list: ["a", 2] } });
});

test.each([["noequals"], ["=value"]])("--param %j is refused by name", async (pair) => {
  const read = await readParameters({ pairs: [pair], file: null, declared: [] });
  expect(read).toMatchObject({ ok: false, fault: { kind: "input", message: expect.stringContaining(`'${pair}'`) } });
});

test("a parameter file that is no mapping, or is broken, is refused", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "p.yml");
  for (const text of ["- a\n", "a: [\n"]) {
    await writeFile(file, text);
    expect(await readParameters({ pairs: [], file, declared: [] })).toMatchObject({
      ok: false,
      fault: { kind: "input" },
    });
  }
});

test.each([
  ["specs/65-refactor.md", "65"],
  ["a/b/name.tar.gz", "name.tar"],
  ["plain", "plain"],
  [".hidden", ".hidden"],
  ["-dash.md", "-dash"],
])("--map makes of %s the input %s", (file, input) => {
  expect(inputOf(file)).toBe(input);
});

test.each([
  ["claude: /fix it", "claude", "/fix it"],
  ["shell:npm test", "shell", "npm test"],
  ["/fix it", "claude", "/fix it"],
  ["npm test", "shell", "npm test"],
  ["echo claude: hi", "shell", "echo claude: hi"],
])("exec %j is for %s", (command, kind, text) => {
  expect(actionOf(command)).toEqual({ kind, text });
});
