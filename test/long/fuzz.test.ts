/**
 * Texts by chance: nothing crashes, nothing takes a second, everything that is wrong has a place in the text.
 *
 * The same texts in every `npm run test:long`; `FUZZ_SEED=... FUZZ_RUNS=... npx vitest run test/long/fuzz.test.ts` tries others, and the soak
 * tries many more.
 */
import { expect, test } from "vitest";
import { documentedYaml, workflowFiles } from "../kit/corpus.ts";
import { checkLanguages, checkWorkflow, fuzz, nearText } from "../kit/fuzz.ts";
import type { Random } from "../kit/mutate.ts";
import { mutant } from "../kit/mutate.ts";
import { disagreement } from "../kit/schema-agreement.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_124);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const CORPUS = [...workflowFiles(), ...documentedYaml()].map(({ text }) => text);

/** Fewer, because judging by a schema costs more than reading. */
const JUDGED = Math.ceil(RUNS / 10);

test("there is something to spoil", () => expect(CORPUS.length).toBeGreaterThan(50));

/** On a machine that does other things meanwhile. */
const PATIENCE_MS = 600_000;

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
  `the schema agrees with the parser about ${String(JUDGED)} spoilt workflow files (seed ${String(SEED)})`,
  () => {
    const make = (random: Random): string => mutant(CORPUS, random);
    expect(fuzz({ seed: SEED, runs: JUDGED, make, check: disagreement })).toEqual([]);
  },
  PATIENCE_MS,
);
