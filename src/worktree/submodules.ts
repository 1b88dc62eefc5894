/**
 * Submodules in a worktree. Their repositories lie in the worktree's own git directory and stay there; what is
 * uncommitted in them is in no snapshot.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { fine } from "./faults.ts";
import { git, splitNul } from "./git.ts";
import type { Place, Workshop } from "./workshop.ts";

/** Copies submodules with uncommitted files to where things are kept that a snapshot cannot hold. */
export async function keepSubmodules(workshop: Workshop, place: Place): Promise<Outcome<null>> {
  if (!hasSubmodules(place)) return fine(null);
  const args = ["status", "--porcelain=v2", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=none"];
  const status = await git(workshop.repository.git, { directory: place.directory, args });
  if (!status.ok) return status;
  // The third field says of a submodule whether its commit, its tracked or its untracked files differ.
  const paths = splitNul(status.value).flatMap((entry) => {
    const path = /^1 .. S.(?:M.|.U) (?:\S+ ){5}([^]+)$/.exec(entry.toString())?.[1];
    return path === undefined ? [] : [path];
  });
  for (const path of paths) {
    const target = freeName(join(workshop.places.kept, workshop.session, place.name, path));
    await mkdir(dirname(target), { recursive: true, mode: DIRECTORY_MODE });
    await rm(`${target}.new`, { recursive: true, force: true });
    await cp(join(place.directory, path), `${target}.new`, { recursive: true, verbatimSymlinks: true });
    await rename(`${target}.new`, target);
    workshop.warn(place.lane, `the submodule ${path} has uncommitted files, which are copied to ${target}`);
  }
  return fine(null);
}

/** Puts the submodules that are there to the commits that are recorded for them, with nothing else in them. */
export async function resetSubmodules(workshop: Workshop, place: Place): Promise<Outcome<unknown>> {
  if (!hasSubmodules(place)) return fine(null);
  const command = 'git reset -q --hard "$sha1" && git clean -q -ffdx';
  const args = ["submodule", "--quiet", "foreach", "--recursive", command];
  return git(workshop.repository.git, { directory: place.directory, args });
}

/** What was kept before stays. */
function freeName(path: string): string {
  let free = path;
  for (let number = 2; existsSync(free); number += 1) free = `${path}.${number}`;
  return free;
}

function hasSubmodules(place: Place): boolean {
  return existsSync(join(place.gitDir, "modules"));
}
