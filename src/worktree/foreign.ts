/** A worktree that some other program made for this repository. It is looked at and stays as it is. */
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { failed, fault } from "./faults.ts";
import { readHead } from "./head.ts";
import { forgetLane, scanLane } from "./scan.ts";
import { findGitDir } from "./site.ts";
import { openWorkshop, type TreesOptions } from "./trees.ts";
import { siteOf } from "./workshop.ts";

/** Its files as they are now, those that no commit holds included, kept as a snapshot of the session of the options. */
export async function readForeignTree(options: TreesOptions, directory: string): Promise<Outcome<TreeState>> {
  const opened = await openWorkshop(options);
  if (!opened.ok) return opened;
  const workshop = opened.value;
  const site = { ...siteOf(workshop, "main"), directory };
  const gitDir = await findGitDir(workshop, site);
  const { commonDir, git } = workshop.repository;
  const head = gitDir === null ? null : (await readHead(git, { gitDir, commonDir })).commit;
  if (gitDir === null || head === null)
    return failed(fault("git", `${directory} is not a worktree of this repository any more`));
  const place = { ...site, gitDir };
  const tree = await scanLane(workshop, place, { head, keep: [] });
  forgetLane(workshop, place);
  return tree;
}
