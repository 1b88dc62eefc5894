import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("check 48: a dry run tells each command and leaves nothing, not even a folder", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "touch marker"\n- claude: "/fix it"\n  commit_required: true\n');
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "--dry-run"], { PRODIGY_CLAUDE_BIN: "no-such-claude" });
  expect(code).toBe(0);
  expect(stdout).toContain("[DRY RUN] Would execute: shell: touch marker\n[DRY RUN] Would execute: claude: /fix it\n");
  expect(stdout).not.toContain("Created worktree");
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .every((line) => line.startsWith("[DRY RUN] ")),
  ).toBe(true);
  expect(existsSync(rig.home)).toBe(false);
  expect(existsSync(join(rig.repo, "marker"))).toBe(false);
  expect(rig.git("branch", "--list")).toBe("* main");
});

test("check 49: it tells how many iterations there would be", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  expect(rig.prodigy(["run", "../w.yml", "--dry-run", "-n", "3"]).stdout).toContain("Would run 3 iterations");
});

test("check 50: validations, handlers and expected commits are listed", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    '- claude: "/build"\n  commit_required: true\n  validate:\n    shell: "npm run check"\n    threshold: 90\n- shell: "npm test"\n  on_failure:\n    claude: "/repair"\n',
  );
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "--dry-run"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Validation commands[^\n]*\n\[DRY RUN\] {3}- shell: npm run check\n/);
  expect(stdout).toMatch(/Handlers[^\n]*\n\[DRY RUN\] {3}- claude: \/repair\n/);
  expect(stdout).toMatch(/Commits expected from:\n\[DRY RUN\] {3}- claude: \/build\n/);
  expect(stdout).toContain("merge into main");
});

test("each input is told", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo ${ARG}"\n');
  const { stdout } = rig.prodigy(["run", "../w.yml", "--dry-run", "--args", "a", "--args", "b"]);
  expect(stdout).toMatch(
    /Input 1\/2: a\n.*Would execute: shell: echo a\n.*Input 2\/2: b\n.*Would execute: shell: echo b\n/,
  );
});

test("the items of a map are told where files give them, and otherwise what would list them", async () => {
  await using rig = await newRig();
  for (const name of ["a", "b", "c", "d", "e", "f", "g"]) rig.write(`src/${name}.ts`, "");
  rig.write("items.json", '{"items": [{"id": "low", "n": 1}, {"id": "high", "n": 9}]}');
  const map = (keys: string): string =>
    `mode: mapreduce\nmap:\n${keys}  max_parallel: 3\n  agent_template:\n    - claude: "/fix \${item_id}"\nreduce:\n  - shell: "true"\n`;
  const told = (keys: string): string => {
    rig.write("../w.yml", map(keys));
    const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "--dry-run"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout.replaceAll("[DRY RUN] ", "");
  };
  const files = told('  input: "src/**/*.ts"\n');
  expect(files).toContain("Map: 7 items as the files are now, 3 at once\n  - src/a.ts\n");
  expect(files).toContain("  - src/e.ts\n  - and 2 more items\n");
  expect(files).toContain("Would execute: claude: /fix src/a.ts\nWould execute: shell: true\n");
  const selected = told('  input: items.json\n  json_path: "$.items[*]"\n  filter: "n > 5"\n');
  expect(selected).toContain("Map: 1 item as the files are now, 3 at once\n  - high\nOnly items for which n > 5\n");
  expect(told('  input: {command: "ls | head"}\n')).toContain(
    "Map: the items are what this command lists: ls | head, 3 at once\n",
  );
});
