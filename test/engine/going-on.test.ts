// What a resume finds after a failure, a stop or an edit: what passed is spared, what failed runs again, once.
import { describe, expect, test } from "vitest";
import type { PauseReason, Recorded } from "../../src/cook/decision/event.ts";
import type { Session } from "../../src/cook/decision/state.ts";
import type { Step, Workflow } from "../../src/workflow/model.ts";
import { agent, foreach, goalSeek, group, handle, retry, shell, validation, workflow } from "../kit/steps.ts";
import { Crash, type Going, work, World } from "../kit/world.ts";

const run = (world: World, steps: readonly Step[], going: Going = {}): Promise<Session> =>
  work(world, workflow(steps), going);
const times = (world: World, line: string): number => world.executed.get(line) ?? 0;
const landed = (world: World): ReadonlyMap<string, string> => world.filesAt(world.branches.get("main") ?? "");
const byHand = (world: World, path: string): unknown => world.trees.get("main")?.files.set(path, "by hand");

/** Aborts with the reason at the nth event that fits. */
function stopAt(fits: (event: Recorded) => boolean, reason: PauseReason = { kind: "signal", signal: "SIGINT" }): Going {
  const stop = new AbortController();
  return { stop: stop.signal, observe: (event) => (fits(event) ? stop.abort(reason) : undefined) };
}

describe("after a failure", () => {
  test("a goal that was missed is tried anew", async () => {
    const world = new World();
    const steps = [goalSeek(shell("need reached"), [shell("say try")])];
    expect((await run(world, steps)).status).toBe("failed");
    expect(times(world, "say try")).toBe(2);
    expect((await run(world, steps)).status).toBe("failed");
    expect(times(world, "say try")).toBe(4);
  });

  test("a goal whose try failed goes on in that very try", async () => {
    const world = new World();
    const steps = [goalSeek(shell("need reached"), [shell("say try"), shell("need tool"), shell("write reached 1")])];
    expect((await run(world, steps)).status).toBe("failed");
    byHand(world, "tool");
    expect((await run(world, steps)).status).toBe("ended");
    expect([times(world, "say try"), times(world, "need tool")]).toEqual([1, 2]);
  });

  test("a loop that ran out of time has all its time again, without the time in between", async () => {
    const world = new World();
    const steps = [
      foreach(["a", "b"], [shell("take 600 ${item}"), shell("say ${item}")], { rest: { timeoutMs: 1000 } }),
    ];
    expect((await run(world, steps)).fault?.message).toContain("time limit");
    world.now += 100_000;
    expect((await run(world, steps)).status).toBe("ended");
    expect(times(world, "take 600 a")).toBe(1);
  });

  test("a step without its required commit runs again, unless somebody has made the commit", async () => {
    const steps = [
      shell("once told\nsay hm", { onFailure: { kind: "tolerate" } }),
      agent("say work", { commitRequired: true }),
    ];
    const again = new World();
    expect((await run(again, steps)).fault?.kind).toBe("commit-required");
    expect((await run(again, steps)).fault?.kind).toBe("commit-required");
    expect(times(again, "say work")).toBe(2);
  });

  test("a step whose validation failed, with nothing to complete it, runs again", async () => {
    const world = new World();
    const steps = [shell("say work", { validate: validation([shell("need tool")]) })];
    expect((await run(world, steps)).fault?.kind).toBe("incomplete");
    expect((await run(world, steps)).fault?.kind).toBe("incomplete");
    byHand(world, "tool");
    expect((await run(world, steps)).status).toBe("ended");
    expect(["say work", "need tool"].map((line) => times(world, line))).toEqual([3, 3]);
  });

  test("on_success that failed runs again without the step before it, and without its validation", async () => {
    const world = new World();
    const steps = [
      agent("say main", {
        validate: validation([agent("say check")]),
        onSuccess: [shell("say first"), shell("need tool")],
      }),
    ];
    expect((await run(world, steps)).status).toBe("failed");
    byHand(world, "tool");
    expect((await run(world, steps)).status).toBe("ended");
    expect(["say main", "say check", "say first", "need tool"].map((line) => times(world, line))).toEqual([1, 1, 1, 2]);
  });

  test("a tolerated failure before it stays tolerated", async () => {
    const world = new World();
    const steps = [shell("fail 3", { onFailure: { kind: "tolerate" } }), shell("need tool")];
    await run(world, steps);
    byHand(world, "tool");
    expect((await run(world, steps)).status).toBe("ended");
    expect(times(world, "fail 3")).toBe(1);
  });

  test("a handler's rounds start anew, its passed steps too", async () => {
    const world = new World();
    const steps = [shell("need tool", { onFailure: handle([shell("say h")], { rounds: 2 }) })];
    expect((await run(world, steps)).status).toBe("failed");
    expect([times(world, "need tool"), times(world, "say h")]).toEqual([3, 2]);
    expect((await run(world, steps)).status).toBe("failed");
    expect([times(world, "need tool"), times(world, "say h")]).toEqual([6, 4]);
  });

  test("attempts are counted anew, and the parts of a group that passed are spared", async () => {
    const world = new World();
    const steps = [group([shell("say one"), shell("need tool")], { retry: retry(2) })];
    await run(world, steps);
    expect(times(world, "say one")).toBe(2);
    byHand(world, "tool");
    expect((await run(world, steps)).status).toBe("ended");
    expect([times(world, "say one"), times(world, "need tool")]).toEqual([2, 3]);
  });

  test("merge steps that passed are spared", async () => {
    const world = new World();
    const flow = workflow([shell("write a 1\ncommit a")], {
      merge: { steps: [shell("say before"), shell("need tool"), shell("delete tool")], timeoutMs: 5000 },
    });
    expect((await work(world, flow)).status).toBe("failed");
    byHand(world, "tool");
    world.now += 1_000_000;
    expect((await work(world, flow)).status).toBe("ended");
    expect([times(world, "say before"), times(world, "commit a")]).toEqual([1, 1]);
  });

  test("an item in a lane goes on where it failed", async () => {
    const world = new World();
    const steps = [
      foreach(["x", "y"], [agent("write w-${item} 1\ncommit ${item}"), shell("once ${item}")], { parallel: 2 }),
    ];
    expect((await run(world, steps)).status).toBe("failed");
    expect((await run(world, steps)).status).toBe("ended");
    expect(["commit x", "commit y", "once x", "once y"].map((line) => times(world, line))).toEqual([1, 1, 2, 2]);
    expect([...landed(world).keys()]).toEqual(["README.md", "w-x", "w-y"]);
    expect([...world.trees.keys()]).toEqual([]);
  });

  test("worktrees of failed items go as soon as the run goes on without them", async () => {
    const world = new World();
    const rest = { onFailure: { kind: "tolerate" } } as const;
    const observed: string[] = [];
    const session = await run(
      world,
      [foreach(["x", "y"], [shell("write ${item} 1\nfail 2")], { parallel: 2, rest }), shell("say after")],
      { observe: ({ type }) => void (type === "lane-removed" ? observed.push([...world.trees.keys()].join()) : null) },
    );
    expect([session.status, session.lanes.size, [...world.trees.keys()]]).toEqual(["ended", 1, []]);
    expect(world.salvaged.map(({ files }) => [...files.keys()].at(-1))).toEqual(["x", "y"]);
  });

  test("a lane that is gone already is not taken for one that passed", async () => {
    const world = new World();
    const steps = [
      foreach(["x", "y"], [shell("fail 1", { when: "${item} == 'x'" })], { parallel: 2, continueOnError: true }),
      shell("say end"),
    ];
    // The second lane cannot be made, while the first item fails and its worktree goes.
    let removed: () => void = () => undefined;
    const gone = new Promise<boolean>((resolve) => {
      removed = () => resolve(false);
    });
    world.door = (lane) => (lane.endsWith("item-1") ? gone : Promise.resolve(true));
    const remove = (event: Recorded): void => {
      if (event.type === "attempt-ended") removed();
    };
    expect((await run(world, steps, { observe: remove })).status).toBe("failed");
    world.door = () => Promise.resolve(true);
    const again = await run(world, steps);
    expect([again.status, times(world, "say end")]).toEqual(["failed", 0]);
  });

  test("a lane's trouble does not make other lanes begin their rounds anew", async () => {
    const world = new World();
    world.forgetful = true;
    const checked = validation([shell("need ok-${item}")], {
      onIncomplete: {
        steps: [agent("say complete-${item}\nwrite ok-${item} 1\ncommit ${item}")],
        maxAttempts: 2,
        failWorkflow: true,
        commitRequired: false,
      },
    });
    const steps = [foreach(["x", "y"], [agent("say ${item}", { validate: checked })], { parallel: 2 })];
    let broken: () => void = () => undefined;
    const gone = new Promise<boolean>((resolve) => {
      broken = () => resolve(false);
    });
    world.door = (lane) => (lane.endsWith("item-1") ? gone : Promise.resolve(true));
    const observe = (event: Recorded): void => {
      if (event.type === "attempt-started" && event.path.includes("complete-1")) broken();
    };
    expect((await run(world, steps, { observe })).status).toBe("failed");
    world.door = () => Promise.resolve(true);
    expect((await run(world, steps)).status).toBe("ended");
    expect([times(world, "say x"), times(world, "say complete-x"), times(world, "need ok-x")]).toEqual([1, 1, 2]);
  });

  /** The target conflicts with the session until `conflicts` is put to false. */
  function conflicting(world: World, how: { conflicts: boolean; agent: "works" | "fails" }): void {
    const ports = world.ports.bind(world);
    world.ports = () => {
      const real = ports();
      const land: typeof real.trees.land = (options) =>
        how.conflicts
          ? Promise.resolve({ ok: true, value: { kind: "conflict", paths: ["a"] } })
          : real.trees.land(options);
      const mergeTarget: typeof real.trees.mergeTarget = async (options) => {
        const merged = await real.trees.mergeTarget(options);
        return merged.ok ? { ok: true, value: { ...merged.value, conflicts: ["a"] } } : merged;
      };
      const agent: typeof real.agents.run = (options, signal) =>
        real.agents.run(how.agent === "works" ? options : { ...options, prompt: "fail 1" }, signal);
      return { ...real, trees: { ...real.trees, land, mergeTarget }, agents: { ...real.agents, run: agent } };
    };
  }

  test("conflicts that were resolved by hand land", async () => {
    const world = new World();
    const how = { conflicts: true, agent: "works" as const };
    conflicting(world, how);
    const steps = [shell("write a 1\ncommit a")];
    expect((await run(world, steps)).fault?.kind).toBe("conflict");
    how.conflicts = false;
    expect((await run(world, steps)).status).toBe("ended");
  });

  test("conflicts that were resolved by hand after the agent had failed land without it", async () => {
    const world = new World();
    const how = { conflicts: true, agent: "fails" as const };
    conflicting(world, how);
    const steps = [shell("write a 1\ncommit a")];
    expect((await run(world, steps)).fault?.kind).toBe("agent");
    how.conflicts = false;
    expect((await run(world, steps)).status).toBe("ended");
  });
});

describe("after a stop", () => {
  test("Ctrl-C ends what still runs although the session has failed already", async () => {
    const world = new World();
    const steps = [foreach(["x", "y"], [shell("say 1-${item}\nsay 2-${item}\nsay 3-${item}")], { parallel: 2 })];
    let begun: () => void = () => undefined;
    const started = new Promise<boolean>((resolve) => {
      begun = () => resolve(false);
    });
    world.door = (lane) => (lane.endsWith("item-1") ? started : Promise.resolve(true));
    const stop = new AbortController();
    const observe = (event: Recorded): void => {
      if (event.type === "attempt-started") begun();
      if (event.type === "lane-failed") stop.abort({ kind: "stop" });
    };
    const session = await run(world, steps, { stop: stop.signal, observe });
    expect([session.status, times(world, "say 3-x")]).toEqual(["failed", 0]);
  });

  test("a pause does not wait for a delay to be over", async () => {
    const world = new World();
    world.waits = true;
    const steps = [shell("once x", { retry: retry(2, { initialDelayMs: 60_000 }) })];
    const pausing = stopAt(({ type }) => type === "attempt-ended", { kind: "pause" });
    expect((await run(world, steps, pausing)).pause?.kind).toBe("pause");
    world.waits = false;
    expect((await run(world, steps)).status).toBe("ended");
  });

  test("Ctrl-C after a pause is what is told", async () => {
    const world = new World();
    const stop = new AbortController();
    const observe = (event: Recorded): void => {
      if (event.type === "pause-requested" && event.reason.kind === "pause") ask({ kind: "signal", signal: "SIGINT" });
      if (event.type === "attempt-started") ask({ kind: "pause" });
    };
    const requests: PauseReason[] = [];
    let wake: () => void = () => undefined;
    const ask = (reason: PauseReason): void => {
      requests.push(reason);
      wake();
    };
    const ports = world.ports.bind(world);
    world.ports = () => ({
      ...ports(),
      inbox: {
        next: async (signal) => {
          for (;;) {
            const request = requests.shift();
            if (request !== undefined) return request;
            if (signal.aborted) return null;
            await new Promise<void>((resolve) => {
              wake = resolve;
              signal.addEventListener("abort", () => resolve());
            });
          }
        },
      },
    });
    const session = await run(world, [shell("say 1\nsay 2\nsay 3\nsay 4\nsay 5")], { stop: stop.signal, observe });
    expect(session.pause).toEqual({ kind: "signal", signal: "SIGINT" });
    expect(times(world, "say 5")).toBe(0);
  });

  const slow = [{ name: "KEY", value: { kind: "command", script: "say a\nsay b", cache: false } }] as const;
  const at = { file: "t", line: 1, column: 1, text: "" };
  const env = slow.map((entry) => ({ ...entry, secret: false, at }));
  test.each([
    { what: "a step", steps: [shell("say x", { env })] },
    { what: "a condition", steps: [shell("say x", { env, when: "true" })] },
    { what: "a list of items", steps: [foreach(["a"], [shell("say x")], { rest: { env } })] },
    {
      what: "a validation",
      steps: [shell("say x", { env, validate: validation([], { resultFile: "r", format: "json", threshold: 0 }) })],
    },
  ])("$what that is stopped while its environment is made has not failed", async ({ steps }) => {
    const calm = new World();
    const flow = [shell('write r {"completion":100}'), ...steps];
    await run(calm, flow);
    for (let nth = 1; nth <= times(calm, "say a"); nth++) {
      const world = new World();
      const stop = new AbortController();
      const ports = world.ports.bind(world);
      let seen = 0;
      world.ports = () => {
        const real = ports();
        const commands: typeof real.commands = {
          run: (command, signal) => {
            if (command.script.startsWith("say a") && ++seen === nth) stop.abort({ kind: "stop" });
            return real.commands.run(command, signal);
          },
        };
        return { ...real, commands };
      };
      expect((await run(world, flow, { stop: stop.signal })).status, `command ${String(nth)}`).toBe("paused");
      expect((await run(world, flow)).status, `command ${String(nth)}`).toBe("ended");
      expect(times(world, "say x")).toBe(1);
    }
  });

  test.each(["attempt-started", "attempt-ended", "retry-due", "lane-prepared", "lane-merged", "landing-planned"])(
    "stopped right after %s, it goes on to the same end",
    async (type) => {
      const steps = [
        shell("write a 1\ncommit a"),
        foreach(["x", "y"], [agent("write f-${item} 1\ncommit ${item}")], { parallel: 2 }),
        shell("once r", { retry: retry(2) }),
      ];
      const world = new World();
      expect(
        (
          await run(
            world,
            steps,
            stopAt((event) => event.type === type),
          )
        ).status,
      ).toBe("paused");
      expect((await run(world, steps)).status).toBe("ended");
      expect([...landed(world).keys()]).toEqual(["README.md", "a", "f-x", "f-y"]);
      expect(["commit a", "commit x", "commit y"].map((line) => times(world, line))).toEqual([1, 1, 1]);
    },
  );
});

describe("after an edit", () => {
  const lanes = (last: string): readonly Step[] => [
    foreach(["x", "y"], [agent("write a-${item} 1\ncommit a ${item}"), agent("write b-${item} 1\ncommit b ${item}")], {
      parallel: 2,
    }),
    shell(last),
  ];

  async function killed(world: World, steps: readonly Step[], when: (event: Recorded) => boolean): Promise<void> {
    const observe = (event: Recorded): void => (when(event) ? world.crashAfter(1) : undefined);
    await expect(run(world, steps, { observe })).rejects.toThrow(Crash);
    world.crashAfter(Number.POSITIVE_INFINITY);
  }

  test("of a later step, the lanes of a loop go on where they were", async () => {
    const world = new World();
    let ended = 0;
    await killed(world, lanes("say old"), ({ type }) => type === "attempt-ended" && ++ended === 2);
    expect((await run(world, lanes("say new"), { force: true })).status).toBe("ended");
    expect([times(world, "commit a x"), times(world, "commit a y"), times(world, "say new")]).toEqual([1, 1, 1]);
  });

  test("of an earlier step, the lanes of the loop are kept aside and removed", async () => {
    const world = new World();
    const flow = (first: string): readonly Step[] => [shell(first), ...lanes("say end")];
    let ended = 0;
    await killed(world, flow("say one"), ({ type }) => type === "attempt-ended" && ++ended === 3);
    const session = await run(world, flow("say two"), { force: true });
    expect([session.status, session.lanes.size, [...world.trees.keys()]]).toEqual(["ended", 1, []]);
    expect(times(world, "commit a x")).toBe(2);
    expect(world.log(world.branches.get("main") ?? "")).toHaveLength(3);
  });

  test("of the merge steps, the changed ones run as they are now", async () => {
    const world = new World();
    const flow = (...scripts: readonly string[]): Workflow =>
      workflow([shell("write a 1\ncommit a")], {
        merge: { steps: scripts.map((script) => shell(script)), timeoutMs: null },
      });
    expect((await work(world, flow("say one", "say two", "fail 1"))).status).toBe("failed");
    expect((await work(world, flow("say one", "say zwei", "say three"), { force: true })).status).toBe("ended");
    expect(["say one", "say two", "say zwei", "say three"].map((line) => times(world, line))).toEqual([1, 1, 1, 1]);
  });

  test("that leaves fewer steps than were done, the rest is taken back", async () => {
    const world = new World();
    const steps = [shell("write a 1\ncommit a"), shell("write b 1\ncommit b"), shell("fail 1")];
    expect((await run(world, steps)).status).toBe("failed");
    expect((await run(world, steps.slice(0, 1), { force: true })).status).toBe("ended");
    expect([...landed(world).keys()]).toEqual(["README.md", "a"]);
  });

  test("passes are counted by the commits that are still there", async () => {
    const world = new World();
    const steps = (last: string): readonly Step[] => [shell("say start"), shell("write b 1\ncommit b"), shell(last)];
    expect((await run(world, steps("fail 1"), { maxIterations: 3 })).status).toBe("failed");
    const edited = [shell("say begin"), shell("say nothing")];
    const session = await run(world, edited, { maxIterations: 3, force: true });
    expect([session.status, times(world, "say begin")]).toEqual(["ended", 1]);
  });

  test("what an interrupted agent had cost is not forgotten", async () => {
    const world = new World();
    world.logged = { costUsd: 1, inputTokens: 7, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, turns: 1 };
    await killed(world, [agent("say old")], ({ type }) => type === "attempt-started");
    expect((await run(world, [agent("say new")], { force: true })).status).toBe("ended");
    const spent = world.history().flatMap((event) => (event.type === "attempt-interrupted" ? [event.usage] : []));
    expect(spent).toEqual([world.logged]);
  });
});
