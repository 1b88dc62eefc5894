/** Gives a lane's worktree back to the pool. What is in it and nowhere else is kept first. */
import { rm } from "node:fs/promises";
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { readText } from "./head.ts";
import { isContained, settleHead } from "./lane-head.ts";
import { writeMember } from "./members.ts";
import { setAside } from "./aside.ts";
import { MADE } from "./restore.ts";
import { keepState } from "./salvage.ts";
import { forgetLane, scanLane } from "./scan.ts";
import { findGitDir } from "./site.ts";
import { keepSubmodules } from "./submodules.ts";
import { type Member, type Place, siteOf, type Workshop } from "./workshop.ts";

type Options = Parameters<TreesPort["release"]>[0];

/** See `TreesPort.release`. */
export async function releaseLane(workshop: Workshop, options: Options): ReturnType<TreesPort["release"]> {
  const member = [...workshop.pool.values()].find(({ holder }) => holder === options.lane);
  if (member === undefined) return fine({ salvage: null });
  const site = siteOf(workshop, options.lane);
  try {
    const gitDir = await findGitDir(workshop, site);
    const isWork = gitDir !== null && (await readText(site.marker)) !== MADE;
    const kept = isWork
      ? await keepWork(workshop, { ...site, gitDir }, { ...options, member })
      : fine({ salvage: null, clean: false });
    if (!kept.ok) return kept;
    const submodules = isWork ? await keepSubmodules(workshop, { ...site, gitDir }) : fine(null);
    if (!submodules.ok) return submodules;
    if (isWork) await setAside(workshop, { ...site, gitDir });
    await rm(site.marker, { force: true });
    forgetLane(workshop, site);
    writeMember(workshop, { ...member, holder: null, fresh: false, clean: kept.value.clean });
    return fine({ salvage: kept.value.salvage });
  } catch (error) {
    return failed(fileFault(`giving back the worktree ${site.directory}`, error));
  }
}

async function keepWork(
  workshop: Workshop,
  place: Place,
  options: Options & { readonly member: Member },
): Promise<Outcome<{ readonly salvage: string | null; readonly clean: boolean }>> {
  const state = await stateOf(workshop, place, options);
  if (!state.ok) return state;
  const { head, snapshot } = state.value;
  const clean = snapshot === null;
  const held = await isHeld(workshop, head, options);
  if (!held.ok) return held;
  if (clean && held.value) return fine({ salvage: null, clean });
  const base = held.value || options.member.base === "" ? head : options.member.base;
  const kept = await keepState(workshop, place, { state: state.value, base, reason: options.reason });
  return kept.ok ? fine({ salvage: kept.value, clean }) : kept;
}

/** What was recorded counts where nothing has run since, and this process has seen what a record does not say. */
async function stateOf(
  workshop: Workshop,
  place: Place,
  options: Options & { readonly member: Member },
): Promise<Outcome<TreeState>> {
  if (options.known !== null && workshop.memories.has(place.lane)) return fine(options.known);
  const head = await settleHead(workshop, place, options.known?.head ?? options.member.base);
  return head.ok ? scanLane(workshop, place, { head: head.value, keep: [] }) : head;
}

/** Whether the lane's commits, if it made any, are somewhere else as well. */
async function isHeld(
  workshop: Workshop,
  head: string,
  options: Options & { readonly member: Member },
): Promise<Outcome<boolean>> {
  if (head === options.member.base) return fine(true);
  return options.merged === null ? fine(false) : isContained(workshop.repository, { commit: head, in: options.merged });
}
