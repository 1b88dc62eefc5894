/**
 * Marks of conflicts that a merge has left in files. An agent that commits a merge without resolving it has done
 * something that git takes for finished; landing it would break the user's branch.
 */
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { gitLine, runGit } from "./git.ts";
import type { Repository } from "./repository.ts";

/** More than this is no resolution that anybody wrote; it is not looked through. */
const MAX_DIFF_BYTES = 32 * 1024 * 1024;

/** Files with marks that came with a merge between the two commits, and are still there. */
export async function leftoverMarks(
  repository: Repository,
  range: { readonly from: string; readonly to: string },
): Promise<Outcome<readonly string[]>> {
  const { git: runner, commonDir: directory } = repository;
  // A combined diff holds what differs from all sides: what the merge itself has made. A clean merge has none.
  const options = ["--merges", "--cc", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--format="];
  const args = ["-c", "core.quotePath=false", "log", ...options, `${range.from}..${range.to}`, "--"];
  const log = await runGit(runner, { directory, args, maxBytes: MAX_DIFF_BYTES });
  const suspects = log.code === 0 ? filesWithMarks(log.stdout.toString("utf8")) : [];
  if (suspects.length === 0) return fine([]);
  const found = await gitLine(runner, {
    directory,
    args: ["grep", "-l", "-z", "-I", "-e", "^>>>>>>> ", range.to, "--"],
  });
  // Nothing found is an exit code of 1, too.
  const still = new Set(found.ok ? found.value.split("\0").map((name) => name.replace(`${range.to}:`, "")) : []);
  return fine(suspects.filter((path) => still.has(path)));
}

function filesWithMarks(diff: string): readonly string[] {
  const files = diff.split(/^diff --cc /m).slice(1);
  const marked = files.filter((text) => /^\+\+<{7} /m.test(text) && /^\+\+>{7} /m.test(text));
  return [...new Set(marked.map((text) => text.split("\n", 1)[0] ?? ""))];
}
