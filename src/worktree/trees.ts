/** Worktrees, snapshots, salvage, merging and landing of one session, as the engine knows them. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Changes, LaneId } from "../cook/decision/event.ts";
import type { Captured, Outcome, TreesPort } from "../cook/ports.ts";
import {
  repositoryPaths,
  type SessionPaths,
  sessionPaths,
  trashDirectory,
  withWorktreesIn,
  worktreeIn,
} from "../storage/layout.ts";
import { diffTrees, moveOfHead } from "./changes.ts";
import { advanceLane } from "./advance.ts";
import { combineLanes } from "./combine.ts";
import { commitLane } from "./commit.ts";
import { fine } from "./faults.ts";
import { land, planLanding } from "./landing.ts";
import { settleHead } from "./lane-head.ts";
import { readMembers, recordedDirectory } from "./members.ts";
import { mergeInto, mergeLane, mergeTarget } from "./merge.ts";
import { prepareInPool } from "./pool.ts";
import { findPlace, prepareLane, salvageLane } from "./prepare.ts";
import { releaseLane } from "./release.ts";
import { dropPool, removeLane } from "./remove.ts";
import type { Repository } from "./repository.ts";
import { keepCommits } from "./salvage.ts";
import { scanLane } from "./scan.ts";
import { openShadow, shadowCall } from "./shadow.ts";
import { leaveDeletions } from "./trash.ts";
import { placesOf, type Workshop } from "./workshop.ts";

export interface TreesOptions {
  readonly repository: Repository;
  /** The storage root. */
  readonly root: string;
  /** The repository's key below the root, `{repo}`. */
  readonly key: string;
  readonly session: string;
  /** The folder for worktrees, if it is not the one below the root. A session's stay where they were made. */
  readonly worktrees?: string | null | undefined;
  /** The session branch, without `refs/heads/`. */
  readonly branch: string;
  /** Untracked files above this size are reported and not stored. @default 100 MiB */
  readonly maxUntrackedBytes?: number;
  /** Milliseconds since the epoch. @default always late: what waits for the next second is tried each time */
  readonly now?: () => number;
  /** Hears of what a person should know and the engine cannot act on. */
  readonly warn: (lane: LaneId | null, message: string) => void;
}

export type Trees = TreesPort & AsyncDisposable;

const MAX_UNTRACKED_BYTES = 100 * 1024 * 1024;

/** Opens a session's trees. Disposing of them waits a moment for removed worktrees to be deleted. */
export async function openTrees(options: TreesOptions): Promise<Outcome<Trees>> {
  const opened = await openWorkshop(options);
  if (!opened.ok) return opened;
  const workshop = opened.value;
  return fine({
    prepare: ({ pool, ...request }) =>
      pool === undefined ? prepareLane(workshop, request) : prepareInPool(workshop, { ...request, pool }),
    capture: (request) => captureLane(workshop, request),
    changes: ({ from, to }) =>
      diffTrees(workshop.repository.git, shadowCall(workshop.shadow, { objects: "both", args: [] }), {
        from: from.snapshot ?? from.head,
        to: to.snapshot ?? to.head,
      }),
    commit: (request) => commitLane(workshop, request),
    salvage: (request) => salvageLane(workshop, request),
    mergeLane: (request) => mergeLane(workshop, request),
    planLanding: (request) => planLanding(workshop, request),
    mergeTarget: (request) => mergeTarget(workshop, request),
    combine: (request) => combineLanes(workshop, request),
    advance: (request) => advanceLane(workshop, request),
    mergeInto: (request) => mergeInto(workshop, request),
    release: (request) => releaseLane(workshop, request),
    dropPool: (request) => dropPool(workshop, request),
    land: (request) => land(workshop, request),
    remove: (request) => removeLane(workshop, request),
    [Symbol.asyncDispose]: async () => {
      await leaveDeletions(workshop);
    },
  });
}

/** The same for those who work on a session from outside of its run, such as `prodigy worktree`. */
export async function openWorkshop(options: TreesOptions): Promise<Outcome<Workshop>> {
  const { repository, root, key, session } = options;
  const shadowDirectory = repositoryPaths(root, key).shadow;
  const shadow = await openShadow(repository, shadowDirectory);
  if (!shadow.ok) return shadow;
  const { paths, trash } = whereabouts(options);
  const places = placesOf(shadowDirectory, trash);
  return fine({
    repository,
    shadow: shadow.value,
    session,
    branchRef: `refs/heads/${options.branch}`,
    paths,
    places,
    pool: readMembers(join(places.records, session)),
    maxUntrackedBytes: options.maxUntrackedBytes ?? MAX_UNTRACKED_BYTES,
    now: options.now ?? (() => Number.POSITIVE_INFINITY),
    warn: options.warn,
    memories: new Map(),
    deletions: new Map(),
  });
}

/** Where the session's worktrees are or are to be, and a folder on the same disk for those that go. */
function whereabouts(options: TreesOptions): { readonly paths: SessionPaths; readonly trash: string } {
  const { root, key, session } = options;
  const usual = { paths: sessionPaths(root, key, session), trash: trashDirectory(root) };
  const recorded = recordedDirectory(join(repositoryPaths(root, key).shadow, "worktrees", session, "main.json"));
  const wanted = options.worktrees ? worktreeIn(options.worktrees, key, session) : usual.paths.worktree;
  const worktree = recorded !== null && existsSync(recorded) ? recorded : wanted;
  if (worktree === usual.paths.worktree) return usual;
  return { paths: withWorktreesIn(usual.paths, worktree), trash: join(dirname(dirname(worktree)), "trash") };
}

/** See `TreesPort.capture`. */
async function captureLane(
  workshop: Workshop,
  options: Parameters<TreesPort["capture"]>[0],
): Promise<Outcome<Captured>> {
  const place = await findPlace(workshop, options.lane);
  if (!place.ok) return place;
  const head = await settleHead(workshop, place.value, options.since.head);
  if (!head.ok) return head;
  const [moved, tree] = await Promise.all([
    moveOfHead(
      workshop.repository.git,
      { directory: place.value.directory },
      { from: options.since.head, to: head.value },
    ),
    scanLane(workshop, place.value, { head: head.value, keep: options.keep }),
  ]);
  if (!moved.ok) return moved;
  if (!tree.ok) return tree;
  if (moved.value.lost.length > 0) {
    const kept = await keepCommits(workshop, place.value, {
      tip: options.since.head,
      without: head.value,
      reason: "commits that the step took back",
    });
    if (!kept.ok) return kept;
  }
  const { gained, lost } = moved.value;
  const [only] = gained;
  const isPlain = options.since.snapshot === null && tree.value.snapshot === null && lost.length === 0;
  // The usual step makes one commit and leaves nothing: then the commit says all. A merge is listed without its files.
  const saysAll = isPlain && gained.length === 1 && only !== undefined && hasFiles(only.changes);
  return fine({ tree: tree.value, commits: gained, ...(saysAll ? { changes: only.changes } : {}) });
}

function hasFiles({ added, modified, deleted }: Changes): boolean {
  return added.length + modified.length + deleted.length > 0;
}
