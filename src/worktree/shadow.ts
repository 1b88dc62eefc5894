/**
 * The private repository beside the user's, which holds snapshots and salvage. The user's repository gets no ref and
 * no object of ours, and none of its collections or pushes can touch what is here.
 *
 * Writing goes without the user's objects in sight, so whatever is new to a snapshot is really stored here; only blobs
 * that a commit holds are left to the user's repository. Reading sees both.
 *
 * Bytes are stored as they are: an attribute of our own turns off line ends, filters and encodings.
 */
import { copyFile, mkdir, open, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { type GitCall, git, gitLine } from "./git.ts";
import { exists, isMissing } from "./head.ts";
import type { Repository } from "./repository.ts";

export interface Shadow {
  readonly repository: Repository;
  readonly directory: string;
}

const RAW_ATTRIBUTES = "* -text -eol -crlf -filter -ident -working-tree-encoding\n";

/** Settings of ours: nothing is collected behind our back, and what is written is on the disk. */
const CONFIG = [
  ["gc.auto", "0"],
  ["core.autocrlf", "false"],
  ["core.untrackedCache", "false"],
  ["core.fsync", "loose-object,pack,reference"],
  ["core.fsyncMethod", "batch"],
  ["core.logAllRefUpdates", "false"],
  ["core.bare", "false"],
] as const;

/** Makes the shadow repository where there is none yet. Two processes may do so at once. */
export async function openShadow(repository: Repository, directory: string): Promise<Outcome<Shadow>> {
  const shadow: Shadow = { repository, directory };
  if (await exists(join(directory, "prodigy-ready"))) return fine(shadow);
  // Made by us, because git would let others in.
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  const made = await git(repository.git, {
    directory: repository.topLevel,
    args: ["init", "-q", "--bare", "--template=", `--object-format=${repository.objectFormat}`, directory],
  });
  if (!made.ok) return made;
  for (const [name, value] of CONFIG) {
    const set = await git(repository.git, { directory, args: ["--git-dir", directory, "config", name, value] });
    if (!set.ok) return set;
  }
  await mkdir(join(directory, "info"), { recursive: true, mode: DIRECTORY_MODE });
  await writeFile(join(directory, "info", "attributes"), RAW_ATTRIBUTES);
  await writeFile(join(directory, "prodigy-ready"), `${repository.topLevel}\n`);
  return fine(shadow);
}

/** A call that works on a worktree through the shadow repository. `objects` says whether the user's are seen. */
export function shadowCall(
  shadow: Shadow,
  options: { readonly objects: "own" | "both"; readonly worktree?: string; readonly index?: string } & Omit<
    GitCall,
    "directory"
  >,
): GitCall {
  const { objects, worktree, index, ...call } = options;
  const place = worktree === undefined ? [] : ["--work-tree", worktree];
  return {
    ...call,
    directory: worktree ?? shadow.directory,
    args: ["--git-dir", shadow.directory, ...place, ...shadow.repository.changeSettings, ...call.args],
    env: {
      ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
      ...(objects === "both" ? { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(shadow.repository.commonDir, "objects") } : {}),
      ...call.env,
    },
  };
}

/** Settings for a call in the user's repository that has to read our objects as well. */
export function withShadowObjects(shadow: Shadow): Readonly<Record<string, string>> {
  return { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(shadow.directory, "objects") };
}

/** Copies objects out of the user's repository, so that no collection there can take them. */
export async function copyObjects(
  shadow: Shadow,
  what: { readonly kind: "list" | "revisions"; readonly lines: readonly string[] },
): Promise<Outcome<null>> {
  if (what.lines.length === 0) return fine(null);
  const target = join(shadow.directory, "objects", "pack", "pack");
  await mkdir(dirname(target), { recursive: true, mode: DIRECTORY_MODE });
  const packed = await git(shadow.repository.git, {
    directory: shadow.repository.commonDir,
    args: [
      "--git-dir",
      shadow.repository.commonDir,
      "pack-objects",
      "-q",
      "--non-empty",
      ...(what.kind === "revisions" ? ["--revs"] : []),
      target,
    ],
    env: withShadowObjects(shadow),
    stdin: `${what.lines.join("\n")}\n`,
  });
  return packed.ok ? fine(null) : packed;
}

/** Names an object of ours. Written straight into the folder: nobody else writes refs here, and a call costs more. */
export async function writeShadowRef(shadow: Shadow, name: string, object: string): Promise<Outcome<null>> {
  const path = join(shadow.directory, ...name.split("/"));
  try {
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(`${path}.lock`, `${object}\n`, { flush: true });
    await rename(`${path}.lock`, path);
    return fine(null);
  } catch (error) {
    return failed(fileFault(`writing ${path}`, error));
  }
}

/**
 * Copies a worktree's index, so that no file has to be read again. Git finds files that changed within the index's own
 * second by the index's time of change, so the copy must not look younger than the original.
 */
export async function copyIndex(from: string, to: string): Promise<boolean> {
  try {
    const { mtimeMs, atimeMs } = await stat(from);
    await mkdir(dirname(to), { recursive: true, mode: DIRECTORY_MODE });
    await copyFile(from, `${to}.new`);
    await utimes(`${to}.new`, atimeMs / 1000, Math.floor(mtimeMs / 1000));
    await rename(`${to}.new`, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Stores bytes and gives their name. */
export async function storeBlob(shadow: Shadow, bytes: Buffer): Promise<Outcome<string>> {
  return gitLine(
    shadow.repository.git,
    shadowCall(shadow, { objects: "own", args: ["hash-object", "-w", "--stdin", "--no-filters"], stdin: bytes }),
  );
}

/** The bytes that tell one content of an index from another, without reading the whole file. */
export async function indexSignature(index: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(index, { bigint: true });
    return `${ino}:${size}:${mtimeNs}`;
  } catch (error) {
    if (isMissing(error)) return "none";
    throw error;
  }
}

/** Whether a copied index refers to a second file, which git would not find from where the copy lies. */
export async function isSplitIndex(index: string): Promise<boolean> {
  const bytes = await readFile(index);
  return bytes.subarray(-128).includes("link");
}

/** The second in which a file was last written; null when it is not there. */
export async function secondOf(path: string): Promise<number | null> {
  try {
    return Math.floor((await stat(path)).mtimeMs / 1000);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The version of an index's form, from its header. */
export async function indexVersion(index: string): Promise<number> {
  const file = await open(index);
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.readUInt32BE(4);
  } finally {
    await file.close();
  }
}
