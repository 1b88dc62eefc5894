/** Merges commits where nothing is checked out, for results of many lanes that become one history. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { failed, fine } from "./faults.ts";
import { git } from "./git.ts";
import { commitMerge, mergeTrees, tooOld } from "./merge.ts";
import { OWN_IDENTITY, type Repository } from "./repository.ts";
import { findGitDir } from "./site.ts";
import { siteOf, type Workshop } from "./workshop.ts";

/**
 * See `TreesPort.combine`. Until the session branch gets there, no ref holds the commit; the log of the session's HEAD
 * does, which `git gc` goes by and nobody pushes.
 */
export async function combineLanes(
  workshop: Workshop,
  options: Parameters<TreesPort["combine"]>[0],
): ReturnType<TreesPort["combine"]> {
  const combined = await combine(workshop.repository, options);
  if (!combined.ok || combined.value.kind === "conflict" || options.message === null) return combined;
  const { commit } = combined.value;
  const gitDir = await findGitDir(workshop, siteOf(workshop, "main"));
  if (gitDir === null || commit === options.base) return combined;
  const { name, email } = OWN_IDENTITY;
  const entry = `${options.base} ${commit} ${name} <${email}> ${Math.floor(Math.min(workshop.now(), LATEST) / 1000)} +0000\tprodigy: combined\n`;
  try {
    await appendFile(join(gitDir, "logs", "HEAD"), entry);
  } catch {
    // Without logs, as some people set git up, only a collection that spares nothing could take the commit.
  }
  return combined;
}

/** For a workshop without a clock: git drops entries that are older than some weeks. */
const LATEST = 4_000_000_000_000;

/** The commit's date is the one of the merged commit, so that the same merge is the same commit. */
async function combine(
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
