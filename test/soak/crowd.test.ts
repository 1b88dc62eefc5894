/**
 * A hundred items, sixteen at once, on a repository of 5,000 files, through the built command line: no operation on a
 * worktree fails, and every item lands.
 *
 * RUNS sets how often (20, or 3 in a short soak).
 */
import { expect, test } from "vitest";
import { below, eventsOf } from "../kit/killing.ts";
import { newRig } from "../kit/rig.ts";

const RUNS = Number(process.env["RUNS"] ?? (process.env["SOAK"] === "ci" ? 3 : 20));
const ITEMS = 100;
const FILES = 5_000;

const WORKFLOW = `
name: crowd
mode: mapreduce
map:
  input: items.json
  max_parallel: 16
  agent_template:
    - shell: "echo changed by \${item} > part-\${item}/file-\${item}.txt; echo left > left.log; mkdir -p made && echo \${item} > made/\${item}.txt"
    - shell: "git add made part-\${item} && git commit -qm 'item \${item}'"
`;

test(`a hundred items on sixteen worktrees, ${String(RUNS)} times: none fails`, {
  timeout: RUNS * 600_000,
}, async () => {
  for (let run = 1; run <= RUNS; run++) {
    await using rig = await newRig();
    for (let file = 0; file < FILES; file += 1) {
      rig.write(`part-${String(file % ITEMS)}/file-${String(file)}.txt`, `file ${String(file)}\n`.repeat(20));
    }
    rig.write("items.json", JSON.stringify(Array.from({ length: ITEMS }, (_, index) => index)));
    rig.write(".gitignore", "*.log\n");
    rig.commitAll("files");
    rig.write("../workflow.yml", WORKFLOW);
    const ended = rig.prodigySlowly(["run", "../workflow.yml", "-y"], {}, 500_000);
    expect(ended.code, `run ${String(run)}: ${ended.stdout}${ended.stderr}`).toBe(0);
    const events = eventsOf(rig);
    const troubles = events.filter(({ type }) =>
      ["lane-failed", "item-retried", "item-conflicted", "warned"].includes(type),
    );
    expect(troubles, `run ${String(run)}`).toEqual([]);
    const ends = events.filter(({ type }) => type === "map-item-ended").map(({ end }) => end);
    expect(ends, `run ${String(run)}`).toEqual(Array.from({ length: ITEMS }, () => "merged"));
    const landed = rig.git("log", "--no-merges", "--format=%s").split("\n");
    expect(new Set(landed).size).toBe(ITEMS + 2);
    expect(landed).toHaveLength(ITEMS + 2);
    expect(rig.git("worktree", "list").split("\n")).toHaveLength(1);
    expect(below(rig, "worktrees").filter((path) => path.includes("session-") && !path.includes("trash/"))).toEqual([]);
  }
});
