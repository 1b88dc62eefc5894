import { expect, test } from "vitest";
import { itemLane, type Session } from "../../src/cook/decision/state.ts";
import { type Scenario, scenarios } from "../kit/scenarios.ts";
import { Crash, work, World } from "../kit/world.ts";

/** Every pair in a soak run; otherwise so many, spread over all of them. */
const MAX_PAIRS = process.env["SOAK"] === undefined ? 80 : Number.POSITIVE_INFINITY;

function pairs(effects: number): readonly (readonly [number, number])[] {
  const all = effects * effects;
  const stride = Math.max(1, Math.floor(all / MAX_PAIRS));
  // Coprime with the number of effects, so that both members of the pair go round.
  const odd = stride % effects === 0 ? stride + 1 : stride;
  return Array.from(
    { length: Math.ceil(all / odd) },
    (_, index) => [Math.floor((index * odd) / effects) + 1, ((index * odd) % effects) + 1] as const,
  );
}

/** What a user finds in the end. */
function found(world: World, session: Session): unknown {
  const head = world.branches.get("main") ?? "";
  return {
    status: session.status,
    landing: session.landing.kind === "settled" ? session.landing.result : session.landing.kind,
    log: world.log(head).toSorted(),
    files: Object.fromEntries(world.filesAt(head)),
    worktrees: [...world.trees.keys()],
  };
}

async function untilSettled(
  scenario: Scenario,
  crashes: readonly number[],
  power: boolean,
): Promise<{ readonly world: World; readonly session: Session }> {
  const world = new World();
  world.forgetful = scenario.forgetful ?? false;
  world.resolves = scenario.resolves ?? false;
  for (const after of [...crashes, Number.POSITIVE_INFINITY]) {
    world.crashAfter(after);
    try {
      return { world, session: await work(world, scenario.workflow, scenario.going) };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      if (power) world.losePower();
      world.restart();
    }
  }
  throw new Error("the last worker cannot crash");
}

/** Attempts that began again although they had been recorded as passed. */
function paidTwice(world: World): readonly string[] {
  const passed = new Set<string>();
  const again: string[] = [];
  for (const event of world.history()) {
    // A retried item begins from the start.
    if (event.type === "item-retried")
      for (const key of passed) if (key.startsWith(itemLane(event.lane, event.path, event.index))) passed.delete(key);
    if (event.type !== "attempt-started" && event.type !== "attempt-ended") continue;
    const key = `${event.lane} ${event.path} ${String(event.attempt)}`;
    if (event.type === "attempt-started" && passed.has(key)) again.push(key);
    if (event.type === "attempt-ended" && event.result.ok) passed.add(key);
  }
  return again;
}

// A loaded machine needs minutes for what takes seconds by itself.
const TIMEOUT_MS = 600_000;

for (const scenario of scenarios) {
  test(`${scenario.name}: killed at any side effect, or at two, it ends as if nothing had happened`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const calm = await untilSettled(scenario, [], false);
    const expected = found(calm.world, calm.session);
    expect(calm.session).toMatchObject({ status: "ended", fault: null });
    for (const power of [false, true]) {
      for (let n = 1; n <= calm.world.effects; n++) {
        const { world, session } = await untilSettled(scenario, [n], power);
        expect(found(world, session), `killed at effect ${String(n)}${power ? ", power lost" : ""}`).toEqual(expected);
        expect(power ? [] : paidTwice(world), `killed at effect ${String(n)}`).toEqual([]);
      }
    }
    for (const [n, m] of pairs(calm.world.effects)) {
      const { world, session } = await untilSettled(scenario, [n, m], false);
      expect(found(world, session), `killed at effects ${String(n)} and ${String(m)}`).toEqual(expected);
      expect(paidTwice(world)).toEqual([]);
    }
  });
}
