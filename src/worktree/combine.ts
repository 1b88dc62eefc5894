/** Merges commits where nothing is checked out, for results of many lanes that become one history. */
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { failed, fine } from "./faults.ts";
import { git } from "./git.ts";
import { commitMerge, mergeTrees, tooOld } from "./merge.ts";
import type { Repository } from "./repository.ts";

/** See `TreesPort.combine`. The date is the one of the merged commit, so that the same merge is the same commit. */
export async function combine(
  repository: Repository,
  options: Parameters<TreesPort["combine"]>[0],
): ReturnType<TreesPort["combine"]> {
  const { base, head, message } = options;
  const [range, merged] = await Promise.all([
    datesOf(repository, `${base}..${head}`),
    mergeTrees(repository, { ours: base, theirs: head }),
  ]);
  if (!range.ok) return range;
  if (!merged.ok) return merged;
  const [date] = range.value;
  if (date === undefined && message !== null) return fine({ kind: "merged", commit: base, commits: 0 });
  if (merged.value.kind === "unsupported") return failed(tooOld(repository));
  if (merged.value.kind === "conflict") return fine(merged.value);
  const { tree } = merged.value;
  const commits = range.value.length;
  if (message === null) return fine({ kind: "merged", commit: tree, commits });
  const commit = await commitMerge(repository, { tree, parents: [base, head], message, date });
  return commit.ok ? fine({ kind: "merged", commit: commit.value, commits }) : commit;
}

/** When each commit of a range was made, the last one first. */
async function datesOf(repository: Repository, range: string): Promise<Outcome<readonly string[]>> {
  const args = ["log", "--format=%cd", "--date=raw", range, "--"];
  const listed = await git(repository.git, { directory: repository.commonDir, args });
  if (!listed.ok) return listed;
  return fine(
    listed.value
      .toString()
      .split("\n")
      .filter((line) => line !== ""),
  );
}
