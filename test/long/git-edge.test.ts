/** Repositories as they are found in the world, and targets that do not stand still. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { type Ended, newRig, type Rig } from "../kit/rig.ts";

const ADD = '- shell: "echo new > new.txt; git add -A; git commit -qm new"\n';

function run(rig: Rig, workflow: string, args: readonly string[] = ["-y"], agent = "fallback: [{ say: ok }]"): Ended {
  rig.write("../w.yml", workflow);
  rig.write("../agent.yml", agent);
  return rig.prodigy(["run", "../w.yml", ...args], scripted(rig));
}

function scripted(rig: Rig): Readonly<Record<string, string>> {
  return { PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "agent.yml") };
}

/** A step that moves the user's branch while the run goes on. */
function meanwhile(rig: Rig, script: string): string {
  return `- shell: "cd ${rig.repo} && ${script}"\n`;
}

test("work that began on a detached HEAD is done, not merged anywhere, and says how to merge it", async () => {
  await using rig = await newRig();
  rig.git("checkout", "-q", "--detach");
  const { code, stdout, stderr } = run(rig, ADD);
  expect(code).toBe(5);
  const branch = rig.git("branch", "--list", "prodigy-*", "--format=%(refname:short)");
  expect(stdout + stderr).toMatch(/detached/);
  expect(stdout + stderr).toContain(`git merge '${branch}'`);
  expect(rig.git("show", `${branch}:new.txt`)).toBe("new");
  expect(rig.git("rev-parse", "HEAD")).toBe(rig.git("rev-parse", "main"));
});

test("a target that moved meanwhile is merged with", async () => {
  await using rig = await newRig();
  const { code, stderr } = run(
    rig,
    `${meanwhile(rig, "echo theirs > theirs.txt; git add -A; git commit -qm theirs")}${ADD}`,
  );
  expect(code, stderr).toBe(0);
  expect([rig.read("new.txt"), rig.read("theirs.txt")]).toEqual(["new\n", "theirs\n"]);
  expect(rig.git("status", "--porcelain")).toBe("");
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(1);
});

const CONFLICT = (rig: Rig): string =>
  `${meanwhile(rig, "echo theirs > README.md; git commit -qam theirs")}- shell: "echo ours > README.md; git commit -qam ours"\n`;

test("a conflict with a target that moved is resolved by the agent, beside the user's checkout", async () => {
  await using rig = await newRig();
  const agent = 'fallback: [{ write: { path: README.md, content: "both\\n" } }, { commit: resolved }, { say: done }]';
  const { code, stdout, stderr } = run(rig, CONFLICT(rig), ["-y"], agent);
  expect(code, stdout + stderr).toBe(0);
  expect(rig.read("README.md")).toBe("both\n");
  // Its own commit and the merge; what the other had committed is not counted.
  expect(stdout).toContain("commits  2 (1 file, ");
  expect(rig.git("log", "--format=%s", "main").split("\n")).toEqual(
    expect.arrayContaining(["ours", "theirs", "first"]),
  );
  expect(rig.git("status", "--porcelain")).toBe("");
});

test.each([
  ["fails", "fallback: [{ fail: { kind: error, message: cannot } }]"],
  ["leaves the conflict", "fallback: [{ say: I did nothing }]"],
  ["throws the other side away", 'fallback: [{ shell: "git merge --abort" }, { say: done }]'],
])("when the agent %s nothing is lost, and a person can go on", async (_, agent) => {
  await using rig = await newRig();
  const ended = run(rig, CONFLICT(rig), ["-y"], agent);
  expect([1, 5], ended.stderr).toContain(ended.code);
  expect(ended.stderr).toMatch(/prodigy (resume|worktree merge) session-/);
  expect(rig.read("README.md")).toBe("theirs\n");
  expect(rig.git("status", "--porcelain")).toBe("");
  const [id = ""] = rig.sessions();
  expect(rig.git("log", "--format=%s", `prodigy-${id}`)).toContain("ours");
  expect(rig.git("show", `${rig.git("log", "--format=%h", "--grep=^ours$", `prodigy-${id}`)}:README.md`)).toBe("ours");
  // A person, or a better agent, goes on.
  rig.write(
    "../agent.yml",
    'fallback: [{ write: { path: README.md, content: "both\\n" } }, { commit: resolved }, { say: done }]',
  );
  const resumed = rig.prodigy(["resume", "-y"], scripted(rig));
  expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
  expect(rig.read("README.md")).toBe("both\n");
});

test("a merge that was committed with the marks of its conflict is not landed before a person has resolved it", async () => {
  await using rig = await newRig();
  const ended = run(rig, CONFLICT(rig), ["-y"], "fallback: [{ commit: resolved }, { say: done }]");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain("the marks of its conflicts in README.md");
  expect(ended.stderr).toMatch(/prodigy worktree merge session-/);
  expect(rig.read("README.md")).toBe("theirs\n");
  const [id = ""] = rig.sessions();
  const [{ directory = "" } = {}] = JSON.parse(rig.prodigy(["worktree", "list", "--json"]).stdout) as {
    directory?: string;
  }[];
  writeFileSync(join(directory, "README.md"), "both\n");
  rig.git("-C", directory, "commit", "-qam", "resolved by hand");
  const merged = rig.prodigy(["worktree", "merge", id]);
  expect(merged.code, merged.stderr).toBe(0);
  expect(rig.read("README.md")).toBe("both\n");
});

test("local changes that the merge would touch are left alone, named, and landed around later", async () => {
  await using rig = await newRig();
  rig.write("other.txt", "1\n");
  rig.commitAll("other");
  rig.write("README.md", "mine\n");
  const { code, stderr } = run(rig, '- shell: "echo theirs > README.md; git commit -qam theirs"\n');
  expect(code).toBe(5);
  expect(stderr).toContain("README.md");
  expect(rig.read("README.md")).toBe("mine\n");
  expect(rig.git("status", "--porcelain")).toBe(" M README.md");
  rig.git("stash");
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["worktree", "merge", id]).code).toBe(0);
  expect(rig.read("README.md")).toBe("theirs\n");
});

test("an untracked file that the merge would overwrite is left alone and named", async () => {
  await using rig = await newRig();
  const { code, stderr } = run(rig, `${meanwhile(rig, "echo mine > new.txt")}${ADD}`);
  expect(code).toBe(5);
  expect(stderr).toContain("new.txt");
  expect(rig.read("new.txt")).toBe("mine\n");
});

test("local changes elsewhere stay as they are while the session lands", async () => {
  await using rig = await newRig();
  rig.write("README.md", "mine\n");
  rig.write("loose.txt", "loose\n");
  rig.git("add", "README.md");
  const { code, stderr } = run(rig, ADD);
  expect(code, stderr).toBe(0);
  expect([rig.read("README.md"), rig.read("new.txt"), rig.read("loose.txt")]).toEqual(["mine\n", "new\n", "loose\n"]);
  expect(rig.git("status", "--porcelain")).toBe("M  README.md\n?? loose.txt");
});

test("a target that is not checked out any more is moved all the same", async () => {
  await using rig = await newRig();
  const { code, stderr } = run(rig, `${meanwhile(rig, "git checkout -q -b elsewhere")}${ADD}`);
  expect(code, stderr).toBe(0);
  expect(rig.git("show", "main:new.txt")).toBe("new");
  expect(rig.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("elsewhere");
  expect(existsSync(join(rig.repo, "new.txt"))).toBe(false);
});

test("a target that was deleted is not guessed", async () => {
  await using rig = await newRig();
  rig.git("checkout", "-q", "-b", "topic");
  const { code, stdout, stderr } = run(rig, `${meanwhile(rig, "git checkout -q main && git branch -D topic")}${ADD}`);
  expect(code).toBe(5);
  expect(stdout + stderr).toContain("topic");
  expect(stdout + stderr).toContain("git ");
  expect(existsSync(join(rig.repo, "new.txt"))).toBe(false);
  expect(rig.git("show", `prodigy-${rig.sessions()[0] ?? ""}:new.txt`)).toBe("new");
});

test("an empty repository, a bare one and none at all are refused with what to do", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", ADD);
  const [empty, bare, none] = ["empty", "bare", "none"].map((name) => join(rig.root, name)) as [string, string, string];
  rig.git("init", "-q", empty);
  rig.git("init", "-q", "--bare", bare);
  mkdirSync(none);
  for (const [path, words] of [
    [empty, /no commit yet[^]*git commit/],
    [bare, /bare repository[^]*clone/],
    [none, /not in a git repository[^]*git init/],
    [join(rig.root, "nowhere"), /does not exist/],
  ] as const) {
    const refused = rig.prodigy(["run", "../w.yml", "--path", path]);
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toMatch(words);
  }
  expect(rig.sessions()).toEqual([]);
});

test("a repository with a submodule is worked on, the submodule's own files apart", async () => {
  await using rig = await newRig();
  const inner = join(rig.root, "inner");
  rig.git("init", "-q", "-b", "main", inner);
  writeFileSync(join(inner, "in.txt"), "in\n");
  for (const args of [
    ["add", "-A"],
    ["-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "in"],
  ])
    rig.git("-C", inner, ...args);
  rig.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "sub");
  rig.commitAll("with a submodule");
  const { code, stdout, stderr } = run(rig, ADD);
  expect(code, stdout + stderr).toBe(0);
  expect(rig.read("new.txt")).toBe("new\n");
  expect(rig.read("sub/in.txt")).toBe("in\n");
  expect(rig.git("status", "--porcelain")).toBe("");
});

test("without an identity a run that will commit stops before its first step, and one that will not goes on", async () => {
  await using rig = await newRig();
  rig.git("config", "--unset", "user.name");
  rig.git("config", "--unset", "user.email");
  for (const workflow of [
    `- shell: "touch ${rig.root}/began"\n- claude: "do it"\n`,
    `- shell: "touch ${rig.root}/began; echo a > a"\n  auto_commit: true\n`,
    `- shell: "touch ${rig.root}/began"\n  commit_required: true\n`,
  ]) {
    const { code, stderr } = run(rig, workflow);
    expect([1, 2], stderr).toContain(code);
    expect(stderr).toContain("git config --global user.name");
  }
  expect(existsSync(join(rig.root, "began"))).toBe(false);
  expect(run(rig, `- shell: "touch ${rig.root}/began"\n`).code).toBe(0);
});

test("merge steps run in the session's worktree, and git lands what they have not", async () => {
  await using rig = await newRig();
  const { code, stdout, stderr } = run(
    rig,
    `commands:\n${ADD}merge:\n  commands:\n    - shell: 'echo "\${merge.target_branch} \${merge.source_branch}" > merged.txt; git add -A; git commit -qm merged'\n`,
  );
  expect(code, stdout + stderr).toBe(0);
  expect(rig.read("merged.txt")).toBe(`main prodigy-${rig.sessions()[0] ?? ""}\n`);
});

test("a merge step that fails lands nothing and loses nothing", async () => {
  await using rig = await newRig();
  const workflow = `commands:\n${ADD}merge:\n  commands:\n    - shell: 'test -e "${rig.root}/go"'\n`;
  const failed = run(rig, workflow);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/prodigy resume session-/);
  expect(existsSync(join(rig.repo, "new.txt"))).toBe(false);
  rig.write("../go", "");
  expect(rig.prodigy(["resume", "-y"]).code).toBe(0);
  expect(rig.read("new.txt")).toBe("new\n");
});

test("worktrees are listed, merged, and removed only where nothing is lost", async () => {
  await using rig = await newRig();
  expect(run(rig, ADD, []).code).toBe(5);
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["worktree", "list"]).stdout).toMatch(new RegExp(`${id}.*1 commit`));
  const kept = rig.prodigy(["worktree", "clean", "--all"]);
  expect(kept.stdout).toContain("Kept");
  expect(rig.git("worktree", "list").split("\n")).toHaveLength(2);
  const merged = rig.prodigy(["worktree", "merge", id]);
  expect(merged.code, merged.stderr).toBe(0);
  expect(rig.read("new.txt")).toBe("new\n");
  expect(rig.prodigy(["worktree", "list"]).stdout).toContain("No active worktrees");
  expect(rig.prodigy(["worktree", "merge", id]).code).not.toBe(0);
});

test("a worktree that is removed by force leaves its commits on their branch and its files in salvage", async () => {
  await using rig = await newRig();
  const failed = run(rig, `${ADD}- shell: "echo loose > loose.txt; false"\n`);
  expect(failed.code).toBe(1);
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["worktree", "clean", id]).stdout).toMatch(/Kept.*prodigy resume/);
  const cleaned = rig.prodigy(["worktree", "clean", id, "--force"]);
  expect(cleaned.stdout, cleaned.stderr).toMatch(/Removed/);
  expect(rig.git("show", `prodigy-${id}:new.txt`)).toBe("new");
  const [entry] = JSON.parse(rig.prodigy(["salvage", "list", "--json"]).stdout) as { name: string }[];
  expect(rig.prodigy(["salvage", "show", entry?.name ?? ""]).stdout).toContain("loose.txt");
  expect(rig.prodigy(["salvage", "restore", entry?.name ?? "", "--branch", "back"]).code).toBe(0);
  expect(rig.git("show", "back:loose.txt")).toBe("loose");
});

test("what a killed step had left is salvaged when the session goes on, and can be had back", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `${ADD}- shell: |\n    if test -e "${rig.root}/go"; then test ! -e half.txt; else echo half > half.txt; echo changed >> new.txt; touch "${rig.root}/here"; sleep 60; fi\n`,
  );
  const child = spawn(process.execPath, [rig.main, "run", "../w.yml"], {
    cwd: rig.repo,
    env: rig.env,
    stdio: "ignore",
  });
  await vi.waitFor(() => expect(existsSync(join(rig.root, "here"))).toBe(true), { timeout: 50_000, interval: 20 });
  child.kill("SIGKILL");
  await once(child, "close");
  rig.write("../go", "");
  const resumed = rig.prodigy(["resume", "-y"]);
  expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
  expect(rig.read("new.txt")).toBe("new\n");
  const [entry] = JSON.parse(rig.prodigy(["salvage", "list", "--json"]).stdout) as { name: string }[];
  const shown = rig.prodigy(["salvage", "show", entry?.name ?? ""]).stdout;
  expect(shown).toContain("half.txt");
  expect(shown).toContain("+changed");
  const restored = rig.prodigy(["salvage", "restore", entry?.name ?? ""]);
  expect(restored.code, restored.stderr).toBe(0);
  const branch = /Made branch (\S+)/.exec(restored.stdout)?.[1] ?? "";
  expect(rig.git("show", `${branch}:half.txt`)).toBe("half");
  expect(rig.git("show", `${branch}:new.txt`)).toBe("new\nchanged");
});

test("a folder that becomes a link, and a link that becomes a folder, are files like any other", async () => {
  await using rig = await newRig();
  const { code, stdout, stderr } = run(
    rig,
    `
- shell: "mkdir d e && echo a > d/a.txt && echo b > e/b.txt"
- shell: "rm -r d && ln -s e d"
- shell: "test -L d && rm d && mkdir d && echo c > d/c.txt"
- shell: "rm README.md && mkdir README.md && echo r > README.md/r.txt"
- shell: "git add -A; git commit -qm all"
`,
  );
  expect(code, stdout + stderr).toBe(0);
  expect(readdirSync(join(rig.repo, "d"))).toEqual(["c.txt"]);
  expect(readFileSync(join(rig.repo, "e/b.txt"), "utf8")).toBe("b\n");
  expect(rig.read("README.md/r.txt")).toBe("r\n");
});
