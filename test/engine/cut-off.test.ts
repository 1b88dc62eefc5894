// An agent that is cut off has done paid work. It is taken up where it was, and what it did is counted once.
import { expect, test } from "vitest";
import type { Recorded, Usage } from "../../src/cook/decision/event.ts";
import { openTally, type Tally } from "../../src/cook/tally.ts";
import type { Step } from "../../src/workflow/model.ts";
import { agent, handle, shell, validation, workflow } from "../kit/steps.ts";
import { Crash, work, World } from "../kit/world.ts";

const attemptsOf = (world: World): unknown =>
  world.history().flatMap((event) => (event.type === "attempt-started" ? [[event.attempt, event.continued]] : []));

const times = (world: World, line: string): number => world.executed.get(line) ?? 0;

function tallyOf(events: readonly Recorded[]): Tally {
  const tally = openTally();
  for (const event of events) tally.add(event);
  return tally.read();
}

const spent: Usage = {
  costUsd: null,
  inputTokens: 1000,
  outputTokens: 10,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  turns: 2,
};

test.each([
  { by: "limit", status: "paused" },
  { by: "overloaded", status: "failed" },
])("an agent cut off with the fault $by goes on where it was, and its commits count once", async ({ by, status }) => {
  const world = new World();
  const steps = workflow([agent(`write a 1\ncommit a\ncut ${by}\nwrite b 1\ncommit b`)]);
  expect((await work(world, steps)).status).toBe(status);
  expect((await work(world, steps)).status).toBe("ended");
  expect(times(world, "commit a")).toBe(1);
  const begun = world.history().filter((event) => event.type === "attempt-started");
  expect(begun.map(({ agentSession, continued }) => [agentSession, continued])).toEqual([
    ["id-1", false],
    ["id-1", true],
  ]);
  expect(tallyOf(world.history()).commits).toBe(2);
});

test("an agent that failed by itself begins anew", async () => {
  const world = new World();
  const steps = workflow([agent("write a 1\ncut agent\ncommit a")]);
  expect((await work(world, steps)).status).toBe("failed");
  expect((await work(world, steps)).status).toBe("ended");
  expect(times(world, "write a 1")).toBe(2);
});

test("an agent that is cut off again after its retries has all of them again", async () => {
  const world = new World();
  const retry: Partial<Step> = {
    retry: {
      attempts: 2,
      backoff: { kind: "fixed" },
      initialDelayMs: 10,
      maxDelayMs: 10,
      jitterFactor: 0,
      retryOn: [],
      budgetMs: null,
      onExhausted: { kind: "stop" },
    },
  };
  const script = "write a 1\ncut overloaded once\ncut overloaded twice\ncut overloaded thrice\ncommit a";
  const steps = workflow([agent(script, retry)]);
  expect((await work(world, steps)).status).toBe("failed");
  expect((await work(world, steps)).status).toBe("ended");
  expect(attemptsOf(world)).toEqual([
    [1, false],
    [2, false],
    [1, true],
    [2, false],
  ]);
});

test("what an agent spent before its worker was killed is read from its log, once for each start", async () => {
  const calm = new World();
  const steps = workflow([shell("write a 1\ncommit a"), agent("write b 1\nwrite c 1\ncommit bc")]);
  await work(calm, steps);
  let killedInTheAgent = 0;
  for (let n = 1; n <= calm.effects; n++) {
    const world = new World();
    world.logged = spent;
    world.crashAfter(n);
    await expect(work(world, steps)).rejects.toThrow(Crash);
    const started = world.history().filter(({ type }) => type === "attempt-started").length;
    const ended = world.history().filter(({ type }) => type === "attempt-ended").length;
    world.crashAfter(Number.POSITIVE_INFINITY);
    await work(world, steps);
    const accounted = world.history().filter(({ type }) => type === "attempt-interrupted");
    const died = started === 2 && ended === 1;
    expect(accounted, `killed at effect ${String(n)}`).toHaveLength(died ? 1 : 0);
    expect(tallyOf(world.history()).usage.inputTokens, `killed at effect ${String(n)}`).toBe(died ? 1000 : null);
    if (died) killedInTheAgent++;
  }
  expect(killedInTheAgent).toBeGreaterThan(3);
});

const REPAIR = "write a 1\ncommit a\nCUT\nwrite ok 1\ncommit ok";

test.each([
  { by: "limit", place: "on_failure" },
  { by: "overloaded", place: "on_failure" },
  { by: "limit", place: "on_incomplete" },
  { by: "overloaded", place: "on_incomplete" },
])("an agent of $place that is cut off with the fault $by goes on where it was", async ({ by, place }) => {
  const world = new World();
  const repair = agent(REPAIR.replace("CUT", `cut ${by}`));
  const steps = workflow([
    place === "on_failure"
      ? shell("write tried 1\nneed ok", { onFailure: handle([repair]) })
      : shell("write tried 1", {
          validate: validation([shell("need ok")], {
            onIncomplete: { steps: [repair], maxAttempts: 2, failWorkflow: true, commitRequired: false },
          }),
        }),
  ]);
  expect((await work(world, steps)).status).toBe(by === "limit" ? "paused" : "failed");
  expect((await work(world, steps)).status).toBe("ended");
  expect(times(world, "commit a")).toBe(1);
});
