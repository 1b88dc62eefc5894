// Computed values with real processes, files and secrets.
import { expect, test } from "vitest";
import { CANARIES, leaksBelow, leaksIn } from "../kit/canaries.ts";
import { newRig } from "../kit/rig.ts";

test("9.3 V1: a resumed run sees the uuid and the output that the first one saw", async () => {
  await using rig = await newRig();
  rig.write(
    "../flow.yml",
    `env: { RUN: "\${uuid}" }
commands:
  - shell: "echo \${env.RUN} > run.txt"
  - shell: "echo \${uuid} >> ids.txt; echo \${env.RUN} >> ids.txt; test -e $PRODIGY_HOME/mended"
  - shell: "cat run.txt ids.txt"
`,
  );
  expect(rig.prodigy(["run", "../flow.yml", "-y"]).code).toBe(1);
  rig.write("../home/mended", "yes");
  const { code, stdout, stderr } = rig.prodigy(["resume", "-v", "-y"]);
  expect(code, stderr).toBe(0);
  const ids = stdout.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [];
  // Of the run and of the step: the attempt that failed had the same.
  expect(new Set(ids).size).toBe(2);
});

test("a secret that a value holds is in no file and on no screen", async () => {
  await using rig = await newRig();
  rig.write(
    "../flow.yml",
    `secrets: { KEY: { env: SOURCE } }
commands:
  - shell: 'test "\${cmd:echo got $KEY}" = "got $KEY" && echo same'
  - shell: 'echo \${cmd:echo got $KEY | cat}'
`,
  );
  const { code, stdout, stderr } = rig.prodigy(["run", "../flow.yml", "-v", "-y"], { SOURCE: CANARIES.PLAIN });
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("same");
  expect(leaksIn("screen", stdout + stderr)).toEqual([]);
  expect(leaksBelow(rig.home, () => false)).toEqual([]);
});

test("a file outside of the worktree is refused", async () => {
  await using rig = await newRig();
  rig.write("../secret.txt", "x");
  rig.write("../flow.yml", `- shell: "echo \${file:../../../../secret.txt}"\n`);
  const { code, stderr } = rig.prodigy(["run", "../flow.yml", "-y"]);
  expect(code).toBe(1);
  expect(stderr).toContain("could not compute ${file:../../../../secret.txt}");
  expect(stderr).toContain("flow.yml:1");
});
