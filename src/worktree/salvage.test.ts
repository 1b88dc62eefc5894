import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { dropSalvage, forgetSnapshots, listSalvage, restoreSalvage, showSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";
import { BRANCH, faultOf, makeRepo, startSession, value, writeIn } from "./test-repo.ts";

describe("salvage", () => {
  test("puts a lane back, and keeps commits and files of what was there, to be listed, shown and made a branch of", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "a.txt", "committed\n");
    await repo.runIn(session.directory, "commit", "-q", "-a", "-m", "Half done");
    const head = await repo.runIn(session.directory, "rev-parse", "HEAD");
    await writeIn(session.directory, "new.txt", "new\n");
    const name = value(
      await session.trees.salvage({ lane: "main", to: session.start, reason: "the step was interrupted" }),
    );
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("");
    expect(await repo.runIn(session.directory, "rev-parse", "HEAD")).toBe(session.start.head);
    expect(value(await session.trees.salvage({ lane: "main", to: session.start, reason: "again" }))).toBeNull();

    await repo.run("reflog", "expire", "--expire-unreachable=now", "--all");
    await repo.run("gc", "-q", "--prune=now");
    const shadow = value(await openShadow(session.repository, session.shadow));
    const listed = value(await listSalvage(shadow, "session-one"));
    expect(value(await listSalvage(shadow, "-one"))).toEqual(listed);
    expect(value(await listSalvage(shadow, "session-two"))).toEqual([]);
    expect(listed.find((entry) => entry.name === name)).toMatchObject({
      session: "session-one",
      lane: "main",
      reason: "the step was interrupted",
      head,
      base: session.start.head,
    });
    const shown = value(await showSalvage(shadow, `${name}`));
    expect(shown.commits.map((commit) => commit.message)).toEqual(["Half done"]);
    expect(shown.changes).toMatchObject({ added: ["new.txt"], modified: ["a.txt"] });
    expect(shown.patch).toContain("+committed");

    const restored = value(await restoreSalvage(shadow, { name: `${name}`, branch: "rescued" }));
    expect(await repo.run("log", "--format=%s", "rescued")).toBe("Restore salvaged files\nHalf done\nStart");
    expect(await repo.run("show", "rescued:new.txt")).toBe("new");
    expect(restored.commit).toBe(await repo.run("rev-parse", "rescued"));
    await repo.run("fsck", "--strict");
    expect(faultOf(await restoreSalvage(shadow, { name: `${name}`, branch: "rescued" })).help).toBe(
      "give another name with --branch, if there is such a branch already",
    );
    value(await dropSalvage(shadow, `${name}`));
    expect(faultOf(await showSalvage(shadow, `${name}`)).message).toBe(`nothing is kept under the name ${name}`);
  });
});

test("forgetting a session's snapshots leaves what was salvaged", async () => {
  await using repo = await makeRepo();
  const session = await startSession(repo);
  await writeIn(session.directory, "one.txt", "1\n");
  const { tree } = value(await session.trees.capture({ lane: "main", since: session.start, keep: [] }));
  await writeIn(session.directory, "two.txt", "2\n");
  const name = value(await session.trees.salvage({ lane: "main", to: session.start, reason: "interrupted" }));
  const shadow = value(await openShadow(session.repository, session.shadow));
  value(await forgetSnapshots(shadow, "session-one"));
  expect(await repo.runIn(session.shadow, "for-each-ref", "--format=%(refname)")).toBe(`refs/salvage/${name}`);
  expect(value(await showSalvage(shadow, `${name}`)).changes.added).toEqual(["one.txt", "two.txt"]);
  expect(tree.snapshot).not.toBeNull();
});

describe("remove", () => {
  test("takes worktree and landed branch away, and keeps what was uncommitted", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "work.txt", "work\n");
    await repo.runIn(session.directory, "add", "-A");
    await repo.runIn(session.directory, "commit", "-q", "-m", "Work");
    await writeIn(session.directory, "left.txt", "left\n");
    value(await session.trees.land({ target: "main", message: "Merge" }));
    const remove = () => session.trees.remove({ lane: "main", target: "main", reason: "landed" });
    const { salvage } = value(await remove());
    expect(salvage).not.toBeNull();
    expect(value(await remove())).toEqual({ salvage: null });
    await session.trees[Symbol.asyncDispose]();
    expect(existsSync(session.directory)).toBe(false);
    expect(await repo.run("worktree", "list", "--porcelain")).not.toContain("session-one");
    expect(await repo.run("branch", "--format=%(refname:short)")).toBe("main");
    const shadow = value(await openShadow(session.repository, session.shadow));
    expect(value(await showSalvage(shadow, `${salvage}`)).changes.added).toEqual(["left.txt"]);
  });

  test("leaves a branch that has not landed", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "work.txt", "work\n");
    await repo.runIn(session.directory, "add", "-A");
    await repo.runIn(session.directory, "commit", "-q", "-m", "Work");
    expect(value(await session.trees.remove({ lane: "main", target: "main", reason: "asked" }))).toEqual({
      salvage: null,
    });
    expect(await repo.run("log", "-1", "--format=%s", BRANCH)).toBe("Work");
  });

  test("keeps commits of a lane that no branch holds", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const { directory } = value(
      await session.trees.prepare({ lane: "item-1", tree: session.start, mode: "restore", reason: "start" }),
    );
    await writeIn(directory, "item.txt", "1\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "Item");
    const { salvage } = value(await session.trees.remove({ lane: "item-1", target: "main", reason: "failed item" }));
    const shadow = value(await openShadow(session.repository, session.shadow));
    expect(value(await showSalvage(shadow, `${salvage}`)).commits.map((commit) => commit.message)).toEqual(["Item"]);
  });

  test("a folder that is gone already is taken off git's list", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await rm(session.directory, { recursive: true });
    value(await session.trees.remove({ lane: "main", target: "main", reason: "asked" }));
    expect(await repo.run("worktree", "list", "--porcelain")).not.toContain("session-one");
  });
});

describe("commit", () => {
  const config = {
    messageTemplate: null,
    messagePattern: null,
    sign: false,
    author: null,
    includeFiles: null,
    excludeFiles: [],
    squash: false,
  };

  test("commits everything that is uncommitted, and nothing where there is nothing", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    const commit = () =>
      trees.commit({
        lane: "main",
        message: "Auto-commit: step\n\n# not a comment",
        config: { ...config, author: "Bot <bot@example.com>" },
        since: start.head,
      });
    expect(value(await commit())).toBeNull();
    await writeIn(directory, "new.txt", "new\n");
    expect(value(await commit())).toBe(await repo.runIn(directory, "rev-parse", "HEAD"));
    expect(await repo.runIn(directory, "log", "-1", "--format=%an %B")).toBe(
      "Bot Auto-commit: step\n\n# not a comment\n",
    );
  });

  test("takes only the files that are asked for, and makes one commit of many with squash", async () => {
    await using repo = await makeRepo();
    const { trees, start, directory } = await startSession(repo);
    await writeIn(directory, "one.ts", "1\n");
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "One");
    await writeIn(directory, "src/two.ts", "2\n");
    await writeIn(directory, "src/two.test.ts", "2\n");
    await writeIn(directory, "notes.md", "n\n");
    const narrow = { ...config, includeFiles: ["*.ts"], excludeFiles: ["*.test.ts"], squash: true };
    value(await trees.commit({ lane: "main", message: "Both", config: narrow, since: start.head }));
    expect(await repo.runIn(directory, "show", "--name-only", "--format=%s", "HEAD")).toBe(
      "Both\n\none.ts\nsrc/two.ts",
    );
    expect(await repo.runIn(directory, "rev-parse", "HEAD~1")).toBe(start.head);
    expect(await repo.runIn(directory, "status", "--porcelain")).toBe("?? notes.md\n?? src/two.test.ts");
    const nothing = { ...config, includeFiles: ["*.none"] };
    expect(value(await trees.commit({ lane: "main", message: "None", config: nothing, since: start.head }))).toBeNull();
  });
});
