import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";
import { startOnTerminal, until } from "../kit/started.ts";

const FLOW =
  "parameters:\n  required: [{name: who, type: string, description: whom to greet}]\n  optional: [{name: mark, default: '!'}]\ncommands:\n  - shell: echo \"${params.who}${params.mark}\" > greeting.txt; git add .; git commit -qm greet\n";

test("check 86: a template is registered, listed, shown, found, used by a workflow, and deleted", async () => {
  await using rig = await newRig();
  rig.write("f.yml", FLOW);
  const registered = rig.prodigy(["template", "register", "f.yml", "-n", "a", "-t", "x,y", "-d", "says hello"]);
  expect(registered).toMatchObject({ code: 0, stdout: `Registered template a: ${rig.home}/templates/a.yml\n` });
  expect(JSON.parse(rig.read("../home/templates/a.meta.json"))).toEqual({
    description: "says hello",
    author: null,
    version: "1.0.0",
    tags: ["x", "y"],
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });

  expect(rig.prodigy(["template", "list"])).toMatchObject({
    code: 0,
    stdout: "NAME  STORE  TAGS  DESCRIPTION\na     user   x, y  says hello\n",
  });
  expect(rig.prodigy(["template", "list", "-t", "x"]).stdout).toContain("a     user");
  expect(rig.prodigy(["template", "list", "-t", "z"])).toMatchObject({ code: 0, stdout: "No templates found.\n" });
  expect(rig.prodigy(["template", "list", "-l"]).stdout).toMatch(
    /Template: +a\n[^]*Version: +1\.0\.0\n[^]*Tags: +x, y\n/,
  );
  const shown = rig.prodigy(["template", "show", "a"]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain("who (required, string): whom to greet\n");
  expect(shown.stdout).toContain("mark (optional, any, default !)\n");
  expect(rig.prodigy(["template", "search", "HELLO"]).stdout).toContain("says hello");
  expect(rig.prodigy(["template", "search", "x", "-t"]).stdout).toContain("says hello");
  expect(rig.prodigy(["template", "search", "hello", "-t"]).stdout).toBe("No templates found.\n");

  rig.write("main.yml", "template: {source: {registry: a}, with: {who: world}}\n");
  rig.commitAll("workflow");
  expect(rig.prodigy(["run", "main.yml", "-y"])).toMatchObject({ code: 0 });
  expect(rig.read("greeting.txt")).toBe("world!\n");

  expect(rig.prodigy(["template", "delete", "a"])).toMatchObject({ code: 2 });
  expect(existsSync(join(rig.home, "templates/a.yml"))).toBe(true);
  expect(rig.prodigy(["template", "delete", "a", "-f"])).toMatchObject({ code: 0, stdout: "Deleted template a.\n" });
  expect(existsSync(join(rig.home, "templates/a.meta.json"))).toBe(false);
});

test("check 86: what is missing or broken is told with its place and exit code 1", async () => {
  await using rig = await newRig();
  rig.write("bad.yml", "commands:\n  - shel: echo\n");
  const missing = rig.prodigy(["template", "show", "missing"]);
  expect(missing).toMatchObject({ code: 1 });
  expect(missing.stderr).toBe(
    'error: there is no template "missing"\n  help: prodigy template list shows which there are\n',
  );
  const bad = rig.prodigy(["template", "validate", "bad.yml"]);
  expect(bad).toMatchObject({ code: 1, stdout: "" });
  expect(bad.stderr).toContain("bad.yml:2:5");
  expect(bad.stderr).toContain("error: bad.yml cannot be a template: 1 problem\n");
  expect(rig.prodigy(["template", "validate", "missing.yml"])).toMatchObject({ code: 1 });
  expect(rig.prodigy(["template", "register", "bad.yml"])).toMatchObject({ code: 1 });
  expect(rig.prodigy(["template", "delete", "missing", "-f"])).toMatchObject({ code: 1 });
  expect(existsSync(join(rig.home, "templates"))).toBe(false);
});

test("check 86: the answer n keeps a template", async () => {
  await using rig = await newRig();
  rig.write("f.yml", FLOW);
  rig.prodigy(["template", "register", "f.yml"]);
  const run = startOnTerminal(rig, ["template", "delete", "f"]);
  await until(() => run.text().includes("Delete template f"));
  run.process.stdin?.write("n\n");
  expect(await run.ended, run.text()).toMatchObject({ code: 0 });
  expect(run.text()).toContain("Kept template f.");
  expect(existsSync(join(rig.home, "templates/f.yml"))).toBe(true);
});

test("check 86: init makes valid examples, never writes over a file, and makes the project's store", async () => {
  await using rig = await newRig();
  expect(rig.prodigy(["template", "init", "d"]).stdout).toContain("wrote refactor-example.yml");
  rig.write("d/refactor-example.yml", "- shell: mine\n");
  const again = rig.prodigy(["template", "init", "d"]);
  expect(again.code).toBe(0);
  expect(again.stdout).toContain("kept refactor-example.yml, which was there");
  expect(rig.read("d/refactor-example.yml")).toBe("- shell: mine\n");

  expect(rig.prodigy(["template", "init"]).code).toBe(0);
  const example = rig.prodigy(["template", "validate", ".prodigy/templates/refactor-example.yml"]);
  expect(example).toMatchObject({ code: 0, stderr: "" });
  expect(example.stdout).toContain("Parameters: 2 parameters, 1 default\n");
  rig.write("f.yml", FLOW);
  expect(rig.prodigy(["template", "register", "f.yml"]).stdout).toContain(".prodigy/templates/f.yml");
  expect(rig.prodigy(["template", "register", "f.yml", "--user"]).stdout).toContain(join(rig.home, "templates/f.yml"));
  expect(rig.prodigy(["template", "list"]).stdout).toMatch(/f +project\n[^]*f +user \(hidden\)\n/);
});

test("check 86: a template is replaced only with -f, and a name cannot leave the store", async () => {
  await using rig = await newRig();
  rig.write("f.yml", FLOW);
  expect(rig.prodigy(["template", "register", "f.yml", "--version", "2.0.0", "-t", "x"]).code).toBe(0);
  const twice = rig.prodigy(["template", "register", "f.yml"]);
  expect(twice.code).toBe(1);
  expect(twice.stderr).toContain("-f replaces it");
  expect(rig.prodigy(["template", "register", "f.yml", "-f", "-a", "me", "--json"]).code).toBe(0);
  const list: unknown = JSON.parse(rig.prodigy(["template", "list", "--json"]).stdout);
  expect(list).toMatchObject([
    { name: "f", store: "user", version: "2.0.0", author: "me", tags: ["x"], hidden: false },
  ]);
  expect(rig.prodigy(["template", "register", "f.yml", "-n", "../x"])).toMatchObject({ code: 2 });
  expect(rig.prodigy(["template", "register", "f.yml", "--user", "--project"])).toMatchObject({ code: 2 });
  expect(rig.prodigy(["template", "show", "f", "--json"]).stdout).toContain('"features"');
});

test("check 86: what a template includes is looked for from the store that it goes into", async () => {
  await using rig = await newRig();
  rig.write("lib.yml", "- shell: echo lib\n");
  rig.write("f.yml", "imports: [lib.yml]\n");
  const refused = rig.prodigy(["template", "register", "f.yml"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('failed to read the import "lib.yml"');
  expect(rig.prodigy(["template", "register", "lib.yml"]).code).toBe(0);
  expect(rig.prodigy(["template", "register", "f.yml"]).code).toBe(0);
});
