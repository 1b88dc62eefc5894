/**
 * All worktrees that sessions of one repository have left, for `prodigy worktree list` and `clean`. Nothing is removed
 * of which it is not proved that nothing is lost by it.
 */
import { join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { repositoryPaths } from "../storage/layout.ts";
import { localChanges } from "./checkout.ts";
import { fine } from "./faults.ts";
import { gitLine } from "./git.ts";
import { exists, readHead, readText } from "./head.ts";
import { tipOf } from "./lane-head.ts";
import { removeLane } from "./remove.ts";
import type { Repository } from "./repository.ts";
import { findGitDir, namesIn } from "./site.ts";
import { openWorkshop } from "./trees.ts";
import { leaveDeletions } from "./trash.ts";
import { siteOf, type Workshop } from "./workshop.ts";

export interface ManagerOptions {
  readonly repository: Repository;
  /** The storage root. */
  readonly root: string;
  readonly key: string;
  readonly worktrees?: string | null;
  /** What is known of a session; null when nothing is. */
  readonly session: (id: string) => SessionFacts | null;
  readonly warn: (message: string) => void;
}

export interface SessionFacts {
  /** Whether a process works on it at this moment. */
  readonly live: boolean;
  /** Whether it came to its end, so that nobody is going to resume it. */
  readonly ended: boolean;
  readonly target: string | null;
}

export interface WorktreeInfo {
  readonly session: string;
  /** Its own name, where it is one of the pool. */
  readonly lane: string;
  /** The lane that has it; null for one of the pool that waits for its next. */
  readonly holder: string | null;
  readonly directory: string;
  /** Without `refs/heads/`; null for a lane with a detached HEAD. */
  readonly branch: string | null;
  readonly target: string | null;
  /** Whether the folder is there. */
  readonly there: boolean;
  readonly head: string | null;
  /** Commits that the target does not contain; null where that cannot be told. */
  readonly unlanded: number | null;
  /** Files that no commit holds. */
  readonly uncommitted: readonly string[];
  readonly live: boolean;
  readonly ended: boolean;
}

export interface Cleaned {
  readonly worktree: WorktreeInfo;
  readonly removed: boolean;
  /** Why it was kept, or what was done. */
  readonly reason: string;
  readonly salvage: string | null;
}

export interface WorktreeManager {
  list(): Promise<Outcome<readonly WorktreeInfo[]>>;
  /** With `force`, unlanded work is removed as well: its commits stay on their branch, its files go to salvage. */
  clean(options: {
    readonly sessions: readonly string[] | "all";
    readonly force: boolean;
    readonly dryRun: boolean;
  }): Promise<Outcome<readonly Cleaned[]>>;
}

export function worktreeManager(options: ManagerOptions): WorktreeManager {
  return {
    list: () => listWorktrees(options),
    clean: async (request) => {
      const listed = await listWorktrees(options);
      if (!listed.ok) return listed;
      const cleaned: Cleaned[] = [];
      // A session's own goes last: it takes the others along, and would not tell what was kept of each.
      const order = listed.value.toSorted((a, b) => Number(a.lane === "main") - Number(b.lane === "main"));
      for (const worktree of order) {
        if (request.sessions !== "all" && !request.sessions.includes(worktree.session)) continue;
        const done = await cleanOne(options, worktree, request);
        if (!done.ok) return done;
        cleaned.push(done.value);
      }
      return fine(cleaned);
    },
  };
}

async function listWorktrees(options: ManagerOptions): Promise<Outcome<readonly WorktreeInfo[]>> {
  const records = join(repositoryPaths(options.root, options.key).shadow, "worktrees");
  const found: WorktreeInfo[] = [];
  for (const session of [...(await namesIn(records))].toSorted()) {
    const workshop = await workshopOf(options, session);
    if (!workshop.ok) return workshop;
    for (const file of [...(await namesIn(join(records, session)))].toSorted()) {
      const lane = laneIn(await readText(join(records, session, file)));
      if (lane !== null) found.push(await describe(options, workshop.value, lane));
    }
  }
  return fine(found);
}

async function describe(options: ManagerOptions, workshop: Workshop, lane: string): Promise<WorktreeInfo> {
  const { repository } = options;
  const site = siteOf(workshop, lane);
  const member = workshop.pool.get(lane);
  const isFree = member?.holder === null;
  const facts = options.session(workshop.session);
  const gitDir = await findGitDir(workshop, site);
  const head =
    gitDir === null ? null : (await readHead(repository.git, { gitDir, commonDir: repository.commonDir })).commit;
  const tip = head ?? (site.branchRef === null ? null : await tipOf(repository, site.branchRef));
  // What is in a worktree that waits is nobody's.
  const changes = gitDir === null || isFree ? fine([]) : await localChanges(repository, site.directory);
  return {
    session: workshop.session,
    lane,
    holder: member === undefined ? lane : member.holder,
    directory: site.directory,
    branch: site.branchRef?.replace("refs/heads/", "") ?? null,
    target: facts?.target ?? null,
    there: await exists(site.directory),
    head: tip,
    unlanded: isFree ? 0 : await countUnlanded(repository, { tip, target: facts?.target ?? null }),
    // A status that fails must not look like a clean worktree.
    uncommitted: changes.ok ? changes.value : ["?"],
    live: facts?.live ?? false,
    ended: facts?.ended ?? false,
  };
}

async function countUnlanded(
  repository: Repository,
  at: { readonly tip: string | null; readonly target: string | null },
): Promise<number | null> {
  if (at.tip === null || at.target === null) return null;
  const count = await gitLine(repository.git, {
    directory: repository.commonDir,
    args: ["rev-list", "--count", `refs/heads/${at.target}..${at.tip}`, "--"],
  });
  return count.ok ? Number(count.value) : null;
}

async function cleanOne(
  options: ManagerOptions,
  worktree: WorktreeInfo,
  request: { readonly force: boolean; readonly dryRun: boolean },
): Promise<Outcome<Cleaned>> {
  const obstacle = whyKept(options, worktree, request.force);
  if (obstacle !== null) return fine({ worktree, removed: false, reason: obstacle, salvage: null });
  if (request.dryRun) return fine({ worktree, removed: false, reason: "would be removed", salvage: null });
  const workshop = await workshopOf(options, worktree.session);
  if (!workshop.ok) return workshop;
  const removed = await removeLane(workshop.value, {
    lane: worktree.lane,
    target: worktree.target,
    reason: "prodigy worktree clean",
  });
  await leaveDeletions(workshop.value);
  if (!removed.ok) return fine({ worktree, removed: false, reason: removed.fault.message, salvage: null });
  const { salvage } = removed.value;
  return fine({
    worktree,
    removed: true,
    reason: salvage === null ? "removed" : `removed; what was not committed is kept as ${salvage}`,
    salvage,
  });
}

/** Null when nothing can be lost. */
function whyKept(options: ManagerOptions, worktree: WorktreeInfo, force: boolean): string | null {
  if (worktree.live) return `a run is at work in it; stop it with: prodigy stop ${worktree.session}`;
  if (force) return null;
  if (options.session(worktree.session) === null)
    return "its session is not known; use --force to remove it all the same";
  if (!worktree.ended) return `its session can go on with: prodigy resume ${worktree.session}`;
  if (worktree.lane !== "main" || !worktree.there) return null;
  if (worktree.unlanded === null)
    return "it cannot be told whether its commits have landed; use --force to remove it and keep its branch";
  if (worktree.unlanded > 0) {
    const commits = worktree.unlanded === 1 ? "1 commit has" : `${worktree.unlanded} commits have`;
    return `${commits} not landed on ${worktree.target}; land with: prodigy worktree merge ${worktree.session}`;
  }
  return null;
}

function workshopOf(options: ManagerOptions, session: string): Promise<Outcome<Workshop>> {
  const { repository, root, key, worktrees, warn } = options;
  return openWorkshop({
    repository,
    root,
    key,
    worktrees,
    session,
    branch: `prodigy-${session}`,
    warn: (_lane, message) => warn(message),
  });
}

function laneIn(text: string | null): string | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null && "lane" in value && typeof value.lane === "string"
      ? value.lane
      : null;
  } catch {
    // A record that was cut off while it was written; the worktree is found again when its session goes on.
    return null;
  }
}
