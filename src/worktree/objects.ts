/** Brings objects from the shadow repository back to the user's, which may have collected them since. */
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { git, gitLine } from "./git.ts";
import { type Shadow, shadowCall } from "./shadow.ts";

/** All that these commits or trees need and that no ref of the user's repository holds. */
export async function bringRevisions(shadow: Shadow, revisions: readonly string[]): Promise<Outcome<null>> {
  const { repository } = shadow;
  const known = await gitLine(repository.git, {
    directory: repository.commonDir,
    args: ["for-each-ref", "--format=^%(objectname)"],
  });
  if (!known.ok) return known;
  const args = ["pack-objects", "-q", "--stdout", "--revs"];
  const stdin = `${revisions.join("\n")}\n${known.value}\n`;
  const packed = await git(repository.git, shadowCall(shadow, { objects: "both", args, stdin }));
  return packed.ok ? unpack(shadow, packed.value) : packed;
}

/** Single objects, where they are missing. */
export async function bringObjects(shadow: Shadow, objects: readonly string[]): Promise<Outcome<null>> {
  const { repository } = shadow;
  if (objects.length === 0) return fine(null);
  const check = await git(repository.git, {
    directory: repository.commonDir,
    args: ["cat-file", "--batch-check=%(objectname)"],
    stdin: `${objects.join("\n")}\n`,
  });
  if (!check.ok) return check;
  const missing = check.value
    .toString()
    .split("\n")
    .flatMap((line) => (line.endsWith(" missing") ? [line.slice(0, -" missing".length)] : []));
  if (missing.length === 0) return fine(null);
  const args = ["pack-objects", "-q", "--stdout"];
  const packed = await git(
    repository.git,
    shadowCall(shadow, { objects: "own", args, stdin: `${missing.join("\n")}\n` }),
  );
  return packed.ok ? unpack(shadow, packed.value) : packed;
}

async function unpack(shadow: Shadow, pack: Buffer): Promise<Outcome<null>> {
  const { git: runner, commonDir } = shadow.repository;
  const unpacked = await git(runner, { directory: commonDir, args: ["unpack-objects", "-q"], stdin: pack });
  return unpacked.ok ? fine(null) : unpacked;
}
