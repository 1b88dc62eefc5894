/**
 * Finds out what a lane's files are now. The shadow repository keeps an index of its own for each lane; one listing
 * tells what differs from it, and only that is read. A step that changed nothing costs that one call.
 */
import { existsSync, lstatSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { rm } from "node:fs/promises";
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { type GitCall, git, gitLine, joinNul, runGit, splitNul } from "./git.ts";
import { entryAt, splitGone } from "./links.ts";
import { readStaged, type Staged } from "./staged.ts";
import {
  copyIndex,
  indexSignature,
  indexVersion,
  isSplitIndex,
  secondOf,
  shadowCall,
  withShadowObjects,
} from "./shadow.ts";
import { readOperation, writeSnapshot } from "./snapshot.ts";
import type { LaneMemory, Place, Workshop } from "./workshop.ts";

/** The files as they are now, stored where they differ from the commit. */
export async function scanLane(
  workshop: Workshop,
  place: Place,
  options: { readonly head: string; readonly keep: readonly string[] },
): Promise<Outcome<TreeState>> {
  const { head, keep } = options;
  const memory = await recall(workshop, place, head);
  if (!memory.ok) return memory;
  const [updated, staged, operation] = await Promise.all([
    updateIndex(workshop, place, { memory: memory.value, keep }),
    lookAtIndex(workshop, place, memory.value),
    readOperation(place.gitDir),
  ]);
  if (!updated.ok) return updated;
  if (!staged.ok) return staged;
  // An untouched copy of an index in which nothing is staged is the commit.
  const isCommit = memory.value.copied && staged.value.entries.length === 0;
  if (isCommit && operation === null) return fine({ head, snapshot: null });
  const headTree = await treeOfHead(workshop, memory.value);
  if (!headTree.ok) return headTree;
  if (isCommit) memory.value.filesTree = headTree.value;
  const tree = await writeFilesTree(workshop, place, memory.value);
  if (!tree.ok) return tree;
  if (tree.value === headTree.value && staged.value.entries.length === 0 && operation === null) {
    return fine({ head, snapshot: null });
  }
  const content = { head, files: tree.value, staged: staged.value, operation };
  const key = JSON.stringify([
    head,
    tree.value,
    staged.value.entries.map((entry) => entry.toString("latin1")),
    operation,
  ]);
  if (memory.value.last?.key === key) return fine({ head, snapshot: memory.value.last.snapshot });
  const snapshot = await writeSnapshot(workshop, content);
  if (!snapshot.ok) return snapshot;
  memory.value.last = { key, snapshot: snapshot.value };
  return fine({ head, snapshot: snapshot.value });
}

/** Forgets what is known of a lane, so that the next look starts from the worktree's own index. */
export function forgetLane(workshop: Workshop, place: { readonly lane: string }): void {
  workshop.memories.delete(place.lane);
}

/** What is known of the lane; when HEAD has moved, the shadow index starts again from the worktree's own. */
async function recall(workshop: Workshop, place: Place, head: string): Promise<Outcome<LaneMemory>> {
  const known = workshop.memories.get(place.lane);
  if (known?.head === head) return fine(known);
  const seeded = await seedIndex(workshop, place, head);
  if (!seeded.ok) return seeded;
  const memory: LaneMemory = {
    head,
    headTree: null,
    filesTree: null,
    copied: true,
    indexSignature: "",
    // After a checkout nearly all files are as young as the index. A commit leaves only a few such.
    unsettledSecond: known === undefined ? await secondOf(place.shadowIndex) : null,
    staged: { entries: [], blobs: [] },
    kept: new Set(),
    unstored: [],
    reported: known?.reported ?? new Set(),
    last: known?.last ?? null,
  };
  for (const path of known?.kept ?? []) memory.kept.add(path);
  if (memory.kept.size > 0) memory.copied = false;
  await storeKept(workshop, place, [...memory.kept]);
  workshop.memories.set(place.lane, memory);
  return fine(memory);
}

/** Makes the shadow index equal to the worktree's own, with what git knows of the files' times. */
export async function seedIndex(workshop: Workshop, place: Place, head: string): Promise<Outcome<null>> {
  await rm(`${place.shadowIndex}.lock`, { force: true });
  const copied = await copyIndex(join(place.gitDir, "index"), place.shadowIndex);
  if (copied && !(await isSplitIndex(place.shadowIndex))) return fine(null);
  await rm(place.shadowIndex, { force: true });
  const call = inLane(workshop, place, { objects: "both", args: ["read-tree", head] });
  const read = await git(workshop.repository.git, call);
  return read.ok ? fine(null) : read;
}

/** Asked for only where the files are not simply the commit's. */
async function treeOfHead({ repository }: Workshop, memory: LaneMemory): Promise<Outcome<string>> {
  if (memory.headTree !== null) return fine(memory.headTree);
  const args = ["rev-parse", "--verify", "-q", `${memory.head}^{tree}`];
  const tree = await gitLine(repository.git, { directory: repository.commonDir, args });
  if (tree.ok) memory.headTree = tree.value;
  return tree;
}

/**
 * The same files through the user's own git, with what it ignores and how it converts: a file that git calls unchanged
 * after a checkout must not be stored again as it lies there.
 */
export function listing(workshop: Workshop, place: Place, args: readonly string[]): GitCall {
  return {
    directory: place.directory,
    args: ["ls-files", "-z", "--exclude-standard", ...args],
    env: { ...withShadowObjects(workshop.shadow), GIT_INDEX_FILE: place.shadowIndex },
  };
}

export function inLane(
  workshop: Workshop,
  place: Place,
  call: { readonly objects: "own" | "both"; readonly args: readonly string[]; readonly stdin?: Buffer },
) {
  return shadowCall(workshop.shadow, { ...call, worktree: place.directory, index: place.shadowIndex });
}

async function updateIndex(
  workshop: Workshop,
  place: Place,
  options: { readonly memory: LaneMemory; readonly keep: readonly string[] },
): Promise<Outcome<null>> {
  const { memory, keep } = options;
  const listed = await listChanges(workshop, place);
  if (!listed.ok) return listed;
  const { changed, unstored } = sortOut(splitNul(listed.value), place, workshop.maxUntrackedBytes);
  memory.unstored = unstored.map(({ path }) => path);
  for (const problem of unstored) report(workshop, place, { memory, problem });
  const kept = keep.length === 0 ? [] : await findKept(workshop, place, keep);
  const fresh = kept.filter((path) => !memory.kept.has(path));
  for (const path of fresh) memory.kept.add(path);
  const paths = [...changed, ...fresh.map((path) => Buffer.from(path))];
  if (paths.length > 0) Object.assign(memory, { filesTree: null, copied: false });
  const stored = paths.length === 0 ? fine(null) : await store(workshop, place, paths);
  if (stored.ok && memory.unsettledSecond !== null) await settleIndex(workshop, place, memory);
  return stored;
}

/**
 * Git reads files again that are as young as the index, since it cannot tell by the time whether they changed. Once the
 * index is written in a later second, it can. Changing the index's version makes git write it.
 */
async function settleIndex(workshop: Workshop, place: Place, memory: LaneMemory): Promise<void> {
  if (workshop.now() < ((memory.unsettledSecond ?? 0) + 1) * 1000) return;
  if ((await secondOf(place.shadowIndex)) === memory.unsettledSecond) {
    const version = (await indexVersion(place.shadowIndex)) === 4 ? "2" : "4";
    const args = ["update-index", "--index-version", version];
    await runGit(workshop.repository.git, { ...listing(workshop, place, []), args });
  }
  if ((await secondOf(place.shadowIndex)) !== memory.unsettledSecond) memory.unsettledSecond = null;
}

/** Files that are not as the shadow index has them, new ones included. */
async function listChanges(workshop: Workshop, place: Place): Promise<Outcome<Buffer>> {
  const { git: runner, commonDir } = workshop.repository;
  const listed = await git(runner, listing(workshop, place, CHANGES));
  if (listed.ok || !/filter/.test(listed.fault.message)) return listed;
  // A filter of the user's that cannot run must not stop us: then files are compared as they lie there.
  const excludes = ["--exclude-per-directory=.gitignore", `--exclude-from=${join(commonDir, "info", "exclude")}`];
  const usable = existsSync(join(commonDir, "info", "exclude")) ? excludes : excludes.slice(0, 1);
  return git(runner, inLane(workshop, place, { objects: "both", args: ["ls-files", "-z", ...CHANGES, ...usable] }));
}

const CHANGES = ["-t", "-m", "-d", "-o"] as const;

interface Unstored {
  readonly path: string;
  readonly why: "large" | "repository";
}

/** Paths to read again, and those that a snapshot does not hold. */
function sortOut(
  listed: readonly Buffer[],
  place: Place,
  maxBytes: number,
): { readonly changed: readonly Buffer[]; readonly unstored: readonly Unstored[] } {
  const changed = new Map<string, Buffer>();
  const unstored: Unstored[] = [];
  for (const entry of listed) {
    const path = entry.subarray(2);
    const other = entry[0] === 0x3f;
    if (path.at(-1) === 0x2f) unstored.push({ path: path.toString(), why: "repository" });
    else if (other && sizeOf(place.directory, path) > maxBytes) unstored.push({ path: path.toString(), why: "large" });
    else changed.set(path.toString("latin1"), path);
  }
  return { changed: [...changed.values()], unstored };
}

function sizeOf(directory: string, path: Buffer): number {
  const found = lstatSync(Buffer.concat([Buffer.from(`${directory}/`), path]), { throwIfNoEntry: false });
  return found?.isFile() ? found.size : 0;
}

function report(
  workshop: Workshop,
  place: Place,
  options: { readonly memory: LaneMemory; readonly problem: Unstored },
): void {
  const { memory, problem } = options;
  if (memory.reported.has(problem.path)) return;
  memory.reported.add(problem.path);
  const why =
    problem.why === "large"
      ? `is larger than ${Math.round(workshop.maxUntrackedBytes / 1024 / 1024)} MiB and not tracked`
      : "is a git repository of its own";
  workshop.warn(
    place.lane,
    `${problem.path} ${why}: snapshots do not hold it; it stays where it is and is kept when the worktree is removed`,
  );
}

/** Paths that snapshots cannot hold, as the last look found them, for whoever is about to remove the worktree. */
export function unstoredPaths(workshop: Workshop, place: Place): readonly string[] {
  return workshop.memories.get(place.lane)?.unstored ?? [];
}

/** Files under declared paths: ignored ones too. A pattern is looked up among the ignored files. */
async function findKept(workshop: Workshop, place: Place, keep: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  const patterns: string[] = [];
  for (const declared of keep) {
    const path = relative(place.directory, isAbsolute(declared) ? declared : join(place.directory, declared));
    if (path === "" || path.startsWith("..") || isAbsolute(path) || /^\.git(\/|$)/i.test(path)) continue;
    const entry = entryAt(join(place.directory, path));
    if (entry?.isFile() || entry?.isSymbolicLink()) found.push(path);
    else if (entry?.isDirectory()) patterns.push(`:(literal)${path}`);
    else if (/[*?[]/.test(path)) patterns.push(`:(glob)${path.includes("/") ? path : `**/${path}`}`);
  }
  if (patterns.length === 0) return found;
  const args = ["-o", "-i", "--", ...patterns];
  const listed = await git(workshop.repository.git, listing(workshop, place, args));
  return listed.ok
    ? [
        ...found,
        ...splitNul(listed.value)
          .map(String)
          .filter((path) => !path.endsWith("/")),
      ]
    : found;
}

async function storeKept(workshop: Workshop, place: Place, paths: readonly string[]): Promise<void> {
  if (paths.length > 0)
    await store(
      workshop,
      place,
      paths.map((path) => Buffer.from(path)),
    );
}

async function store(workshop: Workshop, place: Place, paths: readonly Buffer[]): Promise<Outcome<null>> {
  const args = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
  const stored = await git(
    workshop.repository.git,
    inLane(workshop, place, { objects: "own", args, stdin: joinNul(paths) }),
  );
  if (stored.ok || !/beyond a symbolic link|is a directory/.test(stored.fault.lastLines.join()))
    return stored.ok ? fine(null) : stored;
  return storeReplaced(workshop, place, paths);
}

/** A folder has become a link, or a file a folder: what was there is gone, whatever is there now. */
async function storeReplaced(workshop: Workshop, place: Place, paths: readonly Buffer[]): Promise<Outcome<null>> {
  const { gone, rest } = splitGone(place.directory, paths);
  const args = ["update-index", "--force-remove", "-z", "--stdin"];
  const call = inLane(workshop, place, { objects: "own", args, stdin: joinNul(gone) });
  const removed = await git(workshop.repository.git, call);
  if (!removed.ok) return removed;
  return gone.length === 0 || rest.length === 0 ? fine(null) : store(workshop, place, rest);
}

async function writeFilesTree(workshop: Workshop, place: Place, memory: LaneMemory): Promise<Outcome<string>> {
  if (memory.filesTree !== null) return fine(memory.filesTree);
  const runner = workshop.repository.git;
  const call = inLane(workshop, place, { objects: "own", args: ["write-tree", "--missing-ok"] });
  const first = await runGit(runner, call);
  if (first.code !== 0) {
    // A conflict in the copied index: what counts here is the file as it lies there, with its marks.
    const unmerged = await git(runner, inLane(workshop, place, { objects: "own", args: ["ls-files", "-z", "-u"] }));
    if (!unmerged.ok) return unmerged;
    const paths = splitNul(unmerged.value).map((entry) => entry.subarray(entry.indexOf(0x09) + 1));
    const stored = await store(workshop, place, paths);
    if (!stored.ok) return stored;
  }
  const tree = first.code === 0 ? fine(first.stdout.toString().trim()) : await gitLine(runner, call);
  if (tree.ok) memory.filesTree = tree.value;
  return tree;
}

/** What is staged. Git is asked only when the index file is another than the last time. */
async function lookAtIndex(workshop: Workshop, place: Place, memory: LaneMemory): Promise<Outcome<Staged>> {
  const signature = await indexSignature(join(place.gitDir, "index"));
  if (signature === memory.indexSignature) return fine(memory.staged);
  const staged = await readStaged(workshop.repository.git, place.directory, memory.head);
  if (!staged.ok) return staged;
  memory.staged = staged.value;
  memory.indexSignature = signature;
  return staged;
}
