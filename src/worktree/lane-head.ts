/**
 * Where a lane's HEAD is. The session branch follows the worktree: an agent may have switched, detached, reset or
 * deleted branches, and its commits are what counts. Commits that go are kept under salvage.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { failed, fault, fine } from "./faults.ts";
import { git, gitLine, gitYes, runGit } from "./git.ts";
import { operationInProgress, readHead, readLooseRef } from "./head.ts";
import type { Repository } from "./repository.ts";
import { keepCommits } from "./salvage.ts";
import type { Place, Workshop } from "./workshop.ts";

/** The commit that the lane is at, with the session branch on it. `fallback` is used where HEAD leads nowhere. */
export async function settleHead(workshop: Workshop, place: Place, fallback: string): Promise<Outcome<string>> {
  const { repository } = workshop;
  const head = await readHead(repository.git, { gitDir: place.gitDir, commonDir: repository.commonDir });
  if (place.branchRef === null) return head.commit === null ? moveHead(workshop, place, fallback) : fine(head.commit);
  if (head.ref === place.branchRef && head.commit !== null) return fine(head.commit);
  const operation = await operationInProgress(place.gitDir);
  if (operation !== null && head.commit !== null) {
    workshop.warn(
      place.lane,
      `a ${operation} is in progress in ${place.directory}; the session branch follows when it has ended`,
    );
    return fine(head.commit);
  }
  const tip = await tipOf(repository, place.branchRef);
  const commit = head.commit ?? tip ?? fallback;
  const found =
    head.ref === null
      ? "a detached HEAD"
      : head.ref === place.branchRef
        ? "no session branch"
        : `the branch ${head.ref.replace("refs/heads/", "")}`;
  workshop.warn(
    place.lane,
    `the step left ${found} in ${place.directory}; the session branch continues at ${commit.slice(0, 12)}`,
  );
  return moveHead(workshop, place, commit);
}

/** Puts HEAD, and the session branch with it, on a commit. Files and index stay. Commits that this drops are kept. */
export async function moveHead(workshop: Workshop, place: Place, commit: string): Promise<Outcome<string>> {
  const { repository } = workshop;
  const ref = place.branchRef;
  if (ref === null) {
    const moved = await git(repository.git, {
      directory: place.directory,
      args: ["update-ref", "--no-deref", "HEAD", commit],
    });
    return moved.ok ? fine(commit) : moved;
  }
  if ((await readLooseRef(repository.commonDir, ref)) !== commit) {
    const moved = await moveBranch(workshop, place, { ref, commit });
    if (!moved.ok) return moved;
  }
  // Written as a file: `symbolic-ref` refuses where HEAD is damaged, and that is a case to mend.
  await writeFile(join(place.gitDir, "HEAD"), `ref: ${ref}\n`);
  return fine(commit);
}

async function moveBranch(
  workshop: Workshop,
  place: Place,
  move: { readonly ref: string; readonly commit: string },
): Promise<Outcome<unknown>> {
  const { repository } = workshop;
  const tip = await tipOf(repository, move.ref);
  if (tip !== null && tip !== move.commit) {
    const kept = await keepDropped(workshop, place, { tip, now: move.commit });
    if (!kept.ok) return kept;
  }
  return git(repository.git, { directory: repository.commonDir, args: ["update-ref", move.ref, move.commit] });
}

/** The same from the ref's file, where that tells it: nobody has looked whether the commit is there. */
export async function quickTipOf(repository: Repository, ref: string): Promise<string | null> {
  return (await readLooseRef(repository.commonDir, ref)) ?? tipOf(repository, ref);
}

/** The commit of a ref, which is there as a whole; null for none. */
export async function tipOf(repository: Repository, ref: string): Promise<string | null> {
  const answer = await runGit(repository.git, {
    directory: repository.commonDir,
    args: ["rev-parse", "-q", "--verify", `${ref}^{commit}`],
  });
  return answer.code === 0 ? answer.stdout.toString().trim() : null;
}

/** Whether `commit` is contained in `in`. */
export async function isContained(
  repository: Repository,
  pair: { readonly commit: string; readonly in: string },
): Promise<Outcome<boolean>> {
  if (pair.commit === pair.in) return fine(true);
  return gitYes(repository.git, {
    directory: repository.commonDir,
    args: ["merge-base", "--is-ancestor", pair.commit, pair.in],
  });
}

/** The branch of an operation in progress, by its full name, where git has set HEAD aside for it. */
export async function commitOf(repository: Repository, name: string): Promise<Outcome<string>> {
  const answer = await gitLine(repository.git, {
    directory: repository.commonDir,
    args: ["rev-parse", "-q", "--verify", `${name}^{commit}`],
  });
  return answer.ok
    ? answer
    : failed(fault("git", `the commit ${name} is not in the repository ${repository.topLevel}`));
}

async function keepDropped(
  workshop: Workshop,
  place: Place,
  move: { readonly tip: string; readonly now: string },
): Promise<Outcome<null>> {
  const contained = await isContained(workshop.repository, { commit: move.tip, in: move.now });
  if (!contained.ok || contained.value) return contained.ok ? fine(null) : contained;
  return keepCommits(workshop, place, {
    tip: move.tip,
    without: move.now,
    reason: "commits that the session branch no longer contains",
  });
}
