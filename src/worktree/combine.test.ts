import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listSalvage, showSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";
import { BRANCH, faultOf, makeRepo, type Session, startSession, type TestRepo, value, writeIn } from "./test-repo.ts";

const POOL = { keep: [], copy: [] };

/** A lane of the pool with one commit. */
async function item(repo: TestRepo, session: Session, lane: string, files: Readonly<Record<string, string>>) {
  const request = { lane, tree: session.start, mode: "restore", reason: "item", pool: POOL } as const;
  const { directory } = value(await session.trees.prepare(request));
  for (const [path, text] of Object.entries(files)) await writeIn(directory, path, text);
  await repo.runIn(directory, "add", "-A");
  await repo.runIn(directory, "commit", "-q", "-m", `Work of ${lane}`);
  return { directory, head: await repo.runIn(directory, "rev-parse", "HEAD") };
}

describe("combine", () => {
  test("merges without a worktree and without moving a branch, each time to the same commit", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const base = session.start.head;
    const one = await item(repo, session, "one", { "one ü.txt": "one\n" });
    const two = await item(repo, session, "two", { "two.txt": "two\n" });
    const refs = await repo.run("for-each-ref");
    const first = value(await session.trees.combine({ base, head: one.head, message: "Merge agent one" }));
    expect(first).toMatchObject({ kind: "merged", commits: 1 });
    const combined = first.kind === "merged" ? first.commit : "";
    const options = { base: combined, head: two.head, message: "Merge agent two" };
    const second = value(await session.trees.combine(options));
    expect(value(await session.trees.combine(options))).toEqual(second);
    const commit = second.kind === "merged" ? second.commit : "";
    expect(await repo.run("log", "--first-parent", "--format=%s|%an", commit)).toBe(
      "Merge agent two|User\nMerge agent one|User\nStart|User",
    );
    expect(await repo.run("ls-tree", "-r", "-z", "--name-only", commit)).toContain("one ü.txt\0two.txt");
    expect(await repo.run("for-each-ref")).toBe(refs);
    expect(await repo.run("status", "--porcelain")).toBe("");
  });

  test("tells conflicting paths, and what a merge would give without making it", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "a.txt": "one\n" });
    const two = await item(repo, session, "two", { "a.txt": "two\n" });
    const probe = value(await session.trees.combine({ base: session.start.head, head: one.head, message: null }));
    const tree = await repo.run("rev-parse", `${one.head}^{tree}`);
    expect(probe).toEqual({ kind: "merged", commit: tree, commits: 1 });
    const conflict = { kind: "conflict", paths: ["a.txt"] };
    for (const message of [null, "Merge agent two"])
      expect(value(await session.trees.combine({ base: one.head, head: two.head, message }))).toEqual(conflict);
  });

  test("a collection of what no ref holds spares what was combined", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "one.txt": "one\n" });
    const options = { base: session.start.head, head: one.head, message: "Merge agent one" };
    const combined = value(await session.trees.combine(options));
    const commit = combined.kind === "merged" ? combined.commit : "";
    const request = { lane: "one", known: null, merged: commit, reason: "done" };
    value(await session.trees.release(request));
    value(await session.trees.dropPool({ reason: "map ended" }));
    await repo.run("gc", "-q", "--prune=now");
    expect(value(await session.trees.advance({ lane: "main", to: commit, reason: "results" })).tree).toEqual({
      head: commit,
      snapshot: null,
    });
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("");
    expect(await repo.run("log", "--all", "--format=%s")).toContain("Merge agent one");
  });

  test("what is contained already makes no commit", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "one.txt": "one\n" });
    const again = await session.trees.combine({ base: one.head, head: session.start.head, message: "Merge" });
    expect(value(again)).toEqual({ kind: "merged", commit: one.head, commits: 0 });
  });

  test("a commit that is not there is a fault", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const head = "0".repeat(39).concat("1");
    const combined = await session.trees.combine({ base: session.start.head, head, message: "Merge" });
    expect(faultOf(combined).kind).toBe("git");
  });
});

describe("advance", () => {
  const advance = (session: Session, to: string) =>
    session.trees.advance({ lane: "main", to, reason: "results of the items" });

  test("moves branch and files forward, once; uncommitted files stay", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "a.txt": "one\n", "new/x.txt": "x\n" });
    await writeIn(session.directory, "dir/b.txt", "mine\n");
    await writeIn(session.directory, "left.txt", "left\n");
    const first = value(await advance(session, one.head));
    expect(first).toMatchObject({ salvage: null, tree: { head: one.head } });
    expect(value(await advance(session, one.head))).toEqual(first);
    expect(value(await advance(session, session.start.head))).toEqual(first);
    expect(await repo.run("rev-parse", BRANCH)).toBe(one.head);
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe(" M dir/b.txt\n?? left.txt");
    expect(await readFile(join(session.directory, "new/x.txt"), "utf8")).toBe("x\n");
  });

  test("files in the way are kept first: changed, staged, deleted, untracked and ignored ones", async () => {
    await using repo = await makeRepo();
    await repo.commit("More", { "staged.txt": "s\n", "gone.txt": "g\n" });
    const session = await startSession(repo);
    const files = { "a.txt": "n\n", "staged.txt": "n\n", "gone.txt": "n\n", "un ü.txt": "n\n", "added.txt": "n\n" };
    const { directory } = await item(repo, session, "one", { ...files, folder: "now a file\n" });
    await writeIn(directory, "ignored/x", "n\n");
    await repo.runIn(directory, "add", "-f", "ignored/x");
    await repo.runIn(directory, "commit", "-q", "--amend", "--no-edit");
    const to = await repo.runIn(directory, "rev-parse", "HEAD");
    const main = session.directory;
    for (const path of ["a.txt", "staged.txt", "un ü.txt", "added.txt", "ignored/x", "folder/y"])
      await writeIn(main, path, "mine\n");
    await repo.runIn(main, "add", "staged.txt", "added.txt");
    await repo.runIn(main, "rm", "-q", "gone.txt");
    await writeIn(main, "left.txt", "left\n");
    const { tree, salvage } = value(await advance(session, to));
    expect(tree.head).toBe(to);
    expect(await repo.runIn(main, "status", "--porcelain")).toBe("?? left.txt");
    const shadow = value(await openShadow(session.repository, session.shadow));
    const { entry, changes } = value(await showSalvage(shadow, salvage ?? ""));
    expect(entry).toMatchObject({ lane: "main", reason: "results of the items", head: session.start.head });
    const added = ["added.txt", "folder/y", "ignored/x", "left.txt", "un ü.txt"];
    expect(changes).toMatchObject({ added, modified: ["a.txt", "staged.txt"], deleted: ["gone.txt"] });
    expect(value(await listSalvage(shadow, null))).toHaveLength(1);
  });

  test("a branch that has gone another way, or a merge in progress, is told and left alone", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "a.txt": "one\n" });
    await writeIn(session.directory, "a.txt", "other\n");
    await repo.runIn(session.directory, "commit", "-q", "-am", "Another way");
    expect(faultOf(await advance(session, one.head)).message).toMatch(/ is at \w{12}, which \w{12} does not contain$/);
    await repo.runIn(session.directory, "merge", "-q", one.head).catch(() => undefined);
    expect(faultOf(await advance(session, one.head)).message).toBe(`a merge is in progress in ${session.directory}`);
  });
});

describe("mergeInto", () => {
  test("merges a commit into a lane, whatever branch an agent has switched it to", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "one.txt": "one\n" });
    const two = await item(repo, session, "two", { "two.txt": "two\n" });
    await repo.runIn(two.directory, "checkout", "-q", "-b", "agent");
    const options = { lane: "two", commit: one.head, message: "Merge the others" };
    const merged = value(await session.trees.mergeInto(options));
    expect(merged).toMatchObject({ conflicts: [], tree: { snapshot: null } });
    expect(value(await session.trees.mergeInto(options))).toEqual(merged);
    expect(await repo.run("log", "-1", "--format=%s|%P", merged.tree.head)).toBe(
      `Merge the others|${two.head} ${one.head}`,
    );
    expect(await repo.run("rev-parse", "agent")).toBe(two.head);
    expect(existsSync(join(two.directory, "one.txt"))).toBe(true);
  });

  test("leaves conflicts for somebody to resolve, and goes on with what was begun", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const one = await item(repo, session, "one", { "a.txt": "one\n" });
    const two = await item(repo, session, "two", { "a.txt": "two\n" });
    const options = { lane: "two", commit: one.head, message: "Merge the others" };
    const begun = value(await session.trees.mergeInto(options));
    expect(begun).toMatchObject({ conflicts: ["a.txt"], tree: { head: two.head } });
    expect(value(await session.trees.mergeInto(options))).toEqual(begun);
    await writeIn(two.directory, "a.txt", "both\n");
    await repo.runIn(two.directory, "add", "a.txt");
    const done = value(await session.trees.mergeInto(options));
    expect(done).toMatchObject({ conflicts: [], tree: { snapshot: null } });
    expect(await repo.run("log", "-1", "--format=%s", done.tree.head)).toBe("Merge the others");
    expect(value(await session.trees.mergeInto(options))).toEqual(done);
  });
});
