import { existsSync } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  BRANCH,
  faultOf,
  makeRepo,
  openSession,
  type Session,
  startSession,
  type TestRepo,
  value,
  writeIn,
} from "./test-repo.ts";

/** Lets the session commit a file. */
async function work(
  repo: TestRepo,
  session: Session,
  files: Readonly<Record<string, string>> = { "work.txt": "work\n" },
): Promise<string> {
  for (const [path, content] of Object.entries(files)) await writeIn(session.directory, path, content);
  await repo.runIn(session.directory, "add", "-A");
  await repo.runIn(session.directory, "commit", "-q", "-m", "Work");
  return repo.runIn(session.directory, "rev-parse", "HEAD");
}

const LAND = { target: "main", message: "Merge branch 'prodigy-session-one'" };

describe("land", () => {
  test("moves a checked-out target forward, files and all", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const commit = await work(repo, session);
    expect(value(await session.trees.land(LAND))).toEqual({
      kind: "landed",
      commit,
      previous: session.start.head,
      how: "fast-forward",
    });
    expect(await readFile(join(repo.directory, "work.txt"), "utf8")).toBe("work\n");
    expect(await repo.run("status", "--porcelain")).toBe("");
  });

  test("lands again as already there", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const commit = await work(repo, session);
    value(await session.trees.land(LAND));
    expect(value(await session.trees.land(LAND))).toEqual({ kind: "landed", commit, previous: commit, how: "already" });
  });

  test("merges into a target that has moved", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const ours = await work(repo, session);
    const theirs = await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    const landed = value(await session.trees.land(LAND));
    expect(landed).toMatchObject({ kind: "landed", previous: theirs, how: "merge" });
    expect(await repo.run("log", "-1", "--format=%P %an %s")).toBe(
      `${theirs} ${ours} User Merge branch 'prodigy-session-one'`,
    );
    expect(await repo.run("status", "--porcelain")).toBe("");
    expect(existsSync(join(repo.directory, "work.txt"))).toBe(true);
  });

  test("leaves uncommitted files alone that the landing does not touch", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.write("a.txt", "mine\n");
    await repo.write("mine.txt", "mine\n");
    await repo.write("dir/b.txt", "staged\n");
    await repo.run("add", "dir/b.txt");
    value(await session.trees.land(LAND));
    expect(await repo.run("status", "--porcelain")).toBe(" M a.txt\nM  dir/b.txt\n?? mine.txt");
  });

  test.each([
    ["changed", "a.txt"],
    ["untracked", "work.txt"],
    ["ignored", "ignored/kept.txt"],
    ["in the place of a folder", "deep"],
  ])("is refused where it would overwrite a file that is %s", async (_kind, path) => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "ignored/kept.txt", "theirs\n");
    await repo.runIn(session.directory, "add", "-f", "ignored/kept.txt");
    await work(repo, session, { "work.txt": "work\n", "a.txt": "theirs\n", "deep/er/file.txt": "x\n" });
    await repo.write(path, "mine\n");
    const { kind, message, help } = faultOf(await session.trees.land(LAND));
    expect(kind).toBe("landing");
    expect(message).toBe(`1 of your own changed files in ${repo.directory} would be overwritten: ${path}`);
    expect(help).toBe(
      `commit or move these files, or put them by with: git -C '${repo.directory}' stash --include-untracked; then land it later with: prodigy worktree merge session-one`,
    );
    expect(await repo.run("rev-parse", "main")).toBe(session.start.head);
    expect(await readFile(join(repo.directory, path), "utf8")).toBe("mine\n");
  });

  test("is refused in the middle of the user's own merge or rebase", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.run("checkout", "-q", "-b", "other");
    await repo.commit("Other", { "a.txt": "other\n" });
    await repo.run("checkout", "-q", "main");
    await repo.commit("Mine", { "a.txt": "mine\n" });
    await expect(repo.run("merge", "-q", "other")).rejects.toThrow("Command failed");
    expect(faultOf(await session.trees.land(LAND)).message).toBe(
      `the branch main cannot be changed: a merge is in progress in ${repo.directory}`,
    );
    await repo.run("merge", "--abort");
    await expect(repo.run("rebase", "-q", "other")).rejects.toThrow("Command failed");
    expect(faultOf(await session.trees.land(LAND)).message).toBe(
      `the branch main cannot be changed: a rebase is in progress in ${repo.directory}`,
    );
  });

  test("swaps the ref of a target that is not checked out", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const commit = await work(repo, session);
    await repo.run("checkout", "-q", "-b", "elsewhere");
    expect(value(await session.trees.land(LAND))).toMatchObject({ commit, how: "fast-forward" });
    expect(await repo.run("rev-parse", "main")).toBe(commit);
    expect(await repo.run("status", "--porcelain")).toBe("");
    expect(existsSync(join(repo.directory, "work.txt"))).toBe(false);
  });

  test("moves the files of another worktree that has the target checked out", async () => {
    await using repo = await makeRepo({ name: "my project ü" });
    const session = await startSession(repo);
    await work(repo, session);
    await repo.run("checkout", "-q", "-b", "elsewhere");
    const other = join(repo.base, "other\nplace");
    await repo.run("worktree", "add", "-q", other, "main");
    value(await session.trees.land(LAND));
    expect(await readFile(join(other, "work.txt"), "utf8")).toBe("work\n");
    expect(await repo.runIn(other, "status", "--porcelain")).toBe("");
  });

  test("reports a conflict with its paths and touches nothing", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session, { "a.txt": "session\n" });
    const theirs = await repo.commit("Mine", { "a.txt": "mine\n" });
    expect(value(await session.trees.land(LAND))).toEqual({ kind: "conflict", paths: ["a.txt"] });
    expect(await repo.run("rev-parse", "main")).toBe(theirs);
    expect(await repo.run("status", "--porcelain")).toBe("");
  });

  test("with a git that cannot merge without a work tree, asks for the merge in the session's worktree", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    const executable = join(repo.base, "old-git");
    const script =
      '#!/bin/sh\ncase " $* " in *" merge-tree "*) echo "usage: git merge-tree <base>" >&2; exit 129;; esac\nexec git "$@"\n';
    await writeFile(executable, script, { mode: 0o755 });
    const old = await openSession({ ...repo, git: { ...repo.git, executable } });
    expect(value(await old.trees.land(LAND))).toEqual({ kind: "conflict", paths: [] });
    expect(value(await old.trees.mergeTarget({ target: "main" })).conflicts).toEqual([]);
    expect(value(await old.trees.land(LAND))).toMatchObject({ how: "fast-forward" });
    expect(await repo.run("log", "-1", "--format=%s")).toBe(`Merge branch 'main' into ${BRANCH}`);
  });

  test("says what to do when the target is gone", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.run("checkout", "-q", "-b", "elsewhere");
    await repo.run("branch", "-q", "-D", "main");
    expect(faultOf(await session.trees.land(LAND))).toEqual({
      kind: "landing",
      message: "the branch main, from which the session started, is not there any more",
      help: `make it again at the session's last commit with: git branch 'main' '${BRANCH}'; or merge into another with: git checkout OTHER && git merge '${BRANCH}'`,
    });
  });

  test("runs none of the user's hooks", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    for (const hook of ["post-merge", "post-checkout", "pre-commit", "commit-msg", "reference-transaction"]) {
      await writeIn(repo.directory, `.git/hooks/${hook}`, `#!/bin/sh\necho ran >> '${repo.base}/hooks'\nexit 1\n`);
      await chmod(join(repo.directory, `.git/hooks/${hook}`), 0o755);
    }
    value(await session.trees.land(LAND));
    expect(existsSync(join(repo.base, "hooks"))).toBe(false);
  });

  test("signs the merge when the user's commits are signed", async () => {
    await using repo = await makeRepo();
    await writeFile(
      join(repo.base, "gpg"),
      '#!/bin/sh\ncat > /dev/null\necho "[GNUPG:] SIG_CREATED " >&2\necho "-----BEGIN PGP SIGNATURE-----"\n',
      { mode: 0o755 },
    );
    const session = await startSession(repo);
    await work(repo, session);
    await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    await repo.run("config", "commit.gpgSign", "true");
    await repo.run("config", "gpg.program", join(repo.base, "gpg"));
    const again = await openSession(repo);
    value(await again.trees.land(LAND));
    expect(await repo.run("cat-file", "commit", "main")).toContain("gpgsig -----BEGIN PGP SIGNATURE-----");
  });
});

describe("planLanding", () => {
  test("tells commits, changes and leftovers, and changes nothing", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await writeIn(session.directory, "left over.txt", "x\n");
    await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    expect(value(await session.trees.planLanding({ base: session.start.head, target: "main" }))).toEqual({
      commits: 1,
      changes: { added: ["work.txt"], modified: [], deleted: [], insertions: 1, deletions: 0 },
      leftovers: ["left over.txt"],
      obstacle: null,
    });
    expect(existsSync(join(repo.directory, "work.txt"))).toBe(false);
  });

  test("names what stands against it", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    const plan = async (target: string | null) =>
      value(await session.trees.planLanding({ base: session.start.head, target })).obstacle;
    expect((await plan(null))?.message).toBe(
      "the session started on a detached HEAD, so there is no branch to land on",
    );
    expect((await plan("gone"))?.message).toBe(
      "the branch gone, from which the session started, is not there any more",
    );
    await repo.write("work.txt", "mine\n");
    expect((await plan("main"))?.lastLines).toEqual(["work.txt"]);
    await rm(join(repo.directory, "work.txt"));
    expect(await plan("main")).toBeNull();
  });
});

describe("mergeTarget", () => {
  test("merges a moved target into the session's worktree and commits", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session);
    await repo.commit("Meanwhile", { "meanwhile.txt": "m\n" });
    const { tree, conflicts } = value(await session.trees.mergeTarget({ target: "main" }));
    expect(conflicts).toEqual([]);
    expect(tree).toEqual({ head: await repo.runIn(session.directory, "rev-parse", "HEAD"), snapshot: null });
    expect(value(await session.trees.land(LAND))).toMatchObject({ how: "fast-forward", commit: tree.head });
  });

  test("leaves conflicts for whoever resolves them, as a state that can be restored, and commits afterwards", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await work(repo, session, { "a.txt": "session\n" });
    await repo.commit("Mine", { "a.txt": "mine\n" });
    const first = value(await session.trees.mergeTarget({ target: "main" }));
    expect(first.conflicts).toEqual(["a.txt"]);
    expect(value(await session.trees.mergeTarget({ target: "main" }))).toEqual(first);

    await rm(session.directory, { recursive: true });
    const restored = value(
      await session.trees.prepare({ lane: "main", tree: first.tree, mode: "restore", reason: "resume" }),
    );
    expect(restored.tree).toEqual(first.tree);
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("UU a.txt");
    expect(await readFile(join(session.directory, "a.txt"), "utf8")).toContain("<<<<<<<");

    await writeIn(session.directory, "a.txt", "both\n");
    await repo.runIn(session.directory, "add", "a.txt");
    const resolved = value(await session.trees.mergeTarget({ target: "main" }));
    expect(resolved).toMatchObject({ conflicts: [], tree: { snapshot: null } });
    expect(value(await session.trees.land(LAND))).toMatchObject({ how: "fast-forward", commit: resolved.tree.head });
  });
});

describe("mergeLane", () => {
  async function lane(
    repo: TestRepo,
    session: Session,
    files: Readonly<Record<string, string>>,
  ): Promise<{ readonly head: string; readonly snapshot: null }> {
    const { directory } = value(
      await session.trees.prepare({ lane: "item-1", tree: session.start, mode: "restore", reason: "start" }),
    );
    for (const [path, content] of Object.entries(files)) await writeIn(directory, path, content);
    await repo.runIn(directory, "add", "-A");
    await repo.runIn(directory, "commit", "-q", "-m", "Item");
    return { head: await repo.runIn(directory, "rev-parse", "HEAD"), snapshot: null };
  }

  test("merges a lane's commits into the session's branch and files, once", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "left.txt", "uncommitted\n");
    const from = await lane(repo, session, { "item.txt": "1\n" });
    const merge = () => session.trees.mergeLane({ lane: "item-1", from, into: "main", message: "Merge agent item-1" });
    const first = value(await merge());
    expect(first).toMatchObject({ kind: "merged", commits: 1 });
    expect(await readFile(join(session.directory, "item.txt"), "utf8")).toBe("1\n");
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("?? left.txt");
    expect(await repo.run("log", "-1", "--format=%s", BRANCH)).toBe("Merge agent item-1");
    expect(value(await merge())).toEqual(first);
  });

  test("a conflict names its paths and leaves both lanes as they were", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    const ours = await work(repo, session, { "a.txt": "session\n" });
    const from = await lane(repo, session, { "a.txt": "item\n" });
    const merged = value(
      await session.trees.mergeLane({ lane: "item-1", from, into: "main", message: "Merge agent item-1" }),
    );
    expect(merged).toEqual({ kind: "conflict", paths: ["a.txt"] });
    expect(await repo.run("rev-parse", BRANCH)).toBe(ours);
    expect(await repo.runIn(session.directory, "status", "--porcelain")).toBe("");
  });

  test("uncommitted files that the merge would overwrite stand against it", async () => {
    await using repo = await makeRepo();
    const session = await startSession(repo);
    await writeIn(session.directory, "a.txt", "uncommitted\n");
    const from = await lane(repo, session, { "a.txt": "item\n" });
    const merged = await session.trees.mergeLane({ lane: "item-1", from, into: "main", message: "Merge agent item-1" });
    expect(faultOf(merged)).toMatchObject({
      kind: "conflict",
      message: `1 of your own changed files in ${session.directory} would be overwritten: a.txt`,
    });
    expect(await readFile(join(session.directory, "a.txt"), "utf8")).toBe("uncommitted\n");
  });
});
