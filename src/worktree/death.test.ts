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

const ITEM = {
  lane: "item",
  mode: "restore",
  reason: "item",
  pool: { keep: ["node_modules"], copy: [".env"] },
} as const;

test("a worktree of the pool, after a death at any call, is in order and found by its lane", {
  timeout: 120_000,
}, async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await writeIn(session.directory, ".env", "A=1\n");
  await writeIn(session.directory, ".gitignore", ".env\n");
  let finished = 0;
  // The first worktree is made; each one after it is put into order after a lane that left all kinds of things.
  for (let calls = 1; calls <= CALLS && finished < 2; calls += 1) {
    const died = await (await openDying(repo, calls))?.prepare({ ...ITEM, tree: session.start });
    if (died?.ok === true) finished += 1;
    const calm = await openSession(repo);
    const { directory } = value(await calm.trees.prepare({ ...ITEM, tree: session.start }));
    expect(directory).toBe(join(`${session.directory}.lanes`, "pool-1"));
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("?? .env");
    expect(await readFile(join(directory, ".env"), "utf8")).toBe("A=1\n");
    await writeIn(directory, `new-${calls}.txt`, "new\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "Work");
    await writeIn(directory, "a.txt", "changed\n");
    await writeIn(directory, "left.log", "ignored\n");
    const { salvage } = value(
      await calm.trees.release({ lane: "item", known: null, merged: null, reason: `done ${calls}` }),
    );
    expect(salvage).not.toBeNull();
  }
  expect(finished).toBe(2);
});

test("giving back and dropping worktrees after a death at any call keeps all work once", {
  timeout: 120_000,
}, async () => {
  await using repo = await makeRepo();
  let finished = false;
  // Every second call, because this is a unit test and has to be done in a few seconds.
  for (let calls = 1; calls <= CALLS && !finished; calls += 2) {
    const session = await startSession(repo);
    for (const lane of ["item", "other"]) {
      const { directory } = value(await session.trees.prepare({ ...ITEM, lane, tree: session.start }));
      await writeIn(directory, "work.txt", `${lane} ${calls}\n`);
    }
    const dying = await openDying(repo, calls);
    const done = { known: null, merged: null, reason: `done ${calls}` };
    finished =
      (await dying?.release({ lane: "item", ...done }))?.ok === true && (await dying?.dropPool(done))?.ok === true;
    const calm = await openSession(repo);
    value(await calm.trees.release({ lane: "item", ...done }));
    value(await calm.trees.dropPool(done));
    await calm.trees[Symbol.asyncDispose]();
    const shadow = value(await openShadow(session.repository, session.shadow));
    const kept = value(await listSalvage(shadow, null)).filter(({ reason }) => reason === done.reason);
    expect(kept.map(({ lane }) => lane).toSorted()).toEqual(["item", "other"]);
    expect(await repo.run("worktree", "list", "--porcelain")).not.toContain("pool-");
  }
  expect(finished).toBe(true);
});

test("advancing and merging into a lane after a death at any call end as a calm run does", {
  timeout: 120_000,
}, async () => {
  await using repo = await makeRepo();
  let finished = false;
  // Every third call, because this is a unit test and has to be done in a few seconds.
  for (let calls = 1; calls <= CALLS && !finished; calls += 3) {
    const session = await startSession(repo);
    const tree = { head: await repo.run("rev-parse", BRANCH), snapshot: null };
    const { directory } = value(await session.trees.prepare({ ...ITEM, tree }));
    await writeIn(directory, `work-${calls}.txt`, "work\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "Work");
    const to = await repo.runIn(directory, "rev-parse", "HEAD");
    await writeIn(session.directory, `work-${calls}.txt`, "mine\n");
    await writeIn(session.directory, `own-${calls}.txt`, "own\n");
    await repo.runIn(session.directory, "add", `own-${calls}.txt`);
    await repo.runIn(session.directory, "commit", "-q", "-m", "Own");
    const own = await repo.run("rev-parse", BRANCH);
    const into = { lane: "item", commit: own, message: "Merge" };
    const merged = await (await openDying(repo, calls))?.mergeInto(into);
    const calm = await openSession(repo);
    const state = value(await calm.trees.mergeInto(into));
    expect(state).toMatchObject({ conflicts: [], tree: { snapshot: null } });
    expect(await repo.run("log", "-1", "--format=%P", state.tree.head)).toBe(`${to} ${own}`);
    const forward = { lane: "main", to: state.tree.head, reason: `advance ${calls}` };
    const advanced = await (await openDying(repo, calls))?.advance(forward);
    const after = await openSession(repo);
    expect(value(await after.trees.advance(forward)).tree).toEqual({ head: state.tree.head, snapshot: null });
    expect(await readFile(join(session.directory, `work-${calls}.txt`), "utf8")).toBe("work\n");
    const shadow = value(await openShadow(session.repository, session.shadow));
    const kept = value(await listSalvage(shadow, null)).filter(({ reason }) => reason === forward.reason);
    expect(kept).toMatchObject([{ lane: "main", head: own }]);
    value(await after.trees.release({ lane: "item", known: null, merged: state.tree.head, reason: "done" }));
    finished = merged?.ok === true && advanced?.ok === true;
  }
  expect(finished).toBe(true);
});
