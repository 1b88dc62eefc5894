/** Brings a lane's worktree into the state that the next step starts from. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome, Prepared, TreesPort } from "../cook/ports.ts";
import { failed, fault, fine } from "./faults.ts";
import { git } from "./git.ts";
import { readText } from "./head.ts";
import { settleHead } from "./lane-head.ts";
import { lookAfterRestore, MADE, restoreLane } from "./restore.ts";
import { keepState } from "./salvage.ts";
import { forgetLane, scanLane } from "./scan.ts";
import { ensureSite, findGitDir } from "./site.ts";
import { type Place, type Site, siteOf, type Workshop } from "./workshop.ts";

type Options = Parameters<TreesPort["prepare"]>[0];

/** See `TreesPort.prepare`, for a worktree that the lane has already or that is its own. */
export async function prepareLane(workshop: Workshop, options: Omit<Options, "pool">): Promise<Outcome<Prepared>> {
  const { tree, mode, reason } = options;
  const site = siteOf(workshop, options.lane);
  const marker = await readText(site.marker);
  const ensured = await ensureSite(workshop, site, tree.head);
  if (!ensured.ok) return ensured;
  const { place, made } = ensured.value;
  forgetLane(workshop, place);
  const fresh = isFresh(workshop, place, made || marker === MADE);
  if (made || marker === MADE) return putBack(workshop, place, { to: tree, present: null, salvage: null, fresh });
  const present = await presentState(workshop, place, tree);
  if (!present.ok) return present;
  if (mode === "keep" && marker === null)
    return fine({ directory: place.directory, tree: present.value, salvage: null, fresh });
  if (marker === null && sameState(present.value, tree))
    return fine({ directory: place.directory, tree, salvage: null, fresh });
  const salvage = await keepUnlessSame(workshop, place, { present: present.value, to: tree, reason });
  if (!salvage.ok) return salvage;
  return putBack(workshop, place, { to: tree, present: present.value, salvage: salvage.value, fresh });
}

/** See `TreesPort.salvage`. */
export async function salvageLane(
  workshop: Workshop,
  options: Parameters<TreesPort["salvage"]>[0],
): Promise<Outcome<string | null>> {
  const prepared = await prepareLane(workshop, {
    lane: options.lane,
    tree: options.to,
    mode: "restore",
    reason: options.reason,
  });
  return prepared.ok ? fine(prepared.value.salvage) : prepared;
}

/** A lane whose worktree has to be there already. */
export async function findPlace(workshop: Workshop, lane: string): Promise<Outcome<Place>> {
  const site = siteOf(workshop, lane);
  const gitDir = await findGitDir(workshop, site);
  if (gitDir !== null) return fine({ ...site, gitDir });
  return failed(missingWorktree(workshop, site));
}

export function sameState(one: TreeState, other: TreeState): boolean {
  return one.head === other.head && one.snapshot === other.snapshot;
}

export async function putBack(
  workshop: Workshop,
  place: Place,
  options: {
    readonly to: TreeState;
    readonly present: TreeState | null;
    readonly salvage: string | null;
    readonly fresh: boolean;
  },
): Promise<Outcome<Prepared>> {
  const restored = await restoreLane(workshop, place, options);
  if (!restored.ok) return restored;
  const tree = await lookAfterRestore(workshop, place, options.to);
  const { salvage, fresh } = options;
  return tree.ok ? fine({ directory: place.directory, tree: tree.value, salvage, fresh }) : tree;
}

/** A member of the pool stays fresh until a lane gives it back: a call that is repeated after a death says the same. */
export function isFresh(workshop: Workshop, site: Site, made: boolean): boolean {
  return site.member === null ? made : (workshop.pool.get(site.member)?.fresh ?? made);
}

/** What is there now. An index that an interrupted git left damaged is made again from the commit. */
async function presentState(workshop: Workshop, place: Place, tree: TreeState): Promise<Outcome<TreeState>> {
  const head = await settleHead(workshop, place, tree.head);
  if (!head.ok) return head;
  const first = await lookAfterRestore(workshop, place, { ...tree, head: head.value });
  if (first.ok) return first;
  forgetLane(workshop, place);
  await rm(join(place.gitDir, "index"), { force: true });
  const mended = await git(workshop.repository.git, {
    directory: place.directory,
    args: ["read-tree", "--reset", head.value],
  });
  return mended.ok ? scanLane(workshop, place, { head: head.value, keep: [] }) : first;
}

async function keepUnlessSame(
  workshop: Workshop,
  place: Place,
  options: { readonly present: TreeState; readonly to: TreeState; readonly reason: string },
): Promise<Outcome<string | null>> {
  if (sameState(options.present, options.to)) return fine(null);
  return keepState(workshop, place, { state: options.present, base: options.to.head, reason: options.reason });
}

function missingWorktree(workshop: Workshop, site: Site): ReturnType<typeof fault> {
  return fault(
    "git",
    `the worktree ${site.directory} is not there any more`,
    `prodigy resume ${workshop.session} makes it again from what was recorded`,
  );
}
