/** What all work on one session's trees shares, and where each lane has its place. */
import { join } from "node:path";
import type { LaneId } from "../cook/decision/event.ts";
import { laneDirectory, laneName, type SessionPaths } from "../storage/layout.ts";
import type { Repository } from "./repository.ts";
import type { Shadow } from "./shadow.ts";
import type { Staged } from "./staged.ts";

export interface Workshop {
  readonly repository: Repository;
  readonly shadow: Shadow;
  readonly session: string;
  /** The full name of the session branch. */
  readonly branchRef: string;
  readonly paths: SessionPaths;
  readonly places: Places;
  readonly maxUntrackedBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly warn: (lane: LaneId | null, message: string) => void;
  /** What is known of each lane's files. Losing it costs time and nothing else. */
  readonly memories: Map<LaneId, LaneMemory>;
  /** The worktrees of the session's pool, by name. What the disk says of them follows at once. */
  readonly pool: Map<string, Member>;
  /** Folders that are being deleted. */
  readonly deletions: Map<string, Promise<void>>;
}

/** One worktree of the pool. */
export interface Member {
  readonly name: string;
  /** The lane that has it; null while it is free. */
  readonly holder: LaneId | null;
  /** The commit that its holder started from. */
  readonly base: string;
  /** Whether no lane has given it back yet, so that nothing may have been set up in it. */
  readonly fresh: boolean;
  /** Whether the last holder left all files that are not ignored as its HEAD has them. */
  readonly clean: boolean;
}

/** What the last look at a lane found. */
export interface LaneMemory {
  /** The commit for which the shadow index was copied. */
  head: string;
  /** Its tree; null while nobody has asked. */
  headTree: string | null;
  /** The tree of all files; null while it has to be computed. */
  filesTree: string | null;
  /** Whether the shadow index still is as it was copied from the worktree's own. */
  copied: boolean;
  indexSignature: string;
  /** The second in which the shadow index was written, while files of that second still have to be read each time. */
  unsettledSecond: number | null;
  staged: Staged;
  /** Ignored files that are stored all the same. */
  readonly kept: Set<string>;
  /** Paths that the last look found and snapshots cannot hold. */
  unstored: readonly string[];
  /** Paths that were reported already. */
  readonly reported: Set<string>;
  last: { readonly key: string; readonly snapshot: string } | null;
}

/** Folders that sessions of one repository share. */
export interface Places {
  readonly trash: string;
  /** What a snapshot cannot hold and a removal must not lose. */
  readonly kept: string;
  readonly records: string;
  readonly adminLock: string;
}

export function placesOf(shadowDirectory: string, trash: string): Places {
  return {
    trash,
    kept: join(shadowDirectory, "kept"),
    records: join(shadowDirectory, "worktrees"),
    adminLock: join(shadowDirectory, "worktrees.lock"),
  };
}

/** A lane's files on the disk, before anything is known of them. */
export interface Site {
  readonly lane: LaneId;
  /** The lane's id as a part of names. */
  readonly name: string;
  readonly directory: string;
  /** The index through which the shadow repository sees the worktree. */
  readonly shadowIndex: string;
  /** While this file is there, the worktree is between two states and has to be restored. */
  readonly marker: string;
  /** Says whose the worktree is. */
  readonly record: string;
  /** The branch that is checked out; null for a detached HEAD. */
  readonly branchRef: string | null;
  /** The worktree of the pool that the lane has; null where it is the lane's own. */
  readonly member: string | null;
}

/** A lane that has a worktree of the pool is found there. A member's name is the lane of its own worktree. */
export function siteOf(workshop: Workshop, lane: LaneId): Site {
  const member = [...workshop.pool.values()].find(({ name, holder }) => holder === lane || name === lane) ?? null;
  const owner = member?.name ?? lane;
  const base = join(workshop.shadow.directory, "lanes", workshop.session, laneName(owner));
  return {
    lane,
    name: laneName(lane),
    directory: laneDirectory(workshop.paths, owner),
    shadowIndex: `${base}.index`,
    marker: `${base}.unfinished`,
    record: join(workshop.places.records, workshop.session, `${laneName(owner)}.json`),
    branchRef: lane === "main" ? workshop.branchRef : null,
    member: member?.name ?? null,
  };
}

/** A lane whose worktree is there. */
export interface Place extends Site {
  readonly gitDir: string;
}
