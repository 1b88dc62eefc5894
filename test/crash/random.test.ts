// Workflows by chance, killed by chance: what a user finds in the end is what the calm run would have left.
// A failure prints its seed: SEED=... npx vitest run test/crash/random repeats it. SOAK tries many more.
import fc from "fast-check";
import { expect, test } from "vitest";
import { evolve } from "../../src/cook/decision/evolve.ts";
import type { Session, State } from "../../src/cook/decision/state.ts";
import type { Workflow } from "../../src/workflow/model.ts";
import { anyWorkflow } from "../kit/any-workflow.ts";
import { Crash, type Going, work, World } from "../kit/world.ts";

const isSoak = process.env["SOAK"] !== undefined;
const RUNS = Number(process.env["RUNS"] ?? (isSoak ? 5000 : 60));
/** How often each workflow is lived through. */
const LIVES = isSoak ? 8 : 3;
const PARTS = 10_000;
const DEPTH = isSoak ? 3 : 2;
/** The same workflows in every `npm test`; others in each soak run. */
const SEED = Number(process.env["SEED"] ?? (isSoak ? Math.floor(Math.random() * 0x7fff_ffff) : 20_261_123));

interface Fate {
  readonly going: Going;
  readonly forgetful: boolean;
  readonly power: boolean;
  /** For each life: after which part of the calm run's effects its workers die, in ten thousandths. */
  readonly deaths: readonly (readonly number[])[];
}

const anyFate: fc.Arbitrary<Fate> = fc.record({
  going: fc.constantFrom<Going>(
    {},
    {},
    { inputs: ["one", "two"] },
    { inputs: ["one", "two"], keepGoing: true },
    { maxIterations: 2 },
  ),
  forgetful: fc.boolean(),
  power: fc.boolean(),
  deaths: fc.array(fc.array(fc.noBias(fc.nat(PARTS - 1)), { minLength: 1, maxLength: 3 }), {
    minLength: LIVES,
    maxLength: LIVES,
  }),
});

/** Runs the workflow and, should it fail, resumes it once; each worker but the last may die. */
async function lived(
  flow: Workflow,
  fate: Omit<Fate, "deaths">,
  deaths: readonly number[],
): Promise<readonly unknown[]> {
  const world = new World();
  world.forgetful = fate.forgetful;
  const states: unknown[] = [];
  let left = deaths;
  for (let resumes = 0; resumes < 2; resumes++) {
    const session = await settled(world, flow, fate, left);
    left = [];
    states.push(found(world, session));
    if (session.status !== "failed") break;
  }
  return states;
}

async function settled(
  world: World,
  flow: Workflow,
  fate: Omit<Fate, "deaths">,
  deaths: readonly number[],
): Promise<Session> {
  for (const after of [...deaths, Number.POSITIVE_INFINITY]) {
    world.crashAfter(after);
    try {
      const session = await work(world, flow, fate.going);
      // It may pause when the same step has died too often; a person who resumes wants it again.
      if (session.status !== "paused") return session;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      if (fate.power) world.losePower();
      world.restart();
      // It had told its failure already: who resumes it now wants it done again.
      const left = world.history().reduce<State>(evolve, { kind: "none" });
      if (left.kind === "session" && left.status === "failed") return left;
    }
  }
  world.crashAfter(Number.POSITIVE_INFINITY);
  return work(world, flow, fate.going);
}

function found(world: World, session: Session): unknown {
  const tree = world.trees.get("main");
  const head = tree?.head ?? world.branches.get("main") ?? "";
  return {
    status: session.status,
    landing: session.landing.kind === "settled" ? session.landing.result : session.landing.kind,
    fault: session.fault?.message ?? null,
    failedInputs: session.failedInputs,
    log: world.log(head).toSorted(),
    files: Object.fromEntries([...(tree?.files ?? world.filesAt(head))].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    worktrees: [...world.trees.keys()].toSorted(),
    lanes: [...session.lanes.keys()].toSorted(),
  };
}

async function effectsOf(flow: Workflow, fate: Fate): Promise<number> {
  const world = new World();
  await work(world, flow, fate.going);
  return world.effects;
}

test(`any workflow, killed anywhere, ends as if nothing had happened (seed ${String(SEED)})`, {
  timeout: 3_600_000,
}, async () => {
  const property = fc.asyncProperty(anyWorkflow(DEPTH), anyFate, async (flow, fate) => {
    const effects = await effectsOf(flow, fate);
    const calm = await lived(flow, fate, []);
    for (const parts of fate.deaths) {
      const deaths = parts.map((part) => 1 + Math.floor((part * effects) / PARTS));
      expect(await lived(flow, fate, deaths), `killed after ${deaths.join(", ")} effects`).toEqual(calm);
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});
