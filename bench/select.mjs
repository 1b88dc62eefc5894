// @ts-check
// Choosing among 100,000 items: JSONPath, filter, sort and distinct together, as a map phase does it once before its
// first agent. The baseline does the same by hand in plain JavaScript. It is bundled from its source here, because it is
// no part of the public API.
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { atMost, median, spread } from "./figures.mjs";
import { inPlace } from "./place.mjs";

const ITEMS = 100_000;
const ROUNDS = 5;
const LIMIT_MS = 1000;
const SELECTION = {
  jsonPath: "$.items[*]",
  filter: "priority >= 3 && path matches '\\.ts$' && !(status in ['done', 'skipped'])",
  sortBy: "priority DESC, score DESC NULLS LAST, path",
  distinct: "path",
  offset: 10,
  maxItems: 50_000,
};

export function selectBench() {
  return inPlace(async ({ root }) => {
    const { select } = await bundled(root);
    const data = { items: Array.from({ length: ITEMS }, (_, id) => item(id)) };
    /** @type {number[]} */
    const ours = [];
    /** @type {number[]} */
    const bare = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(timeOf(() => byHand(data.items)));
      ours.push(timeOf(() => select(data, SELECTION)));
    }
    const scale = { text: `choosing among ${ITEMS} items`, limit: LIMIT_MS, digits: 0, unit: " ms" };
    return [atMost(median(ours), scale, [spread("ours", ours), spread("by hand, bare", bare)])];
  });
}

/**
 * @param {string} root
 * @returns {Promise<{ readonly select: typeof import("../src/workflow/select.ts")["select"] }>}
 */
async function bundled(root) {
  const outfile = join(root, "select.cjs");
  const entry = fileURLToPath(new URL("../src/workflow/select.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, format: "cjs", platform: "node", target: "node20" });
  return import(pathToFileURL(outfile).href);
}

/** @param {number} id */
function item(id) {
  const score = id % 11 === 0 ? {} : { score: (id * 7919) % 1000 };
  const status = ["open", "done", "new", "skipped"][id % 4] ?? "open";
  return {
    id,
    priority: (id * 31) % 7,
    status,
    path: `src/part-${(id * 13) % 90_000}/file.${id % 3 ? "ts" : "rs"}`,
    ...score,
  };
}

/** @param {readonly ReturnType<typeof item>[]} items */
function byHand(items) {
  const seen = new Set();
  return items
    .filter(
      ({ priority, path, status }) => priority >= 3 && path.endsWith(".ts") && !["done", "skipped"].includes(status),
    )
    .toSorted((a, b) => b.priority - a.priority || (b.score ?? -1) - (a.score ?? -1) || (a.path < b.path ? -1 : 1))
    .filter(({ path }) => !seen.has(path) && seen.add(path))
    .slice(10, 50_010);
}

/** @param {() => unknown} work */
function timeOf(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}
