/** What an index holds that its commit does not: the difference is enough to make the same index again. */
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { type Git, git, splitNul } from "./git.ts";

export interface Staged {
  /** Lines for `git update-index -z --index-info`. */
  readonly entries: readonly Buffer[];
  /** The objects that these lines name. */
  readonly blobs: readonly string[];
}

/** Compares the index of a worktree with a commit. */
export async function readStaged(runner: Git, directory: string, head: string): Promise<Outcome<Staged>> {
  const args = [
    "diff-index",
    "--cached",
    "--raw",
    "-z",
    "--no-renames",
    "--no-abbrev",
    "--ignore-submodules=none",
    head,
  ];
  const answer = await git(runner, { directory, args });
  if (!answer.ok) return answer;
  const tokens = splitNul(answer.value);
  const entries: Buffer[] = [];
  const blobs = new Set<string>();
  let unmerged = false;
  for (let index = 0; index + 1 < tokens.length; index += 2) {
    const [, mode = "", , object = "", status = ""] = (tokens[index] ?? "").toString().split(" ");
    const path = tokens[index + 1] ?? Buffer.alloc(0);
    if (status === "U") unmerged = true;
    else {
      entries.push(line(mode, status === "D" ? zeros(object) : object, path));
      if (status !== "D" && mode !== GITLINK) blobs.add(object);
    }
  }
  return unmerged ? addUnmerged(runner, directory, { entries, blobs }) : fine({ entries, blobs: [...blobs] });
}

/** A commit of a submodule: it is in another repository. */
const GITLINK = "160000";

/** A conflicted path has up to three entries; the plain one goes first. */
async function addUnmerged(
  runner: Git,
  directory: string,
  found: { readonly entries: Buffer[]; readonly blobs: Set<string> },
): Promise<Outcome<Staged>> {
  const answer = await git(runner, { directory, args: ["ls-files", "-z", "-u"] });
  if (!answer.ok) return answer;
  const seen = new Set<string>();
  for (const entry of splitNul(answer.value)) {
    const tab = entry.indexOf(0x09);
    const [mode = "", object = ""] = entry.subarray(0, tab).toString().split(" ");
    const path = entry.subarray(tab + 1);
    if (!seen.has(path.toString("latin1"))) found.entries.push(line("0", zeros(object), path));
    seen.add(path.toString("latin1"));
    found.entries.push(entry);
    if (mode !== GITLINK) found.blobs.add(object);
  }
  return fine({ entries: found.entries, blobs: [...found.blobs] });
}

function line(mode: string, object: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${mode === "000000" ? "0" : mode} ${object}\t`), path]);
}

function zeros(object: string): string {
  return "0".repeat(object.length);
}
