/**
 * A snapshot is a commit in the shadow repository: its tree is all files of the worktree, its parent, if it has one,
 * holds what was staged, and its message says the rest. The same state gives the same commit.
 */
import { join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { failed, fault, fine } from "./faults.ts";
import { git, gitLine, joinNul, splitNul } from "./git.ts";
import { readText } from "./head.ts";
import { identityEnvironment, OWN_IDENTITY } from "./repository.ts";
import { copyObjects, type Shadow, shadowCall, storeBlob, writeShadowRef } from "./shadow.ts";
import type { Staged } from "./staged.ts";
import type { Workshop } from "./workshop.ts";

/** Small files beside HEAD that make a merge or a cherry-pick go on. A rebase is not kept: it is too much of git's own. */
export type OperationFiles = Readonly<Record<string, string>>;

export interface SnapshotContent {
  readonly head: string;
  /** The tree of all files. */
  readonly files: string;
  readonly staged: Staged;
  readonly operation: OperationFiles | null;
}

export interface StoredSnapshot {
  readonly head: string;
  readonly files: string;
  /** Lines for `git update-index -z --index-info`, and the objects that they need. */
  readonly staged: Staged;
  readonly operation: OperationFiles | null;
}

const STARTS = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"] as const;
const BESIDE = ["MERGE_MSG", "MERGE_MODE"] as const;
export const OPERATION_FILES: readonly string[] = [...STARTS, ...BESIDE];

/** The files of a merge, cherry-pick or revert that has begun; null when there is none. */
export async function readOperation(gitDir: string): Promise<OperationFiles | null> {
  const started = await readFiles(gitDir, STARTS);
  if (Object.keys(started).length === 0) return null;
  return { ...started, ...(await readFiles(gitDir, BESIDE)) };
}

/** Stores a state and gives its name. */
export async function writeSnapshot(workshop: Workshop, content: SnapshotContent): Promise<Outcome<string>> {
  const { shadow } = workshop;
  const parent = await writeStaged(shadow, content.staged);
  if (!parent.ok) return parent;
  const message = JSON.stringify({ version: 1, head: content.head, operation: content.operation });
  const commit = await commitTree(shadow, {
    tree: content.files,
    parents: parent.value === null ? [] : [parent.value],
    message,
  });
  if (!commit.ok) return commit;
  const named = await writeShadowRef(shadow, `refs/snapshots/${workshop.session}/${commit.value}`, commit.value);
  return named.ok ? commit : named;
}

/** Reads a state back. */
export async function readSnapshot(shadow: Shadow, snapshot: string): Promise<Outcome<StoredSnapshot>> {
  const runner = shadow.repository.git;
  const shown = await gitLine(
    runner,
    shadowCall(shadow, { objects: "own", args: ["log", "-1", "--no-walk", "--format=%T%n%P%n%B", snapshot] }),
  );
  if (!shown.ok) return failed(missing(snapshot, shown.fault.message));
  const [files = "", parent = "", ...message] = shown.value.split("\n");
  const meta = readMeta(message.join("\n"));
  if (meta === null) return failed(missing(snapshot, "its description cannot be read"));
  if (parent === "") return fine({ ...meta, files, staged: { entries: [], blobs: [] } });
  const [lines, names] = await Promise.all([
    git(runner, shadowCall(shadow, { objects: "own", args: ["cat-file", "blob", `${parent}:${STAGED}`] })),
    git(runner, shadowCall(shadow, { objects: "own", args: ["ls-tree", "-z", "--name-only", parent] })),
  ]);
  if (!lines.ok) return lines;
  if (!names.ok) return names;
  const blobs = splitNul(names.value)
    .map(String)
    .filter((name) => name !== STAGED);
  return fine({ ...meta, files, staged: { entries: splitNul(lines.value), blobs } });
}

export async function commitTree(
  shadow: Shadow,
  options: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
): Promise<Outcome<string>> {
  const parents = options.parents.flatMap((parent) => ["-p", parent]);
  return gitLine(
    shadow.repository.git,
    shadowCall(shadow, {
      objects: "both",
      args: ["commit-tree", "--no-gpg-sign", ...parents, options.tree],
      env: { ...identityEnvironment(OWN_IDENTITY), GIT_AUTHOR_DATE: FIXED_DATE, GIT_COMMITTER_DATE: FIXED_DATE },
      stdin: options.message,
    }),
  );
}

/** One and the same for all, so that one and the same state has one name. */
const FIXED_DATE = "@1000000000 +0000";
const STAGED = "staged";

/** The staged lines and every object that they name, so that nothing of it can be collected. Null for none. */
async function writeStaged(shadow: Shadow, staged: Staged): Promise<Outcome<string | null>> {
  if (staged.entries.length === 0) return fine(null);
  const copied = await copyObjects(shadow, { kind: "list", lines: staged.blobs });
  if (!copied.ok) return copied;
  const lines = await storeBlob(shadow, joinNul(staged.entries));
  if (!lines.ok) return lines;
  const entries = [
    `100644 blob ${lines.value}\t${STAGED}`,
    ...staged.blobs.map((blob) => `100644 blob ${blob}\t${blob}`),
  ];
  const tree = await gitLine(
    shadow.repository.git,
    shadowCall(shadow, { objects: "own", args: ["mktree", "-z"], stdin: joinNul(entries) }),
  );
  return tree.ok ? commitTree(shadow, { tree: tree.value, parents: [], message: STAGED }) : tree;
}

async function readFiles(directory: string, names: readonly string[]): Promise<OperationFiles> {
  const texts = await Promise.all(names.map(async (name) => [name, await readText(join(directory, name))] as const));
  return Object.fromEntries(texts.flatMap(([name, text]) => (text === null ? [] : [[name, text]])));
}

function readMeta(text: string): { readonly head: string; readonly operation: OperationFiles | null } | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("head" in value) || typeof value.head !== "string")
      return null;
    return { head: value.head, operation: "operation" in value ? operationOf(value.operation) : null };
  } catch {
    return null;
  }
}

function operationOf(value: unknown): OperationFiles | null {
  if (typeof value !== "object" || value === null) return null;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) =>
      OPERATION_FILES.includes(name) && typeof text === "string" ? [[name, text]] : [],
    ),
  );
}

function missing(snapshot: string, why: string): ReturnType<typeof fault> {
  return fault(
    "git",
    `the snapshot ${snapshot} cannot be read: ${why}`,
    "prodigy salvage list shows what else was kept",
  );
}
