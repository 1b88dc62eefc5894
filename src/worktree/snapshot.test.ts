/** What a snapshot holds, whatever is done to the user's repository, and what it leaves alone. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TreeState } from "../cook/decision/event.ts";
import { BRANCH, makeRepo, type Session, startSession, type TestRepo, value, writeIn } from "./test-repo.ts";

async function capture(session: Session, since: TreeState = session.start): Promise<TreeState> {
  return value(await session.trees.capture({ lane: "main", since, keep: [] })).tree;
}

/** Takes the worktree away and makes it again from a state. */
async function remake(session: Session, tree: TreeState): Promise<TreeState> {
  await rm(session.directory, { recursive: true, force: true });
  return value(await session.trees.prepare({ lane: "main", tree, mode: "restore", reason: "resume" })).tree;
}

async function collectGarbage(repo: TestRepo): Promise<void> {
  await repo.run("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all");
  await repo.run("gc", "-q", "--prune=now");
}

describe("the user's repository", () => {
  test("shows no ref of a snapshot, and a mirror push carries nothing of it", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "secret plan.txt", "only in the snapshot\n");
    const tree = await capture(session);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    expect(await repo.run("for-each-ref", "--format=%(refname)")).toBe(`refs/heads/main\nrefs/heads/${BRANCH}`);
    expect(await repo.run("count-objects")).toBe("6 objects, 24 kilobytes");
    await repo.run("init", "-q", "--bare", join(repo.base, "mirror.git"));
    await repo.run("push", "-q", "--mirror", join(repo.base, "mirror.git"));
    const objects = await repo.runIn(
      join(repo.base, "mirror.git"),
      "cat-file",
      "--batch-all-objects",
      "--batch-check=%(objectname)",
    );
    const blob = await repo.runIn(session.shadow, "rev-parse", `${tree.snapshot}:secret plan.txt`);
    expect(objects.split("\n")).not.toContain(blob);
    expect(objects.split("\n").length).toBe(6);
  });

  test("can collect its garbage without breaking a snapshot", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    // A blob that is in the user's objects already, from being staged, and only there by an index.
    await writeIn(session.directory, "staged.txt", "staged\n");
    await repo.runIn(session.directory, "add", "staged.txt");
    await writeIn(session.directory, "taken_back.txt", "back\n");
    await repo.runIn(session.directory, "add", "-A");
    await repo.runIn(session.directory, "commit", "-q", "-m", "Taken back");
    await repo.runIn(session.directory, "reset", "-q", "--soft", "HEAD~1");
    const tree = await capture(session);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    await collectGarbage(repo);
    expect(await remake(session, tree)).toEqual(tree);
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("A  staged.txt\nA  taken_back.txt");
    await repo.runIn(session.directory, "commit", "-q", "-m", "Both");
    expect(await repo.runIn(session.directory, "show", "HEAD:staged.txt")).toBe("staged");
  });

  test("can collect commits that were dropped, and they come back", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "a.txt", "work\n");
    await repo.runIn(session.directory, "commit", "-q", "-a", "-m", "Work");
    const tree = await capture(session);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    await collectGarbage(repo);
    await expect(repo.run("cat-file", "-e", tree.head)).rejects.toThrow("Command failed");
    expect(value(await session.trees.prepare({ lane: "main", tree, mode: "restore", reason: "undo" })).tree).toEqual(
      tree,
    );
    expect(await readFile(join(session.directory, "a.txt"), "utf8")).toBe("work\n");
    await repo.run("fsck", "--strict");
  });
});

describe("bytes", () => {
  test("line ends come back as they were, whatever git would make of them", async () => {
    await using repo = await makeRepo();
    await repo.run("config", "core.autocrlf", "true");
    await repo.commit("Attributes", {
      ".gitattributes": "*.unix text eol=lf\n*.win text eol=crlf\n",
      "x.win": "one\ntwo\n",
    });
    const session = await startSession(repo);
    expect(await readFile(join(session.directory, "x.win"), "utf8")).toBe("one\r\ntwo\r\n");
    expect(await capture(session)).toEqual(session.start);
    const files = { "new.unix": "a\r\nb\n", "new.win": "a\nb\r\n", "new.txt": "a\nb\r\n", "a.txt": "mixed\r\nends\n" };
    for (const [path, content] of Object.entries(files)) await writeIn(session.directory, path, content);
    const tree = await capture(session);
    expect(await remake(session, tree)).toEqual(tree);
    for (const [path, content] of Object.entries(files))
      expect(await readFile(join(session.directory, path), "utf8")).toBe(content);
    expect(await readFile(join(session.directory, "x.win"), "utf8")).toBe("one\r\ntwo\r\n");
  });

  test("filters such as those of large file storage never see a snapshot", async () => {
    await using repo = await makeRepo();
    await repo.commit("Attributes", { ".gitattributes": "*.bin filter=big\n" });
    await repo.run("config", "filter.big.clean", "echo pointer");
    await repo.run("config", "filter.big.smudge", "echo smudged");
    await repo.run("config", "filter.big.required", "true");
    const session = await startSession(repo);
    const bytes = Buffer.from([0, 1, 2, 255, 13, 10, 10]);
    await writeIn(session.directory, "x.bin", bytes);
    const tree = await capture(session);
    await remake(session, tree);
    expect(await readFile(join(session.directory, "x.bin"))).toEqual(bytes);
  });

  test("a required filter that cannot run does not stop a snapshot", async () => {
    await using repo = await makeRepo();
    await repo.commit("Attributes", { ".gitattributes": "*.bin filter=big\n", "x.bin": "pointer\n" });
    const session = await startSession(repo);
    await repo.run("config", "filter.big.clean", "exit 1");
    await repo.run("config", "filter.big.required", "true");
    await writeIn(session.directory, "x.bin", "changed\n");
    const tree = await capture(session);
    expect(value(await session.trees.changes({ lane: "main", from: session.start, to: tree })).modified).toEqual([
      "x.bin",
    ]);
  });

  test.runIf(process.platform === "linux")("a file name that is not valid text is stored and restored", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const path = Buffer.concat([Buffer.from(`${session.directory}/`), Buffer.from([0x66, 0xff, 0xfe])]);
    await writeFile(path, "odd name\n");
    const tree = await capture(session);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    expect(existsSync(path)).toBe(false);
    value(await session.trees.prepare({ lane: "main", tree, mode: "restore", reason: "undo" }));
    expect(await readFile(path, "utf8")).toBe("odd name\n");
  });
});

describe("what a snapshot does not hold", () => {
  test("a large untracked file is reported once and stays where it is", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo, { maxUntrackedBytes: 1024 * 1024 });
    await writeIn(session.directory, "big.iso", Buffer.alloc(1024 * 1024 + 1));
    await writeIn(session.directory, "small.txt", "small\n");
    const tree = await capture(session);
    await capture(session);
    expect(session.warnings).toEqual([
      "big.iso is larger than 1 MiB and not tracked: snapshots do not hold it; it stays where it is and is kept when the worktree is removed",
    ]);
    expect(await repo.runIn(session.shadow, "ls-tree", "--name-only", `${tree.snapshot}`)).not.toContain("big.iso");
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    expect(existsSync(join(session.directory, "small.txt"))).toBe(false);
    expect(existsSync(join(session.directory, "big.iso"))).toBe(true);
    value(await session.trees.remove({ lane: "main", target: "main", reason: "landed" }));
    expect(existsSync(join(session.shadow, "kept/session-one/main/big.iso"))).toBe(true);
  });

  test("a nested repository is reported, left alone, and kept when the worktree goes", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await mkdir(join(session.directory, "vendor/lib"), { recursive: true });
    await repo.runIn(join(session.directory, "vendor/lib"), "init", "-q");
    await writeIn(session.directory, "vendor/lib/file.txt", "x\n");
    await writeIn(session.directory, "beside.txt", "x\n");
    await capture(session);
    expect(session.warnings[0]).toContain("vendor/lib/ is a git repository of its own");
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    expect(existsSync(join(session.directory, "beside.txt"))).toBe(false);
    expect(existsSync(join(session.directory, "vendor/lib/file.txt"))).toBe(true);
    value(await session.trees.remove({ lane: "main", target: "main", reason: "landed" }));
    expect(existsSync(join(session.shadow, "kept/session-one/main/vendor/lib/file.txt"))).toBe(true);
  });

  test("a submodule's commit is part of the state, its repository is kept when the worktree goes", async () => {
    await using repo = await makeRepo();
    await using library = await makeRepo({ name: "library" });
    await repo.run("-c", "protocol.file.allow=always", "submodule", "add", "-q", library.directory, "lib");
    await repo.commit("Submodule", {});
    const session = await startSession(repo);
    const lib = join(session.directory, "lib");
    await repo.runIn(session.directory, "-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init");
    expect(await capture(session)).toEqual(session.start);
    await writeIn(lib, "a.txt", "changed\n");
    await repo.runIn(lib, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-a", "-m", "In the submodule");
    const tree = await capture(session);
    expect(value(await session.trees.changes({ lane: "main", from: session.start, to: tree })).modified).toEqual([
      "lib",
    ]);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
    value(await session.trees.remove({ lane: "main", target: "main", reason: "landed" }));
    expect(existsSync(join(session.shadow, "kept/session-one/main/.git-modules/lib"))).toBe(true);
  });
});

describe("other kinds of repositories", () => {
  test("one with SHA-256 works the same", async () => {
    await using repo = await makeRepo({ empty: true });
    await rm(join(repo.directory, ".git"), { recursive: true });
    await repo.run("init", "-q", "-b", "main", "--template=", "--object-format=sha256");
    await repo.run("config", "user.name", "User");
    await repo.run("config", "user.email", "user@example.com");
    await repo.commit("Start", { "a.txt": "a\n" });
    const session = await startSession(repo);
    await writeIn(session.directory, "b.txt", "b\n");
    const tree = await capture(session);
    expect(await remake(session, tree)).toEqual(tree);
  });

  test("a split index does not stand in the way", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await repo.runIn(session.directory, "update-index", "--split-index");
    await writeIn(session.directory, "a.txt", "changed\n");
    const tree = await capture(session);
    expect(value(await session.trees.changes({ lane: "main", from: session.start, to: tree })).modified).toEqual([
      "a.txt",
    ]);
    value(
      await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "interrupted step" }),
    );
  });
});
