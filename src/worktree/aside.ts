import { cp, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { exists } from "./head.ts";
import { unstoredPaths } from "./scan.ts";
import type { Place, Workshop } from "./workshop.ts";

/** What a snapshot cannot hold: nested repositories and very large files. Moving costs nothing. */
export async function setAside(workshop: Workshop, place: Place): Promise<void> {
  tell(workshop, place, await moveUnstored(workshop, place));
}

/** The same with what goes together with the worktree only: submodules with their history. */
export async function setAllAside(workshop: Workshop, place: Place): Promise<void> {
  const moved = await moveUnstored(workshop, place);
  const modules = join(place.gitDir, "modules");
  const hasModules = await hasEntries(modules);
  if (hasModules) await moveTo(modules, join(asideOf(workshop, place), ".git-modules"));
  tell(workshop, place, hasModules ? [...moved, "the repositories of its submodules"] : moved);
}

async function moveUnstored(workshop: Workshop, place: Place): Promise<readonly string[]> {
  const paths = unstoredPaths(workshop, place);
  for (const path of paths) await moveTo(join(place.directory, path), join(asideOf(workshop, place), path));
  return paths;
}

function tell(workshop: Workshop, place: Place, moved: readonly string[]): void {
  if (moved.length === 0) return;
  const target = asideOf(workshop, place);
  workshop.warn(place.lane, `${moved.join(", ")} cannot be stored in a snapshot and was moved to ${target}`);
}

function asideOf(workshop: Workshop, place: Place): string {
  return join(workshop.places.kept, workshop.session, place.name);
}

async function moveTo(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: DIRECTORY_MODE });
  const free = (await exists(to)) ? `${to}.${(await stat(from)).ino}` : to;
  try {
    await rename(from, free);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    // Worktrees may lie on another disk. What was not copied as a whole does not bear the name.
    await cp(from, `${free}.new`, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, force: true });
    await rename(`${free}.new`, free);
    await rm(from, { recursive: true, force: true });
  }
}

async function hasEntries(directory: string): Promise<boolean> {
  return (await exists(directory)) && (await readdir(directory)).length > 0;
}
