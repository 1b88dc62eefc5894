/** The promises about steps in order, row by row, through the built command line. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig, type Rig } from "../kit/rig.ts";

/** Runs a workflow of these steps and gives what they printed. */
function printed(rig: Rig, text: string, how: { args?: readonly string[]; env?: Record<string, string> } = {}): string {
  rig.write("../w.yml", text);
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-v", ...(how.args ?? [])], how.env);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Files below the folder that hold the text. */
function leaksOf(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

test("9.2 S1, S2, S3, S4: when, timeout, on_success and write_file work in sequences", async () => {
  await using rig = await newRig();
  const out = printed(
    rig,
    `- { shell: "echo never", when: "1 == 2" }
- { shell: "sleep 20", timeout: 500ms, allow_failure: true }
- { shell: "true", on_success: { shell: "echo followed" } }
- write_file: { path: a.txt, content: "held" }
- shell: "cat a.txt"
`,
  );
  expect(out).toContain("| followed");
  expect(out).toContain("| held");
  expect(out).not.toContain("| never");
});

test("9.2 S6, S7, S25: shell.output is there by default and in handlers, and the original runs again", async () => {
  await using rig = await newRig();
  const out = printed(
    rig,
    `- shell: "echo first"
- shell: "echo got \${shell.output}"
- shell: "echo broken; test -f mended"
  on_failure: { shell: "echo 'saw \${shell.output}'; touch mended" }
`,
  );
  expect(out).toContain("| got first");
  expect(out).toContain("| saw broken");
});

test("9.2 S9: a dry run executes nothing, whatever outputs the steps declare", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    '- { shell: "touch ../../../../ran", commit_required: true, outputs: { a: { file_pattern: "*.x" } } }\n',
  );
  expect(rig.prodigy(["run", "../w.yml", "--dry-run"]).code).toBe(0);
  expect(() => rig.read("../ran")).toThrow("ENOENT");
});

test("9.2 S17, S18: a validation that cannot be read, or is below its threshold, fails the step", async () => {
  await using rig = await newRig();
  for (const said of ["no json", '{"completion_percentage": 50}']) {
    rig.write("../w.yml", `- shell: "true"\n  validate: { shell: 'echo ''${said}''', threshold: 80 }\n`);
    expect(rig.prodigy(["run", "../w.yml"]).code).toBe(1);
  }
});

test("9.2 S20: foreach runs in the worktree, with the variables of the workflow", async () => {
  await using rig = await newRig();
  const out = printed(
    rig,
    `- { shell: "echo seen", capture: word }
- foreach: { foreach: [a, b], do: [{ shell: "echo \${item} \${word}; touch made-\${item}" }] }
- shell: "ls made-*"
`,
  );
  expect(out).toMatch(/\| a seen[^]*\| b seen[^]*\| made-a\n/);
  expect(() => rig.read("made-a")).toThrow("ENOENT");
});

test("9.2 S29: PRODIGY_AUTOMATION is set for every command, whatever the environment", async () => {
  await using rig = await newRig();
  const out = printed(rig, 'inherit: false\nenv: { A: b }\ncommands: [{ shell: "echo auto=$PRODIGY_AUTOMATION" }]\n');
  expect(out).toContain("auto=true");
});

test("9.5 R1, R3: a failing command is tried again, n times in all, and then falls back", async () => {
  await using rig = await newRig();
  const out = printed(
    rig,
    `- shell: "echo try; exit 1"
  retry: { attempts: 3, initial_delay: 1ms, on_failure: { fallback: { shell: "echo fell back" } } }
`,
  );
  expect(out.match(/\| try/g)).toHaveLength(3);
  expect(out).toContain("| fell back");
});

test("9.5 R2: retry_defaults reach steps that say nothing", async () => {
  await using rig = await newRig();
  const text =
    'retry_defaults: { attempts: 2, initial_delay: 1ms }\ncommands: [{ shell: "echo try; test -f x || { touch x; exit 1; }" }]\n';
  expect(printed(rig, text).match(/\| try/g)).toHaveLength(2);
});

test("9.5 E4: a secret that is printed byte by byte is masked on both streams, on the screen and in the logs", async () => {
  await using rig = await newRig();
  const secret = "q7Zr-canary-4Wx9";
  const bytes =
    'for (const c of process.env.S + "\\n") { require("fs").writeSync(1, c); require("fs").writeSync(2, c); }';
  rig.write("../bytes.cjs", bytes);
  rig.write("../agent.yml", `fallback:\n  - shell: "node ${rig.root}/bytes.cjs"\n  - say: done\n`);
  const text = `secrets: { S: SOURCE }\ncommands:\n  - shell: "node ${rig.root}/bytes.cjs"\n  - claude: "/say"\n`;
  rig.write("../w.yml", text);
  const env = { SOURCE: secret, PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: `${rig.root}/agent.yml` };
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-vv"], env);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("***");
  expect(stdout + stderr).not.toContain(secret);
  const holding = (word: string): readonly string[] => leaksOf(rig.home, word);
  expect(holding("***").length).toBeGreaterThan(2);
  expect(holding(secret)).toEqual([]);
});
