/** Takes a lane's worktree away. What is in it and nowhere else is kept first. */
import { mkdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { isAlive, withAdminLock } from "./admin-lock.ts";
import { setAllAside } from "./aside.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { git } from "./git.ts";
import { exists, readText } from "./head.ts";
import { isContained, quickTipOf, settleHead } from "./lane-head.ts";
import { MADE } from "./restore.ts";
import { keepState } from "./salvage.ts";
import { forgetLane, scanLane } from "./scan.ts";
import { removeScratch } from "./scratch.ts";
import { findEntry, findGitDir, namesIn, removeEntry } from "./site.ts";
import { keepSubmodules } from "./submodules.ts";
import { deleteLater } from "./trash.ts";
import { type Place, type Site, siteOf, type Workshop } from "./workshop.ts";

/** See `TreesPort.remove`. Deleting the files goes on after the return. */
export async function removeLane(
  workshop: Workshop,
  options: Parameters<TreesPort["remove"]>[0],
): Promise<Outcome<{ readonly salvage: string | null }>> {
  const dropped = options.lane === "main" ? await dropPool(workshop, options) : fine(null);
  if (!dropped.ok) return dropped;
  const member = workshop.pool.get(options.lane);
  // What lies in a worktree of the pool belongs to the lane that has it.
  const site = siteOf(workshop, member?.holder ?? options.lane);
  try {
    const gitDir = await findGitDir(workshop, site);
    const isWork = gitDir !== null && member?.holder !== null && (await readText(site.marker)) !== MADE;
    const salvage = isWork ? await keepLeftovers(workshop, { ...site, gitDir }, options) : fine(null);
    if (!salvage.ok) return salvage;
    const submodules = isWork ? await keepSubmodules(workshop, { ...site, gitDir }) : fine(null);
    if (!submodules.ok) return submodules;
    if (gitDir !== null) await setAllAside(workshop, { ...site, gitDir });
    const trash = await withAdminLock(workshop.places.adminLock, () => takeAway(workshop, site));
    if (site.member !== null) await removeScratch(workshop, site);
    await Promise.all([site.record, site.marker, site.shadowIndex].map((path) => rm(path, { force: true })));
    forgetLane(workshop, site);
    if (site.member !== null) workshop.pool.delete(site.member);
    const deleted = site.branchRef === null ? fine(null) : await deleteBranch(workshop, site.branchRef, options.target);
    if (trash !== null) deleteLater(workshop, trash);
    if (options.lane === "main") await tidyUp(workshop, site);
    return deleted.ok ? fine({ salvage: salvage.value }) : deleted;
  } catch (error) {
    return failed(fileFault(`removing the worktree ${site.directory}`, error));
  }
}

/** See `TreesPort.dropPool`. */
export async function dropPool(workshop: Workshop, options: { readonly reason: string }): Promise<Outcome<null>> {
  for (const lane of workshop.pool.keys()) {
    const removed = await removeLane(workshop, { lane, target: null, reason: options.reason });
    if (!removed.ok) return removed;
  }
  // Empty by now, unless a lane has a worktree of its own there.
  await rmdir(workshop.paths.lanes).catch(() => undefined);
  return fine(null);
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

/** Out of the way by a rename, which takes no time whatever the size; then off git's list. Gives what is to be deleted. */
async function takeAway(workshop: Workshop, site: Site): Promise<string | null> {
  const entry = await findEntry(workshop, site);
  const trash = (await exists(site.directory)) ? await moveToTrash(workshop, site) : null;
  if (entry !== null) await removeEntry(entry);
  return trash;
}

async function moveToTrash(workshop: Workshop, site: Site): Promise<string> {
  const { ino } = await stat(site.directory);
  const trash = join(workshop.places.trash, `${workshop.session}.${site.name}.${ino}.${process.pid}`);
  await mkdir(workshop.places.trash, { recursive: true, mode: DIRECTORY_MODE });
  await rename(site.directory, trash);
  return trash;
}

/** The session's last worktree has gone: so do folders that are empty by now, and what died before it was deleted. */
async function tidyUp(workshop: Workshop, site: Site): Promise<void> {
  for (const folder of [site.record, site.marker].map((path) => dirname(path)))
    await rmdir(folder).catch(() => undefined);
  for (const name of await namesIn(workshop.places.trash)) {
    const owner = /\.(\d+)$/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) deleteLater(workshop, join(workshop.places.trash, name));
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
