import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type SessionFacts, worktreeManager } from "./manager.ts";
import { listSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";
import {
  BRANCH,
  makeRepo,
  openSession,
  type Session,
  SESSION,
  startSession,
  type TestRepo,
  value,
  writeIn,
} from "./test-repo.ts";

function manager(repo: TestRepo, session: Session, facts: Partial<SessionFacts> | null) {
  return worktreeManager({
    repository: session.repository,
    root: repo.root,
    key: "project",
    session: () => (facts === null ? null : { live: false, ended: true, target: "main", ...facts }),
    warn: () => undefined,
  });
}

async function commitWork(repo: TestRepo, session: Session): Promise<void> {
  await writeIn(session.directory, "work.txt", "work\n");
  await repo.runIn(session.directory, "add", "-A");
  await repo.runIn(session.directory, "commit", "-q", "-m", "Work");
}

const ALL = { sessions: "all", force: false, dryRun: false } as const;

test("lists each worktree with what has not landed", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await commitWork(repo, session);
  await writeIn(session.directory, "left.txt", "left\n");
  expect(value(await manager(repo, session, {}).list())).toEqual([
    {
      session: SESSION,
      lane: "main",
      holder: "main",
      directory: session.directory,
      branch: BRANCH,
      target: "main",
      there: true,
      head: await repo.run("rev-parse", BRANCH),
      unlanded: 1,
      uncommitted: ["left.txt"],
      live: false,
      ended: true,
    },
  ]);
});

test.each([
  [{ live: true }, `a run is at work in it; stop it with: prodigy stop ${SESSION}`],
  [{ ended: false }, `its session can go on with: prodigy resume ${SESSION}`],
  [{}, `1 commit has not landed on main; land with: prodigy worktree merge ${SESSION}`],
  [{ target: null }, "it cannot be told whether its commits have landed; use --force to remove it and keep its branch"],
  [null, "its session is not known; use --force to remove it all the same"],
])("clean keeps a worktree of a session with %j, and says why", async (facts, reason) => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await commitWork(repo, session);
  const [cleaned] = value(await manager(repo, session, facts).clean(ALL));
  expect(cleaned).toMatchObject({ removed: false, reason });
  expect(existsSync(session.directory)).toBe(true);
});

test("clean removes what has landed, with uncommitted files kept", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await commitWork(repo, session);
  value(await session.trees.land({ target: "main", message: "Merge" }));
  await writeIn(session.directory, "left.txt", "left\n");
  const worktrees = manager(repo, session, {});
  const [planned] = value(await worktrees.clean({ ...ALL, dryRun: true }));
  expect(planned).toMatchObject({ removed: false, reason: "would be removed" });
  const [cleaned] = value(await worktrees.clean(ALL));
  expect(cleaned?.removed).toBe(true);
  expect(cleaned?.reason).toBe(`removed; what was not committed is kept as ${cleaned?.salvage}`);
  expect(existsSync(session.directory)).toBe(false);
  expect(value(await worktrees.list())).toEqual([]);
});

test("force removes what has not landed and leaves its branch", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await commitWork(repo, session);
  const [cleaned] = value(await manager(repo, session, {}).clean({ ...ALL, force: true }));
  expect(cleaned?.removed).toBe(true);
  expect(await repo.run("log", "-1", "--format=%s", BRANCH)).toBe("Work");
});

const POOL = { mode: "restore", reason: "item", pool: { keep: [], copy: [] } } as const;

test("worktrees of the pool are listed with the lane that has them, and cleaned with the session's own", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  for (const lane of ["one", "two"]) value(await session.trees.prepare({ lane, tree: session.start, ...POOL }));
  value(await session.trees.release({ lane: "one", known: null, merged: null, reason: "done" }));
  await writeIn(join(`${session.directory}.lanes`, "pool-1"), "nobodys.txt", "nobody's\n");
  await writeIn(join(`${session.directory}.lanes`, "pool-2"), "left.txt", "left\n");
  const worktrees = manager(repo, session, {});
  expect(value(await worktrees.list())).toMatchObject([
    { lane: "main", holder: "main" },
    { lane: "pool-1", holder: null, unlanded: 0, uncommitted: [] },
    { lane: "pool-2", holder: "two", unlanded: 0, uncommitted: ["left.txt"] },
  ]);
  expect(value(await manager(repo, session, { ended: false }).clean(ALL)).map(({ removed }) => removed)).toEqual([
    false,
    false,
    false,
  ]);
  const cleaned = value(await worktrees.clean(ALL));
  expect(cleaned.map(({ worktree, removed }) => [worktree.lane, removed])).toEqual([
    ["pool-1", true],
    ["pool-2", true],
    ["main", true],
  ]);
  expect(cleaned.map(({ salvage }) => salvage !== null)).toEqual([false, true, false]);
  expect(value(await worktrees.list())).toEqual([]);
  expect(await repo.run("worktree", "list")).not.toContain(SESSION);
  expect(await readdir(repo.root, { recursive: true })).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/worktrees\/project\/.|trash\/.|shadow\/project.git\/lanes\/./)]),
  );
});

test("the end of a session takes the pool along, with the work of lanes kept", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = value(await session.trees.prepare({ lane: "one", tree: session.start, ...POOL }));
  await writeIn(directory, "left.txt", "left\n");
  const after = await openSession(repo);
  value(await after.trees.remove({ lane: "main", target: "main", reason: "landed" }));
  await after.trees[Symbol.asyncDispose]();
  const shadow = value(await openShadow(session.repository, session.shadow));
  expect(value(await listSalvage(shadow, null))).toMatchObject([{ lane: "one", reason: "landed" }]);
  expect(await repo.run("worktree", "list")).not.toContain(SESSION);
  expect(existsSync(`${session.directory}.lanes`)).toBe(false);
});

test("what a killed process was still deleting goes with the next session's end", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const own = spawn("true");
  await once(own, "exit");
  await writeIn(join(repo.root, "trash", `session-old.main.1.${own.pid}`), "a", "");
  await writeIn(join(repo.root, "trash", `session-live.main.2.${process.pid}`), "a", "");
  value(await session.trees.remove({ lane: "main", target: "main", reason: "landed" }));
  await session.trees[Symbol.asyncDispose]();
  expect(await readdir(join(repo.root, "trash"))).toEqual([`session-live.main.2.${process.pid}`]);
});

test("worktrees may lie elsewhere, and a session's stay where they were made", async () => {
  await using repo = await makeRepo();
  const worktrees = join(repo.base, "a fast disk");
  const session = await openSession(repo, { worktrees });
  const main = { lane: "main", tree: session.start, mode: "restore", reason: "start" } as const;
  const made = value(await session.trees.prepare(main));
  expect(made.directory).toBe(join(worktrees, "project", SESSION));
  const one = value(await session.trees.prepare({ lane: "one", tree: session.start, ...POOL }));
  expect(one.directory).toBe(join(worktrees, "project", `${SESSION}.lanes`, "pool-1"));
  const after = await openSession(repo);
  expect(value(await after.trees.prepare(main))).toMatchObject({ directory: made.directory, fresh: false });
  expect(value(await manager(repo, session, {}).list()).map(({ directory }) => directory)).toEqual([
    made.directory,
    one.directory,
  ]);
  value(await after.trees.remove({ lane: "main", target: "main", reason: "landed" }));
  await after.trees[Symbol.asyncDispose]();
  expect(await readdir(worktrees, { recursive: true })).toEqual(["project", "trash"]);
});
