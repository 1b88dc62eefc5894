import { rm } from "node:fs/promises";
import type { Outcome } from "../cook/ports.ts";
import { fileFault, fine } from "./faults.ts";
import { readForeignTree } from "./foreign.ts";
import { git, gitYes } from "./git.ts";
import { exists } from "./head.ts";
import { keepState } from "./salvage.ts";
import { openWorkshop, type TreesOptions } from "./trees.ts";
import { siteOf } from "./workshop.ts";

/**
 * Removes a worktree that some other program made. What of it no branch of the target holds is kept aside first, and the
 * outcome names it; a folder that is no worktree any more is deleted as it is.
 */
export async function removeForeign(options: TreesOptions, directory: string): Promise<Outcome<string | null>> {
  const { repository } = options;
  try {
    if (!(await exists(`${directory}/.git`))) {
      await rm(directory, { recursive: true, force: true });
      return fine(null);
    }
    const salvage = await kept(options, directory);
    if (!salvage.ok) return salvage;
    const args = ["worktree", "remove", "--force", "--force", directory];
    const removed = await git(repository.git, { directory: repository.commonDir, args });
    return removed.ok ? salvage : removed;
  } catch (error) {
    return { ok: false, fault: fileFault(`removing ${directory}`, error) };
  }
}

async function kept(options: TreesOptions, directory: string): Promise<Outcome<string | null>> {
  const { repository } = options;
  const state = await readForeignTree(options, directory);
  if (!state.ok) return state;
  const args = ["merge-base", "--is-ancestor", state.value.head, repository.head];
  const contained = await gitYes(repository.git, { directory: repository.commonDir, args });
  if (!contained.ok) return contained;
  if (contained.value && state.value.snapshot === null) return fine(null);
  const workshop = await openWorkshop(options);
  if (!workshop.ok) return workshop;
  const site = { ...siteOf(workshop.value, "main"), directory };
  const reason = "an orphaned worktree was removed";
  return keepState(workshop.value, site, { state: state.value, base: repository.head, reason });
}
