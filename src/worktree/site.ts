/**
 * Makes sure that a lane's worktree is there. It may be missing, half made by a process that died, or damaged by an
 * agent; whatever of it can be used is used.
 */
import { realpathSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { withAdminLock } from "./admin-lock.ts";
import { failed, fault, fileFault, fine } from "./faults.ts";
import { git } from "./git.ts";
import { exists, isMissing, readText } from "./head.ts";
import { writeRecord } from "./members.ts";
import type { Place, Site, Workshop } from "./workshop.ts";

export interface Ensured {
  readonly place: Place;
  /** Whether there was no worktree, so that nothing in it is anybody's work. */
  readonly made: boolean;
}

/** Finds the lane's worktree, mends it or makes it at `head`. Files are not checked out yet where it was made. */
export async function ensureSite(workshop: Workshop, site: Site, head: string): Promise<Outcome<Ensured>> {
  try {
    const gitDir = await findGitDir(workshop, site);
    if (gitDir !== null) {
      await removeStaleLocks(workshop, site, gitDir);
      return fine({ place: { ...site, gitDir }, made: false });
    }
    return await withAdminLock(workshop.places.adminLock, () => makeOrMend(workshop, site, head));
  } catch (error) {
    return failed(fileFault(`preparing the worktree ${site.directory}`, error));
  }
}

/** The git directory of a worktree that is there and whole; null otherwise. Reads files only. */
export async function findGitDir(workshop: Workshop, site: Site): Promise<string | null> {
  const link = /^gitdir: ([^]+?)\n*$/.exec((await readText(join(site.directory, ".git")).catch(() => null)) ?? "")?.[1];
  if (link === undefined) return null;
  const pointer = resolve(site.directory, link);
  if (dirname(dirname(pointer)) !== workshop.repository.commonDir) return null;
  const back = (await readText(join(pointer, "gitdir")))?.trim();
  if (back === undefined || realPathOf(dirname(resolve(pointer, back))) !== realPathOf(site.directory)) return null;
  return (await exists(join(pointer, "HEAD"))) ? pointer : null;
}

async function makeOrMend(workshop: Workshop, site: Site, head: string): Promise<Outcome<Ensured>> {
  const entry = await findEntry(workshop, site);
  const there = await exists(site.directory);
  if (entry !== null && there && (await exists(join(entry, "HEAD")))) {
    // An agent deleted or rewrote the link; the files and git's own side of it are still there.
    await replaceLink(site, entry);
    await removeStaleLocks(workshop, site, entry);
    return fine({ place: { ...site, gitDir: entry }, made: false });
  }
  if (entry !== null) await removeEntry(entry);
  const hasFiles = there && !(await removeIfEmpty(site.directory));
  return hasFiles ? adopt(workshop, site, head) : make(workshop, site, head);
}

/** Adds the worktree without files; the caller restores them. The marker is set first: dying here must not look finished. */
async function make(workshop: Workshop, site: Site, head: string): Promise<Outcome<Ensured>> {
  await mkdir(dirname(site.marker), { recursive: true, mode: DIRECTORY_MODE });
  await writeFile(site.marker, "made\n");
  const added = await add(workshop, site, { directory: site.directory, head });
  if (!added.ok) return added;
  const gitDir = await findGitDir(workshop, site);
  if (gitDir === null)
    return failed(
      fault(
        "git",
        `git worktree add made ${site.directory}, but it does not belong to ${workshop.repository.commonDir}`,
      ),
    );
  await claim(workshop, site, gitDir);
  return fine({ place: { ...site, gitDir }, made: true });
}

/** Files without git's side of the worktree: a new one is made beside them and takes them over, as they are. */
async function adopt(workshop: Workshop, site: Site, head: string): Promise<Outcome<Ensured>> {
  const beside = `${site.directory}.adopting`;
  await rm(beside, { recursive: true, force: true });
  const stale = await findEntry(workshop, { ...site, directory: beside });
  if (stale !== null) await removeEntry(stale);
  const added = await add(workshop, site, { directory: beside, head });
  if (!added.ok) return added;
  const entry = await findGitDir(workshop, { ...site, directory: beside });
  if (entry === null) return failed(fault("git", `git worktree add made ${beside}, but it cannot be found`));
  await replaceLink(site, entry);
  await rm(beside, { recursive: true, force: true });
  await claim(workshop, site, entry);
  const index = await git(workshop.repository.git, { directory: site.directory, args: ["read-tree", "HEAD"] });
  return index.ok ? fine({ place: { ...site, gitDir: entry }, made: false }) : index;
}

async function add(
  workshop: Workshop,
  site: Site,
  at: { readonly directory: string; readonly head: string },
): Promise<Outcome<unknown>> {
  const runner = workshop.repository.git;
  await mkdir(dirname(at.directory), { recursive: true, mode: DIRECTORY_MODE });
  const start = ["worktree", "add", "--no-checkout", "--lock"];
  const call = { directory: workshop.repository.commonDir };
  if (site.branchRef === null) return git(runner, { ...call, args: [...start, "--detach", at.directory, at.head] });
  const branch = site.branchRef.slice("refs/heads/".length);
  const fresh = await git(runner, { ...call, args: [...start, "--no-track", "-b", branch, at.directory, at.head] });
  if (fresh.ok || !/a branch named .+ already exists/s.test(fresh.fault.message)) return fresh;
  return git(runner, { ...call, args: [...start, at.directory, branch] });
}

/** Says in git's own place and in ours whose the worktree is. */
async function claim(workshop: Workshop, site: Site, gitDir: string): Promise<void> {
  await writeFile(join(gitDir, "locked"), `prodigy ${workshop.session} ${site.member ?? site.lane}\n`);
  writeRecord(workshop, site);
}

/** Git's entry for a directory, even when the directory is gone. */
export async function findEntry(
  workshop: { readonly repository: { readonly commonDir: string } },
  site: { readonly directory: string },
): Promise<string | null> {
  const entries = join(workshop.repository.commonDir, "worktrees");
  const wanted = realPathOf(site.directory);
  for (const name of await namesIn(entries)) {
    const back = (await readText(join(entries, name, "gitdir")).catch(() => null))?.trim();
    if (back !== undefined && realPathOf(dirname(resolve(join(entries, name), back))) === wanted)
      return join(entries, name);
  }
  return null;
}

/** Takes one worktree off git's list, as `git worktree prune` would; the others are none of our business. */
export async function removeEntry(entry: string): Promise<void> {
  await rm(entry, { recursive: true, force: true });
  // Git removes the list itself when the last entry goes.
  await rmdir(dirname(entry)).catch(() => undefined);
}

async function replaceLink(site: Site, entry: string): Promise<void> {
  const link = join(site.directory, ".git");
  const there = await stat(link).catch(() => null);
  // A repository that an agent made in the place of the link is somebody's work: it is set aside, not deleted.
  if (there?.isDirectory()) await rename(link, join(site.directory, `.git.found-${there.ino}`));
  await writeFile(link, `gitdir: ${entry}\n`);
  await writeFile(join(entry, "gitdir"), `${link}\n`);
}

/** How long a lock that is left over may still be somebody's. Our own processes of the session are dead by now. */
const LOCK_GRACE_MS = 500;

async function removeStaleLocks(workshop: Workshop, site: Site, gitDir: string): Promise<void> {
  const branch = site.branchRef === null ? [] : [join(workshop.repository.commonDir, `${site.branchRef}.lock`)];
  const locks = [join(gitDir, "index.lock"), join(gitDir, "HEAD.lock"), ...branch];
  const before = await Promise.all(locks.map(fingerprint));
  if (before.every((print) => print === null)) return;
  await sleep(LOCK_GRACE_MS);
  for (const [index, lock] of locks.entries()) {
    const print = await fingerprint(lock);
    if (print !== null && print === before[index]) await unlink(lock).catch(() => undefined);
  }
}

async function fingerprint(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch {
    // Something is in it.
    return false;
  }
}

/** The real path of what may not be there any more: its folder's, then. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPathOf(parent), basename(path));
  }
}

export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
