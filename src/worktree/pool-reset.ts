/**
 * Puts a worktree of the pool into order for its next lane: tracked files as in the commit, and nothing else but what
 * is to be kept. Nothing that the lane before did to git's own files counts: HEAD, the index with its flags, operations
 * that it left unfinished. What there was worth keeping has been kept before.
 */
import { linkSync, lstatSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { git, gitYes, runGit, splitNul } from "./git.ts";
import { readHead } from "./head.ts";
import { resetSubmodules } from "./submodules.ts";
import type { Place, Workshop } from "./workshop.ts";

export interface ResetOptions {
  readonly head: string;
  /** Globs of ignored files and folders that stay. */
  readonly keep: readonly string[];
  /** Whether all files that are not ignored are known to be as HEAD has them. */
  readonly clean: boolean;
}

/** Brings the files to the commit, with HEAD detached on it. */
export async function resetMember(workshop: Workshop, place: Place, options: ResetOptions): Promise<Outcome<null>> {
  try {
    const { git: runner, commonDir } = workshop.repository;
    const before = await readHead(runner, { gitDir: place.gitDir, commonDir });
    const sealed = tidyGitDir(place.gitDir);
    writeFileSync(join(place.gitDir, "HEAD"), `${options.head}\n`);
    if (sealed !== null) useIndex(place.gitDir, sealed);
    // Cleaning reads which files are tracked, so it may go on beside a reset that does not change which these are.
    const beside = sealed?.head === options.head;
    const [reset, cleaned] = beside
      ? await Promise.all([checkOut(workshop, place, options.head), clean(workshop, place, options.keep)])
      : [await checkOut(workshop, place, options.head), false];
    if (!reset.ok) return reset;
    if (!cleaned && !(await clean(workshop, place, options.keep))) {
      const swept = await sweep(workshop, place, options.keep);
      if (!swept.ok) return swept;
    }
    const unkept = await removeUnignored(workshop, place, { ...options, before: before.commit });
    if (!unkept.ok) return unkept;
    const submodules = await resetSubmodules(workshop, place);
    if (!submodules.ok) return submodules;
    sealIndex(place.gitDir, { head: options.head, old: sealed });
    return fine(null);
  } catch (error) {
    return failed(fileFault(`putting ${place.directory} into order`, error));
  }
}

/** Remembers the index of a worktree that was just made, before any lane gets at it. */
export function sealMember(place: Place, head: string): void {
  const old = tidyGitDir(place.gitDir);
  sealIndex(place.gitDir, { head, old });
}

/** The index as the last reset left it, under a name of ours beside git's own. No lane's git knows of it. */
interface SealedIndex {
  readonly name: string;
  readonly head: string;
}

const SEALED = /^prodigy-index-([0-9a-f]{40,64})$/;

/** What a worktree's git directory has when nothing is in progress. */
const LASTING = new Set([
  "HEAD",
  "ORIG_HEAD",
  "commondir",
  "config.worktree",
  "gitdir",
  "index",
  "info",
  "locked",
  "logs",
  "modules",
  "refs",
]);

/** Removes all that an operation, a lock or a hook left beside HEAD. */
function tidyGitDir(gitDir: string): SealedIndex | null {
  let sealed: SealedIndex | null = null;
  for (const name of readdirSync(gitDir)) {
    const head = SEALED.exec(name)?.[1];
    if (head !== undefined && sealed === null) sealed = { name, head };
    else if (!LASTING.has(name)) rmSync(join(gitDir, name), { recursive: true, force: true });
  }
  rmSync(join(gitDir, "refs", "bisect"), { recursive: true, force: true });
  rmSync(join(gitDir, "refs", "rewritten"), { recursive: true, force: true });
  return sealed;
}

/**
 * Git replaces an index and never writes into it, so a second name for the file is a copy of it, and one with the same
 * time of change: files that are as young as the index are told from it.
 */
function useIndex(gitDir: string, sealed: SealedIndex): void {
  const beside = join(gitDir, "prodigy-index-next");
  linkSync(join(gitDir, sealed.name), beside);
  renameSync(beside, join(gitDir, "index"));
  // Renaming one name of a file to another of the same file does nothing at all.
  rmSync(beside, { force: true });
}

function sealIndex(gitDir: string, options: { readonly head: string; readonly old: SealedIndex | null }): void {
  if (options.old !== null) rmSync(join(gitDir, options.old.name), { force: true });
  linkSync(join(gitDir, "index"), join(gitDir, `prodigy-index-${options.head}`));
}

async function checkOut(workshop: Workshop, place: Place, head: string): Promise<Outcome<unknown>> {
  const { git: runner } = workshop.repository;
  const call = { directory: place.directory, args: ["-c", "core.fsmonitor=false", "reset", "-q", "--hard", head] };
  const first = await runGit(runner, call);
  if (first.code === 0) return fine(null);
  // A damaged index stops even this; without one, git starts from nothing.
  rmSync(join(place.gitDir, "index"), { force: true });
  return git(runner, call);
}

/** Removes what is not tracked, ignored files and nested repositories too. False where it could not remove all. */
async function clean(workshop: Workshop, place: Place, keep: readonly string[]): Promise<boolean> {
  const kept = keep.flatMap((glob) => ["-e", glob]);
  const args = ["clean", "-q", "-ffdx", ...kept];
  return (await runGit(workshop.repository.git, { directory: place.directory, args })).code === 0;
}

/** The same where folders are read-only, as package caches are. */
async function sweep(workshop: Workshop, place: Place, keep: readonly string[]): Promise<Outcome<unknown>> {
  const { git: runner } = workshop.repository;
  const listed = await git(runner, { directory: place.directory, args: ["ls-files", "-o", "-z", "--directory"] });
  if (!listed.ok) return listed;
  for (const path of splitNul(listed.value).map(String)) {
    if (path.endsWith("/")) await makeWritable(join(place.directory, path));
  }
  const args = ["clean", "-q", "-ffdx", ...keep.flatMap((glob) => ["-e", glob])];
  return git(runner, { directory: place.directory, args });
}

async function makeWritable(directory: string): Promise<void> {
  if (lstatSync(directory).isSymbolicLink()) return;
  await chmod(directory, 0o700);
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
}

/** What bears the name of something to be kept and is not ignored is no cache: the next lane would take it for its own work. */
async function removeUnignored(
  workshop: Workshop,
  place: Place,
  options: ResetOptions & { readonly before: string | null },
): Promise<Outcome<unknown>> {
  if (options.keep.length === 0) return fine(null);
  const { git: runner } = workshop.repository;
  const call = { directory: place.directory };
  if (options.clean && options.before !== null) {
    if (options.before === options.head) return fine(null);
    const args = ["diff-tree", "-r", "--quiet", options.before, options.head, "--", ":(glob)**/.gitignore"];
    const same = await gitYes(runner, { ...call, args });
    if (same.ok && same.value) return fine(null);
  }
  return git(runner, { ...call, args: ["clean", "-q", "-ffd"] });
}
