/** Where a branch is checked out, what stands against moving it there, and the move itself. */
import { lstat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Fault } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { failed, fault, fine, listPaths } from "./faults.ts";
import { git, runGit, splitNul } from "./git.ts";
import { isMissing, type Operation, operationInProgress, readText } from "./head.ts";
import type { Repository } from "./repository.ts";
import { namesIn } from "./site.ts";

export interface Checkout {
  readonly directory: string;
  /** An operation that has begun there and holds the branch. */
  readonly operation: Operation | null;
}

/** The worktree that has the branch checked out, the user's or another session's; null when there is none. */
export async function findCheckout(repository: Repository, ref: string): Promise<Checkout | null> {
  for (const { gitDir, directory } of await worktreesOf(repository)) {
    const operation = await operationInProgress(gitDir);
    const held =
      (await readText(join(gitDir, "HEAD")))?.trim() === `ref: ${ref}` ||
      (operation !== null && (await holds(gitDir, ref)));
    if (held) return { directory, operation };
  }
  return null;
}

/** All worktrees, read from git's own files: `git worktree list` of older versions cannot tell strange names apart. */
export async function worktreesOf(
  repository: Repository,
): Promise<readonly { readonly gitDir: string; readonly directory: string }[]> {
  const { commonDir, mainWorktree } = repository;
  const main = mainWorktree === null ? [] : [{ gitDir: commonDir, directory: mainWorktree }];
  const entries = (await namesIn(join(commonDir, "worktrees"))).map((name) => join(commonDir, "worktrees", name));
  const linked = await Promise.all(
    entries.map(async (gitDir) => {
      const link = (await readText(join(gitDir, "gitdir")).catch(() => null))?.trim();
      return link === undefined ? [] : [{ gitDir, directory: dirname(resolve(gitDir, link)) }];
    }),
  );
  return [...main, ...linked.flat()];
}

/** A rebase or a bisect detaches HEAD and remembers the branch. */
async function holds(gitDir: string, ref: string): Promise<boolean> {
  const names = await Promise.all(
    ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"].map((name) => readText(join(gitDir, name))),
  );
  return names.some((name) => name?.trim() === ref || name?.trim() === ref.replace("refs/heads/", ""));
}

/** Why the files of a checkout cannot go from one commit to another; null when they can. */
export async function obstacleIn(
  repository: Repository,
  checkout: Checkout,
  move: { readonly from: string; readonly to: string; readonly what: string },
): Promise<Outcome<Fault | null>> {
  if (checkout.operation !== null) {
    return fine(
      fault(
        "landing",
        `${move.what} cannot be changed: a ${checkout.operation} is in progress in ${checkout.directory}`,
        `finish it there, or give it up with: git ${checkout.operation} ${checkout.operation === "bisect" ? "reset" : "--abort"}`,
      ),
    );
  }
  const overlapping = await overlap(repository, checkout.directory, move);
  if (!overlapping.ok) return overlapping;
  if (overlapping.value.length === 0) return fine(null);
  return fine({
    ...fault(
      "landing",
      `${overlapping.value.length} of your own changed files in ${checkout.directory} would be overwritten: ${listPaths(overlapping.value)}`,
      `commit or move these files, or put them by with: git -C '${checkout.directory}' stash --include-untracked`,
    ),
    lastLines: overlapping.value.slice(0, 100),
  });
}

/** Files that are changed, staged, untracked or ignored in the directory, and that the move would write. */
export async function overlap(
  repository: Repository,
  directory: string,
  move: { readonly from: string; readonly to: string },
): Promise<Outcome<readonly string[]>> {
  const [local, written] = await Promise.all([
    localChanges(repository, directory),
    git(repository.git, {
      directory,
      args: ["diff-tree", "-r", "-z", "--name-status", "--no-renames", move.from, move.to],
    }),
  ]);
  if (!local.ok) return local;
  if (!written.ok) return written;
  const changed = new Set(local.value);
  const tokens = splitNul(written.value).map(String);
  const found = new Set<string>();
  for (let index = 0; index + 1 < tokens.length; index += 2) {
    const path = tokens[index + 1] ?? "";
    if (changed.has(path)) found.add(path);
    else if (tokens[index] === "A") {
      const inTheWay = await occupied(directory, path);
      if (inTheWay !== null && !(await isTracked(repository, directory, inTheWay))) found.add(inTheWay);
    }
  }
  return fine([...found].sort());
}

/** Paths with changes that no commit holds, untracked ones included. */
export async function localChanges(repository: Repository, directory: string): Promise<Outcome<readonly string[]>> {
  const args = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none"];
  const status = await git(repository.git, { directory, args });
  return status.ok ? fine(splitNul(status.value).map((entry) => entry.subarray(3).toString())) : status;
}

/** What lies where a new file is to be written: the file itself or a file in the place of one of its folders. */
async function occupied(directory: string, path: string): Promise<string | null> {
  const parts = path.split("/");
  for (let count = 1; count <= parts.length; count += 1) {
    const part = parts.slice(0, count).join("/");
    const entry = await lstat(join(directory, part)).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (entry === null) return null;
    if (!entry.isDirectory() || count === parts.length) return part;
  }
  return null;
}

/** A tracked file that makes room for a folder is part of the move. */
async function isTracked(repository: Repository, directory: string, path: string): Promise<boolean> {
  const listed = await runGit(repository.git, {
    directory,
    args: ["ls-files", "-z", "--error-unmatch", "--", `:(literal)${path}`],
  });
  return listed.code === 0;
}

/** Moves the checked-out branch and its files forward. Files with changes of their own are left as they are. */
export async function advance(repository: Repository, directory: string, commit: string): Promise<Outcome<null>> {
  const args = ["merge", "-q", "--ff-only", "--commit", "--no-squash", "--no-overwrite-ignore", commit];
  const moved = await git(repository.git, { directory, args });
  return moved.ok ? fine(null) : failed({ ...moved.fault, kind: "landing" });
}
