// @ts-check
// What a whole run costs beyond the worktree that git makes and removes for it, on a repository of 5,000 files.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { atMost, median, spread } from "./figures.mjs";
import { commitFiles, inPlace, MAIN, timed } from "./place.mjs";

const ROUNDS = 9;
const LIMIT_S = 0.3;

export function worktreeBench() {
  return inPlace(async (place) => {
    await commitFiles(place);
    const workflow = join(place.root, "one-step.yml");
    writeFileSync(workflow, '- shell: "true"\n');
    const where = { cwd: place.repository, env: place.env };
    const tree = join(place.root, "tree");
    const git = async () =>
      (await timed(["git", "worktree", "add", "--quiet", "-b", "bare", tree], where)) +
      (await timed(["git", "worktree", "remove", tree], where)) +
      (await timed(["git", "branch", "--quiet", "-D", "bare"], where));
    const prodigy = () => timed([process.execPath, MAIN, "run", workflow, "--yes"], where);
    // The first of each fills the caches and makes what is made once for each repository.
    await git();
    await prodigy();
    /** @type {number[]} */
    const bare = [];
    /** @type {number[]} */
    const ours = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await git());
      ours.push(await prodigy());
    }
    const scale = {
      text: "prodigy run of one `true` step beyond git's worktree",
      limit: LIMIT_S,
      digits: 2,
      unit: " s",
    };
    const details = [spread("git worktree add, remove, branch -D", bare), spread("prodigy run --yes", ours)];
    return [atMost((median(ours) - median(bare)) / 1000, scale, details)];
  });
}
