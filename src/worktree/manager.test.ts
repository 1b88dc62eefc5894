import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { type SessionFacts, worktreeManager } from "./manager.ts";
import { BRANCH, makeRepo, type Session, SESSION, startSession, type TestRepo, value, writeIn } from "./test-repo.ts";

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
