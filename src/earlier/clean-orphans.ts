/** Worktrees that an earlier Prodigy could not remove, from the registries that it kept of them. */
import { existsSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { readJson } from "../storage/atomic.ts";
import type { Repository } from "../worktree/repository.ts";
import { removeForeign } from "../worktree/foreign-remove.ts";
import { type Orphan, orphans } from "./notes.ts";
import { namesIn, type Places } from "./places.ts";

export interface OrphanRegistry {
  readonly job: string;
  readonly file: string;
  readonly orphans: readonly Orphan[];
  /** Why it cannot be used. */
  readonly problem: string | null;
}

export interface CleanedOrphan {
  readonly path: string;
  readonly cleaned: boolean;
  readonly reason: string;
  /** What was kept aside of it. */
  readonly salvage: string | null;
}

export async function orphanRegistries({ homes, folder }: Places): Promise<readonly OrphanRegistry[]> {
  const found: OrphanRegistry[] = [];
  for (const home of homes) {
    const directory = join(home, "orphaned_worktrees", folder);
    for (const name of (await namesIn(directory)).filter((file) => file.endsWith(".json"))) {
      const file = join(directory, name);
      const json = await readJson(file);
      const read = json.ok ? orphans(json.value) : { problem: json.fault.message };
      const problem = "problem" in read ? read.problem : null;
      found.push({ job: name.slice(0, -".json".length), file, orphans: "problem" in read ? [] : read, problem });
    }
  }
  return found;
}

/** Removes what a registry names, and the registry when nothing of it is left. */
export async function cleanOrphans(
  registry: OrphanRegistry,
  at: { readonly places: Places; readonly repository: Repository; readonly key: string },
): Promise<readonly CleanedOrphan[]> {
  const cleaned: CleanedOrphan[] = [];
  for (const { path } of registry.orphans) cleaned.push(await cleanOne(path, registry.job, at));
  if (cleaned.every((one) => one.cleaned)) await rm(registry.file, { force: true });
  return cleaned;
}

async function cleanOne(
  path: string,
  job: string,
  { places, repository, key }: Parameters<typeof cleanOrphans>[1],
): Promise<CleanedOrphan> {
  if (!existsSync(path)) return { path, cleaned: true, reason: "it was gone already", salvage: null };
  // A registry is a file like any other; it must not make us delete what is not a worktree's.
  if (!places.homes.some((home) => isBelow(join(home, "worktrees"), path)))
    return { path, cleaned: false, reason: "it is not in the folder of worktrees", salvage: null };
  const trees = { repository, root: places.root, key, session: job, branch: `prodigy-${job}`, warn: () => undefined };
  const removed = await removeForeign(trees, path);
  if (!removed.ok) return { path, cleaned: false, reason: removed.fault.message, salvage: null };
  return { path, cleaned: true, reason: "removed", salvage: removed.value };
}

function isBelow(folder: string, path: string): boolean {
  if (!existsSync(folder)) return false;
  const way = relative(realpathSync(folder), realpathSync(path));
  return way !== "" && !way.startsWith("..");
}
