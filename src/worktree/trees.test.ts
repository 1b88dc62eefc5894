import { chmod, lstat, mkdir, readFile, readlink, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BRANCH, makeRepo, openSession, startSession, value, writeIn } from "./test-repo.ts";

describe("prepare", () => {
  test("makes the session's worktree on a branch of its own, with the base commit's files", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await openSession(repo);
    const prepared = value(await trees.prepare({ lane: "main", tree: start, mode: "restore", reason: "start" }));
    expect(prepared).toEqual({ directory, tree: start, salvage: null, fresh: true });
    expect(await repo.runIn(directory, "symbolic-ref", "--short", "HEAD")).toBe(BRANCH);
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("");
    expect(await readFile(join(directory, "dir/b.txt"), "utf8")).toBe("b\n");
    expect(await repo.run("status", "--porcelain")).toBe("");
  });

  test("makes other lanes with a detached HEAD", async () => {
    await using repo = await makeRepo();
    const { trees, start } = await startSession(repo);
    const { directory } = value(
      await trees.prepare({ lane: "input-0/item-1", tree: start, mode: "restore", reason: "start" }),
    );
    expect(await repo.runIn(directory, "rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD");
    expect(await repo.runIn(directory, "rev-parse", "HEAD")).toBe(start.head);
  });

  test("git worktree prune leaves a worktree alone whose folder is out of sight for a while", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "new\n");
    await rename(directory, `${directory}.away`);
    await repo.run("worktree", "prune", "--expire=now");
    await rename(`${directory}.away`, directory);
    const kept = value(await trees.prepare({ lane: "main", tree: start, mode: "keep", reason: "resume" }));
    expect(kept.tree.snapshot).not.toBeNull();
    expect(await readFile(join(directory, "new.txt"), "utf8")).toBe("new\n");
  });

  test("keep leaves what is there as it is, and says what it is", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "a.txt", "changed\n");
    const captured = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    const again = await openSession(repo);
    const kept = value(await again.trees.prepare({ lane: "main", tree: start, mode: "keep", reason: "resume" }));
    expect(kept).toEqual({ directory, tree: captured.tree, salvage: null, fresh: false });
    expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("changed\n");
  });

  test("restore puts back every kind of change, and keeps what it replaces", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "a.txt", "recorded\n");
    await writeIn(directory, 'new/ü \n"x".txt', "strange name\n");
    await unlink(join(directory, "dir/b.txt"));
    await symlink("nowhere", join(directory, "link"));
    await writeIn(directory, "run.sh", "#!/bin/sh\n");
    await chmod(join(directory, "run.sh"), 0o755);
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));

    await writeIn(directory, "a.txt", "interrupted\n");
    await writeIn(directory, "dir/b.txt", "back again\n");
    await writeIn(directory, "left/over.txt", "left over\n");
    await rm(join(directory, "new"), { recursive: true });
    await unlink(join(directory, "link"));
    await mkdir(join(directory, "link"));
    await writeIn(directory, "link/file", "folder in the place of a link\n");
    await chmod(join(directory, "run.sh"), 0o644);
    await writeIn(directory, "debug.log", "ignored\n");

    const restored = value(await trees.prepare({ lane: "main", tree, mode: "restore", reason: "interrupted step" }));
    expect(restored.tree).toEqual(tree);
    expect(restored.salvage).toMatch(/^session-one\/main\/[0-9a-f]{12}$/);
    expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("recorded\n");
    expect(await readFile(join(directory, 'new/ü \n"x".txt'), "utf8")).toBe("strange name\n");
    expect(await readlink(join(directory, "link"))).toBe("nowhere");
    expect((await lstat(join(directory, "run.sh"))).mode & 0o111).toBe(0o111);
    expect(existsSync(join(directory, "dir"))).toBe(false);
    expect(existsSync(join(directory, "left"))).toBe(false);
    expect(await readFile(join(directory, "debug.log"), "utf8")).toBe("ignored\n");
  });

  test("restore of what is there already does nothing", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "new\n");
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    const before = await lstat(join(directory, "new.txt"));
    const restored = value(await trees.prepare({ lane: "main", tree, mode: "restore", reason: "interrupted step" }));
    expect(restored).toEqual({ directory, tree, salvage: null, fresh: false });
    expect((await lstat(join(directory, "new.txt"))).ino).toBe(before.ino);
  });

  test("a worktree that was deleted is made again with its snapshot", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "new\n");
    await writeIn(directory, "staged.txt", "staged\n");
    await repo.runIn(directory, "add", "staged.txt");
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    await rm(directory, { recursive: true });
    const prepared = value(await trees.prepare({ lane: "main", tree, mode: "keep", reason: "resume" }));
    expect(prepared.tree).toEqual(tree);
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("A  staged.txt\n?? new.txt");
  });

  test("a link to git that was deleted or replaced is mended, with the files as they are", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "new\n");
    await unlink(join(directory, ".git"));
    const kept = value(await trees.prepare({ lane: "main", tree: start, mode: "keep", reason: "resume" }));
    expect(kept.tree.snapshot).not.toBeNull();
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("?? new.txt");
  });

  test("files whose side in git is gone are taken over by a new worktree", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "new\n");
    await rm(join(repo.directory, ".git/worktrees"), { recursive: true });
    const kept = value(await trees.prepare({ lane: "main", tree: start, mode: "keep", reason: "resume" }));
    expect(kept.directory).toBe(directory);
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("?? new.txt");
    expect(await repo.runIn(directory, "symbolic-ref", "--short", "HEAD")).toBe(BRANCH);
  });

  test("a worktree that was only half made is finished", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await openSession(repo);
    // What a death between the two steps of making it leaves: no files, and the mark.
    await repo.run("worktree", "add", "-q", "--no-checkout", "-b", BRANCH, directory);
    await writeIn(repo.root, "shadow/project.git/lanes/session-one/main.unfinished", "made\n");
    const prepared = value(await trees.prepare({ lane: "main", tree: start, mode: "keep", reason: "start" }));
    expect(prepared).toEqual({ directory, tree: start, salvage: null, fresh: true });
    expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("a\n");
  });

  test("locks of a git that died in the worktree are taken away", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    const gitDir = await repo.runIn(directory, "rev-parse", "--absolute-git-dir");
    await writeFile(join(gitDir, "index.lock"), "half an index");
    await writeFile(join(repo.directory, ".git/refs/heads", `${BRANCH}.lock`), "");
    await writeIn(directory, "a.txt", "changed\n");
    value(await trees.prepare({ lane: "main", tree: start, mode: "restore", reason: "interrupted step" }));
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("");
    expect(existsSync(join(gitDir, "index.lock"))).toBe(false);
  });

  test("a damaged index is made again", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    const gitDir = await repo.runIn(directory, "rev-parse", "--absolute-git-dir");
    await writeFile(join(gitDir, "index"), "not an index");
    await writeIn(directory, "a.txt", "changed\n");
    const restored = value(
      await trees.prepare({ lane: "main", tree: start, mode: "restore", reason: "interrupted step" }),
    );
    expect(restored.tree).toEqual(start);
    expect(restored.salvage).not.toBeNull();
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("");
  });

  test("many lanes can be made at once", async () => {
    await using repo = await makeRepo();
    const { trees, start } = await startSession(repo);
    const lanes = Array.from({ length: 6 }, (_, index) => `item-${index}`);
    const prepared = await Promise.all(
      lanes.map((lane) => trees.prepare({ lane, tree: start, mode: "restore", reason: "start" })),
    );
    expect(prepared.map((outcome) => value(outcome).tree)).toEqual(lanes.map(() => start));
  });
});

describe("capture", () => {
  test("finds nothing where nothing changed", async () => {
    await using repo = await makeRepo();
    const { trees, start } = await startSession(repo);
    expect(value(await trees.capture({ lane: "main", since: start, keep: [] }))).toEqual({ tree: start, commits: [] });
  });

  test("a file written twice within a second is not missed", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    const seen = new Set<string | null>();
    for (const content of ["1\n", "2\n", "3\n", "4\n"]) {
      await writeIn(directory, "a.txt", content);
      seen.add(value(await trees.capture({ lane: "main", since: start, keep: [] })).tree.snapshot);
    }
    expect(seen.size).toBe(4);
  });

  test("the same files have the same snapshot, also for another process", async () => {
    await using repo = await makeRepo();
    const first = await startSession(repo);
    await writeIn(first.directory, "new.txt", "new\n");
    const one = value(await first.trees.capture({ lane: "main", since: first.start, keep: [] }));
    const second = await openSession(repo);
    const two = value(await second.trees.capture({ lane: "main", since: first.start, keep: [] }));
    expect(two.tree).toEqual(one.tree);
  });

  test("gives the commits since, oldest first, each with its own changes", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "c d.txt", "1\n2\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "First\n\nWith a body.");
    await writeIn(directory, "a.txt", "a\nb\n");
    await unlink(join(directory, "dir/b.txt"));
    await repo.runIn(directory, "commit", "-q", "-a", "-m", "Second");
    const { tree, commits } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    expect(tree).toEqual({ head: await repo.runIn(directory, "rev-parse", "HEAD"), snapshot: null });
    expect(commits.map(({ message, author, changes }) => ({ message, author, changes }))).toEqual([
      {
        message: "First\n\nWith a body.",
        author: "User <user@example.com>",
        changes: { added: ["c d.txt"], modified: [], deleted: [], insertions: 2, deletions: 0 },
      },
      {
        message: "Second",
        author: "User <user@example.com>",
        changes: { added: [], modified: ["a.txt"], deleted: ["dir/b.txt"], insertions: 1, deletions: 1 },
      },
    ]);
  });

  test("commits that were taken back are kept under salvage", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory, warnings } = await startSession(repo);
    await writeIn(directory, "a.txt", "work\n");
    await repo.runIn(directory, "commit", "-q", "-a", "-m", "Work");
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    await repo.runIn(directory, "reset", "-q", "--hard", "HEAD~1");
    const after = value(await trees.capture({ lane: "main", since: tree, keep: [] }));
    expect(after).toEqual({ tree: start, commits: [] });
    expect(warnings).toEqual([`commits that the step took back: kept as session-one/main/${tree.head.slice(0, 12)}`]);
  });

  test("the session branch follows an agent to another branch", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory, warnings } = await startSession(repo);
    await repo.runIn(directory, "checkout", "-q", "-b", "own-idea");
    await writeIn(directory, "a.txt", "work\n");
    await repo.runIn(directory, "commit", "-q", "-a", "-m", "Work");
    const { commits } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    expect(commits.map((commit) => commit.message)).toEqual(["Work"]);
    expect(await repo.runIn(directory, "symbolic-ref", "--short", "HEAD")).toBe(BRANCH);
    expect(await repo.run("rev-parse", BRANCH)).toBe(commits[0]?.hash);
    expect(warnings).toEqual([
      `the step left the branch own-idea in ${directory}; the session branch continues at ${commits[0]?.hash.slice(0, 12)}`,
    ]);
  });

  test("a detached HEAD, an orphan branch and a deleted session branch are taken back to the session branch", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    const moves = [
      ["checkout", "-q", "--detach"],
      ["checkout", "-q", "--orphan", "fresh"],
      ["update-ref", "-d", `refs/heads/${BRANCH}`],
    ];
    for (const move of moves) {
      await repo.runIn(directory, ...move);
      const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
      expect(tree).toEqual(start);
      expect(await repo.runIn(directory, "rev-parse", "--abbrev-ref", "HEAD")).toBe(BRANCH);
    }
  });

  test("an ignored file is stored when it is declared, and stays stored", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "ignored/result.json", "{}\n");
    await writeIn(directory, "ignored/other.json", "{}\n");
    await writeIn(directory, "deep/x.log", "log\n");
    const first = value(
      await trees.capture({ lane: "main", since: start, keep: ["ignored/result.json", "*.log", "../outside"] }),
    );
    await writeIn(directory, "a.txt", "later\n");
    const second = value(await trees.capture({ lane: "main", since: first.tree, keep: [] }));
    await rm(directory, { recursive: true });
    value(await trees.prepare({ lane: "main", tree: second.tree, mode: "restore", reason: "resume" }));
    expect(await readFile(join(directory, "ignored/result.json"), "utf8")).toBe("{}\n");
    expect(await readFile(join(directory, "deep/x.log"), "utf8")).toBe("log\n");
    expect(existsSync(join(directory, "ignored/other.json"))).toBe(false);
  });

  test("what is staged is part of the state", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "a.txt", "staged\n");
    await repo.runIn(directory, "add", "a.txt");
    await repo.runIn(directory, "rm", "-q", "--cached", "dir/b.txt");
    await writeIn(directory, "a.txt", "newer\n");
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    await repo.runIn(directory, "reset", "-q", "--hard");
    value(await trees.prepare({ lane: "main", tree, mode: "restore", reason: "interrupted step" }));
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("MM a.txt\nD  dir/b.txt\n?? dir/");
    expect(await repo.runIn(directory, "show", ":a.txt")).toBe("staged");
    expect(await readFile(join(directory, "a.txt"), "utf8")).toBe("newer\n");
  });
});

describe("changes", () => {
  test("tells what differs between two states, untracked files included", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "new.txt", "1\n2\n");
    await writeIn(directory, "a.txt", "b\n");
    await unlink(join(directory, "dir/b.txt"));
    const { tree } = value(await trees.capture({ lane: "main", since: start, keep: [] }));
    expect(value(await trees.changes({ lane: "main", from: start, to: tree }))).toEqual({
      added: ["new.txt"],
      modified: ["a.txt"],
      deleted: ["dir/b.txt"],
      insertions: 3,
      deletions: 2,
    });
  });
});
