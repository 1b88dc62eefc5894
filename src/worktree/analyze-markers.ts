/** Open markers in comments: what authors left for later. */
import type { Outcome } from "../cook/ports.ts";
import { failed, fine, gitFault } from "./faults.ts";
import { type Git, runGit } from "./git.ts";

export interface Markers {
  readonly total: number;
  readonly by_kind: Readonly<Record<string, number>>;
  readonly files: readonly { readonly path: string; readonly count: number }[];
}

/** Written apart, so that a search for open markers does not find this file. */
const KINDS = [`TO${"DO"}`, `FIX${"ME"}`, `HA${"CK"}`, `XX${"X"}`] as const;
const LISTED = 20;
/** A repository with more text in markers than this is told by its first ones. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Counts markers in the commit's text files. */
export async function findMarkers(
  runner: Git,
  where: { readonly directory: string; readonly head: string },
  signal: AbortSignal,
): Promise<Outcome<Markers>> {
  const args = ["grep", "-I", "-z", "-o", "-w", "-E", `(${KINDS.join("|")})`, where.head, "--", ":(top)"];
  const result = await runGit(runner, { directory: where.directory, args, maxBytes: MAX_BYTES, signal });
  // Exit code 1 says that there is none.
  if (result.code !== 0 && result.code !== 1 && result.ended !== "too-much") return failed(gitFault(args, result));
  return fine(count(result.stdout.toString("utf8"), where.head));
}

/** Each line is `COMMIT:PATH`, a zero byte, and the marker. */
function count(text: string, head: string): Markers {
  const kinds = new Map<string, number>();
  const files = new Map<string, number>();
  let total = 0;
  for (const match of text.matchAll(/([^\0]+)\0([A-Z]+)\n/g)) {
    const path = (match[1] ?? "").slice(head.length + 1);
    const kind = match[2] ?? "";
    total += 1;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    files.set(path, (files.get(path) ?? 0) + 1);
  }
  const listed = [...files].map(([path, found]) => ({ path, count: found }));
  const order = listed.toSorted((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
  return {
    total,
    by_kind: Object.fromEntries([...kinds].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    files: order.slice(0, LISTED),
  };
}
