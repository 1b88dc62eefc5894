import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("9.5 C5: a required parameter is given by --param; its value is checked before anything runs", async () => {
  await using rig = await newRig();
  rig.write(
    "lib/greet.yml",
    "parameters:\n  required: [{name: who, type: String, validation: \"value != 'nobody'\"}]\n  optional: [{name: mark, default: '!'}]\ncommands:\n  - shell: echo \"hello ${params.who}${mark}\" > greeting.txt; git add .; git commit -qm greet\n",
  );
  rig.write("main.yml", "imports: [{path: lib/greet.yml}]\n");
  rig.commitAll("workflow");

  expect(rig.prodigy(["run", "main.yml", "-y"])).toMatchObject({ code: 2 });
  const refused = rig.prodigy(["run", "main.yml", "-y", "--param", "who=nobody"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    `the parameter "who" is "nobody", which its validation does not allow: value != 'nobody'`,
  );
  expect(rig.sessions()).toEqual([]);

  expect(rig.prodigy(["run", "main.yml", "-y", "--param", "who=world"]).code).toBe(0);
  expect(rig.read("greeting.txt")).toBe("hello world!\n");
});

test("9.5 C7: variables of the run and of the shell stay what they are in a workflow of several files", async () => {
  await using rig = await newRig();
  rig.write(
    ".prodigy/templates/step.yml",
    "parameters: [{name: word, type: String}]\nenv: {MARK: '!'}\ncommands:\n  - shell: echo ${param.word}\n    capture: said\n  - shell: X=shell; echo \"${said} ${ARG} ${X} $MARK ${shell.output}\" > out.txt; git add .; git commit -qm step\n",
  );
  rig.write("flows/main.yml", "template: {source: {registry: step}, with: {word: template}}\n");
  rig.commitAll("workflow");

  expect(rig.prodigy(["run", "flows/main.yml", "-y", "--args", "input"])).toMatchObject({ code: 0 });
  expect(rig.read("out.txt")).toBe("template input shell ! template\n");
});

test("a template of the user's own store is found from every project, and names cannot leave the store", async () => {
  await using rig = await newRig();
  rig.write("../home/templates/mine.yml", "commands: [{shell: echo mine}]\n");
  rig.write("good.yml", "template: {name: mine}\n");
  rig.write("bad.yml", "template: {source: {registry: ../../etc/passwd}}\n");

  expect(rig.prodigy(["validate", "good.yml"])).toMatchObject({ code: 0, stdout: "good.yml: valid, 1 step\n" });
  const refused = rig.prodigy(["validate", "bad.yml"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("the name of a template has letters, digits, `_` and `-` only");
});
