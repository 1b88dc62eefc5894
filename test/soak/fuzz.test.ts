/**
 * Texts by chance, many more than in test/long and others each time. A failure prints its seed:
 * `FUZZ_SEED=... FUZZ_RUNS=1 npx vitest run test/long/fuzz.test.ts` repeats it.
 */
import { expect, test } from "vitest";
import { documentedYaml, workflowFiles } from "../kit/corpus.ts";
import { checkLanguages, checkWorkflow, fuzz, nearText } from "../kit/fuzz.ts";
import type { Random } from "../kit/mutate.ts";
import { mutant } from "../kit/mutate.ts";
import { disagreement } from "../kit/schema-agreement.ts";

const isShort = process.env["SOAK"] === "ci";
const RUNS = Number(process.env["FUZZ_RUNS"] ?? (isShort ? 3_000 : 50_000));
/** Other texts than those of `npm test`, but in CI the same each time. */
const SEED = Number(process.env["FUZZ_SEED"] ?? (isShort ? 7_000_000 : Math.floor(Math.random() * 0x7f_ff_ff_ff)));
const CORPUS = [...workflowFiles(), ...documentedYaml()].map(({ text }) => text);

const PATIENCE_MS = 3_600_000;

test(
  `${String(RUNS)} spoilt workflow files are read or refused (seed ${String(SEED)})`,
  () => {
    const make = (random: Random): string => mutant(CORPUS, random);
    expect(fuzz({ seed: SEED, runs: RUNS, make, check: checkWorkflow })).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  `${String(RUNS)} texts are read or refused by the small languages (seed ${String(SEED)})`,
  () => expect(fuzz({ seed: SEED, runs: RUNS, make: nearText, check: checkLanguages })).toEqual([]),
  PATIENCE_MS,
);

test(
  `the schema agrees with the parser about ${String(RUNS / 10)} spoilt workflow files (seed ${String(SEED)})`,
  () => {
    const make = (random: Random): string => mutant(CORPUS, random);
    expect(fuzz({ seed: SEED, runs: RUNS / 10, make, check: disagreement })).toEqual([]);
  },
  PATIENCE_MS,
);
