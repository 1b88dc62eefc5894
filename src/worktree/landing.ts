/**
 * Brings the session branch into the branch that it came from. The user's own checkout is touched at the very end, in
 * one step that either moves it as a whole or refuses; a merge is made beside it before.
 */
import type { Fault } from "../cook/decision/event.ts";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { diffTrees, NO_CHANGES } from "./changes.ts";
import { advance, findCheckout, localChanges, obstacleIn } from "./checkout.ts";
import { failed, fault, fine, listPaths } from "./faults.ts";
import { gitLine, runGit } from "./git.ts";
import { isContained, quickTipOf, tipOf } from "./lane-head.ts";
import { leftoverMarks } from "./marks.ts";
import { commitMerge, mergeTrees } from "./merge.ts";
import { findGitDir } from "./site.ts";
import { siteOf, type Workshop } from "./workshop.ts";

/** How often somebody else may move the target while we land. */
const TRIES = 5;

type Landing = Awaited<ReturnType<TreesPort["land"]>>;
type Landed = Extract<Landing, { readonly ok: true }>["value"];

/** See `TreesPort.land`. */
export async function land(workshop: Workshop, options: Parameters<TreesPort["land"]>[0]): Promise<Landing> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const done = await tryToLand(workshop, options);
    if (!done.ok) return done;
    if (done.value !== "moved") return fine(done.value);
  }
  return failed(
    fault(
      "landing",
      `the branch ${options.target} moved ${TRIES} times while ${shortBranch(workshop)} was landing`,
      again(workshop),
    ),
  );
}

/** See `TreesPort.planLanding`. */
export async function planLanding(
  workshop: Workshop,
  options: Parameters<TreesPort["planLanding"]>[0],
): ReturnType<TreesPort["planLanding"]> {
  const { repository } = workshop;
  const branch = await quickTipOf(repository, workshop.branchRef);
  if (branch === null) return failed(missingBranch(workshop));
  const target = options.target === null ? null : await quickTipOf(repository, `refs/heads/${options.target}`);
  if ((target ?? options.base) === branch) {
    const leftovers = await findLeftovers(workshop);
    return leftovers.ok
      ? fine({ commits: 0, changes: NO_CHANGES, leftovers: leftovers.value, obstacle: null })
      : leftovers;
  }
  const call = { directory: repository.commonDir };
  const [count, fork, leftovers] = await Promise.all([
    gitLine(repository.git, { ...call, args: ["rev-list", "--count", `${target ?? options.base}..${branch}`] }),
    target === null ? fine(options.base) : gitLine(repository.git, { ...call, args: ["merge-base", target, branch] }),
    findLeftovers(workshop),
  ]);
  if (!count.ok) return count;
  if (!leftovers.ok) return leftovers;
  // Histories without a common commit: all of it is new.
  const changes = await diffTrees(repository.git, call, { from: fork.ok ? fork.value : options.base, to: branch });
  if (!changes.ok) return changes;
  const commits = Number(count.value);
  const obstacle =
    commits === 0 ? fine(null) : await findObstacle(workshop, { branch, target: options.target, tip: target });
  return obstacle.ok
    ? fine({ commits, changes: changes.value, leftovers: leftovers.value, obstacle: obstacle.value })
    : obstacle;
}

async function tryToLand(
  workshop: Workshop,
  options: { readonly target: string; readonly message: string },
): Promise<Outcome<Landed | "moved">> {
  const { repository } = workshop;
  const ref = `refs/heads/${options.target}`;
  const [branch, previous] = await Promise.all([tipOf(repository, workshop.branchRef), tipOf(repository, ref)]);
  if (previous === null) return failed(missingTarget(workshop, options.target));
  // A landing that was cut off after its last step: the branch may be gone because all of it is in the target.
  if (branch === null) return failed(missingBranch(workshop));
  const contained = await isContained(repository, { commit: branch, in: previous });
  if (!contained.ok) return contained;
  if (contained.value) return fine({ kind: "landed", commit: previous, previous, how: "already" });
  const marks = await leftoverMarks(repository, { from: previous, to: branch });
  if (!marks.ok) return marks;
  if (marks.value.length > 0) return failed(unresolved(workshop, marks.value));
  const result = await makeResult(workshop, { branch, previous, message: options.message });
  if (!result.ok) return result;
  if (result.value.kind === "conflict") return fine(result.value);
  const moved = await moveTarget(workshop, { ref, previous, commit: result.value.commit, target: options.target });
  if (!moved.ok) return moved;
  if (moved.value === "moved") return fine("moved");
  return verify(workshop, {
    ref,
    branch,
    landed: { kind: "landed", commit: result.value.commit, previous, how: result.value.how },
  });
}

type Result =
  | { readonly kind: "commit"; readonly commit: string; readonly how: "fast-forward" | "merge" }
  | { readonly kind: "conflict"; readonly paths: readonly string[] };

/** The commit that the target is to be at. */
async function makeResult(
  workshop: Workshop,
  at: { readonly branch: string; readonly previous: string; readonly message: string },
): Promise<Outcome<Result>> {
  const { repository } = workshop;
  const forward = await isContained(repository, { commit: at.previous, in: at.branch });
  if (!forward.ok) return forward;
  if (forward.value) return fine({ kind: "commit", commit: at.branch, how: "fast-forward" });
  const merged = await mergeTrees(repository, { ours: at.previous, theirs: at.branch });
  if (!merged.ok) return merged;
  if (merged.value.kind === "conflict") return fine(merged.value);
  // The caller merges the target into the session's worktree then, which any git can, and lands that.
  if (merged.value.kind === "unsupported") return fine({ kind: "conflict", paths: [] });
  const commit = await commitMerge(repository, {
    tree: merged.value.tree,
    parents: [at.previous, at.branch],
    message: at.message,
  });
  return commit.ok
    ? fine({ kind: "commit", commit: commit.value, how: "merge" })
    : failed({ ...commit.fault, kind: "landing" });
}

async function moveTarget(
  workshop: Workshop,
  move: { readonly ref: string; readonly previous: string; readonly commit: string; readonly target: string },
): Promise<Outcome<"moved" | "done">> {
  const { repository } = workshop;
  const checkout = await findCheckout(repository, move.ref);
  if (checkout === null) {
    const args = ["update-ref", "-m", `prodigy: land ${shortBranch(workshop)}`, move.ref, move.commit, move.previous];
    const swapped = await runGit(repository.git, { directory: repository.commonDir, args });
    if (swapped.code === 0) return fine("done");
    return (await tipOf(repository, move.ref)) === move.previous
      ? failed(fault("landing", `${move.target} could not be moved: ${swapped.stderr.trim()}`, again(workshop)))
      : fine("moved");
  }
  const obstacle = await obstacleIn(repository, checkout, {
    from: move.previous,
    to: move.commit,
    what: `the branch ${move.target}`,
  });
  if (!obstacle.ok) return obstacle;
  if (obstacle.value !== null) return failed(withRetry(workshop, obstacle.value));
  const advanced = await advance(repository, checkout.directory, move.commit);
  if (advanced.ok) return fine("done");
  return (await tipOf(repository, move.ref)) === move.previous
    ? failed(withRetry(workshop, advanced.fault))
    : fine("moved");
}

/** Nothing is landed that is not proved to be in the target. */
async function verify(
  workshop: Workshop,
  at: { readonly ref: string; readonly branch: string; readonly landed: Landed },
): Promise<Outcome<Landed | "moved">> {
  const now = await tipOf(workshop.repository, at.ref);
  const contained = now === null ? fine(false) : await isContained(workshop.repository, { commit: at.branch, in: now });
  if (!contained.ok) return contained;
  return contained.value ? fine(at.landed) : fine("moved");
}

async function findObstacle(
  workshop: Workshop,
  at: { readonly branch: string; readonly target: string | null; readonly tip: string | null },
): Promise<Outcome<Fault | null>> {
  if (at.target === null) return fine(detached(workshop));
  if (at.tip === null) return fine(missingTarget(workshop, at.target));
  const { repository } = workshop;
  const checkout = await findCheckout(repository, `refs/heads/${at.target}`);
  if (checkout === null) return fine(null);
  const forward = await isContained(repository, { commit: at.tip, in: at.branch });
  if (!forward.ok) return forward;
  const merged = forward.value
    ? fine({ kind: "clean" as const, tree: at.branch })
    : await mergeTrees(repository, { ours: at.tip, theirs: at.branch });
  // A conflict is not an obstacle: an agent or a person resolves it in the session's worktree.
  if (!merged.ok) return merged;
  const to = merged.value.kind === "clean" ? merged.value.tree : at.tip;
  const obstacle = await obstacleIn(repository, checkout, { from: at.tip, to, what: `the branch ${at.target}` });
  return obstacle.ok && obstacle.value !== null ? fine(withRetry(workshop, obstacle.value)) : obstacle;
}

async function findLeftovers(workshop: Workshop): Promise<Outcome<readonly string[]>> {
  const site = siteOf(workshop, "main");
  return (await findGitDir(workshop, site)) === null ? fine([]) : localChanges(workshop.repository, site.directory);
}

function shortBranch(workshop: Workshop): string {
  return workshop.branchRef.replace("refs/heads/", "");
}

function again(workshop: Workshop): string {
  return `land it later with: prodigy worktree merge ${workshop.session}`;
}

function withRetry(workshop: Workshop, obstacle: Fault): Fault {
  return { ...obstacle, help: [obstacle.help, again(workshop)].filter((help) => help !== null).join("; then ") };
}

function unresolved(workshop: Workshop, paths: readonly string[]): Fault {
  const { directory } = siteOf(workshop, "main");
  return fault(
    "conflict",
    `a merge was committed with the marks of its conflicts in ${listPaths(paths)}`,
    `resolve them in ${directory} and commit; then ${again(workshop)}`,
  );
}

function missingBranch(workshop: Workshop): Fault {
  return fault(
    "landing",
    `the session branch ${shortBranch(workshop)} is not there any more`,
    "prodigy salvage list shows what was kept; git reflog shows the rest",
  );
}

function missingTarget(workshop: Workshop, target: string): Fault {
  const branch = shortBranch(workshop);
  return fault(
    "landing",
    `the branch ${target}, from which the session started, is not there any more`,
    `make it again at the session's last commit with: git branch '${target}' '${branch}'; or merge into another with: git checkout OTHER && git merge '${branch}'`,
  );
}

function detached(workshop: Workshop): Fault {
  const branch = shortBranch(workshop);
  return fault(
    "landing",
    "the session started on a detached HEAD, so there is no branch to land on",
    `merge it where you want it with: git checkout BRANCH && git merge '${branch}'; or keep it as a branch of its own with: git branch NAME '${branch}'`,
  );
}
