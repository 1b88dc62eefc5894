/** Brings a lane forward to a commit that was made elsewhere. What lies uncommitted in the way is kept first. */
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { advance, overlap } from "./checkout.ts";
import { failed, fault, fine, listPaths } from "./faults.ts";
import { git, joinNul, splitNul } from "./git.ts";
import { operationInProgress } from "./head.ts";
import { isContained, settleHead } from "./lane-head.ts";
import { findPlace } from "./prepare.ts";
import { keepState } from "./salvage.ts";
import { scanLane } from "./scan.ts";
import type { Place, Workshop } from "./workshop.ts";

type Options = Parameters<TreesPort["advance"]>[0];

/** See `TreesPort.advance`. */
export async function advanceLane(workshop: Workshop, options: Options): ReturnType<TreesPort["advance"]> {
  const { repository } = workshop;
  const found = await findPlace(workshop, options.lane);
  if (!found.ok) return found;
  const place = found.value;
  const head = await settleHead(workshop, place, options.to);
  if (!head.ok) return head;
  const there = await isContained(repository, { commit: options.to, in: head.value });
  if (!there.ok) return there;
  if (there.value) return stateAt(workshop, place, { head: head.value, salvage: null });
  const obstacle = await obstacleTo(workshop, place, { from: head.value, to: options.to });
  if (!obstacle.ok) return obstacle;
  const inTheWay = await overlap(repository, place.directory, { from: head.value, to: options.to });
  if (!inTheWay.ok) return inTheWay;
  const salvage =
    inTheWay.value.length === 0
      ? fine(null)
      : await clearWay(workshop, place, { head: head.value, paths: inTheWay.value, reason: options.reason });
  if (!salvage.ok) return salvage;
  const moved = await advance(repository, place.directory, options.to);
  if (!moved.ok) return failed({ ...moved.fault, kind: "git" });
  return stateAt(workshop, place, { head: options.to, salvage: salvage.value });
}

async function stateAt(
  workshop: Workshop,
  place: Place,
  at: { readonly head: string; readonly salvage: string | null },
): ReturnType<TreesPort["advance"]> {
  const tree = await scanLane(workshop, place, { head: at.head, keep: [] });
  return tree.ok ? fine({ tree: tree.value, salvage: at.salvage }) : tree;
}

async function obstacleTo(
  workshop: Workshop,
  place: Place,
  move: { readonly from: string; readonly to: string },
): Promise<Outcome<null>> {
  const operation = await operationInProgress(place.gitDir);
  if (operation !== null) {
    const help = `finish it there, or give it up with: git ${operation} ${operation === "bisect" ? "reset" : "--abort"}`;
    return failed(fault("git", `a ${operation} is in progress in ${place.directory}`, help));
  }
  const forward = await isContained(workshop.repository, { commit: move.from, in: move.to });
  if (!forward.ok || forward.value) return forward.ok ? fine(null) : forward;
  const message = `${place.directory} is at ${move.from.slice(0, 12)}, which ${move.to.slice(0, 12)} does not contain`;
  return failed(fault("git", message, `git log ${move.to}..${move.from} shows what came in between`));
}

/** Keeps all that is uncommitted, under one name, then puts back what the move is going to write. */
async function clearWay(
  workshop: Workshop,
  place: Place,
  options: { readonly head: string; readonly paths: readonly string[]; readonly reason: string },
): Promise<Outcome<string | null>> {
  const { head, paths, reason } = options;
  const nested = paths.filter((path) => holdsRepository(join(place.directory, path)));
  if (nested.length > 0) {
    const message = `git repositories lie in ${place.directory} where files have to be written: ${listPaths(nested)}`;
    return failed(fault("git", message, "move them elsewhere"));
  }
  const state = await scanLane(workshop, place, { head, keep: paths });
  if (!state.ok) return state;
  const kept =
    state.value.snapshot === null
      ? fine(null)
      : await keepState(workshop, place, { state: state.value, base: head, reason });
  if (!kept.ok) return kept;
  const put = await putBack(workshop, place, { head, paths });
  return put.ok ? kept : put;
}

async function putBack(
  workshop: Workshop,
  place: Place,
  options: { readonly head: string; readonly paths: readonly string[] },
): Promise<Outcome<null>> {
  const { git: runner } = workshop.repository;
  const call = { directory: place.directory };
  const listed = await git(runner, {
    ...call,
    args: [
      "--literal-pathspecs",
      "ls-tree",
      "-r",
      "-z",
      "--name-only",
      "--full-tree",
      options.head,
      "--",
      ...options.paths,
    ],
  });
  if (!listed.ok) return listed;
  const known = splitNul(listed.value).map(String);
  const strange = options.paths.filter((path) => !known.some((name) => name === path || name.startsWith(`${path}/`)));
  const unstaged = await git(runner, {
    ...call,
    args: ["update-index", "--force-remove", "-z", "--stdin"],
    stdin: joinNul(strange),
  });
  if (!unstaged.ok) return unstaged;
  for (const path of strange) await rm(join(place.directory, path), { recursive: true, force: true });
  if (known.length === 0) return fine(null);
  const args = ["--literal-pathspecs", "checkout", "-q", options.head, "--pathspec-from-file=-", "--pathspec-file-nul"];
  const back = await git(runner, { ...call, args, stdin: joinNul(known) });
  return back.ok ? fine(null) : back;
}

/** Whether a repository of its own is in what is about to go; a snapshot would not hold it. */
function holdsRepository(path: string): boolean {
  try {
    return readdirSync(path, { recursive: true }).some((name) => /(^|\/)\.git$/.test(String(name)));
  } catch {
    // A file, or nothing.
    return false;
  }
}
