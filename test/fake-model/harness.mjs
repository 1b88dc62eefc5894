// What a test with a real agent program needs around it: the program, a workspace of its own, and an environment with
// nothing inherited from the caller.

import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, dirname } from "node:path";
import { createRequire } from "node:module";

/** The native claude binary: $CLAUDE_BIN, else the npm package next to `from`. */
export function findClaude(from = process.cwd()) {
  if (process.env.CLAUDE_BIN) return process.env.CLAUDE_BIN;
  const require = createRequire(join(from, "x.js"));
  for (const name of [
    "@anthropic-ai/claude-code-linux-x64",
    "@anthropic-ai/claude-code-linux-x64-musl",
    "@anthropic-ai/claude-code-linux-arm64",
    "@anthropic-ai/claude-code-darwin-arm64",
    "@anthropic-ai/claude-code-darwin-x64",
  ]) {
    try {
      const file = join(dirname(require.resolve(`${name}/package.json`)), "claude");
      if (existsSync(file)) return file;
    } catch {
      /* not installed */
    }
  }
  return null;
}

export function makeWorkspace(label = "fake") {
  const root = mkdtempSync(join(tmpdir(), `${label}-`));
  const home = join(root, "home");
  const repo = join(root, "repo");
  const tmp = join(root, "tmp");
  for (const dir of [home, repo, tmp]) mkdirSync(dir);
  const git = (...args) =>
    execFileSync("git", args, {
      cwd: repo,
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        HOME: home,
        GIT_AUTHOR_NAME: "T",
        GIT_AUTHOR_EMAIL: "t@example.com",
        GIT_COMMITTER_NAME: "T",
        GIT_COMMITTER_EMAIL: "t@example.com",
      },
    }).trim();
  git("init", "-q", "-b", "main");
  git("config", "user.name", "T");
  git("config", "user.email", "t@example.com");
  git("commit", "-q", "--allow-empty", "-m", "init");
  return {
    root,
    home,
    repo,
    tmp,
    git,
    read: (file) => readFileSync(join(repo, file), "utf8"),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Everything claude needs to stay on loopback. Pass it whole as the child's env. */
export const claudeEnv = (url, { home, tmp }, extra = {}) => ({
  PATH: process.env.PATH,
  HOME: home,
  TMPDIR: tmp,
  LANG: "C.UTF-8",
  TERM: "dumb",
  CLAUDE_CONFIG_DIR: join(home, ".claude"),
  ANTHROPIC_BASE_URL: url,
  ANTHROPIC_API_KEY: "fake-key",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_BUG_COMMAND: "1",
  IS_SANDBOX: "1", // lets --dangerously-skip-permissions through when the tests run as root
  NO_PROXY: "127.0.0.1,localhost",
  ...extra,
});
