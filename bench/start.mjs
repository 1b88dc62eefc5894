// @ts-check
// What the bare start of the program costs: shells and editors ask for the version all the time.
import { tmpdir } from "node:os";
import { atMost, median, spread } from "./figures.mjs";
import { MAIN, timed } from "./place.mjs";

const ROUNDS = 25;
const LIMIT = 1.3;

export async function startBench() {
  const where = { cwd: tmpdir(), env: { PATH: process.env["PATH"] ?? "" } };
  /** @type {number[]} */
  const bare = [];
  /** @type {number[]} */
  const ours = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await timed([process.execPath, "-e", "0"], where));
    ours.push(await timed([process.execPath, MAIN, "--version"], where));
  }
  const scale = { text: "prodigy --version against node -e 0", limit: LIMIT, digits: 2, unit: " x" };
  const details = [spread("node -e 0", bare), spread("prodigy --version", ours)];
  return [atMost(median(ours) / median(bare), scale, details)];
}
