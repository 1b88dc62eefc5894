/** Reads what git says about differences between trees and about commits. */
import type { Changes, Commit } from "../cook/decision/event.ts";
import { type Git, git, splitNul } from "./git.ts";
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";

export const NO_CHANGES: Changes = { added: [], modified: [], deleted: [], insertions: 0, deletions: 0 };

const DIFF = ["-z", "--raw", "--numstat", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv"] as const;

/** Where trees are looked up: a call that already says which repository. */
export interface Where {
  readonly directory: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Differences between two trees or commits. */
export async function diffTrees(
  runner: Git,
  where: Where,
  pair: { readonly from: string; readonly to: string },
): Promise<Outcome<Changes>> {
  if (pair.from === pair.to) return fine(NO_CHANGES);
  const answer = await git(runner, {
    ...where,
    args: [...(where.args ?? []), "diff-tree", "-r", ...DIFF, pair.from, pair.to],
  });
  return answer.ok ? fine(readChanges(splitNul(answer.value).map(String))) : answer;
}

/** Commits that are on one side only of a moved HEAD. */
export interface Moved {
  /** New commits, oldest first. */
  readonly gained: readonly Commit[];
  /** Commits that HEAD no longer contains. */
  readonly lost: readonly string[];
}

/** What came and what went when HEAD moved, in one call. A merge is listed without files of its own. */
export async function moveOfHead(
  runner: Git,
  where: Where,
  pair: { readonly from: string; readonly to: string },
): Promise<Outcome<Moved>> {
  if (pair.from === pair.to) return fine({ gained: [], lost: [] });
  const args = ["log", ...DIFF, "--left-right", "--topo-order", `--format=${FORMAT}`, `${pair.from}...${pair.to}`];
  const answer = await git(runner, { ...where, args: [...(where.args ?? []), ...args] });
  if (!answer.ok) return answer;
  const entries = readLog(splitNul(answer.value).map(String));
  return fine({
    gained: entries
      .filter((entry) => entry.side === ">")
      .map((entry) => entry.commit)
      .reverse(),
    lost: entries.filter((entry) => entry.side === "<").map((entry) => entry.commit.hash),
  });
}

/** A start byte that neither a difference nor a count begins with, then fields that no author's name holds. */
const FORMAT = "%x02%H%x1f%m%x1f%an <%ae>%x1f%ct%x1f%B";

function readLog(tokens: readonly string[]): readonly { readonly side: string; readonly commit: Commit }[] {
  const starts = headerPositions(tokens);
  return starts.map((start, index) => {
    const [hash = "", side = "", author = "", seconds = "0", ...message] = (tokens[start] ?? "").slice(1).split("\x1f");
    const changes = readChanges(tokens.slice(start + 1, starts[index + 1] ?? tokens.length));
    return {
      side,
      commit: { hash, message: message.join("\x1f").trimEnd(), author, at: Number(seconds) * 1000, changes },
    };
  });
}

/** A path is skipped with the entry that it belongs to, so that a file name cannot pass for a commit. */
function headerPositions(tokens: readonly string[]): readonly number[] {
  const positions: number[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index] ?? "";
    if (token.startsWith("\x02")) positions.push(index);
    else if (token.trimStart().startsWith(":")) index += 1;
  }
  return positions;
}

function readChanges(tokens: readonly string[]): Changes {
  const added: string[] = [];
  const modified: string[] = [];
  const deleted: string[] = [];
  let insertions = 0;
  let deletions = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = (tokens[index] ?? "").replace(/^\n/, "");
    if (token.startsWith(":")) {
      index += 1;
      const list = token.endsWith("A") ? added : token.endsWith("D") ? deleted : modified;
      list.push(tokens[index] ?? "");
      continue;
    }
    // A dash stands for a binary file, which has no lines.
    const counts = /^(\d+|-)\t(\d+|-)\t/.exec(token);
    insertions += Number(counts?.[1] ?? 0) || 0;
    deletions += Number(counts?.[2] ?? 0) || 0;
  }
  return { added, modified, deleted, insertions, deletions };
}
