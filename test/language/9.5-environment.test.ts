/** The promises about the environment of steps, row by row, through the built command line. */
import { expect, test } from "vitest";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { newRig, type Rig } from "../kit/rig.ts";

/** Runs a workflow and gives what its steps printed. */
function printed(rig: Rig, text: string, how: { args?: readonly string[]; env?: Record<string, string> } = {}): string {
  rig.write("../w.yml", text);
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-v", ...(how.args ?? [])], how.env);
  expect(code, stderr).toBe(0);
  return stdout;
}

test("9.5 E1: a profile is chosen by --profile or PRODIGY_PROFILE, and an unknown one is refused with those that there are", async () => {
  await using rig = await newRig();
  const text =
    'profiles: { staging: { API: "https://staging" } }\nenv: { API: none }\ncommands: [{ shell: "echo api=$API" }]\n';
  expect(printed(rig, text, { args: ["--profile", "staging"] })).toContain("api=https://staging");
  const { code, stderr } = rig.prodigy(["run", "../w.yml", "--profile", "stagin"]);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "staging"?') as string,
  });
  expect(printed(rig, text, { env: { PRODIGY_PROFILE: "staging" } })).toContain("api=https://staging");
});

test("9.5 E2: a secret may be written as ${env:X}", async () => {
  await using rig = await newRig();
  const text = 'secrets: { K: "${env:SOURCE}" }\ncommands: [{ shell: "test \\"$K\\" = quite-secret && echo right" }]\n';
  expect(printed(rig, text, { env: { SOURCE: "quite-secret" } })).toContain("right");
});

test("9.5 E3: a provider is a program of its own; one that is missing is named, with what to write instead", async () => {
  await using rig = await newRig();
  const text =
    'secrets: { K: { provider: vault, key: a/b, version: 2 } }\ncommands: [{ shell: \'test "$K" = "a/b 2"\' }]\n';
  rig.write("../w.yml", text);
  const { code, stderr } = rig.prodigy(["run", "../w.yml"]);
  expect(code).toBe(1);
  expect(stderr).toContain('the provider "vault", which is not installed: there is no program prodigy-secret-vault');
  expect(stderr).toContain("vault kv get");
  // Before anything is made or paid.
  expect(rig.sessions()).toEqual([]);
  rig.write("../bin/prodigy-secret-vault", '#!/bin/sh\necho "$1 $2"\n');
  rig.git("-c", "alias.x=!chmod +x ../bin/prodigy-secret-vault", "x");
  printed(rig, text, { env: { PATH: `${rig.root}/bin:${rig.env["PATH"] ?? ""}` } });
});

test("9.5 E5: nothing is inherited with inherit: false, and env files may have export", async () => {
  await using rig = await newRig();
  rig.write(".env", 'export A="one # two" # three\nB=\'x\n');
  rig.commitAll("env");
  const text =
    "inherit: false\nenv_files: [.env, nowhere.env]\ncommands: [{ shell: 'echo \"a=$A alien=$ALIEN path=${PATH:+yes}\"' }]\n";
  const told = printed(rig, text, { env: { ALIEN: "there" } });
  expect(told).toContain("a=one # two alien= path=yes");
});

test("9.5 E6: the step's own env wins over secrets, profile, env and files", async () => {
  await using rig = await newRig();
  rig.write(".env", "V=file\nW=file\n");
  rig.commitAll("env");
  const text =
    "env_files: [.env]\nenv: { V: env, X: env }\nsecrets: { V: SOURCE }\ncommands:\n  - shell: 'echo \"$V $W $X\"'\n    env: { V: step }\n";
  expect(printed(rig, text, { env: { SOURCE: "the-secret" } })).toContain("step file env");
});

test("9.1 P1: env values may be commands and conditions; a command runs once", () => {
  const text =
    "env:\n  N: 4\n  C: { command: nproc }\n  E: { command: nproc, cache: false }\n  D: { condition: \"'${N}' == '4'\", when_true: a }\ncommands: [{ shell: a }]\n";
  const { workflow } = parseWorkflow(text, { file: "w.yml" });
  expect(workflow?.environment.values.map(({ value }) => value)).toMatchObject([
    { kind: "text" },
    { kind: "command", cache: true },
    { kind: "command", cache: false },
    { kind: "conditional", whenTrue: "a" },
  ]);
});

test("a resumed session sees what a command of env printed at its beginning", async () => {
  await using rig = await newRig();
  const text =
    "env: { ONE: { command: 'date +%s%N' } }\ncommands:\n  - shell: 'echo $ONE > ../../../../one'\n  - shell: 'test -f ../../../../go && test \"$ONE\" = \"$(cat ../../../../one)\"'\n";
  rig.write("../w.yml", text);
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(1);
  rig.write("../go", "");
  expect(rig.prodigy(["resume"]).code).toBe(0);
});
