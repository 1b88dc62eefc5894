/** Folders that the user's environment names. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

type Environment = Readonly<Record<string, string>>;

/** Where Prodigy keeps its things. */
export function storageRoot(env: Environment): string {
  return folderIn(env, "PRODIGY_HOME") ?? join(env["HOME"] ?? homedir(), ".prodigy");
}

/** Where new worktrees are to be made; null for the place below the storage root. */
export function worktreeRoot(env: Environment): string | null {
  return folderIn(env, "PRODIGY_WORKTREE_DIR");
}

function folderIn(env: Environment, name: string): string | null {
  const chosen = env[name];
  if (chosen === undefined || chosen === "") return null;
  return resolve(chosen.replace(/^~(?=\/|$)/, env["HOME"] ?? homedir()));
}
