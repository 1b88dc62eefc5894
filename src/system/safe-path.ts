import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { FileAccess, Outcome } from "../cook/ports.ts";
import { describeError, errorCode, fault } from "./fault.ts";

/** A file that may be used: its real folder, without any link, and its name there. */
export interface Place {
  /** Null when the folder does not exist yet. */
  readonly directory: string | null;
  /** The folder as it will be once it is made. */
  readonly wanted: string;
  readonly name: string;
  /** The path as the user gave it. */
  readonly shown: string;
}

/**
 * Follows every link and then asks whether the file is still inside the worktree, or in a place that the workflow
 * allows. What is inside `.git` is never inside: writing there is running code.
 */
export async function locate(access: FileAccess): Promise<Outcome<Place>> {
  const shown = access.path;
  if (shown === "" || shown.includes("\0")) return refuse(shown, "it is not a path");
  const asked = resolve(access.directory, shown);
  if (basename(asked) === "" || shown.endsWith("/")) return refuse(shown, "it names a folder and not a file");
  const target = await followLast(asked);
  if (target === null) return refuse(shown, "it is a link that leads nowhere or in a circle");
  const folder = await realOfExisting(dirname(target));
  if (!folder.ok) return refuse(shown, folder.problem);
  const wanted = join(folder.real, folder.missing);
  const file = join(wanted, basename(target));
  const allowed = await allowedRoots(access);
  const root = allowed.find((place) => isInside(place, file));
  if (root === undefined) return refuse(shown, "it leads out of the worktree", OUTSIDE_HELP);
  if (relative(root, file).split(sep).some(isGitName)) return refuse(shown, "it is git's own");
  return {
    ok: true,
    value: { directory: folder.missing === "" ? folder.real : null, wanted, name: basename(target), shown },
  };
}

const OUTSIDE_HELP =
  "Use a path inside the worktree, or name the outside folder in the workflow's allow_paths_outside.";

/** Whether `file` is `place` or below it. Names such as `..a` are below; only `..` itself leads out. */
function isInside(place: string, file: string): boolean {
  const path = relative(place, file);
  return path !== ".." && !path.startsWith(`..${sep}`);
}

/** File systems that ignore case, or trailing dots, reach `.git` by other spellings as well. */
function isGitName(name: string): boolean {
  return /^\.git[. ]*$/i.test(name) || /^git~1$/i.test(name);
}

async function allowedRoots(access: FileAccess): Promise<readonly string[]> {
  const roots: string[] = [];
  for (const place of [access.root, ...access.allowOutside]) {
    const existing = await realOfExisting(resolve(access.root, place));
    if (existing.ok) roots.push(join(existing.real, existing.missing));
  }
  return roots;
}

/** A file that is itself a link stands for what it points to. Null when that does not exist. */
async function followLast(path: string): Promise<string | null> {
  const entry = await lstat(path).catch(() => null);
  if (entry?.isSymbolicLink() !== true) return path;
  return realpath(path).catch(() => null);
}

type Existing =
  | { readonly ok: true; readonly real: string; readonly missing: string }
  | { readonly ok: false; readonly problem: string };

/** The real path of the deepest folder that exists, and what is missing below it. */
async function realOfExisting(path: string): Promise<Existing> {
  const missing: string[] = [];
  for (let current = path; ; current = dirname(current)) {
    try {
      return { ok: true, real: await realpath(current), missing: missing.toReversed().join(sep) };
    } catch (error) {
      if (errorCode(error) !== "ENOENT") return { ok: false, problem: describeError(error) };
      // A link that leads nowhere is there all the same, and making a folder would follow it.
      if ((await lstat(current).catch(() => null)) !== null)
        return { ok: false, problem: "a folder in it is a link that leads nowhere" };
      missing.push(basename(current));
    }
  }
}

function refuse(
  path: string,
  why: string,
  help: string | null = null,
): { readonly ok: false; readonly fault: ReturnType<typeof fault> } {
  return { ok: false, fault: fault("file", `The path ${JSON.stringify(path)} was refused: ${why}.`, help) };
}
