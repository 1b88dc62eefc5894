/**
 * A hundred items on sixteen worktrees of a repository of 5,000 files, of two sessions at once: no operation fails, no
 * item sees anything of another, and each one's work is in the end result.
 *
 * ITEMS, MEMBERS and FILES make it smaller.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { makeRepo, openSession, type Session, type TestRepo, value, writeIn } from "../../src/worktree/test-repo.ts";

const ITEMS = Number(process.env["ITEMS"] ?? 100);
const MEMBERS = Number(process.env["MEMBERS"] ?? 16);
const FILES = Number(process.env["FILES"] ?? 5_000);
const POOL = { keep: ["node_modules"], copy: [".env"] };

test("many items on few worktrees: nothing fails, nothing leaks, nothing is lost", async () => {
  await using repo = await makeRepo({ name: "pröject with spaces" });
  await repo.commit("Files", filesOf());
  const sessions = await Promise.all(
    ["session-one", "session-two"].map(async (session) => openSession(repo, { session })),
  );
  await Promise.all(sessions.map((session) => run(repo, session)));
  expect(await repo.run("worktree", "list", "--porcelain")).not.toContain("session-");
  expect(await repo.run("fsck", "--connectivity-only", "--no-dangling")).toBe("");
});

function filesOf(): Readonly<Record<string, string>> {
  const files = Array.from({ length: FILES }, (_, index) => [
    `part-${index % 50}/file-${index}.txt`,
    `file ${index}\n`,
  ]);
  return { ...Object.fromEntries(files), ".gitignore": "node_modules/\n*.log\n.env\n" };
}

async function run(repo: TestRepo, session: Session): Promise<void> {
  const main = { lane: "main", tree: session.start, mode: "restore", reason: "start" } as const;
  const { directory } = value(await session.trees.prepare(main));
  await writeIn(directory, ".env", "A=1\n");
  const queue = Array.from({ length: ITEMS }, (_, number) => number);
  let merging: Promise<string> = Promise.resolve(session.start.head);
  const workers = Array.from({ length: MEMBERS }, async () => {
    for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
      const lane = `item-${number}`;
      const head = await work(repo, session, { lane, number });
      // One after another, as the merge queue does.
      merging = merging.then(async (base) => {
        const merged = value(await session.trees.combine({ base, head, message: `Merge agent ${lane}` }));
        if (merged.kind === "conflict") throw new Error(`${lane} conflicts`);
        return merged.commit;
      });
      const combined = await merging;
      const { salvage } = value(await session.trees.release({ lane, known: null, merged: combined, reason: "done" }));
      // Every fifth item leaves something uncommitted.
      expect(salvage === null).toBe(number % 5 !== 0);
    }
  });
  await Promise.all(workers);
  const last = await merging;
  const { tree } = value(await session.trees.advance({ lane: "main", to: last, reason: "results" }));
  expect(tree).toEqual({ head: last, snapshot: null });
  for (let number = 0; number < ITEMS; number += 1)
    expect(await readFile(join(directory, `made/item-${number}.txt`), "utf8")).toBe(`${number}\n`);
  value(await session.trees.remove({ lane: "main", target: null, reason: "ended" }));
  await session.trees[Symbol.asyncDispose]();
}

async function work(
  repo: TestRepo,
  session: Session,
  item: { readonly lane: string; readonly number: number },
): Promise<string> {
  const { lane, number } = item;
  const request = { lane, tree: session.start, mode: "restore", reason: "item", pool: POOL } as const;
  const prepared = value(await session.trees.prepare(request));
  expect(prepared.tree).toEqual(session.start);
  const { directory } = prepared;
  expect(await repo.runIn(directory, "status", "--porcelain", "--ignored")).toMatch(/^!! \.env(\n!! node_modules\/)?$/);
  expect(existsSync(join(directory, "made"))).toBe(false);
  await writeIn(directory, `made/${lane}.txt`, `${number}\n`);
  await writeIn(directory, `part-${number % 50}/file-${number}.txt`, `changed by ${lane}\n`);
  await writeIn(directory, "node_modules/cache", lane);
  await writeIn(directory, "noise.log", lane);
  await repo.runIn(directory, "add", "-A");
  await repo.runIn(directory, "commit", "-q", "-m", lane);
  const head = await repo.runIn(directory, "rev-parse", "HEAD");
  if (number % 5 === 0) await writeIn(directory, `part-1/left by ${lane}.txt`, "left\n");
  if (number % 7 === 0)
    await repo.runIn(directory, "checkout", "-q", "-B", `agent-${basename(dirname(directory))}-${lane}`);
  return head;
}
