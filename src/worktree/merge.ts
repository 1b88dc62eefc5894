/** Merges without a work tree where it can be done, and in one where a conflict has to be resolved. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { advance, obstacleIn } from "./checkout.ts";
import { failed, fault, fine, gitFault } from "./faults.ts";
import { git, gitLine, runGit, splitNul } from "./git.ts";
import { exists } from "./head.ts";
import { isContained, settleHead, tipOf } from "./lane-head.ts";
import { findPlace } from "./prepare.ts";
import { committerEnvironment, type Repository } from "./repository.ts";
import { scanLane } from "./scan.ts";
import type { Place, Workshop } from "./workshop.ts";

export type Merged =
  /** A git before 2.38. A merge in a work tree still works with it. */
  | { readonly kind: "unsupported" }
  | { readonly kind: "clean"; readonly tree: string }
  | { readonly kind: "conflict"; readonly paths: readonly string[] };

/** The tree that a merge of two commits gives, or the paths in which they conflict. */
export async function mergeTrees(
  repository: Repository,
  pair: { readonly ours: string; readonly theirs: string },
): Promise<Outcome<Merged>> {
  const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", pair.ours, pair.theirs];
  const result = await runGit(repository.git, { directory: repository.commonDir, args });
  const [tree = "", ...paths] = splitNul(result.stdout).map(String);
  if (result.code === 0) return fine({ kind: "clean", tree });
  if (result.code === 1) return fine({ kind: "conflict", paths: paths.filter((path) => path !== "") });
  if (/usage: git merge-tree/.test(result.stderr)) return fine({ kind: "unsupported" });
  return failed(gitFault(args, result));
}

/** A merge commit that no branch holds yet, signed where the user's commits are. */
export async function commitMerge(
  repository: Repository,
  merge: {
    readonly tree: string;
    readonly parents: readonly [string, string];
    readonly message: string;
    /** In git's raw form. @default now */
    readonly date?: string | undefined;
  },
): Promise<Outcome<string>> {
  const sign = repository.signsCommits ? ["-S"] : [];
  return gitLine(repository.git, {
    directory: repository.commonDir,
    args: ["commit-tree", ...sign, "-p", merge.parents[0], "-p", merge.parents[1], merge.tree],
    env: {
      ...committerEnvironment(repository),
      ...(merge.date === undefined ? {} : { GIT_AUTHOR_DATE: `@${merge.date}`, GIT_COMMITTER_DATE: `@${merge.date}` }),
    },
    stdin: merge.message.endsWith("\n") ? merge.message : `${merge.message}\n`,
  });
}

/** See `TreesPort.mergeLane`. What is uncommitted in the other lane stays, or stands against the merge. */
export async function mergeLane(
  workshop: Workshop,
  options: Parameters<TreesPort["mergeLane"]>[0],
): ReturnType<TreesPort["mergeLane"]> {
  const { repository } = workshop;
  const theirs = options.from.head;
  const into = await findPlace(workshop, options.into);
  if (!into.ok) return into;
  const ours = await settleHead(workshop, into.value, theirs);
  if (!ours.ok) return ours;
  const contained = await isContained(repository, { commit: theirs, in: ours.value });
  if (!contained.ok) return contained;
  if (contained.value) return mergedAlready(workshop, into.value, { head: ours.value, theirs });
  const merged = await mergeTrees(repository, { ours: ours.value, theirs });
  if (!merged.ok) return merged;
  if (merged.value.kind === "unsupported") return failed(tooOld(repository));
  if (merged.value.kind === "conflict") return fine(merged.value);
  const commit = await commitMerge(repository, {
    tree: merged.value.tree,
    parents: [ours.value, theirs],
    message: options.message,
  });
  if (!commit.ok) return commit;
  const checkout = { directory: into.value.directory, operation: null };
  const obstacle = await obstacleIn(repository, checkout, {
    from: ours.value,
    to: commit.value,
    what: `the lane ${options.into}`,
  });
  if (!obstacle.ok) return obstacle;
  if (obstacle.value !== null) return failed({ ...obstacle.value, kind: "conflict" });
  const moved = await advance(repository, into.value.directory, commit.value);
  if (!moved.ok) return moved;
  return mergedState(workshop, into.value, { head: commit.value, range: `${ours.value}..${theirs}` });
}

/** See `TreesPort.mergeTarget`. */
export async function mergeTarget(
  workshop: Workshop,
  options: Parameters<TreesPort["mergeTarget"]>[0],
): ReturnType<TreesPort["mergeTarget"]> {
  const commit = await tipOf(workshop.repository, `refs/heads/${options.target}`);
  if (commit === null) return failed(fault("landing", `the branch ${options.target} is not there any more`, null));
  const message = `Merge branch '${options.target}' into ${workshop.branchRef.replace("refs/heads/", "")}`;
  return mergeInto(workshop, { lane: "main", commit, message });
}

/** See `TreesPort.mergeInto`. */
export async function mergeInto(
  workshop: Workshop,
  options: Parameters<TreesPort["mergeInto"]>[0],
): ReturnType<TreesPort["mergeInto"]> {
  const { repository } = workshop;
  const place = await findPlace(workshop, options.lane);
  if (!place.ok) return place;
  const call = { directory: place.value.directory, env: committerEnvironment(repository) };
  const isMerging = (): Promise<boolean> => exists(join(place.value.gitDir, "MERGE_HEAD"));
  if (!(await isMerging())) {
    const head = await settleHead(workshop, place.value, options.commit);
    if (!head.ok) return head;
    await detach(place.value, head.value);
    const flags = ["-q", "--commit", "--no-squash", "--no-overwrite-ignore"];
    const args = ["merge", ...flags, "-m", options.message, options.commit];
    const result = await runGit(repository.git, { ...call, args });
    if (result.code !== 0 && !(await isMerging())) return failed({ ...gitFault(["merge"], result), kind: "conflict" });
  }
  const unmerged = await unmergedPaths(workshop, place.value);
  if (!unmerged.ok) return unmerged;
  if (unmerged.value.length === 0 && (await isMerging())) {
    const committed = await git(repository.git, { ...call, args: ["commit", "-q", "--no-edit"] });
    if (!committed.ok) return committed;
  }
  const tree = await stateOf(workshop, place.value);
  return tree.ok ? fine({ tree: tree.value, conflicts: unmerged.value }) : tree;
}

/** A branch that an agent has checked out in a lane without one is the agent's: a merge of ours must not move it. */
async function detach(place: Place, commit: string): Promise<void> {
  if (place.branchRef === null) await writeFile(join(place.gitDir, "HEAD"), `${commit}\n`);
}

export function tooOld(repository: Repository): ReturnType<typeof fault> {
  return fault("git", `git ${repository.version} cannot merge lanes without a work tree`, "install git 2.38 or newer");
}

async function unmergedPaths(workshop: Workshop, place: Place): Promise<Outcome<readonly string[]>> {
  const listed = await git(workshop.repository.git, {
    directory: place.directory,
    args: ["diff", "--name-only", "-z", "--diff-filter=U"],
  });
  return listed.ok ? fine([...new Set(splitNul(listed.value).map(String))]) : listed;
}

async function stateOf(workshop: Workshop, place: Place): Promise<Outcome<TreeState>> {
  const head = await settleHead(workshop, place, workshop.repository.head);
  return head.ok ? scanLane(workshop, place, { head: head.value, keep: [] }) : head;
}

/** The merge was made by an earlier call that died before it was recorded, or there was nothing to merge. */
async function mergedAlready(
  workshop: Workshop,
  into: Place,
  at: { readonly head: string; readonly theirs: string },
): ReturnType<TreesPort["mergeLane"]> {
  const args = ["log", "--merges", "--first-parent", `--max-count=${RECENT_MERGES}`, "--format=%P", at.head];
  const merges = await gitLine(workshop.repository.git, { directory: into.directory, args });
  if (!merges.ok) return merges;
  const made = merges.value
    .split("\n")
    .map((line) => line.split(" "))
    .find((parents) => parents[1] === at.theirs);
  return mergedState(workshop, into, { head: at.head, range: made === undefined ? null : `${made[0]}..${at.theirs}` });
}

/** Lanes are merged one after another, so the one in question is among the last few. */
const RECENT_MERGES = 64;

async function mergedState(
  workshop: Workshop,
  into: Place,
  at: { readonly head: string; readonly range: string | null },
): ReturnType<TreesPort["mergeLane"]> {
  const [tree, count] = await Promise.all([
    scanLane(workshop, into, { head: at.head, keep: [] }),
    at.range === null
      ? fine("0")
      : gitLine(workshop.repository.git, { directory: into.directory, args: ["rev-list", "--count", at.range] }),
  ]);
  if (!tree.ok) return tree;
  return count.ok ? fine({ kind: "merged", tree: tree.value, commits: Number(count.value) }) : count;
}
