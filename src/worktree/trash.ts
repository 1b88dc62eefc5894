/** Deletes worktrees that were moved out of the way. It takes its time, and nobody waits for it. */
import { spawn } from "node:child_process";
import { unlinkSync } from "node:fs";
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { isMissing } from "./head.ts";
import type { Workshop } from "./workshop.ts";

/** One worktree after another, and each file by file: deleting many at once makes the disk crawl for everybody else. */
export function deleteLater(workshop: Workshop, path: string): void {
  const before = Promise.allSettled(workshop.deletions.values());
  const deletion = before
    .then(() => deleteSlowly(path))
    .catch((error: unknown) => {
      // Whoever sweeps the trash at the same time was faster.
      if (!isMissing(error)) workshop.warn(null, `${path} could not be deleted; nothing needs it any more`);
    });
  workshop.deletions.set(path, deletion);
  void deletion.then(() => workshop.deletions.delete(path));
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

/** How long the end of a session waits for what is still being deleted. */
const PATIENCE_MS = 100;

/**
 * Whoever waits for the session has no reason to wait for its rubbish: what is not gone by now is left to a process of its
 * own. Should that one die as well, the next session that ends sweeps the trash.
 */
export async function leaveDeletions({ deletions }: Workshop): Promise<void> {
  await Promise.race([Promise.allSettled(deletions.values()), sleep(PATIENCE_MS)]);
  if (deletions.size === 0) return;
  const script = 'chmod -R u+rwX -- "$@" 2>/dev/null; exec nice -n 19 rm -rf -- "$@"';
  const options = { detached: true, stdio: "ignore", env: { PATH: "/usr/local/bin:/usr/bin:/bin" }, cwd: "/" } as const;
  const sweeper = spawn("/bin/sh", ["-c", script, "sweep", ...deletions.keys()], options);
  // Without a shell they stay until somebody else sweeps.
  sweeper.on("error", () => undefined);
  sweeper.unref();
}
