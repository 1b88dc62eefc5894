/** What was salvaged, for `prodigy salvage list|show|restore`. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Changes, Commit } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { diffTrees, moveOfHead } from "./changes.ts";
import { failed, fault, fine } from "./faults.ts";
import { git, gitLine } from "./git.ts";
import { bringRevisions } from "./objects.ts";
import { committerEnvironment } from "./repository.ts";
import type { SalvageNote } from "./salvage.ts";
import { type Shadow, shadowCall } from "./shadow.ts";

export interface SalvageEntry extends SalvageNote {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface SalvageContent {
  readonly entry: SalvageEntry;
  /** Commits that are kept with it, oldest first. */
  readonly commits: readonly Commit[];
  /** All that differs from the state to which the lane was put back, commits included. */
  readonly changes: Changes;
  /** The same as text; null where it is too long to show. */
  readonly patch: string | null;
}

/** A longer patch is for a file or a branch, not for a screen. */
const MAX_PATCH_BYTES = 8 * 1024 * 1024;

/** All that is kept, oldest first. As everywhere, a session may be named by the beginning or the end of its id. */
export async function listSalvage(shadow: Shadow, session: string | null): Promise<Outcome<readonly SalvageEntry[]>> {
  const format = "--format=%(refname:lstrip=2)%09%(committerdate:unix)%09%(contents:subject)";
  const args = ["for-each-ref", "--sort=committerdate", format, "refs/salvage"];
  const listed = await gitLine(shadow.repository.git, shadowCall(shadow, { objects: "both", args }));
  if (!listed.ok) return listed;
  return fine(
    listed.value.split("\n").flatMap((line) => {
      const [name = "", seconds = "0", ...text] = line.split("\t");
      const note = readNote(text.join("\t"));
      const isMeant = note !== null && (session === null || isPartOf(note.session, session));
      return isMeant ? [{ ...note, name, at: Number(seconds) * 1000 }] : [];
    }),
  );
}

function isPartOf(id: string, text: string): boolean {
  return id === text || (text.length > 3 && (id.startsWith(text) || id.endsWith(text)));
}

/** What is in one of them. */
export async function showSalvage(shadow: Shadow, name: string): Promise<Outcome<SalvageContent>> {
  const entry = await findSalvage(shadow, name);
  if (!entry.ok) return entry;
  const runner = shadow.repository.git;
  const where = shadowCall(shadow, { objects: "both", args: [] });
  const pair = { from: entry.value.base, to: refOf(entry.value.name) };
  const diff = ["diff", "--binary", "--no-ext-diff", "--no-textconv", pair.from, pair.to];
  const [moved, changes, patch] = await Promise.all([
    moveOfHead(runner, where, { from: entry.value.base, to: entry.value.head }),
    diffTrees(runner, where, pair),
    git(runner, { ...shadowCall(shadow, { objects: "both", args: diff }), maxBytes: MAX_PATCH_BYTES }),
  ]);
  if (!moved.ok) return moved;
  if (!changes.ok) return changes;
  return fine({
    entry: entry.value,
    commits: moved.value.gained,
    changes: changes.value,
    patch: patch.ok ? patch.value.toString("utf8") : null,
  });
}

/** Makes a branch of it in the user's repository: the commits, and one more for what was not committed. */
export async function restoreSalvage(
  shadow: Shadow,
  options: { readonly name: string; readonly branch: string },
): Promise<Outcome<{ readonly branch: string; readonly commit: string }>> {
  const entry = await findSalvage(shadow, options.name);
  if (!entry.ok) return entry;
  const { head, snapshot, reason } = entry.value;
  const tree = `${refOf(entry.value.name)}^{tree}`;
  const treeId = await gitLine(
    shadow.repository.git,
    shadowCall(shadow, { objects: "both", args: ["rev-parse", tree] }),
  );
  if (!treeId.ok) return treeId;
  const brought = await bringRevisions(shadow, [head, treeId.value]);
  if (!brought.ok) return brought;
  const commit = snapshot === null ? fine(head) : await commitSalvage(shadow, { tree: treeId.value, head, reason });
  if (!commit.ok) return commit;
  const { git: runner, commonDir } = shadow.repository;
  const call = { directory: commonDir };
  const valid = await git(runner, { ...call, args: ["check-ref-format", "--branch", options.branch] });
  if (!valid.ok)
    return failed(fault("input", `'${options.branch}' is not a name for a branch`, "give another with --branch"));
  const zeros = "0".repeat(commit.value.length);
  const made = await git(runner, {
    ...call,
    args: ["update-ref", `refs/heads/${options.branch}`, commit.value, zeros],
  });
  if (made.ok) return fine({ branch: options.branch, commit: commit.value });
  return failed({ ...made.fault, help: "give another name with --branch, if there is such a branch already" });
}

/** Forgets one of them. */
export async function dropSalvage(shadow: Shadow, name: string): Promise<Outcome<null>> {
  const entry = await findSalvage(shadow, name);
  if (!entry.ok) return entry;
  const args = ["update-ref", "-d", refOf(entry.value.name)];
  const dropped = await git(shadow.repository.git, shadowCall(shadow, { objects: "own", args }));
  return dropped.ok ? fine(null) : dropped;
}

/** Forgets the snapshots of a session that nobody will resume. What is salvaged stays, with all that it needs. */
export async function forgetSnapshots(shadow: Shadow, session: string): Promise<Outcome<null>> {
  const places = [join("refs", "snapshots", session), join("lanes", session)];
  await Promise.all(places.map((place) => rm(join(shadow.directory, place), { recursive: true, force: true })));
  // Young objects may belong to a snapshot that another session is just about to name.
  const args = ["prune", "--expire=1.day.ago"];
  const pruned = await git(shadow.repository.git, shadowCall(shadow, { objects: "both", args }));
  return pruned.ok ? fine(null) : pruned;
}

async function findSalvage(shadow: Shadow, name: string): Promise<Outcome<SalvageEntry>> {
  const listed = await listSalvage(shadow, null);
  if (!listed.ok) return listed;
  const entry = listed.value.find((candidate) => candidate.name === name);
  if (entry !== undefined) return fine(entry);
  return failed(fault("input", `nothing is kept under the name ${name}`, "prodigy salvage list shows the names"));
}

async function commitSalvage(
  shadow: Shadow,
  what: { readonly tree: string; readonly head: string; readonly reason: string },
): Promise<Outcome<string>> {
  const { repository } = shadow;
  return gitLine(repository.git, {
    directory: repository.commonDir,
    args: ["commit-tree", "-p", what.head, what.tree],
    env: committerEnvironment(repository),
    stdin: `Restore salvaged files\n\n${what.reason}\n`,
  });
}

function refOf(name: string): string {
  return `refs/salvage/${name}`;
}

function readNote(text: string): SalvageNote | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const field = (name: string): string => {
      const found: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
      return typeof found === "string" ? found : "";
    };
    const snapshot = field("snapshot");
    return {
      session: field("session"),
      lane: field("lane"),
      reason: field("reason"),
      head: field("head"),
      base: field("base"),
      snapshot: snapshot === "" ? null : snapshot,
    };
  } catch {
    // Not one of ours.
    return null;
  }
}
