import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("validate --fix shows what it would change, writes with -y, and then finds nothing more", async () => {
  await using rig = await newRig();
  const old = "# kept\n- shell: make # too\n  retry_config: 2\n";
  rig.write("a.yml", old);
  const shown = rig.prodigy(["validate", "a.yml", "--fix"]);

  expect([shown.code, rig.read("a.yml")]).toEqual([0, old]);
  expect(shown.stdout).toContain("-  retry_config: 2\n+  retry: 2\n");
  expect(rig.prodigy(["validate", "a.yml", "--fix", "-y", "--dry-run"]).stdout).toContain("nothing written");
  expect(rig.prodigy(["validate", "a.yml", "--fix", "-y"]).code).toBe(0);
  expect(rig.read("a.yml")).toBe(old.replace("retry_config", "retry"));
  expect(rig.read("a.yml.bak")).toBe(old);
  expect(rig.prodigy(["validate", "a.yml", "--fix"]).stdout).toContain("a.yml: nothing to fix");
});

const MAP = "mode: mapreduce\nmap:\n  input: a.json\n  agent_template:\n    commands:\n      - shell: make # it\n";

test("check 87: migrate-yaml --dry-run leaves bytes unchanged; a real run keeps a copy and moves the commands up", async () => {
  await using rig = await newRig();
  rig.write("workflows/m.yml", MAP);
  rig.write("workflows/other.yaml", "- shell: a\n");
  rig.write("workflows/notes.txt", "no workflow");
  const shown = rig.prodigy(["migrate-yaml", "--dry-run"]);

  expect([shown.code, rig.read("workflows/m.yml"), existsSync(join(rig.repo, "workflows/m.yml.bak"))]).toEqual([
    0,
    MAP,
    false,
  ]);
  expect(shown.stdout).toContain("workflows/other.yaml: nothing to fix");
  expect(rig.prodigy(["migrate-yaml", "workflows", "-y"]).code).toBe(0);
  expect(rig.read("workflows/m.yml.bak")).toBe(MAP);
  expect(rig.read("workflows/m.yml")).toBe(MAP.replace("    commands:\n      -", "    -"));
});

test("a copy is never overwritten, and a file that is gone or wrong is told with exit code 2", async () => {
  await using rig = await newRig();
  rig.write("a.yml", MAP);
  rig.write("a.yml.bak", "mine");

  expect(rig.prodigy(["migrate-yaml", "a.yml", "-y"]).code).toBe(0);
  expect([rig.read("a.yml.bak"), rig.read("a.yml.bak2")]).toEqual(["mine", MAP]);
  const gone = rig.prodigy(["migrate-yaml", "gone.yml"]);
  expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining("failed to read gone.yml")]);
});

test("--fix --json tells the changes, asks nobody, and writes only with -y", async () => {
  await using rig = await newRig();
  rig.write("a.yml", "- shell: make\n  retry_config: 2\n");
  const read = (...more: readonly string[]): unknown =>
    JSON.parse(rig.prodigy(["validate", "a.yml", "--fix", "--json", ...more]).stdout);
  const changes = [{ line: 2, removed: ["  retry_config: 2"], added: ["  retry: 2"] }];

  expect(read()).toMatchObject([{ valid: true, fix: { changes, written: false, backup: null, error: null } }]);
  expect(read("-y")).toMatchObject([
    { fix: { changes, written: true, backup: expect.stringMatching(/a\.yml\.bak$/u) as string } },
  ]);
  expect(read()).toMatchObject([{ fix: { changes: [], written: false } }]);
});

test("what is shown of a fix holds no secrets, and the file keeps them", async () => {
  await using rig = await newRig();
  const env =
    "        env:\n          API_TOKEN: sk-own\n          GITHUB_PASSWORD: |\n            sk-block\n          OTHER: seen\n";
  rig.write("a.yml", `${MAP}${env}`);
  const shown = rig.prodigy(["migrate-yaml", "a.yml", "-y"]);

  expect(shown.stdout).toContain("OTHER: seen");
  expect(shown.stdout + shown.stderr).not.toMatch(/sk-/u);
  expect(readFileSync(join(rig.repo, "a.yml"), "utf8")).toContain("API_TOKEN: sk-own");
});
