/**
 * Worktrees that go from one lane to the next, because making one takes ten times as long as putting it into order.
 * Each is free, or a lane has it. Which, is on the disk before anything is done to its files; while they are not yet in
 * order, the marker says that nothing in them is anybody's work.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { LaneId, Slot, TreeState } from "../cook/decision/event.ts";
import type { Outcome, PoolUse, Prepared, TreesPort } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { readText } from "./head.ts";
import { freeName, writeMember } from "./members.ts";
import { copyFromMain } from "./pool-copy.ts";
import { resetMember, sealMember } from "./pool-reset.ts";
import { findPlace, isFresh, prepareLane } from "./prepare.ts";
import { lookAfterRestore, MADE, restoreLane } from "./restore.ts";
import { forgetLane } from "./scan.ts";
import { emptyScratch, scratchOf } from "./scratch.ts";
import { ensureSite } from "./site.ts";
import { type Member, type Place, type Site, siteOf, type Workshop } from "./workshop.ts";

type Options = Omit<Parameters<TreesPort["prepare"]>[0], "pool"> & { readonly pool: PoolUse };

/** See `TreesPort.prepare`. A lane that has a member keeps it. */
export async function prepareInPool(workshop: Workshop, options: Options): Promise<Outcome<Prepared>> {
  const { lane, tree, pool } = options;
  const held = [...workshop.pool.values()].find(({ holder }) => holder === lane);
  const member = held ?? take(workshop, lane, tree.head);
  const site = siteOf(workshop, lane);
  try {
    if (held !== undefined && (await readText(site.marker)) !== MADE) {
      await mkdir(scratchOf(site), { recursive: true, mode: DIRECTORY_MODE });
      const prepared = await goOn(workshop, options);
      return prepared.ok ? fine({ ...prepared.value, slot: slotOf(site, held) }) : prepared;
    }
    await mkdir(dirname(site.marker), { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(site.marker, MADE);
    writeMember(workshop, { ...member, holder: lane, base: tree.head });
    await emptyScratch(workshop, site);
    const ensured = await ensureSite(workshop, site, tree.head);
    if (!ensured.ok) return ensured;
    const { place, made } = ensured.value;
    forgetLane(workshop, place);
    const fresh = isFresh(workshop, place, made);
    const ordered = made
      ? await restoreLane(workshop, place, { to: { head: tree.head, snapshot: null }, present: null })
      : await resetMember(workshop, place, {
          head: tree.head,
          keep: pool.keep,
          clean: member.clean && held === undefined,
        });
    if (!ordered.ok) return ordered;
    if (made) sealMember(place, tree.head);
    if (made && !fresh) writeMember(workshop, { ...member, holder: lane, base: tree.head, fresh: true });
    const filled = await fill(workshop, place, { tree, copy: pool.copy });
    if (!filled.ok) return filled;
    await rm(place.marker, { force: true });
    const { directory } = place;
    return fine({ directory, tree: filled.value, salvage: null, fresh: fresh || made, slot: slotOf(site, member) });
  } catch (error) {
    return failed(fileFault(`preparing the worktree ${site.directory}`, error));
  }
}

/** The number in the member's name: the lowest that was free when it was made. */
function slotOf(site: Site, { name }: Member): Slot {
  return { number: Number(name.replace(/^pool-/, "")), scratch: scratchOf(site) };
}

/** A lane that starts over from a commit needs the copies again. */
async function goOn(workshop: Workshop, options: Options): Promise<Outcome<Prepared>> {
  const { lane, tree, mode, pool } = options;
  const prepared = await prepareLane(workshop, options);
  if (!prepared.ok || mode === "keep" || tree.snapshot !== null || pool.copy.length === 0) return prepared;
  const place = await findPlace(workshop, lane);
  const filled = place.ok ? await fill(workshop, place.value, { tree, copy: pool.copy }) : place;
  if (!filled.ok) return filled;
  await rm(siteOf(workshop, lane).marker, { force: true });
  return fine({ ...prepared.value, tree: filled.value });
}

/** Taken before anything is waited for, so that no two lanes take the same. One that lies at the commit already is best. */
function take(workshop: Workshop, lane: LaneId, head: string): Member {
  const free = [...workshop.pool.values()].filter(({ holder }) => holder === null);
  const found = free.find(({ base }) => base === head) ?? free[0];
  const member = found ?? { name: freeName(workshop), holder: null, base: head, fresh: true, clean: false };
  workshop.pool.set(member.name, { ...member, holder: lane });
  return member;
}

/** What the commit does not have: copies, and what the lane's own recorded state says on top of them. */
async function fill(
  workshop: Workshop,
  place: Place,
  options: { readonly tree: TreeState; readonly copy: readonly string[] },
): Promise<Outcome<TreeState>> {
  const { tree, copy } = options;
  if (copy.length > 0) await writeFile(place.marker, MADE);
  const copied = await copyFromMain(workshop, place, copy);
  if (!copied.ok) return copied;
  if (tree.snapshot !== null) {
    const restored = await restoreLane(workshop, place, { to: tree, present: null });
    if (!restored.ok) return restored;
  } else if (copied.value === 0) return fine(tree);
  return lookAfterRestore(workshop, place, tree);
}
