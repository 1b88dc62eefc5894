import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("workflow show prints a workflow of several files as one, and --resolved where each part stands", async () => {
  await using rig = await newRig();
  rig.write("lib/a.yml", 'env: {A: "1"}\ncommands:\n  - shell: echo lib\n');
  rig.write(
    "main.yml",
    'name: x\nimports: [lib/a.yml]\nenv: {B: "2"}\nparameters: {p: {type: string, default: q}}\ncommands:\n  - shell: echo main\n',
  );
  const plain = rig.prodigy(["workflow", "show", "main.yml"]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).not.toContain("#");

  const resolved = rig.prodigy(["workflow", "show", "main.yml", "--resolved"]);
  expect(resolved.stdout).toBe(
    [
      "# main.yml:1\nname: x\n# main.yml:4\nparameters:\n  # main.yml:4\n  - name: p\n    type: string\n    required: false\n    default: q\n",
      '# main.yml:3\nenv:\n  # lib/a.yml:1\n  A: "1"\n  # main.yml:3\n  B: "2"\n',
      "# main.yml:5\ncommands:\n  # main.yml:6\n  - shell: echo main\n  # lib/a.yml:3\n  - shell: echo lib\n",
    ].join(""),
  );
  rig.write("again.yml", resolved.stdout);
  expect(rig.prodigy(["workflow", "show", "again.yml"]).stdout).toBe(plain.stdout);

  const json: unknown = JSON.parse(rig.prodigy(["workflow", "show", "main.yml", "--resolved", "--json"]).stdout);
  expect(json).toMatchObject({ file: "main.yml", workflow: { env: { A: "1", B: "2" } } });
  expect(json).toHaveProperty("parts", expect.arrayContaining([{ path: "env.A", file: "lib/a.yml", line: 1 }]));
});

test("workflow show refuses what is no workflow, with its place", async () => {
  await using rig = await newRig();
  rig.write("bad.yml", "commands:\n  - shel: echo\n");
  const refused = rig.prodigy(["workflow", "show", "bad.yml"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("bad.yml:2:5");
});

test("workflow list tells the workflows of the project, and not every other file", async () => {
  await using rig = await newRig();
  rig.write("workflows/a.yml", "name: first\ndescription: does a\ncommands:\n  - shell: echo\n");
  rig.write("workflows/broken.yml", "nmae: b\n");
  rig.write("top.yml", "- shell: echo\n- shell: echo\n");
  rig.write("other.yml", "services: {web: {image: x}}\n");
  expect(rig.prodigy(["workflow", "list"])).toMatchObject({
    code: 0,
    stdout: [
      "FILE                  NAME   MODE        STEPS  DESCRIPTION",
      "workflows/a.yml       first  sequential  1      does a",
      "workflows/broken.yml  -      -           -      not valid by itself: prodigy validate tells why",
      "top.yml               top    sequential  2",
      "",
    ].join("\n"),
  });
  const list: unknown = JSON.parse(rig.prodigy(["workflow", "list", "--json"]).stdout);
  expect(list).toMatchObject([{ valid: true, steps: 1 }, { valid: false, name: null }, { file: "top.yml" }]);
});

test("a value of --param becomes what the parameter is declared as, or is refused", async () => {
  await using rig = await newRig();
  rig.write(
    "main.yml",
    'parameters:\n  - {name: version, type: string, required: true}\n  - {name: list, type: array, default: []}\n  - {name: map, type: object, default: {}}\n  - {name: count, type: number, default: 1}\ncommands:\n  - shell: echo "${params.version} ${params.list[1]} ${params.map.a} ${params.count}" > out.txt; git add .; git commit -qm out\n',
  );
  rig.commitAll("workflow");
  const given = ["version=2.10", "list=[1, 2]", 'map={"a": true}', "count=3"];
  const run = rig.prodigy(["run", "main.yml", "-y", ...given.flatMap((pair) => ["--param", pair])]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(rig.read("out.txt")).toBe("2.10 2 true 3\n");
  const refused = rig.prodigy(["run", "main.yml", "-y", "--param", "version=1", "--param", "list=x"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('the parameter "list" must be of type array, and "x" is not');
});
