import { expect, test } from "vitest";
import type { Session } from "../../src/cook/decision/state.ts";
import type { Workflow } from "../../src/workflow/model.ts";
import { agent, shell, step, workflow } from "../kit/steps.ts";
import { Crash, type Going, work, World } from "../kit/world.ts";

interface Scenario {
  readonly name: string;
  readonly workflow: Workflow;
  readonly going?: Going;
  /** Lines that may be executed more than once even without a crash. */
  readonly repeats?: readonly string[];
}

const scenarios: readonly Scenario[] = [
  {
    name: "steps that write and commit",
    workflow: workflow([
      shell("write a 1\ncommit a"),
      agent("write b 1\nwrite c 2\ncommit b and c"),
      shell("append a 2\ncommit more"),
    ]),
  },
  {
    name: "uncommitted files between steps",
    workflow: workflow([shell("write draft x"), shell("append draft y"), shell("append draft z\ncommit draft")]),
  },
  {
    name: "a handler repairs a failing check",
    workflow: workflow([
      shell("write a broken\ncommit a"),
      shell("need fixed", {
        onFailure: {
          kind: "handle",
          steps: [agent("write fixed 1\ncommit fix")],
          rounds: 2,
          then: "rerun",
          failWorkflow: true,
          handlerFailureFatal: false,
          timeoutMs: null,
        },
      }),
      shell("write end 1\ncommit end"),
    ]),
  },
  {
    name: "a validation loop",
    workflow: workflow([
      agent("write part 1\ncommit part", {
        validate: {
          steps: [
            shell("need whole", { onFailure: { kind: "tolerate" } }),
            shell('say {"completion_percentage": ${validation_probe:-50}}', {}),
          ],
          resultFile: "result",
          threshold: 100,
          format: "json",
          expectedSchema: null,
          timeoutMs: null,
          onIncomplete: {
            steps: [agent('write whole 1\nwrite result {"completion_percentage":100}\ncommit whole')],
            maxAttempts: 3,
            failWorkflow: true,
            commitRequired: true,
          },
          at: { file: "t", line: 1, column: 1, text: "" },
        },
      }),
    ]),
  },
  {
    name: "a loop over items, in order",
    workflow: workflow([
      step({
        kind: "foreach",
        input: { kind: "list", items: ["x", "y", "z"] },
        steps: [shell("write ${item} 1"), shell("append ${item} 2\ncommit ${item}")],
        parallel: 1,
        shared: false,
        continueOnError: false,
        maxItems: null,
      }),
      shell("write after 1\ncommit after"),
    ]),
  },
  {
    name: "a loop over items, a lane each",
    workflow: workflow([
      shell("write base 1\ncommit base 1"),
      step({
        kind: "foreach",
        input: { kind: "list", items: ["x", "y", "z"] },
        steps: [shell("write ${item} 1"), agent("append ${item} 2\ncommit ${item}")],
        parallel: 2,
        shared: false,
        continueOnError: false,
        maxItems: null,
      }),
      shell("write after 1\ncommit after"),
    ]),
  },
  {
    name: "several inputs",
    workflow: workflow([shell("write f-${ARG} 1"), agent("append f-${ARG} 2\ncommit ${ARG}")]),
    going: { inputs: ["one", "two"] },
  },
  {
    name: "passes while there are commits",
    workflow: workflow([shell("append f ${ITERATION}\ncommit pass")]),
    going: { maxIterations: 3 },
  },
  {
    name: "retry, auto-commit and the workflow's own merge steps",
    workflow: workflow(
      [
        shell("write a 1", {
          autoCommit: {
            messageTemplate: "auto",
            messagePattern: null,
            sign: false,
            author: null,
            includeFiles: null,
            excludeFiles: [],
            squash: false,
          },
          commitRequired: true,
        }),
        shell("append log x\nfail 3", {
          retry: {
            attempts: 3,
            backoff: { kind: "exponential", base: 2 },
            initialDelayMs: 1000,
            maxDelayMs: 30_000,
            jitterFactor: 0.3,
            retryOn: [],
            budgetMs: null,
            onExhausted: { kind: "continue" },
          },
        }),
        shell("write b 1\ncommit b"),
      ],
      { merge: { steps: [shell("write merged 1\ncommit before landing")], timeoutMs: null } },
    ),
  },
];

/** Every pair in a soak run; otherwise so many, spread over all of them. */
const MAX_PAIRS = process.env["SOAK"] === undefined ? 400 : Number.POSITIVE_INFINITY;

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
    files: [...world.filesAt(head)].toSorted(),
    worktrees: [...world.trees.keys()],
  };
}

async function untilSettled(
  scenario: Scenario,
  crashes: readonly number[],
  power: boolean,
): Promise<{ readonly world: World; readonly session: Session }> {
  const world = new World();
  for (const after of [...crashes, Number.POSITIVE_INFINITY]) {
    world.crashAfter(after);
    try {
      return { world, session: await work(world, scenario.workflow, scenario.going) };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      if (power) world.losePower();
    }
  }
  throw new Error("the last worker cannot crash");
}

/** No attempt that was recorded as passed has begun again. */
function expectNothingPaidTwice(world: World): void {
  const passed = new Set<string>();
  for (const event of world.history()) {
    if (event.type !== "attempt-started" && event.type !== "attempt-ended") continue;
    const key = `${event.lane} ${event.path} ${String(event.attempt)}`;
    if (event.type === "attempt-started") expect(passed.has(key), `${key} began again after it had passed`).toBe(false);
    else if (event.result.ok) passed.add(key);
  }
}

for (const scenario of scenarios) {
  test(`${scenario.name}: killed at any side effect, or at two, it ends as if nothing had happened`, async () => {
    const calm = await untilSettled(scenario, [], false);
    const expected = found(calm.world, calm.session);
    expect(calm.session).toMatchObject({ status: "ended", fault: null });
    for (const power of [false, true]) {
      for (let n = 1; n <= calm.world.effects; n++) {
        const { world, session } = await untilSettled(scenario, [n], power);
        expect(found(world, session), `killed at effect ${String(n)}${power ? ", power lost" : ""}`).toEqual(expected);
        if (!power) expectNothingPaidTwice(world);
      }
    }
    for (const [n, m] of pairs(calm.world.effects)) {
      const { world, session } = await untilSettled(scenario, [n, m], false);
      expect(found(world, session), `killed at effects ${String(n)} and ${String(m)}`).toEqual(expected);
      expectNothingPaidTwice(world);
    }
  });
}
