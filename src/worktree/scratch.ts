/** The folder beside a worktree of the pool that the item in it has to itself, for what must not get among its files. */
import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { exists } from "./head.ts";
import { deleteLater } from "./trash.ts";
import type { Site, Workshop } from "./workshop.ts";

export function scratchOf({ directory }: Pick<Site, "directory">): string {
  return `${directory}.scratch`;
}

/** What an item left there is nobody's: the next one begins with an empty folder. */
export async function emptyScratch(workshop: Workshop, site: Site): Promise<void> {
  await removeScratch(workshop, site);
  await mkdir(scratchOf(site), { recursive: true, mode: DIRECTORY_MODE });
}

/** Out of the way at once, deleted later: caches and databases of tests can be large. */
export async function removeScratch(workshop: Workshop, site: Site): Promise<void> {
  const scratch = scratchOf(site);
  if (!(await exists(scratch))) return;
  const { ino } = await stat(scratch);
  const trash = join(workshop.places.trash, `${workshop.session}.scratch.${ino}.${process.pid}`);
  await mkdir(workshop.places.trash, { recursive: true, mode: DIRECTORY_MODE });
  await rename(scratch, trash);
  deleteLater(workshop, trash);
}
