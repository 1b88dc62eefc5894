import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { identityFault, openRepository } from "./repository.ts";
import { faultOf, makeRepo, startSession, value, writeIn } from "./test-repo.ts";

describe("openRepository", () => {
  test("tells what the repository is, from any folder in it", async () => {
    await using repo = await makeRepo({ name: "with space" });
    const found = value(await openRepository({ path: join(repo.directory, "dir"), git: repo.git }));
    expect(found).toMatchObject({
      topLevel: repo.directory,
      commonDir: join(repo.directory, ".git"),
      mainWorktree: repo.directory,
      linked: false,
      branch: "main",
      head: await repo.run("rev-parse", "HEAD"),
      objectFormat: "sha1",
      shallow: false,
      submodules: false,
      lfs: false,
      identity: { name: "User", email: "user@example.com" },
      signsCommits: false,
    });
  });

  test("is not misled by the environment of an agent or a hook", async () => {
    await using repo = await makeRepo();
    await using other = await makeRepo();
    const env = {
      ...repo.git.env,
      GIT_DIR: join(other.directory, ".git"),
      GIT_WORK_TREE: other.directory,
      GIT_INDEX_FILE: "/nowhere",
      LC_ALL: "de_DE.UTF-8",
    };
    const found = value(await openRepository({ path: repo.directory, git: { ...repo.git, env } }));
    expect(found.topLevel).toBe(repo.directory);
  });

  test("knows a detached HEAD, packed refs and a worktree of another", async () => {
    await using repo = await makeRepo();
    await repo.run("pack-refs", "--all");
    expect(value(await openRepository({ path: repo.directory, git: repo.git })).branch).toBe("main");
    const other = join(repo.base, "other");
    await repo.run("worktree", "add", "-q", "--detach", other);
    const found = value(await openRepository({ path: other, git: repo.git }));
    expect(found).toMatchObject({
      topLevel: other,
      linked: true,
      branch: null,
      mainWorktree: repo.directory,
      commonDir: join(repo.directory, ".git"),
    });
  });

  test("says why it cannot work in other places, and what to do", async () => {
    await using repo = await makeRepo({ empty: true });
    const open = async (path: string) => faultOf(await openRepository({ path, git: repo.git }));
    expect(await open(repo.base)).toEqual({
      kind: "git",
      message: `${repo.base} is not in a git repository`,
      help: "run prodigy in a repository, or make one: git init && git add -A && git commit -m Start",
    });
    expect(await open(repo.directory)).toMatchObject({
      message: `the repository ${repo.directory} has no commit yet on main, so there is nothing to start from`,
      help: "git add -A && git commit -m Start",
    });
    expect((await open(join(repo.directory, ".git"))).message).toBe(
      `${join(repo.directory, ".git")} is inside the git directory of a repository`,
    );
    await repo.run("init", "-q", "--bare", join(repo.base, "bare.git"));
    expect((await open(join(repo.base, "bare.git"))).message).toBe(
      `${join(repo.base, "bare.git")} is a bare repository, which has no files to work on`,
    );
    expect((await open(join(repo.base, "nowhere"))).message).toBe(`${join(repo.base, "nowhere")} does not exist`);
    const missing = await openRepository({ path: repo.directory, git: { ...repo.git, executable: "no-such-git" } });
    expect(faultOf(missing).help).toBe("install git 2.30 or newer and make sure that it is in PATH");
  });

  test("without an identity of the user, a run that commits is told before it starts, and merges of ours still work", async () => {
    await using repo = await makeRepo();
    await repo.run("config", "--unset", "user.name");
    await repo.run("config", "--unset", "user.email");
    const session = await startSession(repo);
    expect(session.repository.identity).toBeNull();
    expect(faultOf(identityFault(session.repository)).help).toBe(
      'git config --global user.name "Your Name" && git config --global user.email you@example.com',
    );
    await writeIn(session.directory, "new.txt", "new\n");
    await repo.runIn(session.directory, "add", "-A");
    await repo.runIn(session.directory, "-c", "user.name=Agent", "-c", "user.email=a@b", "commit", "-q", "-m", "Work");
    await writeFile(join(repo.directory, "mine.txt"), "mine\n");
    await repo.run("add", "-A");
    await repo.run("-c", "user.name=Me", "-c", "user.email=a@b", "commit", "-q", "-m", "Mine");
    value(await session.trees.land({ target: "main", message: "Merge" }));
    expect(await repo.run("log", "-1", "--format=%an <%ae>")).toBe("Prodigy <prodigy@localhost>");
  });

  test("shallow clones, submodules, large file storage and signing are seen", async () => {
    await using repo = await makeRepo();
    await repo.commit("More", { ".gitattributes": "*.bin filter=lfs diff=lfs\n", ".gitmodules": "" });
    const clone = join(repo.base, "clone");
    await repo.run("clone", "-q", "--depth=1", `file://${repo.directory}`, clone);
    await repo.runIn(clone, "config", "commit.gpgsign", "yes");
    expect(value(await openRepository({ path: clone, git: repo.git }))).toMatchObject({
      shallow: true,
      submodules: true,
      lfs: true,
      signsCommits: true,
    });
  });
});
