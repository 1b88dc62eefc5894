// @ts-check
// `npm run bench [-- NAME...] [--strict]`: measures the built program against a baseline that is measured in the same
// run, because only such figures can be compared between machines. A miss is told; only --strict makes it exit with 1,
// since a busy machine misses anything.
import { appendBench } from "./append.mjs";
import { mapreduceBench } from "./mapreduce.mjs";
import { parseBench } from "./parse.mjs";
import { scaleBench } from "./scale.mjs";
import { selectBench } from "./select.mjs";
import { startBench } from "./start.mjs";
import { stepsBench } from "./steps.mjs";
import { worktreeBench } from "./worktree.mjs";

/** @type {Readonly<Record<string, () => Promise<readonly import("./figures.mjs").Figure[]>>>} */
const benches = {
  start: startBench,
  worktree: worktreeBench,
  steps: stepsBench,
  append: appendBench,
  parse: parseBench,
  select: selectBench,
  mapreduce: mapreduceBench,
  scale: scaleBench,
};

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv */
async function main(argv) {
  const named = argv.filter((arg) => !arg.startsWith("--"));
  const unknown = [
    ...named.filter((name) => !(name in benches)),
    ...argv.filter((arg) => arg.startsWith("--") && arg !== "--strict"),
  ];
  if (unknown.length > 0) {
    process.stderr.write(`there is no ${unknown.join(", ")}; benches: ${Object.keys(benches).join(", ")}; --strict\n`);
    return 2;
  }
  let missed = 0;
  for (const [name, bench] of Object.entries(benches)) {
    if (named.length > 0 && !named.includes(name)) continue;
    process.stdout.write(`${name}\n`);
    for (const { line, details, ok } of await bench()) {
      process.stdout.write(`  ${ok ? "ok    " : "MISSED"}  ${line}\n`);
      for (const detail of details) process.stdout.write(`            ${detail}\n`);
      if (!ok) missed += 1;
    }
  }
  return missed > 0 && argv.includes("--strict") ? 1 : 0;
}
