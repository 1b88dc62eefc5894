// @ts-check
// How many events a second are on the disk when fifty lanes append at once and each waits for the disk. The journal is
// bundled from its source here, because it is no part of the public API.
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";
import { atLeast, median, spread } from "./figures.mjs";
import { inPlace } from "./place.mjs";

const ROUNDS = 5;
const WRITERS = 50;
const EVENTS = 20_000;
const LIMIT = 20_000;

export function appendBench() {
  return inPlace(async ({ root }) => {
    const { openJournal } = await bundledJournal(root);
    /** @type {number[]} */
    const bare = [];
    /** @type {number[]} */
    const ours = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const times = [oneByOne(join(root, `bare-${round}`)), await atOnce(openJournal, join(root, `journal-${round}`))];
      // The first round warms up.
      if (round > 0) for (const [index, list] of [bare, ours].entries()) list.push(times[index] ?? Number.NaN);
    }
    const scale = {
      text: `durable events a second, appended by ${WRITERS} at once`,
      limit: LIMIT,
      digits: 0,
      unit: "",
    };
    const details = [spread(`${EVENTS} events`, ours), spread("one write and one fdatasync, bare", bare)];
    return [atLeast((EVENTS / median(ours)) * 1000, scale, details)];
  });
}

/** @typedef {typeof import("../src/storage/journal.ts")["openJournal"]} OpenJournal */

/**
 * @param {string} root
 * @returns {Promise<{ readonly openJournal: OpenJournal }>}
 */
async function bundledJournal(root) {
  const outfile = join(root, "journal.mjs");
  const entry = fileURLToPath(new URL("../src/storage/journal.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", platform: "node", target: "node20" });
  return import(pathToFileURL(outfile).href);
}

/**
 * @param {OpenJournal} openJournal
 * @param {string} directory
 */
async function atOnce(openJournal, directory) {
  const options = { directory, writer: "prodigy bench", pid: process.pid, now: () => Date.now() };
  const opened = await openJournal(options, () => undefined);
  if (!opened.ok) throw new Error(opened.fault.message);
  const journal = opened.value;
  const started = performance.now();
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    for (let count = 0; count < EVENTS / WRITERS; count += 1) {
      await journal.append([eventOf(writer, count)], { durable: true });
    }
  });
  await Promise.all(writers);
  const elapsed = performance.now() - started;
  await journal[Symbol.asyncDispose]();
  return elapsed;
}

/**
 * @param {number} writer
 * @param {number} count
 * @returns {import("../src/cook/decision/event.ts").Event}
 */
function eventOf(writer, count) {
  const message = `event ${count} of writer ${writer}, about as long as most are: ${"word ".repeat(20)}`;
  return { type: "warned", lane: "main", path: `input-0/pass-0/step-${writer}`, message, at: Date.now() };
}

/** @param {string} path */
function oneByOne(path) {
  const rounds = 50;
  const file = openSync(path, "ax");
  const line = Buffer.from(`${"x".repeat(200)}\n`);
  const started = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    writeSync(file, line);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (performance.now() - started) / rounds;
}
