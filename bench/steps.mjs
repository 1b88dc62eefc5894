// @ts-check
// What a step costs beyond its own process, on a repository of 5,000 files: from the end of one step to the end of the
// next, as the journal has it, less the time of the same process started bare.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { atMost, median, spread } from "./figures.mjs";
import { commitFiles, eventsOf, inPlace, MAIN, timed } from "./place.mjs";

const STEPS = 30;

const KINDS = [
  { text: "a step that changes nothing beyond its process", limit: 20, script: () => "true" },
  {
    text: "a step that changes a file beyond its process",
    limit: 70,
    script: (/** @type {number} */ step) => `echo ${step} >> part-${step}/file-0.txt`,
  },
];

export async function stepsBench() {
  const figures = [];
  for (const { text, limit, script } of KINDS) {
    figures.push(
      await inPlace(async (place) => {
        await commitFiles(place);
        const scripts = Array.from({ length: STEPS }, (_, step) => script(step));
        const workflow = join(place.root, "steps.yml");
        writeFileSync(workflow, scripts.map((line) => `- shell: ${JSON.stringify(line)}\n`).join(""));
        const [before, after] = await around(place, scripts, () =>
          timed([process.execPath, MAIN, "run", workflow, "--yes"], { cwd: place.repository, env: place.env }),
        );
        const bare = [...before, ...after];
        const ends = eventsOf(place).flatMap((event) => (event.type === "step-ended" ? [event.at] : []));
        const ours = ends.slice(1).map((end, index) => end - (ends[index] ?? end));
        const scale = { text, limit, digits: 1, unit: " ms" };
        const details = [spread("sh -c, bare", bare), spread("from the end of a step to the end of the next", ours)];
        return atMost(median(ours) - median(bare), scale, details);
      }),
    );
  }
  return figures;
}

/**
 * The bare processes, before and after the run, in a repository that they leave changed.
 *
 * @param {import("./place.mjs").Place} place
 * @param {readonly string[]} scripts
 * @param {() => Promise<number>} run
 * @returns {Promise<[readonly number[], readonly number[]]>}
 */
async function around({ repository, env }, scripts, run) {
  const bare = async () => {
    const times = [];
    for (const script of scripts) times.push(await timed(["/bin/sh", "-c", script], { cwd: repository, env }));
    return times;
  };
  const before = await bare();
  await timed(["git", "checkout", "--quiet", "--force", "HEAD"], { cwd: repository, env });
  await run();
  return [before, await bare()];
}
