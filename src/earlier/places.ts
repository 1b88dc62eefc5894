/** Where an earlier Prodigy kept things. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { safeId } from "../storage/layout.ts";

export interface Places {
  /** The storage root. */
  readonly root: string;
  /** The root, and `~/.prodigy` where that is another one: worktrees stood there whatever the root was. */
  readonly homes: readonly string[];
  /** The last part of the repository's path, under which things were kept; two repositories could share it. */
  readonly folder: string;
}

/** Names in a folder that may become parts of paths; none when it is not there or not a folder. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => safeId(name).ok).toSorted();
  } catch {
    // Nothing was left there, or nobody may look: then there is nothing to take over.
    return [];
  }
}

/** The files of several folders whose names end so, as whole paths. */
export async function filesIn(directories: readonly string[], ending: string): Promise<readonly string[]> {
  const found = await Promise.all(
    directories.map(async (directory) =>
      (await namesIn(directory)).filter((name) => name.endsWith(ending)).map((name) => join(directory, name)),
    ),
  );
  return found.flat();
}
