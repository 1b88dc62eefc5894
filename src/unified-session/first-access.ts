/** Sessions that an earlier Prodigy left in a project become sessions of today the first time anybody looks. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { openStorage } from "../storage/global-storage.ts";
import { type ManagerClock, SessionManager } from "./manager.ts";
import { migrateProject, migrationSummary } from "./migration.ts";

export interface FirstAccess {
  /** The storage root. */
  readonly root: string;
  /** The repository's key below it. */
  readonly repository: string;
  /** The project's folder. */
  readonly project: string;
  readonly clock: ManagerClock;
}

/** Returns what a person should know, or null. Without such files it is one look into a folder. */
export async function adoptLegacySessions({ root, repository, project, clock }: FirstAccess): Promise<string | null> {
  const directory = join(project, ".prodigy");
  if (!(await hasLegacyFiles(directory))) return null;
  const storage = await openStorage(root);
  if (!storage.ok) return storage.fault.message;
  await using sessions = new SessionManager(storage.value, clock);
  return migrationSummary(await migrateProject({ directory, projectName: basename(project), repository, sessions }));
}

async function hasLegacyFiles(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).some((name) => /^session_.*\.json$/.test(name));
  } catch {
    return false; // No such folder: nothing was left there.
  }
}
