import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { TreeState } from "../cook/decision/event.ts";
import { listSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";
import { makeRepo, openSession, type Session, startSession, type TestRepo, value, writeIn } from "./test-repo.ts";

const POOL = { keep: ["node_modules"], copy: [] };

function prepare(session: Session, lane: string, tree: TreeState = session.start) {
  return session.trees.prepare({ lane, tree, mode: "restore", reason: "item", pool: POOL });
}

function release(session: Session, lane: string, merged: string | null = null) {
  return session.trees.release({ lane, known: null, merged, reason: "item done" });
}

/** Takes a worktree of the pool, does something in it, gives it back, and has the next lane take it. */
async function reuse(repo: TestRepo, session: Session, act: (directory: string) => Promise<unknown>) {
  const { directory } = value(await prepare(session, "one"));
  await act(directory);
  const { salvage } = value(await release(session, "one"));
  const next = value(await prepare(session, "two"));
  expect(next).toMatchObject({ directory, tree: session.start, salvage: null, fresh: false });
  expect(await repo.runIn(directory, "status", "--porcelain", "--branch")).toBe("## HEAD (no branch)");
  expect(await repo.runIn(directory, "rev-parse", "HEAD")).toBe(session.start.head);
  return { directory, salvage };
}

async function kept(session: Session) {
  return value(await listSalvage(value(await openShadow(session.repository, session.shadow)), null));
}

test("lanes that come after one another get the same worktree, lanes at the same time do not", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const [one, two] = await Promise.all([prepare(session, "one"), prepare(session, "two")]);
  const directories = [value(one).directory, value(two).directory];
  expect(directories.toSorted()).toEqual([1, 2].map((n) => join(`${session.directory}.lanes`, `pool-${n}`)));
  value(await release(session, "one"));
  const three = value(await prepare(session, "three"));
  expect(three).toMatchObject({ directory: directories[0], tree: session.start, salvage: null, fresh: false });
});

test("a new process finds each lane in its worktree, untouched", async () => {
  await using repo = await makeRepo();
  const before = await startSession(repo);
  await prepare(before, "one");
  const { directory } = value(await prepare(before, "two"));
  await writeIn(directory, "a.txt", "work\n");
  const after = await openSession(repo);
  const pool = { mode: "keep", reason: "resume", pool: POOL } as const;
  const found = value(await after.trees.prepare({ lane: "two", tree: after.start, ...pool }));
  expect(found).toMatchObject({ directory, salvage: null, fresh: true });
  expect(found.tree.snapshot).not.toBeNull();
  expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("work\n");
});

test("the next lane finds the commit's files and nothing else but what is to be kept", async () => {
  await using repo = await makeRepo();
  await repo.commit("Ignore", { ".gitignore": "node_modules/\nignored/\n*.log\n", "dir/b.txt": "b\n" });
  const session = await startSession(repo);
  const { directory, salvage } = await reuse(repo, session, async (place) => {
    await writeIn(place, "a.txt", "changed\n");
    await rm(join(place, "dir"), { recursive: true });
    await symlink("/nowhere", join(place, "dir"));
    await writeIn(place, "new file ü.txt", "new\n");
    await writeIn(place, "staged.txt", "staged\n");
    await repo.runIn(place, "add", "staged.txt");
    await writeIn(place, "deep.log", "ignored\n");
    await writeIn(place, "ignored/x", "ignored\n");
    await writeIn(place, "node_modules/m/index.js", "kept\n");
  });
  expect(salvage).not.toBeNull();
  expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("a\n");
  expect((await lstat(join(directory, "dir"))).isDirectory()).toBe(true);
  expect(existsSync(join(directory, "deep.log"))).toBe(false);
  expect(existsSync(join(directory, "ignored"))).toBe(false);
  expect(await readFile(join(directory, "node_modules/m/index.js"), "utf8")).toBe("kept\n");
});

test("what bears a kept name and is not ignored goes as well", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = await reuse(repo, session, (place) => writeIn(place, "node_modules/m/index.js", "work\n"));
  expect(existsSync(join(directory, "node_modules"))).toBe(false);
});

test("a lane that switched branches and was in the middle of a merge leaves no trace of it", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { salvage } = await reuse(repo, session, async (place) => {
    await repo.runIn(place, "checkout", "-q", "-b", "agent");
    await writeIn(place, "a.txt", "ours\n");
    await repo.runIn(place, "commit", "-q", "-am", "Ours");
    await repo.runIn(place, "checkout", "-q", "-b", "other", "HEAD~1");
    await writeIn(place, "a.txt", "theirs\n");
    await repo.runIn(place, "commit", "-q", "-am", "Theirs");
    await repo.runIn(place, "merge", "-q", "agent").catch(() => undefined);
  });
  expect(await kept(session)).toMatchObject([{ name: salvage, lane: "one", reason: "item done" }]);
  expect(await repo.run("log", "-1", "--format=%s", "agent")).toBe("Ours");
  expect(await repo.run("log", "-1", "--format=%s", "other")).toBe("Theirs");
});

test("files that a lane told git not to look at are put back all the same", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = await reuse(repo, session, async (place) => {
    await repo.runIn(place, "update-index", "--assume-unchanged", "a.txt");
    await repo.runIn(place, "update-index", "--skip-worktree", "dir/b.txt");
    await writeIn(place, "a.txt", "hidden\n");
    await writeIn(place, "dir/b.txt", "hidden\n");
  });
  expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("a\n");
  expect(await readFile(join(directory, "dir/b.txt"), "utf8")).toBe("b\n");
});

test("an index that is locked, damaged or gone does not stop the next lane", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = value(await prepare(session, "one"));
  const gitDir = await repo.runIn(directory, "rev-parse", "--absolute-git-dir");
  const harms = [
    () => writeFile(join(gitDir, "index.lock"), ""),
    () => writeFile(join(gitDir, "index"), "no index"),
    () => rm(join(gitDir, "index")),
    () => rm(join(directory, ".git")),
    () => rm(directory, { recursive: true }),
  ];
  for (const [number, harm] of harms.entries()) {
    value(await session.trees.release({ lane: "one", known: null, merged: null, reason: "done" }));
    await harm();
    const next = value(await prepare(session, "one"));
    expect(next).toMatchObject({ directory, tree: session.start, fresh: number === harms.length - 1 });
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("");
  }
});

test("a repository that a lane made inside is moved out of the way and told of", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = await reuse(repo, session, async (place) => {
    await mkdir(join(place, "inner"));
    await repo.runIn(join(place, "inner"), "init", "-q");
    await writeIn(place, "inner/file", "work\n");
  });
  expect(existsSync(join(directory, "inner"))).toBe(false);
  expect(session.warnings.at(-1)).toMatch(/^inner\/ cannot be stored in a snapshot and was moved to /);
});

test("commits that are in the merged one are not kept twice, others are", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = value(await prepare(session, "one"));
  await writeIn(directory, "work.txt", "work\n");
  await repo.runIn(directory, "add", "-A");
  await repo.runIn(directory, "commit", "-q", "-m", "Work");
  const head = await repo.runIn(directory, "rev-parse", "HEAD");
  const { tree } = value(await session.trees.capture({ lane: "one", since: session.start, keep: [] }));
  const given = { lane: "one", known: tree, reason: "done" };
  const combined = value(await session.trees.combine({ base: session.start.head, head, message: "Merge agent one" }));
  const merged = combined.kind === "merged" ? combined.commit : "";
  expect(value(await session.trees.release({ ...given, merged }))).toEqual({ salvage: null });
  expect(value(await session.trees.release({ ...given, merged }))).toEqual({ salvage: null });
  await prepare(session, "two", tree);
  await repo.runIn(directory, "commit", "-q", "--allow-empty", "-m", "Lost");
  const { salvage } = value(await release(session, "two"));
  expect(await kept(session)).toMatchObject([{ name: salvage, base: head, snapshot: null }]);
});

test("a lane's recorded state is made again in any worktree of the pool", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  const { directory } = value(await prepare(session, "one"));
  await writeIn(directory, "a.txt", "half\n");
  await writeIn(directory, "new.txt", "new\n");
  const { tree } = value(await session.trees.capture({ lane: "one", since: session.start, keep: [] }));
  value(await release(session, "one"));
  expect(value(await prepare(session, "two", tree)).tree).toEqual(tree);
  expect(await repo.runIn(directory, "status", "--porcelain")).toBe(" M a.txt\n?? new.txt");
});

test("files are copied from the session's own worktree", async () => {
  await using repo = await makeRepo();
  await repo.commit("Ignore", { ".gitignore": ".env\n*.local\n" });
  const session = await startSession(repo);
  await writeIn(session.directory, ".env", "A=1\n");
  await writeIn(session.directory, "config/x y.local", "x\n");
  await writeIn(session.directory, "other.local", "not asked for\n");
  const pool = { keep: [], copy: [".env", "config/*.local"] };
  const options = { tree: session.start, mode: "restore", reason: "item", pool } as const;
  const first = value(await session.trees.prepare({ lane: "one", ...options }));
  expect(first.tree).toEqual(session.start);
  value(await release(session, "one"));
  await writeIn(session.directory, ".env", "A=2\n");
  const { directory } = value(await session.trees.prepare({ lane: "two", ...options }));
  expect(await readFile(join(directory, ".env"), "utf8")).toBe("A=2\n");
  expect(await readFile(join(directory, "config/x y.local"), "utf8")).toBe("x\n");
  expect(existsSync(join(directory, "other.local"))).toBe(false);
});

test("dropping the pool keeps the work of lanes that never gave theirs back, and leaves nothing", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  value(await prepare(session, "one"));
  const { directory } = value(await prepare(session, "two"));
  await writeIn(directory, "left.txt", "left\n");
  value(await release(session, "one"));
  value(await session.trees.dropPool({ reason: "map ended" }));
  value(await session.trees.dropPool({ reason: "map ended" }));
  expect(await kept(session)).toMatchObject([{ lane: "two", reason: "map ended" }]);
  expect(existsSync(`${session.directory}.lanes`)).toBe(false);
  expect(await repo.run("worktree", "list", "--porcelain")).not.toContain("pool-");
});

test("eight lanes at once each get a worktree, of two sessions too", async () => {
  await using repo = await makeRepo({ name: "a project ü" });
  const sessions = [await startSession(repo), await openSession(repo, { session: "session-two" })];
  const lanes = Array.from({ length: 8 }, (_, number) => `item-${number}`);
  for (let round = 0; round < 2; round += 1) {
    const all = await Promise.all(
      sessions.flatMap((session) => lanes.map(async (lane) => value(await prepare(session, lane)).directory)),
    );
    expect(new Set(all).size).toBe(16);
    for (const directory of all) expect(await repo.runIn(directory, "status", "--porcelain")).toBe("");
    await Promise.all(sessions.flatMap((session) => lanes.map((lane) => release(session, lane))));
  }
});

test("submodules go back to their commits; what was uncommitted in them is copied first", async () => {
  await using library = await makeRepo({ name: "library" });
  await using repo = await makeRepo();
  const local = ["-c", "protocol.file.allow=always", "submodule"];
  await repo.run(...local, "add", "-q", library.directory, "lib ü");
  await repo.commit("Submodule", {});
  const session = await startSession(repo);
  const { directory } = await reuse(repo, session, async (place) => {
    await repo.runIn(place, ...local, "update", "-q", "--init");
    await writeIn(place, "lib ü/a.txt", "uncommitted\n");
    await writeIn(place, "lib ü/new.txt", "new\n");
  });
  expect(await readFile(join(directory, "lib ü/a.txt"), "utf8")).toBe("a\n");
  expect(existsSync(join(directory, "lib ü/new.txt"))).toBe(false);
  const target = session.warnings
    .at(-1)
    ?.replace(/^the submodule lib ü has uncommitted files, which are copied to /, "");
  expect(await readFile(join(target ?? "", "a.txt"), "utf8")).toBe("uncommitted\n");
  expect(await readFile(join(target ?? "", "new.txt"), "utf8")).toBe("new\n");
});

test("an item has a folder beside its worktree, empty when it begins, and there again when it goes on", async () => {
  await using repo = await makeRepo();
  const session = await openSession(repo);
  const request = { tree: session.start, mode: "restore", reason: "item", pool: { keep: [], copy: [] } } as const;
  const first = value(await session.trees.prepare({ ...request, lane: "item-0" })).slot;
  expect(first?.number).toBe(1);
  await writeIn(first?.scratch ?? "", "cache/data", "1");
  const again = value(await session.trees.prepare({ ...request, lane: "item-0", mode: "keep" })).slot;
  expect(again).toEqual(first);
  expect(await readdir(first?.scratch ?? "")).toEqual(["cache"]);
  const other = value(await session.trees.prepare({ ...request, lane: "item-1" })).slot;
  expect(other?.number).toBe(2);
  value(await session.trees.release({ lane: "item-0", known: null, merged: null, reason: "done" }));
  const next = value(await session.trees.prepare({ ...request, lane: "item-2" })).slot;
  expect(next).toEqual(first);
  expect(await readdir(first?.scratch ?? "")).toEqual([]);
  value(await session.trees.dropPool({ reason: "the map has ended" }));
  expect(existsSync(dirname(first?.scratch ?? ""))).toBe(false);
});
