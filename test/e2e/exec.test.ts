import { chmodSync, realpathSync } from "node:fs";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("check 12: exec prints what the command prints", async () => {
  await using rig = await newRig();
  const { code, stdout } = rig.prodigy(["exec", "shell: printf 'Hello %s\\n' from-exec"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Hello from-exec$/m);
});

test("check 13: a command that fails exits 1 and names what was typed", async () => {
  await using rig = await newRig();
  const { code, stderr } = rig.prodigy(["exec", "false"]);
  expect(code).toBe(1);
  expect(stderr).toContain("failed with exit code 1");
  expect(stderr).toMatch(/resume with: prodigy resume session-/);
});

test("check 14: pipes work", async () => {
  await using rig = await newRig();
  expect(rig.prodigy(["exec", "shell: echo test | tr t T"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^TesT$/m),
  });
});

test("check 15: -p runs it in a worktree of that repository, and a folder without one is refused", async () => {
  await using rig = await newRig();
  rig.write("../plain/file", "");
  const { code, stdout } = rig.prodigy(["exec", "pwd", "-p", "."]);
  expect(code).toBe(0);
  expect(stdout).toContain(`${realpathSync(rig.home)}/worktrees/`);
  expect(rig.prodigy(["exec", "pwd", "-p", "../plain"]).code).toBe(2);
});

test("check 16: a prompt without the agent's program exits 1 before anything is made", async () => {
  await using rig = await newRig();
  for (const command of ["claude: /x", "/x"]) {
    const { code, stderr } = rig.prodigy(["exec", command], { PRODIGY_CLAUDE_BIN: "no-such-claude" });
    expect(code).toBe(1);
    expect(stderr).toContain("is not available");
  }
  expect(rig.sessions()).toEqual([]);
});

test("check 17: --retry tries again", async () => {
  await using rig = await newRig();
  const marker = `${rig.root}/marker`;
  const { code, stdout } = rig.prodigy([
    "exec",
    "--retry",
    "3",
    `shell: test -f ${marker} || (touch ${marker}; false)`,
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain("attempt 2");
});

test("check 18: --timeout ends it soon and says so; 0 is no limit", async () => {
  await using rig = await newRig();
  const started = performance.now();
  const { code, stderr } = rig.prodigy(["exec", "--timeout", "1", "shell: sleep 30"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/time limit/);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(rig.prodigy(["exec", "--timeout", "0", "shell: true"]).code).toBe(0);
});

test("claude as root is refused before anything is made, also where only a nested handler would call it", async () => {
  await using rig = await newRig();
  rig.write("../bin/claude", "#!/bin/sh\nexit 7\n");
  chmodSync(`${rig.root}/bin/claude`, 0o755);
  rig.write(
    "../w.yml",
    '- shell: "echo began > ../../../began; exit 3"\n  on_failure:\n    - foreach: ["a"]\n      do:\n        - claude: "/fix ${item}"\n',
  );
  const env = { PATH: `${rig.root}/bin:${rig.env["PATH"] ?? ""}` };
  const isRoot = process.getuid?.() === 0;
  const refused = rig.prodigy(["run", "../w.yml"], env);
  expect([refused.code, rig.sessions().length], refused.stderr).toEqual([1, isRoot ? 0 : 1]);
  expect(refused.stderr.includes("PRODIGY_CLAUDE_AS_ROOT=sandbox")).toBe(isRoot);
  rig.prodigy(["run", "../w.yml"], { ...env, PRODIGY_CLAUDE_AS_ROOT: "sandbox" });
  expect(rig.sessions()).toHaveLength(isRoot ? 1 : 2);
});
