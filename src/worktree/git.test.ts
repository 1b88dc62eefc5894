import { existsSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { withAdminLock } from "./admin-lock.ts";
import { cleanEnvironment, type Git, git, runGit } from "./git.ts";
import { faultOf, makeRepo, type TestRepo } from "./test-repo.ts";

/** A git that is a script. */
async function fake(repo: TestRepo, script: string): Promise<Git> {
  const executable = join(repo.base, "fake-git");
  await writeFile(executable, `#!/bin/sh\n${script}\n`);
  await chmod(executable, 0o755);
  return { ...repo.git, executable };
}

describe("runGit", () => {
  test("waits for a lock that another git holds", async () => {
    await using repo = await makeRepo();
    const lock = join(repo.directory, ".git/index.lock");
    await writeFile(lock, "");
    const adding = git(repo.git, { directory: repo.directory, args: ["add", "-A"] });
    await sleep(100).then(() => rm(lock));
    expect((await adding).ok).toBe(true);
  });

  test("gives up on a lock that stays, and names it", { timeout: 20_000 }, async () => {
    await using repo = await makeRepo();
    const lock = join(repo.directory, ".git/index.lock");
    await writeFile(lock, "");
    const fault = faultOf(await git(repo.git, { directory: repo.directory, args: ["add", "-A"] }));
    expect(fault.message).toContain("git add failed with exit code 128: fatal: Unable to create");
    expect(fault.help).toBe(`another git is at work there; if none is, remove ${lock}`);
  });

  test("ends a git that takes too long, with its children", async () => {
    await using repo = await makeRepo();
    const slow = await fake(repo, `(sleep 60; touch '${repo.base}/late') & echo $! > '${repo.base}/pid'; wait`);
    const result = await runGit(slow, { directory: repo.base, args: ["x"], timeoutMs: 300 });
    expect(result).toMatchObject({ code: null, ended: "timeout" });
    expect(existsSync(join(repo.base, "late"))).toBe(false);
  });

  test("ends when it is stopped, and when it writes without end", async () => {
    await using repo = await makeRepo();
    const stop = new AbortController();
    const slow = await fake(repo, "sleep 60");
    const running = runGit(slow, { directory: repo.base, args: ["x"], signal: stop.signal });
    stop.abort();
    expect((await running).ended).toBe("stopped");
    const loud = await fake(repo, "yes");
    const result = await runGit(loud, { directory: repo.base, args: ["x"], maxBytes: 100_000 });
    expect(result.ended).toBe("too-much");
    expect(result.stdout.length).toBeLessThanOrEqual(100_000);
  });

  test("sees who the user is and not which repository an agent was in", () => {
    const env = cleanEnvironment({
      PATH: "/bin",
      GIT_DIR: "/x",
      GIT_INDEX_FILE: "/y",
      GIT_OBJECT_DIRECTORY: "/z",
      GIT_AUTHOR_NAME: "A",
      GIT_AUTHOR_DATE: "1",
      GIT_CONFIG_GLOBAL: "/g",
      LC_ALL: "de",
    });
    expect(env).toMatchObject({
      PATH: "/bin",
      GIT_AUTHOR_NAME: "A",
      GIT_CONFIG_GLOBAL: "/g",
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
    });
    for (const name of ["GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_AUTHOR_DATE"])
      expect(env).not.toHaveProperty(name);
  });
});

describe("withAdminLock", () => {
  test("lets one in at a time, and takes over from the dead", async () => {
    await using repo = await makeRepo();
    const path = join(repo.base, "locks/admin.lock");
    await mkdir(join(repo.base, "locks"));
    // No process has this number: it is above what the system gives.
    await writeFile(path, "2147483646\n");
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        withAdminLock(path, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(5);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });
});
