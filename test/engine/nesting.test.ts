// Constructs inside constructs: loops in loops, handlers in loops, time limits around all of them.
import { describe, expect, test } from "vitest";
import type { Recorded } from "../../src/cook/decision/event.ts";
import type { Session } from "../../src/cook/decision/state.ts";
import type { Step } from "../../src/workflow/model.ts";
import { agent, capture, foreach, goalSeek, group, handle, retry, shell, validation, workflow } from "../kit/steps.ts";
import { Crash, type Going, work, World } from "../kit/world.ts";

const run = (world: World, steps: readonly Step[], going: Going = {}): Promise<Session> =>
  work(world, workflow(steps), going);
const times = (world: World, line: string): number => world.executed.get(line) ?? 0;
const landed = (world: World): ReadonlyMap<string, string> => world.filesAt(world.branches.get("main") ?? "");
const outcomes = (world: World): readonly string[] =>
  world.history().flatMap((event) => (event.type === "step-ended" ? [event.outcome.status] : []));

describe("loops in loops", () => {
  test("lanes of lanes are merged level by level", async () => {
    const world = new World();
    const inner = foreach(["1", "2"], [shell("write ${outer}-${item} 1\ncommit ${item}")], { parallel: 2 });
    const outer = foreach(["x", "y"], [shell("say ${item}", { capture: capture("outer") }), inner], { parallel: 2 });
    expect((await run(world, [outer])).status).toBe("ended");
    expect([...landed(world).keys()].toSorted()).toEqual(["README.md", "x-1", "x-2", "y-1", "y-2"]);
    expect([...world.trees.keys()]).toEqual([]);
  });

  test("a loop inside items that share a tree shares it too, so its commits are not lost", async () => {
    const world = new World();
    const inner = foreach(["1", "2"], [shell("write ${outer}-${item} 1\ncommit ${item}")], { parallel: 2 });
    const outer = foreach(["x"], [shell("say ${item}", { capture: capture("outer") }), inner], {
      parallel: 2,
      shared: true,
    });
    await run(world, [outer]);
    expect([...landed(world).keys()].toSorted()).toEqual(["README.md", "x-1", "x-2"]);
  });

  test("an item that waits for its turn to be merged does not wait for one that never begins", async () => {
    const world = new World();
    const steps = [
      foreach(
        ["slow", "commits", "fails"],
        [shell("write ${item} 1\ncommit ${item}"), shell("fail 2", { when: "${item} == 'fails'" })],
        {
          parallel: 3,
        },
      ),
    ];
    let open: () => void = () => undefined;
    const opened = new Promise<boolean>((resolve) => {
      open = () => resolve(true);
    });
    world.door = (lane) => (lane.endsWith("item-0") ? opened : Promise.resolve(true));
    const failing = (event: Recorded): void => {
      if (event.type !== "item-ended" || event.index !== 2) return;
      world.crashAfter(1);
      open();
    };
    await expect(run(world, steps, { observe: failing })).rejects.toThrow(Crash);
    world.crashAfter(Number.POSITIVE_INFINITY);
    world.door = () => Promise.resolve(true);
    expect((await run(world, steps)).status).toBe("failed");
  });
});

describe("items", () => {
  test("that share a tree do not see each other's variables", async () => {
    const world = new World();
    const steps = [shell("say ${item}", { capture: capture("mine") }), shell("say first-${mine}-${shell.output}")];
    await run(world, [foreach(["x", "y", "z"], steps, { parallel: 3, shared: true })]);
    expect(["x", "y", "z"].map((item) => times(world, `say first-${item}-${item}`))).toEqual([1, 1, 1]);
  });

  test.each([{ parallel: 1 }, { parallel: 2 }, { parallel: 2, shared: true }])(
    "keep their variables to themselves (%o), and leave results",
    async (how) => {
      const world = new World();
      const inside = [
        shell("say ${v} ${item}", { capture: capture("w") }),
        shell("say ${item}", { capture: capture("v") }),
        shell("fail 3", { when: "${item} == 'b'" }),
      ];
      await run(world, [
        shell("say before", { capture: capture("v") }),
        foreach(["a", "b", "c"], inside, { ...how, continueOnError: true, rest: { onFailure: { kind: "tolerate" } } }),
        // What has no value is left to the shell.
        shell("say then ${v} ${w}"),
        shell("say ${foreach.total} ${foreach.successful} ${foreach.failed}"),
        shell("say item ${foreach.results[1].item} ${foreach.results[1].success} ${foreach.results[1].exit_code}"),
        shell("say ${foreach.results[0].output}."),
      ]);
      expect(
        ["say before a", "say before b", "say then before ${w}", "say 3 2 1", "say item b false 3"].map((line) =>
          times(world, line),
        ),
      ).toEqual([1, 1, 1, 1, 1]);
    },
  );

  test("of an inner loop see the variables of the outer item", async () => {
    const world = new World();
    const inner = foreach(["1"], [shell("say ${mine}/${item}")], { parallel: 2 });
    await run(world, [foreach(["x", "y"], [shell("say ${item}", { capture: capture("mine") }), inner])]);
    expect([times(world, "say x/1"), times(world, "say y/1")]).toEqual([1, 1]);
  });
});

describe("handlers", () => {
  test("have handlers of their own, in a lane, and validation and retry work there as everywhere", async () => {
    const world = new World();
    const repaired = shell("need fixed-${item}", {
      retry: retry(2),
      validate: validation([shell("need fixed-${item}")]),
      onFailure: handle([
        shell("need tool-${item}", { onFailure: handle([shell("write tool-${item} 1")]) }),
        shell("write fixed-${item} 1\ncommit ${item}"),
      ]),
    });
    expect((await run(world, [foreach(["x", "y"], [group([repaired])], { parallel: 2 })])).status).toBe("ended");
    expect([...landed(world).keys()]).toEqual(["README.md", "tool-x", "fixed-x", "tool-y", "fixed-y"]);
  });

  test("inside a goal answer the failure of a try", async () => {
    const world = new World();
    const tried = shell("need tool", { onFailure: handle([shell("write tool 1")]) });
    expect((await run(world, [goalSeek(shell("need tool"), [tried])])).status).toBe("ended");
  });

  test("may make the commit that the step must make", async () => {
    const world = new World();
    const steps = [
      shell("need fixed", { commitRequired: true, onFailure: handle([shell("write fixed 1\ncommit fix")]) }),
    ];
    expect((await run(world, steps)).status).toBe("ended");
  });

  test("of success do not run after a tolerated failure", async () => {
    const world = new World();
    const onIncomplete = { steps: [], maxAttempts: 1, failWorkflow: false, commitRequired: false };
    await run(world, [
      shell("say x", { validate: validation([shell("need no")], { onIncomplete }), onSuccess: [shell("say success")] }),
    ]);
    expect([outcomes(world).at(-1), times(world, "say success")]).toEqual(["tolerated", 0]);
  });
});

describe("time limits", () => {
  test("of a validation begin with the validation", async () => {
    const world = new World();
    const steps = [agent("take 5000", { validate: validation([shell("say check")], { timeoutMs: 1000 }) })];
    expect((await run(world, steps)).status).toBe("ended");
  });

  test("of a group hold for each of its attempts", async () => {
    const world = new World();
    const steps = [
      group([shell("take 600 x"), shell("once slow"), shell("say end")], { timeoutMs: 1000, retry: retry(2) }),
    ];
    expect((await run(world, steps)).status).toBe("ended");
  });

  test.each([
    { what: "foreach", steps: (inner: Step) => [foreach(["a"], [inner], { rest: { timeoutMs: 1000 } })] },
    { what: "group", steps: (inner: Step) => [group([inner], { timeoutMs: 1000 })] },
    { what: "goal_seek", steps: (inner: Step) => [goalSeek(shell("say 0"), [inner], { timeoutMs: 1000 })] },
    {
      what: "validate",
      steps: (inner: Step) => [shell("say x", { validate: validation([inner], { timeoutMs: 1000 }) })],
    },
  ])("of $what end the command inside", async ({ steps }) => {
    const world = new World();
    const inner = shell("say begun\ntake 2000\nsay never");
    expect((await run(world, steps(inner))).fault?.message).toContain("ran into its time limit");
    expect([times(world, "say begun"), times(world, "say never")]).toEqual([1, 0]);
  });

  test("do not let a delay begin that would outlast them", async () => {
    const world = new World();
    const inner = shell("fail 1", { retry: retry(5, { initialDelayMs: 60_000 }) });
    const before = world.now;
    const session = await run(world, [group([inner], { timeoutMs: 1000 })]);
    expect([session.fault?.exitCode, times(world, "fail 1"), world.now - before < 60_000]).toEqual([1, 1, true]);
  });

  test("are not used up while no worker is there", async () => {
    const world = new World();
    const steps = [
      foreach(["a", "b"], [shell("take 300 ${item}"), shell("say ${item}")], { rest: { timeoutMs: 2000 } }),
    ];
    const observe = (event: Recorded): void => (event.type === "item-ended" ? world.crashAfter(1) : undefined);
    await expect(run(world, steps, { observe })).rejects.toThrow(Crash);
    world.now += 1_000_000;
    world.crashAfter(Number.POSITIVE_INFINITY);
    expect((await run(world, steps)).status).toBe("ended");
  });
});

describe("trees that are shared", () => {
  test("are not put back because one agent could not be continued", async () => {
    const world = new World();
    world.forgetful = true;
    const steps = [
      foreach(["x", "y"], [agent("write 1-${item} 1\nwrite 2-${item} 1\nwrite 3-${item} 1")], {
        parallel: 2,
        shared: true,
      }),
    ];
    const calm = new World();
    await run(calm, [...steps, shell("commit all")]);
    for (let n = 1; n <= calm.effects; n++) {
      const killed = new World();
      killed.forgetful = true;
      killed.crashAfter(n);
      await expect(run(killed, [...steps, shell("commit all")])).rejects.toThrow(Crash);
      // From here on a step has the tree for itself.
      if (times(killed, "commit all") > 0) break;
      killed.restart();
      killed.crashAfter(Number.POSITIVE_INFINITY);
      expect((await run(killed, [...steps, shell("commit all")])).status).toBe("ended");
      expect(
        killed.salvaged.map(({ reason }) => reason),
        `killed at effect ${String(n)}`,
      ).toEqual([]);
      expect([...landed(killed).keys()].toSorted()).toEqual([...landed(calm).keys()].toSorted());
    }
  });

  test("are recorded when the loop has ended", async () => {
    const world = new World();
    const steps = [foreach(["x", "y"], [shell("write ${item} 1")], { parallel: 2, shared: true }), shell("fail 1")];
    const session = await run(world, steps);
    expect(session.lanes.get("main")?.tree.snapshot).not.toBeNull();
  });
});

test("a loop and a group last as long as what is inside", async () => {
  const world = new World();
  await run(world, [foreach(["a", "b"], [group([shell("take 500")])])]);
  const lasted = world
    .history()
    .flatMap((event) =>
      event.type === "step-ended" && event.path.endsWith("pass-0/step-0") ? [event.outcome.durationMs] : [],
    );
  expect(lasted[0]).toBeGreaterThan(1000);
});
