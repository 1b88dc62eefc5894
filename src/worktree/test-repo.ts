/** Real repositories in temporary folders, for the tests of this folder. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Outcome } from "../cook/ports.ts";
import type { TreeState } from "../cook/decision/event.ts";
import { cleanEnvironment, type Git } from "./git.ts";
import { openRepository, type Repository } from "./repository.ts";
import { openTrees, type Trees } from "./trees.ts";

const run = promisify(execFile);

/** Nothing of this machine's git settings may decide a test; only where its programs are. */
async function testGit(home: string): Promise<Git> {
  const { stdout: path } = await run("sh", ["-c", 'printf %s "$PATH"']);
  return { executable: "git", env: { PATH: path, HOME: home, GIT_CONFIG_NOSYSTEM: "1" } };
}

export interface TestRepo extends AsyncDisposable {
  readonly base: string;
  readonly directory: string;
  readonly root: string;
  readonly git: Git;
  /** Runs git as the user would; gives its trimmed stdout. */
  run(...args: readonly string[]): Promise<string>;
  runIn(directory: string, ...args: readonly string[]): Promise<string>;
  write(path: string, content: string | Buffer): Promise<void>;
  commit(message: string, files: Readonly<Record<string, string>>): Promise<string>;
}

/** A folder with an empty repository `project`, a storage root, and nothing else. */
export async function makeRepo(options: { readonly name?: string; readonly empty?: boolean } = {}): Promise<TestRepo> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "prodigy-worktree-")));
  const directory = join(base, options.name ?? "project");
  const git = await testGit(base);
  const runIn = async (place: string, ...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("git", [...args], {
      cwd: place,
      env: cleanEnvironment(git.env),
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.replace(/\n$/, "");
  };
  const repo: TestRepo = {
    base,
    directory,
    root: join(base, "home"),
    git,
    runIn,
    run: (...args) => runIn(directory, ...args),
    write: (path, content) => writeIn(directory, path, content),
    commit: async (message, files) => {
      for (const [path, content] of Object.entries(files)) await writeIn(directory, path, content);
      await runIn(directory, "add", "-A");
      await runIn(directory, "commit", "-q", "-m", message);
      return runIn(directory, "rev-parse", "HEAD");
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }),
  };
  await mkdir(directory);
  await repo.run("init", "-q", "-b", "main", "--template=");
  await repo.run("config", "user.name", "User");
  await repo.run("config", "user.email", "user@example.com");
  if (options.empty !== true)
    await repo.commit("Start", { "a.txt": "a\n", "dir/b.txt": "b\n", ".gitignore": "ignored/\n*.log\n" });
  return repo;
}

export async function writeIn(directory: string, path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), content);
}

export function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.fault.message}\n${outcome.fault.lastLines.join("\n")}`);
  return outcome.value;
}

/** What people would read of a failure. */
export function faultOf(outcome: Outcome<unknown>): {
  readonly kind: string;
  readonly message: string;
  readonly help: string | null;
} {
  if (outcome.ok) throw new Error("expected a fault");
  const { kind, message, help } = outcome.fault;
  return { kind, message, help };
}

export const SESSION = "session-one";
export const BRANCH = `prodigy-${SESSION}`;

export interface Session {
  readonly repository: Repository;
  readonly trees: Trees;
  readonly start: TreeState;
  readonly warnings: string[];
  /** Where the session's own worktree is to be. */
  readonly directory: string;
  readonly shadow: string;
}

/** Opens a session's trees, as a process that starts or resumes would. */
export async function openSession(
  repo: TestRepo,
  options: { readonly maxUntrackedBytes?: number; readonly session?: string; readonly worktrees?: string } = {},
): Promise<Session> {
  const repository = value(await openRepository({ path: repo.directory, git: repo.git }));
  const warnings: string[] = [];
  const session = options.session ?? SESSION;
  const trees = value(
    await openTrees({
      repository,
      root: repo.root,
      key: "project",
      session,
      branch: `prodigy-${session}`,
      worktrees: options.worktrees ?? null,
      warn: (_lane, message) => warnings.push(message),
      ...(options.maxUntrackedBytes === undefined ? {} : { maxUntrackedBytes: options.maxUntrackedBytes }),
    }),
  );
  return {
    repository,
    trees,
    warnings,
    start: { head: repository.head, snapshot: null },
    directory: join(repo.root, "worktrees", "project", session),
    shadow: join(repo.root, "shadow", "project.git"),
  };
}

/** The same with the main lane's worktree made. */
export async function startSession(
  repo: TestRepo,
  options: { readonly maxUntrackedBytes?: number } = {},
): Promise<Session> {
  const session = await openSession(repo, options);
  value(await session.trees.prepare({ lane: "main", tree: session.start, mode: "restore", reason: "start" }));
  return session;
}
