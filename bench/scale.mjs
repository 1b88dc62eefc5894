// @ts-check
// What thousands of items cost: how soon a resumed session of 5,000 goes on, what its last items cost beside the first ones
// of another, how much memory it takes, and how long the commands that look at it take. Nobody has an hour for that many
// items, so most of them are written into the journal as copies of one that has really run.
import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { atMost, median, spread } from "./figures.mjs";
import { eventsOf, inPlace, MAIN, timed } from "./place.mjs";

const ITEMS = 5_000;
/** Of the commands that look. */
const MANY = 10_000;
const AT_ONCE = 8;
/** As many really run at the end of the long session, and in a short one of their own. */
const REAL = 200;
const MEGABYTE = 1024;

const WORKFLOW = `name: scale
mode: mapreduce
map:
  input: items.json
  max_parallel: ${AT_ONCE}
  agent_template:
    - shell: "true"
`;

/** Tells the most memory that the process had, in KiB, when it ends. */
const PROBE = `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(process.env.MEMORY_FILE, String(process.resourceUsage().maxRSS)));
`;

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {{ readonly type: string, readonly at: number, readonly lane?: string, readonly index?: number, readonly items?: readonly unknown[] }} Event */

export async function scaleBench() {
  const short = await inPlace((place) => shortRun(place));
  const long = await inPlace((place) => longRun(place));
  /** @type {{ readonly name: string, readonly all: readonly number[], readonly ms: number }[]} */
  const looks = await inPlace((place) => looking(place));
  return [
    atMost(
      long.firstMs,
      { text: `from resume of ${ITEMS} items to the first that starts`, limit: 1_000, digits: 0, unit: " ms" },
      [],
    ),
    atMost(
      long.perItem / short.perItem,
      { text: `an item at the end of ${ITEMS} against one of ${REAL}`, limit: 1.3, digits: 2, unit: " of its time" },
      [spread(`item of ${REAL}`, [short.perItem]), spread(`item of ${ITEMS}`, [long.perItem])],
    ),
    atMost(
      (long.memory - long.node) / MEGABYTE,
      { text: `memory at ${ITEMS} items`, limit: 150, digits: 0, unit: " MB" },
      [
        `beyond the ${(long.node / MEGABYTE).toFixed(0)} MB of node alone; ${REAL} items take ${((short.memory - long.node) / MEGABYTE).toFixed(0)} MB`,
      ],
    ),
    atMost(
      Math.max(...looks.map(({ ms }) => ms)),
      { text: `commands that look at ${MANY} items`, limit: 1_000, digits: 0, unit: " ms" },
      looks.map(({ name, all }) => spread(name, all)),
    ),
  ];
}

/** @param {Place} place */
async function shortRun(place) {
  const env = await prepared(place, REAL);
  const memory = await measured(place, { env, args: ["run", join(place.root, "w.yml"), "--yes"] });
  return { perItem: perItem(eventsOf(place)), memory };
}

/** @param {Place} place */
async function longRun(place) {
  const env = await interrupted(place, ITEMS, REAL);
  const before = eventsOf(place).length;
  const begun = Date.now();
  const memory = await measured(place, { env, args: ["resume", "--yes"] });
  const added = eventsOf(place).slice(before);
  const first = added.find(({ type }) => type === "attempt-started");
  writeFileSync(join(place.root, "empty.mjs"), "");
  const node = await memoryOf(place, { env, command: [join(place.root, "empty.mjs")] });
  return { firstMs: (first?.at ?? Number.NaN) - begun, perItem: perItem(added), memory, node };
}

/** @param {Place} place */
async function looking(place) {
  const env = await interrupted(place, MANY, 0);
  const where = { cwd: place.repository, env };
  const id = sessionOf(place);
  /** @type {{ readonly name: string, readonly all: readonly number[], readonly ms: number }[]} */
  const looks = [];
  for (const args of [
    ["sessions", "list"],
    ["sessions", "show", id],
    ["events", "show", id, "--limit", "20"],
  ]) {
    const all = [];
    for (let time = 0; time < 3; time += 1) all.push(await timed([process.execPath, MAIN, ...args], where));
    looks.push({ name: `prodigy ${args.join(" ").replace(id, "ID")}`, all, ms: median(all) });
  }
  return looks;
}

/** Milliseconds from the first item's start to the last one's end, by items. @param {readonly Event[]} events */
function perItem(events) {
  const started = events.find(({ type }) => type === "attempt-started")?.at ?? Number.NaN;
  const ends = events.filter(({ type }) => type === "map-item-ended");
  return ((ends.at(-1)?.at ?? Number.NaN) - started) / ends.length;
}

/** @param {Place} place @param {number} count */
async function prepared({ root, repository, env }, count) {
  const where = { cwd: repository, env };
  writeFileSync(join(root, "w.yml"), WORKFLOW);
  writeFileSync(join(root, "probe.mjs"), PROBE);
  const items = Array.from({ length: count }, (_, number) => ({
    id: `item-${number}`,
    path: `src/folder/file-${number}.ts`,
  }));
  writeFileSync(join(repository, "items.json"), JSON.stringify(items));
  await timed(["git", "init", "--quiet", "--initial-branch=main"], where);
  await timed(["git", "config", "user.name", "Bench"], where);
  await timed(["git", "config", "user.email", "bench@example.com"], where);
  await timed(["git", "add", "--all"], where);
  await timed(["git", "commit", "--quiet", "--message=first"], where);
  return env;
}

/** A session of which all but the last items have ended, and whose worker was killed. @param {Place} place @param {number} count @param {number} left */
async function interrupted(place, count, left) {
  const env = await prepared(place, count);
  const child = spawn(process.execPath, [MAIN, "run", join(place.root, "w.yml"), "--yes"], {
    cwd: place.repository,
    env,
    stdio: "ignore",
  });
  const gone = new Promise((resolve) => child.on("close", resolve));
  while (child.exitCode === null && endsIn(place) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill("SIGKILL");
  await gone;
  extend(place, count - left);
  return env;
}

/** @param {Place} place */
function endsIn(place) {
  try {
    return eventsOf(place).filter(({ type }) => type === "map-item-ended").length;
  } catch {
    return 0; // There is no journal yet, or its last line is being written.
  }
}

/** Writes items into the journal, up to a number, as copies of the first one that has ended. @param {Place} place @param {number} end */
function extend(place, end) {
  /** @type {readonly Event[]} */
  const events = eventsOf(place);
  const done = events.find(({ type }) => type === "map-item-ended");
  if (done === undefined) throw new Error("no item has ended");
  const lane = `/item-${done.index}`;
  const own = events.filter((event) => event === done || event.lane?.endsWith(lane));
  const begun = events.filter(({ type }) => type === "items-begun");
  const from = begun.flatMap(({ items = [] }) => items).length;
  /** @type {string[]} */
  const lines = [];
  let seq = events.length;
  const add = (/** @type {unknown} */ event) => {
    const json = JSON.stringify(event);
    seq += 1;
    lines.push(`{"n":${seq},"v":1,"c":"${sum(`${seq}:1:${json}`)}","e":${json}}`);
  };
  for (let index = from; index < end; index += 1) {
    add({ ...begun[0], items: [index] });
    for (const event of own) {
      const copy = JSON.stringify(event)
        .replaceAll(`${lane}"`, `/item-${index}"`)
        .replaceAll(`+item-${done.index}/`, `+item-${index}/`);
      add({ ...JSON.parse(copy), ...(event === done ? { index, id: `item-${index}` } : {}) });
    }
  }
  // The killed worker's own file: it is the last one.
  appendFileSync(journalFiles(place)[0] ?? "", `${lines.join("\n")}\n`);
}

/** @param {string} text */
function sum(text) {
  return crc32(text).toString(16).padStart(8, "0");
}

/** @param {Place} place */
function journalFiles({ home }) {
  const events = join(home, "events");
  return readdirSync(events, { recursive: true })
    .map((file) => join(events, String(file)))
    .filter((file) => file.endsWith(".jsonl"));
}

/** @param {Place} place */
function sessionOf(place) {
  return (
    dirname(journalFiles(place)[0] ?? "")
      .split("/")
      .at(-1) ?? ""
  );
}

/** @param {Place} place @param {{ readonly env: Record<string, string>, readonly args: readonly string[] }} call */
function measured(place, { env, args }) {
  return memoryOf(place, { env, command: [MAIN, ...args] });
}

/** @param {Place} place @param {{ readonly env: Record<string, string>, readonly command: readonly string[] }} call */
async function memoryOf({ root, repository }, { env, command }) {
  const file = join(root, "memory");
  const probe = ["--import", join(root, "probe.mjs")];
  await timed([process.execPath, ...probe, ...command], { cwd: repository, env: { ...env, MEMORY_FILE: file } });
  return Number(readFileSync(file, "utf8"));
}
