/**
 * Puts a lane's worktree into a recorded state: HEAD, index and files. Dying anywhere in here leaves the marker, and
 * whoever comes next starts over; what had been there was kept before the first change.
 */
import { mkdir, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TreeState } from "../cook/decision/event.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import type { Outcome } from "../cook/ports.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { git, gitLine, joinNul, runGit, splitNul } from "./git.ts";
import { isMissing } from "./head.ts";
import { moveHead } from "./lane-head.ts";
import { bringObjects, bringRevisions } from "./objects.ts";
import { forgetLane, inLane, listing, scanLane, seedIndex } from "./scan.ts";
import { shadowCall, withShadowObjects } from "./shadow.ts";
import { OPERATION_FILES, readSnapshot, type StoredSnapshot } from "./snapshot.ts";
import type { Place, Workshop } from "./workshop.ts";

/** What the marker says: that nothing there is anybody's work yet, or that a restore was cut off. */
export const MADE = "made\n";
export const RESTORING = "restoring\n";

/** `present` is what is there and has been kept; null where nothing is anybody's work. */
export async function restoreLane(
  workshop: Workshop,
  place: Place,
  options: { readonly to: TreeState; readonly present: TreeState | null },
): Promise<Outcome<null>> {
  const { to, present } = options;
  try {
    const wanted = to.snapshot === null ? fine(null) : await readSnapshot(workshop.shadow, to.snapshot);
    if (!wanted.ok) return wanted;
    await mkdir(dirname(place.marker), { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(place.marker, present === null ? MADE : RESTORING);
    forgetLane(workshop, place);
    // Files that have to go are found through the shadow index.
    const sweep = present !== null && present.snapshot !== null;
    const steps = [
      () => checkOut(workshop, place, to.head),
      () => writeFiles(workshop, place, { head: to.head, snapshot: wanted.value, sweep }),
      () => removeOthers(workshop, place, present),
      () => writeIndex(workshop, place, wanted.value),
    ];
    for (const step of steps) {
      const done = await step();
      if (!done.ok) return done;
    }
    await rm(place.marker, { force: true });
    return fine(null);
  } catch (error) {
    return failed(fileFault(`restoring ${place.directory}`, error));
  }
}

/** The commit may have been collected since, if no branch held it any more; what was kept of it goes back. */
async function checkOut(workshop: Workshop, place: Place, head: string): Promise<Outcome<null>> {
  const first = await resetToCommit(workshop, place, head);
  if (first.ok) return first;
  const brought = await bringRevisions(workshop.shadow, [head]);
  return brought.ok ? resetToCommit(workshop, place, head) : first;
}

/** Ends whatever was in progress and checks the commit out, through the user's own filters and line ends. */
async function resetToCommit(workshop: Workshop, place: Place, head: string): Promise<Outcome<null>> {
  const leftovers = [
    ...OPERATION_FILES,
    "AUTO_MERGE",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
    "BISECT_LOG",
    "BISECT_START",
  ];
  await Promise.all(leftovers.map((name) => rm(join(place.gitDir, name), { recursive: true, force: true })));
  const moved = await moveHead(workshop, place, head);
  if (!moved.ok) return moved;
  const call = { directory: place.directory, args: ["reset", "-q", "--hard", head] };
  const reset = await runGit(workshop.repository.git, call);
  if (reset.code === 0) return fine(null);
  // A damaged index stops even this; without one, git starts from nothing.
  await rm(join(place.gitDir, "index"), { force: true });
  const again = await git(workshop.repository.git, call);
  return again.ok ? fine(null) : again;
}

/**
 * Writes the files in which the snapshot differs from its commit, byte for byte. Only these: a file that came through
 * the user's filters does not look like its blob, and must not be written again without them.
 */
async function writeFiles(
  workshop: Workshop,
  place: Place,
  target: { readonly head: string; readonly snapshot: StoredSnapshot | null; readonly sweep: boolean },
): Promise<Outcome<null>> {
  // Whoever looks at the lane next starts from the worktree's own index again.
  if (target.snapshot === null && !target.sweep) return fine(null);
  const seeded = await seedIndex(workshop, place, target.head);
  if (!seeded.ok || target.snapshot === null) return seeded.ok ? fine(null) : seeded;
  const runner = workshop.repository.git;
  const diff = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", target.head, target.snapshot.files];
  const listed = await git(runner, shadowCall(workshop.shadow, { objects: "both", args: diff }));
  if (!listed.ok) return listed;
  const { entries, written, deleted } = readDifferences(splitNul(listed.value));
  if (entries.length === 0) return fine(null);
  for (const path of deleted) await removeFile(place.directory, path);
  const steps = [
    { args: ["update-index", "-z", "--index-info"], stdin: joinNul(entries) },
    { args: ["checkout-index", "-q", "-f", "-u", "-z", "--stdin"], stdin: joinNul(written) },
  ];
  for (const step of steps) {
    const done = await git(runner, inLane(workshop, place, { objects: "both", ...step }));
    if (!done.ok) return done;
  }
  return fine(null);
}

/** The commit of a submodule is noted; its files are in another repository and stay as they are. */
function readDifferences(tokens: readonly Buffer[]) {
  const entries: Buffer[] = [];
  const written: Buffer[] = [];
  const deleted: Buffer[] = [];
  for (let index = 0; index + 1 < tokens.length; index += 2) {
    const [, mode = "", , object = "", status = ""] = (tokens[index] ?? "").toString().split(" ");
    const path = tokens[index + 1] ?? Buffer.alloc(0);
    const gone = status === "D";
    entries.push(Buffer.concat([Buffer.from(`${gone ? "0" : mode} ${object}\t`), path]));
    if (gone) deleted.push(path);
    else if (mode !== "160000") written.push(path);
  }
  return { entries, written, deleted };
}

/** Deletes what was there before and has no place in the wanted state. Only files that were kept are deleted. */
async function removeOthers(workshop: Workshop, place: Place, present: TreeState | null): Promise<Outcome<null>> {
  if (present === null || present.snapshot === null) return fine(null);
  const runner = workshop.repository.git;
  const [others, kept] = await Promise.all([
    git(runner, listing(workshop, place, ["-o"])),
    git(
      runner,
      shadowCall(workshop.shadow, {
        objects: "both",
        args: [
          "diff-tree",
          "-r",
          "-z",
          "--name-only",
          "--diff-filter=A",
          "--no-renames",
          present.head,
          present.snapshot,
        ],
      }),
    ),
  ]);
  if (!others.ok) return others;
  if (!kept.ok) return kept;
  const deletable = new Set(splitNul(kept.value).map((path) => path.toString("latin1")));
  for (const path of splitNul(others.value)) {
    if (deletable.has(path.toString("latin1"))) await removeFile(place.directory, path);
  }
  return fine(null);
}

async function removeFile(root: string, path: Buffer): Promise<void> {
  await unlink(Buffer.concat([Buffer.from(`${root}/`), path])).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  // Git knows no empty folders, so those that this leaves go too.
  for (let end = path.lastIndexOf(0x2f); end > 0; end = path.lastIndexOf(0x2f, end - 1)) {
    try {
      await rmdir(Buffer.concat([Buffer.from(`${root}/`), path.subarray(0, end)]));
    } catch {
      // Something else is in it.
      return;
    }
  }
}

/** Stages what was staged, conflicts included, and takes up the merge that was going on. */
async function writeIndex(workshop: Workshop, place: Place, snapshot: StoredSnapshot | null): Promise<Outcome<null>> {
  if (snapshot === null) return fine(null);
  const runner = workshop.repository.git;
  if (snapshot.staged.entries.length > 0) {
    const brought = await bringObjects(workshop.shadow, snapshot.staged.blobs);
    if (!brought.ok) return brought;
    const staged = await git(runner, {
      directory: place.directory,
      args: ["update-index", "-z", "--index-info"],
      stdin: joinNul(snapshot.staged.entries),
      env: withShadowObjects(workshop.shadow),
    });
    if (!staged.ok) return staged;
    // Files that are as staged need not be read again at each later look. Those that differ make it exit with 1.
    await runGit(runner, { directory: place.directory, args: ["update-index", "-q", "--refresh"] });
  }
  for (const [name, text] of Object.entries(snapshot.operation ?? {})) await writeFile(join(place.gitDir, name), text);
  return fine(null);
}

/** What is there after all, with ignored files that the snapshot held known as kept. */
export async function lookAfterRestore(workshop: Workshop, place: Place, to: TreeState): Promise<Outcome<TreeState>> {
  if (to.snapshot === null) return scanLane(workshop, place, { head: to.head, keep: [] });
  const kept = await gitLine(workshop.repository.git, listing(workshop, place, ["-c", "-i"]));
  const keep = kept.ok ? kept.value.split("\0").filter((path) => path !== "") : [];
  return scanLane(workshop, place, { head: to.head, keep });
}
