/** Preparing and removing a worktree may die at any call of git; calling again gives what a calm run gives. */
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRepository } from "./repository.ts";
import { listSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";
import { BRANCH, makeRepo, openSession, SESSION, startSession, type TestRepo, value, writeIn } from "./test-repo.ts";
import { openTrees } from "./trees.ts";

/** Opens the session's trees over a git that works a number of times and never again, as for a process that dies. */
async function openDying(repo: TestRepo, calls: number) {
  const repository = value(await openRepository({ path: repo.directory, git: repo.git }));
  const [counter, executable] = [join(repo.base, "calls"), join(repo.base, "dying-git")];
  await writeFile(counter, "");
  await writeFile(
    executable,
    `#!/bin/sh\nprintf x >> '${counter}'\n[ "$(wc -c < '${counter}')" -le ${calls} ] || exit 99\nexec git "$@"\n`,
  );
  await chmod(executable, 0o755);
  const dying = { ...repository, git: { ...repo.git, executable } };
  const trees = await openTrees({
    repository: dying,
    root: repo.root,
    key: "project",
    session: SESSION,
    branch: BRANCH,
    warn: () => undefined,
  });
  return trees.ok ? trees.value : null;
}

/** More calls than any of these make; a death that late is no death. */
const CALLS = 40;

test("restoring after a death at any call gives the recorded state and loses nothing", {
  timeout: 120_000,
}, async () => {
  await using repo = await makeRepo();
  const { trees, start, directory, repository, shadow } = await startSession(repo);
  await writeIn(directory, "recorded.txt", "recorded\n");
  await repo.runIn(directory, "add", "-A");
  const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
  let deaths = 0;
  // Every second call, because this is a unit test and has to be done in a few seconds.
  for (let calls = 1; calls <= CALLS; calls += 2) {
    await writeIn(directory, "a.txt", `interrupted ${calls}\n`);
    await writeIn(directory, "left.txt", `left ${calls}\n`);
    const restore = { lane: "main", tree, mode: "restore", reason: "interrupted step" } as const;
    const died = await (await openDying(repo, calls))?.prepare(restore);
    if (died?.ok !== true) deaths += 1;
    const calm = await openSession(repo);
    expect(value(await calm.trees.prepare(restore)).tree).toEqual(tree);
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("A  recorded.txt");
    const kept = value(await listSalvage(value(await openShadow(repository, shadow)), null));
    const refs = kept.map((entry) => `refs/salvage/${entry.name}`);
    expect(await repo.runIn(shadow, "grep", "-h", `^left ${calls}$`, ...refs, "--", "left.txt")).toContain(
      `left ${calls}`,
    );
    if (died?.ok === true) break;
  }
  expect(deaths).toBeGreaterThan(5);
  expect(deaths).toBeLessThan(CALLS);
});

test("making a worktree after a death at any call gives the recorded state", { timeout: 120_000 }, async () => {
  await using repo = await makeRepo();
  const { trees, start, directory } = await startSession(repo);
  await writeIn(directory, "recorded.txt", "recorded\n");
  const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
  let finished = false;
  for (let calls = 1; calls <= CALLS && !finished; calls += 1) {
    await rm(directory, { recursive: true, force: true });
    const keep = { lane: "main", tree, mode: "keep", reason: "resume" } as const;
    finished = (await (await openDying(repo, calls))?.prepare(keep))?.ok === true;
    const calm = await openSession(repo);
    expect(value(await calm.trees.prepare(keep)).tree).toEqual(tree);
    expect(await readFile(join(directory, "recorded.txt"), "utf8")).toBe("recorded\n");
  }
  expect(finished).toBe(true);
});

test("landing and removing after a death at any call end with all of it landed", { timeout: 120_000 }, async () => {
  await using repo = await makeRepo();
  const finish = { lane: "main", target: "main", reason: "landed" } as const;
  let finished = false;
  for (let calls = 1; calls <= CALLS && !finished; calls += 1) {
    const { directory } = await startSession(repo);
    await writeIn(directory, `work-${calls}.txt`, "work\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "Work");
    await repo.commit("Meanwhile", { "meanwhile.txt": `${calls}\n` });
    const dying = await openDying(repo, calls);
    const landed = await dying?.land({ target: "main", message: "Merge" });
    finished = landed?.ok === true && (await dying?.remove(finish))?.ok === true;
    const calm = await openSession(repo);
    if (landed?.ok !== true) value(await calm.trees.land({ target: "main", message: "Merge" }));
    value(await calm.trees.remove(finish));
    await calm.trees[Symbol.asyncDispose]();
    expect(await repo.run("status", "--porcelain")).toBe("");
    expect(await readFile(join(repo.directory, `work-${calls}.txt`), "utf8")).toBe("work\n");
    expect(await repo.run("branch", "--format=%(refname:short)")).toBe("main");
  }
  expect(finished).toBe(true);
});
