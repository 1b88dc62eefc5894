// @ts-check
// Reading and putting together a workflow of 2,000 lines and 50 imports: what `prodigy validate` takes on top of what the
// program takes to start at all.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atMost, median, spread } from "./figures.mjs";
import { inPlace, MAIN, timed } from "./place.mjs";

const ROUNDS = 15;
const LIMIT_MS = 300;
const LINES = 2000;
const IMPORTS = 50;

export function parseBench() {
  return inPlace(async ({ repository, env }) => {
    writeWorkflow(repository);
    const where = { cwd: repository, env };
    /** @type {number[]} */
    const bare = [];
    /** @type {number[]} */
    const ours = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await timed([process.execPath, MAIN, "--version"], where));
      ours.push(await timed([process.execPath, MAIN, "validate", "main.yml"], where));
    }
    const text = `reading ${LINES} lines and ${IMPORTS} imports, on top of starting`;
    const scale = { text, limit: LIMIT_MS, digits: 0, unit: " ms" };
    const details = [spread("prodigy validate", ours), spread("prodigy --version", bare)];
    return [atMost(median(ours) - median(bare), scale, details)];
  });
}

/** @param {string} folder */
function writeWorkflow(folder) {
  mkdirSync(join(folder, "parts"));
  const lines = ["name: large", "imports:"];
  for (let part = 0; part < IMPORTS; part += 1) {
    lines.push(`  - path: parts/part-${part}.yml`);
    const steps = Array.from({ length: 4 }, (_, at) => step(`part_${part}_${at}`));
    writeFileSync(
      join(folder, `parts/part-${part}.yml`),
      `env:\n  PART_${part}: "yes"\ncommands:\n${steps.flat().join("\n")}\n`,
    );
  }
  lines.push("commands:");
  for (let at = 0; lines.length < LINES; at += 1) lines.push(...step(`step_${at}`));
  writeFileSync(join(folder, "main.yml"), `${lines.join("\n")}\n`);
}

/** @param {string} id */
function step(id) {
  return [
    `  - id: ${id}`,
    `    shell: "npm run check -- --only \${params.only|default:all} --step ${id}"`,
    `    when: "\${env.MODE} == 'full' || \${params.only} != 'none'"`,
    "    timeout: 10m",
    "    env:",
    `      STEP: "${id}"`,
    "    retry:",
    "      attempts: 3",
    "      backoff: { exponential: { base: 2.0 } }",
    "    on_failure:",
    `      claude: "/fix \${shell.output}"`,
  ];
}
