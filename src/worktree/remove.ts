/** Takes a lane's worktree away. What is in it and nowhere else is kept first. */
import { unlinkSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { withAdminLock } from "./admin-lock.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { git } from "./git.ts";
import { exists } from "./head.ts";
import { isContained, quickTipOf, settleHead } from "./lane-head.ts";
import { keepState } from "./salvage.ts";
import { forgetLane, scanLane, unstoredPaths } from "./scan.ts";
import { findEntry, findGitDir, removeEntry } from "./site.ts";
import { type Place, type Site, siteOf, type Workshop } from "./workshop.ts";

/** See `TreesPort.remove`. Deleting the files goes on after the return. */
export async function removeLane(
  workshop: Workshop,
  options: Parameters<TreesPort["remove"]>[0],
): Promise<Outcome<{ readonly salvage: string | null }>> {
  const site = siteOf(workshop, options.lane);
  try {
    const gitDir = await findGitDir(workshop, site);
    const salvage = gitDir === null ? fine(null) : await keepLeftovers(workshop, { ...site, gitDir }, options);
    if (!salvage.ok) return salvage;
    if (gitDir !== null) await setAside(workshop, { ...site, gitDir });
    const trash = await withAdminLock(workshop.places.adminLock, () => takeAway(workshop, site));
    await Promise.all([site.record, site.marker, site.shadowIndex].map((path) => rm(path, { force: true })));
    forgetLane(workshop, site);
    const deleted = site.branchRef === null ? fine(null) : await deleteBranch(workshop, site.branchRef, options.target);
    if (trash !== null) deleteLater(workshop, trash);
    return deleted.ok ? fine({ salvage: salvage.value }) : deleted;
  } catch (error) {
    return failed(fileFault(`removing the worktree ${site.directory}`, error));
  }
}

/** Uncommitted files and, where no branch holds them, the commits. */
async function keepLeftovers(
  workshop: Workshop,
  place: Place,
  options: { readonly reason: string },
): Promise<Outcome<string | null>> {
  const tip = await quickTipOf(workshop.repository, workshop.branchRef);
  const head = await settleHead(workshop, place, tip ?? workshop.repository.head);
  if (!head.ok) return head;
  const state = await scanLane(workshop, place, { head: head.value, keep: [] });
  if (!state.ok) return state;
  const holder = place.branchRef === null ? tip : head.value;
  const held =
    holder === null ? fine(false) : await isContained(workshop.repository, { commit: head.value, in: holder });
  if (!held.ok) return held;
  if (state.value.snapshot === null && held.value) return fine(null);
  return keepState(workshop, place, {
    state: state.value,
    base: held.value ? head.value : (tip ?? workshop.repository.head),
    reason: options.reason,
  });
}

/** What a snapshot cannot hold: nested repositories, submodules with their history, very large files. Moving costs nothing. */
async function setAside(workshop: Workshop, place: Place): Promise<void> {
  const paths = [...unstoredPaths(workshop, place)];
  const modules = join(place.gitDir, "modules");
  const target = join(workshop.places.kept, workshop.session, place.name);
  for (const path of paths) await moveTo(join(place.directory, path), join(target, path));
  if (await hasEntries(modules)) {
    await moveTo(modules, join(target, ".git-modules"));
    paths.push("the repositories of its submodules");
  }
  if (paths.length > 0)
    workshop.warn(place.lane, `${paths.join(", ")} cannot be stored in a snapshot and was moved to ${target}`);
}

async function moveTo(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: DIRECTORY_MODE });
  const free = (await exists(to)) ? `${to}.${(await stat(from)).ino}` : to;
  await rename(from, free);
}

async function hasEntries(directory: string): Promise<boolean> {
  return (await exists(directory)) && (await readdir(directory)).length > 0;
}

/** Out of the way by a rename, which takes no time whatever the size; then off git's list. Gives what is to be deleted. */
async function takeAway(workshop: Workshop, site: Site): Promise<string | null> {
  const entry = await findEntry(workshop, site);
  const trash = (await exists(site.directory)) ? await moveToTrash(workshop, site) : null;
  if (entry !== null) await removeEntry(entry);
  return trash;
}

async function moveToTrash(workshop: Workshop, site: Site): Promise<string> {
  const { ino } = await stat(site.directory);
  const trash = join(workshop.places.trash, `${workshop.session}.${site.name}.${ino}`);
  await mkdir(workshop.places.trash, { recursive: true, mode: DIRECTORY_MODE });
  await rename(site.directory, trash);
  return trash;
}

/** One worktree after another, and each file by file: deleting many at once makes the disk crawl for everybody else. */
function deleteLater(workshop: Workshop, path: string): void {
  const before = Promise.allSettled(workshop.deletions);
  const deletion = before
    .then(() => deleteSlowly(path))
    .catch(() => workshop.warn(null, `${path} could not be deleted; nothing needs it any more`));
  workshop.deletions.add(deletion);
  void deletion.then(() => workshop.deletions.delete(deletion));
}

/** So many files are deleted without a pause: waiting for each one alone takes ten times as long as deleting it. */
const FILES_AT_ONCE = 32;

export async function deleteSlowly(directory: string): Promise<void> {
  // Package caches are often read-only.
  await chmod(directory, 0o700);
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await deleteSlowly(join(directory, entry.name));
  const files = entries.filter((entry) => !entry.isDirectory());
  for (const [index, file] of files.entries()) {
    deleteFile(`${directory}/${file.name}`);
    if (index % FILES_AT_ONCE === 0) await setImmediate();
  }
  // Also what cannot be named or listed, such as a folder without permission to read.
  await rm(directory, { recursive: true, force: true });
}

function deleteFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone, or it cannot be named or removed so; the folder's own removal meets it again and tells.
  }
}

/** Only a branch whose commits are all in the target, or in what the user has checked out, goes. */
async function deleteBranch(workshop: Workshop, ref: string, target: string | null): Promise<Outcome<null>> {
  const { repository } = workshop;
  const tip = await quickTipOf(repository, ref);
  if (tip === null) return fine(null);
  const holder = await quickTipOf(repository, target === null ? "HEAD" : `refs/heads/${target}`);
  if (holder === null) return fine(null);
  const contained = await isContained(repository, { commit: tip, in: holder });
  if (!contained.ok || !contained.value) return contained.ok ? fine(null) : contained;
  const deleted = await git(repository.git, { directory: repository.commonDir, args: ["update-ref", "-d", ref, tip] });
  return deleted.ok ? fine(null) : deleted;
}
