/**
 * Reads what a git directory is at, from its files: a call of git for each of these would be most of a step's cost. The
 * files have one line each, so they are read at once: handing them to another thread takes ten times as long.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Git, gitLine } from "./git.ts";

/** Where HEAD points: to a branch or straight to a commit. `commit` is null on a branch with no commit yet. */
export interface Head {
  /** The full name, such as `refs/heads/main`; null on a detached HEAD. */
  readonly ref: string | null;
  readonly commit: string | null;
}

/** The directories of one worktree's git: its own one and the one that it shares. */
export interface GitDirs {
  readonly gitDir: string;
  readonly commonDir: string;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Git itself is asked only where the files do not tell, as with another kind of ref storage. */
export async function readHead(git: Git, dirs: GitDirs): Promise<Head> {
  const text = (await readText(join(dirs.gitDir, "HEAD")))?.trim() ?? "";
  if (COMMIT.test(text)) return { ref: null, commit: text };
  const ref = text.startsWith("ref: ") ? text.slice(5).trim() : null;
  if (ref !== null && ref !== "refs/heads/.invalid") {
    const loose = await readLooseRef(dirs.commonDir, ref);
    if (loose !== null) return { ref, commit: loose };
  }
  return askHead(git, dirs);
}

/** A ref from its own file; null where that does not tell, as with a packed one. Nobody has looked whether the commit is there. */
export async function readLooseRef(commonDir: string, ref: string): Promise<string | null> {
  const text = await readText(join(commonDir, ref)).catch(() => null);
  return text !== null && COMMIT.test(text.trim()) ? text.trim() : null;
}

async function askHead(git: Git, dirs: GitDirs): Promise<Head> {
  const call = { directory: dirs.commonDir, env: { GIT_DIR: dirs.gitDir } };
  const [name, commit] = await Promise.all([
    gitLine(git, { ...call, args: ["symbolic-ref", "-q", "HEAD"] }),
    gitLine(git, { ...call, args: ["rev-parse", "-q", "--verify", "HEAD^{commit}"] }),
  ]);
  return { ref: name.ok ? name.value : null, commit: commit.ok ? commit.value : null };
}

/** Operations that git keeps in files beside HEAD, by the file that shows each. */
const OPERATIONS = [
  ["MERGE_HEAD", "merge"],
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["BISECT_LOG", "bisect"],
] as const;

export type Operation = (typeof OPERATIONS)[number][1];

/** What somebody has begun in a worktree and not finished; null when there is nothing. */
export async function operationInProgress(gitDir: string): Promise<Operation | null> {
  const found = await Promise.all(
    OPERATIONS.map(async ([file, name]) => ((await exists(join(gitDir, file))) ? name : null)),
  );
  return found.find((name) => name !== null) ?? null;
}

/** Null when there is no such file. */
export async function readText(path: string): Promise<string | null> {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether an error only says that a file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
