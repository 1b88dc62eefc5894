import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

const COMMIT = 'git add -A && git commit -qm "$0"';

test("check 25: a run leaves one session file that says what it was and that it is completed", async () => {
  await using rig = await newRig();
  rig.write("../n.yml", 'name: n\ncommands:\n  - shell: "true"\n  - shell: "true"\n');
  expect(rig.prodigy(["run", "../n.yml"]).code).toBe(0);
  expect(rig.sessions()).toHaveLength(1);
  const [id] = rig.sessions();
  expect(rig.session()).toMatchObject({
    id,
    session_type: "Workflow",
    status: "Completed",
    started_at: expect.stringMatching(/^\d{4}-.*Z$/),
    completed_at: expect.stringMatching(/^\d{4}-.*Z$/),
    workflow_data: { workflow_id: id, workflow_name: "n", total_steps: 2 },
  });
  expect(statSync(rig.home).mode & 0o077).toBe(0);
});

test("check 26: two runs have two ids", async () => {
  await using rig = await newRig();
  for (const name of ["one", "two"]) {
    rig.write("../w.yml", `name: ${name}\ncommands:\n  - shell: "true"\n`);
    rig.prodigy(["run", "../w.yml"]);
  }
  const names = rig.sessions().map((id) => rig.session(id)["workflow_data"]);
  expect(names).toMatchObject([{ workflow_name: "one" }, { workflow_name: "two" }]);
});

test("check 27: a failing step fails the session, keeps the worktree and says where, why and how to go on", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", 'name: w\ncommands:\n  - shell: "echo half done; echo the reason >&2; exit 3"\n');
  const { code, stderr } = rig.prodigy(["run", "../w.yml"]);
  expect(code).toBe(1);
  const [id = ""] = rig.sessions();
  expect(rig.session()).toMatchObject({ status: "Failed", error: expect.stringContaining("exit code 3") });
  expect(stderr).toContain("../w.yml:3:5");
  expect(stderr).toContain("    the reason");
  expect(stderr).toContain(`resume with: prodigy resume ${id}`);
  const [log = ""] = /log: (\S+stderr)/.exec(stderr)?.slice(1) ?? [];
  expect(existsSync(log)).toBe(true);
  const worktrees = join(rig.home, "worktrees");
  const [repository = ""] = readdirSync(worktrees);
  expect(readdirSync(join(worktrees, repository))).toContain(id);
});

test("check 30: files and iterations are counted", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "echo $ITERATION > f$ITERATION.txt; ${COMMIT.replaceAll('"', "'")}"\n`);
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "-n", "3", "-y"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Starting iteration 3/3");
  expect(stdout).toContain("Session complete: 3 iterations, 3 files changed");
  expect(rig.session()).toMatchObject({ workflow_data: { iterations_completed: 3, files_changed: 3 } });
});

test("-n stops when a pass makes no commit", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  const { stdout } = rig.prodigy(["run", "../w.yml", "-n", "5"]);
  expect(stdout).toContain("Starting iteration 1/5");
  expect(stdout).not.toContain("Starting iteration 2/5");
});

test("check 31: sessions list filters by status and gives the newest with --limit 1", async () => {
  await using rig = await newRig();
  rig.write("../good.yml", '- shell: "true"\n');
  rig.write("../bad.yml", '- shell: "false"\n');
  for (const file of ["../bad.yml", "../good.yml", "../good.yml"]) rig.prodigy(["run", file]);
  const ids = rig.sessions();
  const list = (...args: string[]): unknown => JSON.parse(rig.prodigy(["sessions", "list", "--json", ...args]).stdout);
  expect(list("--status", "failed")).toMatchObject([{ session: ids[0], status: "failed", resumable: true }]);
  expect(list("--limit", "1")).toMatchObject([{ session: ids[2] }]);
});

test("checks 37, 38: until the merge nothing of the user's checkout changes", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `- shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}; test -z \\"$(cd ${rig.repo} && git status --porcelain)\\""\n`,
  );
  const before = rig.git("rev-parse", "HEAD");
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(5);
  expect(rig.git("rev-parse", "HEAD")).toBe(before);
  expect(rig.git("status", "--porcelain")).toBe("");
  const branch = `prodigy-${rig.sessions()[0] ?? ""}`;
  expect(rig.git("log", "--format=%D", `main..${branch}`)).toBe(branch);
});

test("check 39: the branch that was checked out is the target; a deleted one is not replaced by another", async () => {
  await using rig = await newRig();
  rig.git("checkout", "-q", "-b", "feature/x");
  rig.write("../w.yml", `- shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}"\n`);
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(5);
  rig.git("checkout", "-q", "main");
  rig.git("branch", "-q", "-D", "feature/x");
  const { code, stderr } = rig.prodigy(["resume", "-y"]);
  expect(code).toBe(5);
  expect(stderr).toContain("feature/x");
  expect(existsSync(join(rig.repo, "new.txt"))).toBe(false);
});

test("check 40 (as amended): with nobody to ask nothing is merged, everything is kept, and it says how to merge", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}"\n`);
  const { code, stderr } = rig.prodigy(["run", "../w.yml"], {}, "y\n");
  const [id = ""] = rig.sessions();
  expect(code).toBe(5);
  expect(stderr).toContain(`prodigy worktree merge ${id}`);
  expect(rig.git("branch", "--list", `prodigy-${id}`)).toContain(id);
  expect(rig.prodigy(["worktree", "merge", id]).code).toBe(0);
  expect(rig.read("new.txt")).toBe("x\n");
  expect(rig.git("branch", "--list", `prodigy-${id}`)).toBe("");
});

test("check 41: with -y the target has the commits, and worktree and branch are gone", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}"\n`);
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "-y"]);
  expect(code).toBe(0);
  expect(stdout).toContain("1 (1 file, +1 -0), merged into main");
  expect(rig.read("new.txt")).toBe("x\n");
  expect(rig.git("branch", "--list", "prodigy-*")).toBe("");
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(1);
});

test("check 42: without commits there is nothing to merge, which is said, and the worktree goes", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  const { code, stdout } = rig.prodigy(["run", "../w.yml"]);
  expect(code).toBe(0);
  expect(stdout).toContain("nothing to merge");
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(1);
});

test("check 43: a workflow's own merge steps run in its worktree; when one fails the target stays as it was", async () => {
  await using rig = await newRig();
  const merge = (last: string): string =>
    `commands:\n  - shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}"\nmerge:\n  - shell: "echo \${merge.source_branch} into \${merge.target_branch} > ${rig.root}/merge.txt; pwd >> ${rig.root}/merge.txt"\n  - shell: "${last}"\n`;
  rig.write("../w.yml", merge("exit 4"));
  const before = rig.git("rev-parse", "main");
  expect(rig.prodigy(["run", "../w.yml", "-y"]).code).toBe(1);
  const [id = ""] = rig.sessions();
  expect(rig.git("rev-parse", "main")).toBe(before);
  expect(rig.read("../merge.txt")).toMatch(new RegExp(`^prodigy-${id} into main\n.*${id}\n$`));
  rig.write("../w.yml", merge("true"));
  expect(rig.prodigy(["run", "../w.yml", "-y"]).code).toBe(0);
  expect(rig.read("new.txt")).toBe("x\n");
});

test("check 44: the time limit of merge is kept", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `commands:\n  - shell: "echo x > new.txt; ${COMMIT.replaceAll('"', "'")}"\nmerge:\n  timeout: 1\n  commands:\n    - shell: "sleep 30"\n`,
  );
  const { code, stderr } = rig.prodigy(["run", "../w.yml", "-y"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/time limit/);
});

test("check 45: worktree ls says that there are none, and --json gives an array", async () => {
  await using rig = await newRig();
  expect(rig.prodigy(["worktree", "ls"])).toMatchObject({ code: 0, stdout: "No active worktrees.\n" });
  expect(rig.prodigy(["worktree", "list", "--json"]).stdout).toBe("[]\n");
});

test("check 46: worktree clean tells with --dry-run, keeps what could be lost, and with -f keeps it aside", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo precious > draft.txt; false"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["worktree", "clean", id]).stdout).toContain(`can go on with: prodigy resume ${id}`);
  expect(rig.prodigy(["worktree", "clean", id, "-f", "--dry-run"]).stdout).toContain("[DRY RUN] Would remove");
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(2);
  expect(rig.prodigy(["worktree", "clean", "--all", "-f"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Removed /),
  });
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(1);
  const kept = JSON.parse(rig.prodigy(["salvage", "list", "--json"]).stdout) as { name: string }[];
  expect(kept).toHaveLength(1);
  expect(rig.prodigy(["salvage", "show", kept[0]!.name]).stdout).toContain("+precious");
  expect(rig.prodigy(["salvage", "restore", kept[0]!.name, "--branch", "back"]).code).toBe(0);
  expect(rig.git("show", "back:draft.txt")).toBe("precious");
});

test("an input that fails is left behind with --keep-going, and the run exits 3", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "echo $ARG > $ARG.txt && test $ARG != bad && ${COMMIT.replaceAll('"', "'")}"\n`);
  const { code, stderr } = rig.prodigy([
    "run",
    "../w.yml",
    "-y",
    "--keep-going",
    "--args",
    "a",
    "--args",
    "bad",
    "--args",
    "c",
  ]);
  expect(code).toBe(3);
  expect(stderr).toContain("1 input failed");
  expect(rig.read("a.txt") + rig.read("c.txt")).toBe("a\nc\n");
  expect(existsSync(join(rig.repo, "bad.txt"))).toBe(false);
});

test("a secret of the environment is in no file and on no stream", async () => {
  await using rig = await newRig();
  const secret = "s3cr3t-value-of-the-token";
  rig.write(
    "../w.yml",
    'commands:\n  - shell: "echo token=$DEPLOY_TOKEN; echo $DEPLOY_TOKEN >&2"\n    capture: out\n  - shell: "test \\"${out}\\" = token=$DEPLOY_TOKEN && exit 1"\n',
  );
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-vv"], { DEPLOY_TOKEN: secret });
  expect(code).toBe(1);
  expect(stdout + stderr).not.toContain(secret);
  expect(stdout).toContain("token=***");
  expect(filesBelow(rig.home).filter((file) => rig.read(file).includes(secret))).toEqual([]);
  expect(rig.prodigy(["events", "show", rig.sessions()[0] ?? "", "--json"]).stdout).not.toContain(secret);

  function filesBelow(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join("..", join(entry.parentPath, entry.name).slice(rig.root.length + 1)));
  }
});

test("run --json prints one object on stdout and nothing else", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", 'name: w\ncommands:\n  - shell: "echo x > x.txt"\n  - shell: "exit 7"\n');
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "--json", "-v"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    session: rig.sessions()[0],
    workflow: "w",
    status: "failed",
    exitCode: 1,
    fault: { kind: "exit", exitCode: 7, at: { line: 4 } },
    steps: { ok: 1, failed: 1 },
    usage: { costUsd: null },
  });
  const page = readFileSync(new URL("../../docs/json.md", import.meta.url), "utf8");
  expect(Object.keys(JSON.parse(stdout) as object).filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
  const refused = rig.prodigy(["run", "../nope.yml", "--json"]);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { kind: "input" } });
});

test("the scripted agent's work, cost and tokens are told", async () => {
  await using rig = await newRig();
  rig.write(
    "../script.yml",
    "rules:\n  - when: /fix\n    steps:\n      - write: {path: fixed.txt, content: done}\n      - commit: Fix it\n        usage: {input: 1200, output: 300, cost: 0.12}\n",
  );
  rig.write("../w.yml", '- claude: "/fix"\n  commit_required: true\n');
  const { code, stdout } = rig.prodigy(["run", "../w.yml", "-y", "--agent", "scripted"], {
    PRODIGY_SCRIPT: `${rig.root}/script.yml`,
  });
  expect(code).toBe(0);
  expect(stdout).toContain("$0.12 (1200 tokens in, 300 out)");
  expect(rig.read("fixed.txt")).toBe("done");
});
