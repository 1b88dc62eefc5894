/** Copies files that are in no commit from the session's own worktree into one of the pool. */
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { git, splitNul } from "./git.ts";
import { isMissing } from "./head.ts";
import { type Place, siteOf, type Workshop } from "./workshop.ts";

/** Gives how many files there were. A pattern without a slash is looked for in every folder. */
export async function copyFromMain(
  workshop: Workshop,
  place: Place,
  globs: readonly string[],
): Promise<Outcome<number>> {
  if (globs.length === 0) return fine(0);
  const { directory } = siteOf(workshop, "main");
  const pathspecs = globs.map((glob) => `:(top,glob)${glob.includes("/") ? glob.replace(/^\//, "") : `**/${glob}`}`);
  const args = ["ls-files", "-z", "-o", "-m", "--", ...pathspecs];
  const listed = await git(workshop.repository.git, { directory, args });
  if (!listed.ok) return listed;
  const paths = new Set(splitNul(listed.value).map(String));
  let count = 0;
  for (const path of paths) if (await copyOne(join(directory, path), join(place.directory, path))) count += 1;
  return fine(count);
}

async function copyOne(from: string, to: string): Promise<boolean> {
  try {
    const entry = await lstat(from);
    if (entry.isDirectory()) return false;
    await mkdir(dirname(to), { recursive: true });
    await rm(to, { force: true });
    if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await copyFile(from, to, constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    // Deleted, but still known to git.
    if (isMissing(error)) return false;
    throw error;
  }
}
