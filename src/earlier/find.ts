/** Which sessions of an earlier Prodigy belong to a repository: their files did not say it. */
import { realpathSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { readJson, readText } from "../storage/atomic.ts";
import { safeId } from "../storage/layout.ts";
import { gitLine } from "../worktree/git.ts";
import type { Repository } from "../worktree/repository.ts";
import { jobMapping } from "./notes.ts";
import { filesIn, namesIn, type Places } from "./places.ts";
import type { EarlierRecord } from "./read.ts";

/** All ids under which something was left. Looks at names only. */
export async function earlierIds({ root, folder }: Places): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (const file of await filesIn([join(root, "sessions")], ".json")) ids.add(stem(file, ".json"));
  for (const name of await namesIn(join(root, "state"))) {
    const files = await filesIn([join(root, "state", name, "checkpoints")], ".checkpoint.json");
    if (name !== folder && files.length > 0) ids.add(name);
    else for (const file of files) ids.add(stem(file, ".checkpoint.json"));
  }
  const owners = (await namesIn(join(root, "dlq"))).filter((name) => /^(?:session|workflow)-/.test(name));
  for (const owner of owners) ids.add(owner);
  const jobs = [
    ...(await namesIn(join(root, "state", folder, "mapreduce", "jobs"))),
    ...(await namesIn(join(root, "dlq", folder))),
  ];
  const owned = new Set((await Promise.all(owners.map((owner) => namesIn(join(root, "dlq", owner))))).flat());
  for (const job of jobs) if (!owned.has(job) && (await sessionOfJob(root, job)) === null) ids.add(job);
  return [...ids].filter((id) => !id.startsWith("merge-workflow-")).toSorted();
}

/** A job's id names the session that ran it; null where nobody noted it, or the job is its own. */
export async function sessionOfJob(root: string, job: string): Promise<string | null> {
  if (!safeId(job).ok) return null;
  const json = await readJson(join(root, "mappings", `${job}.json`));
  const mapping = json.ok && json.value !== null ? jobMapping(json.value) : null;
  return mapping === null || "problem" in mapping || mapping.session === job ? null : mapping.session;
}

export interface Ownership {
  /** Where its worktree is, if it is this repository's and still there. */
  readonly worktree: string | null;
  /** Its branch, if it is still there. */
  readonly branch: string | null;
}

/** Null when nothing says that the session was this repository's. */
export async function ownership(
  places: Places,
  repository: Repository,
  known: { readonly record: EarlierRecord; readonly branches: ReadonlySet<string> },
): Promise<Ownership | null> {
  const { record, branches } = known;
  const { session, note } = record;
  const worktree = await worktreeOf(places, repository, note?.value.worktree ?? session);
  if (worktree.isAnothers) return null;
  const name = note?.value.branch ?? `prodigy-${session}`;
  const branch = branches.has(name) ? name : null;
  const isOurs =
    worktree.directory !== null ||
    branch !== null ||
    note !== null ||
    record.job !== null ||
    record.checkpoints.some(({ value }) => value.workflowPath !== null && isInside(repository, value.workflowPath));
  return isOurs ? { worktree: worktree.directory, branch } : null;
}

/** Branches that an earlier Prodigy can have made. */
export async function earlierBranches({ git, commonDir }: Repository): Promise<ReadonlySet<string>> {
  const args = ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/prodigy-*"];
  const listed = await gitLine(git, { directory: commonDir, args });
  return new Set(listed.ok ? listed.value.split("\n").filter((name) => name !== "") : []);
}

async function worktreeOf(
  { homes, folder }: Places,
  repository: Repository,
  name: string,
): Promise<{ readonly directory: string | null; readonly isAnothers: boolean }> {
  for (const home of homes) {
    const directory = join(home, "worktrees", folder, name);
    const link = await readText(join(directory, ".git")).catch(() => null);
    const gitDir = /^gitdir: ([^]+?)\n*$/.exec(link ?? "")?.[1];
    if (gitDir === undefined) continue;
    const isOurs = realPathOf(resolve(directory, gitDir, "..", "..")) === repository.commonDir;
    return { directory: isOurs ? directory : null, isAnothers: !isOurs };
  }
  return { directory: null, isAnothers: false };
}

function isInside({ topLevel, mainWorktree }: Repository, path: string): boolean {
  return [topLevel, mainWorktree ?? topLevel].some((folder) => !relative(folder, path).startsWith(".."));
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It is not there any more; then it is nobody's.
  }
}

function stem(file: string, ending: string): string {
  return file.slice(file.lastIndexOf("/") + 1, -ending.length);
}
