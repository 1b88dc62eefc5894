import { describe, expect, test } from "vitest";
import type { Recorded, StepOutcome } from "../../src/cook/decision/event.ts";
import type { Session } from "../../src/cook/decision/state.ts";
import type { FailurePolicy, RetryPolicy, Step } from "../../src/workflow/model.ts";
import { agent, shell, step, workflow } from "../kit/steps.ts";
import { Crash, type Going, work, World } from "../kit/world.ts";

interface Seen {
  readonly world: World;
  readonly session: Session;
  readonly events: readonly Recorded[];
  /** Outcomes of the steps in the list itself, in order. */
  readonly outcomes: readonly StepOutcome["status"][];
}

async function run(steps: readonly Step[], going: Going = {}, world = new World()): Promise<Seen> {
  const session = await work(world, workflow(steps), going);
  const events = world.history();
  const outcomes = events.flatMap((event) =>
    event.type === "step-ended" && /^input-\d+\/pass-\d+\/step-\d+$/.test(event.path) ? [event.outcome.status] : [],
  );
  return { world, session, events, outcomes };
}

const times = (world: World, line: string): number => world.executed.get(line) ?? 0;

function handle(steps: readonly Step[], rest: Partial<FailurePolicy & { kind: "handle" }> = {}): FailurePolicy {
  return {
    kind: "handle",
    steps,
    rounds: 1,
    after: "rerun",
    failWorkflow: true,
    handlerFailureFatal: false,
    timeoutMs: null,
    ...rest,
  };
}

describe("on_failure", () => {
  const check = "need fixed";
  const fix = shell("write fixed 1");
  const cases: readonly {
    readonly form: string;
    readonly policy: FailurePolicy;
    readonly ends: StepOutcome["status"];
    readonly runs: number;
  }[] = [
    { form: "nothing", policy: { kind: "fail" }, ends: "failed", runs: 1 },
    { form: "tolerate", policy: { kind: "tolerate" }, ends: "tolerated", runs: 1 },
    { form: "a handler that repairs", policy: handle([fix]), ends: "ok", runs: 2 },
    { form: "a handler that repairs nothing", policy: handle([shell("say hm")]), ends: "failed", runs: 2 },
    {
      form: "a handler that repairs nothing, three rounds",
      policy: handle([shell("say hm")], { rounds: 3 }),
      ends: "failed",
      runs: 4,
    },
    {
      form: "a handler that repairs nothing, tolerated",
      policy: handle([shell("say hm")], { failWorkflow: false }),
      ends: "tolerated",
      runs: 2,
    },
    { form: "not run again", policy: handle([fix], { after: "accept" }), ends: "recovered", runs: 1 },
    { form: "fallback", policy: handle([fix], { after: "replace" }), ends: "recovered", runs: 1 },
    { form: "cleanup", policy: handle([fix], { after: "fail" }), ends: "failed", runs: 1 },
    { form: "a failing handler", policy: handle([shell("fail 2")]), ends: "failed", runs: 1 },
    {
      form: "a failing handler, tolerated",
      policy: handle([shell("fail 2")], { failWorkflow: false }),
      ends: "tolerated",
      runs: 1,
    },
    {
      form: "a failing handler that is fatal",
      policy: handle([shell("fail 2")], { failWorkflow: false, handlerFailureFatal: true }),
      ends: "failed",
      runs: 1,
    },
  ];
  test.each(cases)("$form: the step ends as $ends", async ({ policy, ends, runs }) => {
    const { world, outcomes, session } = await run([shell(check, { onFailure: policy })]);
    expect(outcomes).toEqual([ends]);
    expect(times(world, check)).toBe(runs);
    expect(session.status).toBe(ends === "failed" ? "failed" : "ended");
  });

  test("the handler of an agent that fails runs as well", async () => {
    const { outcomes } = await run([agent("fail 1", { onFailure: handle([fix], { after: "accept" }) })]);
    expect(outcomes).toEqual(["recovered"]);
  });

  test("the handler sees what failed", async () => {
    const { world } = await run([
      shell("say broken\nfail 3", {
        onFailure: handle([shell("write told ${error.exit_code}/${shell.output}")], { after: "accept" }),
      }),
    ]);
    const head = world.trees.get("main");
    expect(head).toBeUndefined();
    expect(world.salvaged.at(-1)?.files.get("told")).toBe("3/broken");
  });
});

describe("on_exit_code and on_success", () => {
  test("an exact code replaces the generic handler", async () => {
    const { world } = await run([
      shell("fail 7", {
        onExitCode: [{ code: 7, steps: [shell("say seven")] }],
        onFailure: handle([shell("say generic")], { failWorkflow: false }),
      }),
    ]);
    expect([times(world, "say seven"), times(world, "say generic")]).toEqual([1, 0]);
  });

  test("it does not by itself make a failure tolerated", async () => {
    const { world, outcomes } = await run([
      shell("fail 7", { onExitCode: [{ code: 7, steps: [shell("say seven")] }] }),
    ]);
    expect([outcomes, times(world, "say seven")]).toEqual([["failed"], 1]);
  });

  test("code 0 runs after a success", async () => {
    const { world } = await run([
      shell("say fine", { onExitCode: [{ code: 0, steps: [shell("say zero")] }], onSuccess: [shell("say success")] }),
    ]);
    expect([times(world, "say zero"), times(world, "say success")]).toEqual([1, 0]);
  });

  test("a failing on_success step fails the step", async () => {
    const { outcomes, session } = await run([shell("say fine", { onSuccess: [shell("fail 4")] })]);
    expect(outcomes).toEqual(["failed"]);
    expect(session.fault?.exitCode).toBe(4);
  });
});

describe("retry", () => {
  const policy: RetryPolicy = {
    attempts: 3,
    backoff: { kind: "exponential", base: 2 },
    initialDelayMs: 1000,
    maxDelayMs: 30_000,
    jitterFactor: 0,
    retryOn: [],
    budgetMs: null,
    onExhausted: { kind: "stop" },
  };
  const delays = (events: readonly Recorded[]): readonly number[] =>
    events.flatMap((event) => (event.type === "retry-due" ? [event.delayMs] : []));

  test("attempts are executions in total, with growing delays between them", async () => {
    const { world, events, outcomes } = await run([shell("fail 1", { retry: policy })]);
    expect([times(world, "fail 1"), delays(events), outcomes]).toEqual([3, [1000, 2000], ["failed"]]);
  });

  test("the budget bounds the sum of the delays", async () => {
    const { world, events } = await run([shell("fail 1", { retry: { ...policy, attempts: 10, budgetMs: 3500 } })]);
    expect([times(world, "fail 1"), delays(events)]).toEqual([3, [1000, 2000]]);
  });

  test("what no matcher fits is not tried again", async () => {
    const { world } = await run([shell("fail 1", { retry: { ...policy, retryOn: [{ kind: "exit_code", code: 2 }] } })]);
    expect(times(world, "fail 1")).toBe(1);
  });

  test("a fallback takes the place of what keeps failing", async () => {
    const { outcomes } = await run([
      shell("fail 1", { retry: { ...policy, onExhausted: { kind: "fallback", steps: [shell("say instead")] } } }),
    ]);
    expect(outcomes).toEqual(["recovered"]);
  });

  test("a whole loop can be tried again", async () => {
    const body = [shell("append log x"), shell("fail 1")];
    const { world } = await run([
      step({ kind: "group", steps: body }, { retry: { ...policy, attempts: 2, initialDelayMs: 0 } }),
    ]);
    expect(times(world, "append log x")).toBe(2);
  });
});

describe("loops", () => {
  const foreach = (steps: readonly Step[], rest: object = {}): Step =>
    step({
      kind: "foreach",
      input: { kind: "list", items: ["a", "b", "c"] },
      steps,
      parallel: 1,
      shared: false,
      continueOnError: false,
      maxItems: null,
      ...rest,
    });

  test("the first failing item stops the loop", async () => {
    const { world, outcomes } = await run([foreach([shell("say ${item}"), shell("need never-${item}")])]);
    expect([times(world, "say a"), times(world, "say b"), outcomes]).toEqual([1, 0, ["failed"]]);
  });

  test("continue_on_error goes through all items and fails in the end", async () => {
    const { world, session } = await run([
      foreach([shell("say ${item}"), shell("need never-${item}")], { continueOnError: true }),
    ]);
    expect(times(world, "say c")).toBe(1);
    expect(session.fault?.message).toBe(
      '3 of 3 items of step "foreach" failed; the first: step "shell: need never-${item}" failed with exit code 1',
    );
  });

  test("max_items takes the first ones, and an item knows its place", async () => {
    const { world } = await run([foreach([shell("say ${index}/${total}/${item}")], { maxItems: 2 })]);
    expect([times(world, "say 0/2/a"), times(world, "say 1/2/b"), times(world, "say 2/2/c")]).toEqual([1, 1, 0]);
  });

  test("items in lanes of their own are merged in their order", async () => {
    const { world } = await run([foreach([shell("write f-${item} 1\ncommit ${item}")], { parallel: 3 })]);
    const log = world.log(world.branches.get("main") ?? "");
    expect(log.map((message) => message.replace(/ main.*/, ""))).toEqual([
      "base",
      "Merge agent item 1",
      "Merge agent item 2",
      "Merge agent item 3",
    ]);
  });

  test("after a failure the items that have begun come to their end, and no other begins", async () => {
    const items = { input: { kind: "list", items: ["1", "2", "3", "4"] }, parallel: 2 };
    const slow = shell("say a-${item}\nsay b-${item}\nsay c-${item}", { when: "${item} != '1'" });
    const { world, events } = await run([foreach([shell("fail 3", { when: "${item} == '1'" }), slow], items)]);
    expect([times(world, "say c-2"), times(world, "say a-3")]).toEqual([1, 0]);
    const ended = events.findIndex(
      (event) => event.type === "attempt-ended" && event.path.endsWith("step-0/run") && event.lane === "main",
    );
    expect(events.slice(ended).some((event) => event.type === "attempt-started")).toBe(false);
  });

  test("an item whose commits conflict fails with the paths, and its work is kept", async () => {
    const { session } = await run([
      foreach([shell("write same ${item}\ncommit ${item}")], { parallel: 3, continueOnError: true }),
    ]);
    expect(session.fault?.message).toContain("the item's commits conflict with those of earlier items in same");
  });

  test("goal_seek tries until the score is reached, and not at all when it is there already", async () => {
    const goal = (score: Step, maxAttempts = 3): Step =>
      step({
        kind: "goal_seek",
        goal: "done",
        steps: [shell("append tries x")],
        score,
        threshold: 80,
        maxAttempts,
        timeoutMs: null,
        failOnIncomplete: true,
      });
    expect(times((await run([goal(shell("say score: 90"))])).world, "append tries x")).toBe(0);
    const missed = await run([goal(shell("say 40%"))]);
    expect(times(missed.world, "append tries x")).toBe(3);
    expect(missed.session.fault?.message).toBe(
      'goal "done" was not reached in 3 attempts: the score is 40, 80 is needed',
    );
  });
});

describe("conditions, captures and commits", () => {
  test("when decides on captured values", async () => {
    const capture = {
      name: "n",
      format: "number",
      source: "stdout",
      streams: { stdout: true, stderr: false, exitCode: true, success: true, duration: true },
    } as const;
    const { outcomes } = await run([
      shell("say 5", { capture }),
      shell("say big", { when: "${n} > 3" }),
      shell("say small", { when: "${n} < 3" }),
    ]);
    expect(outcomes).toEqual(["ok", "ok", "skipped"]);
  });

  test("a condition that cannot be evaluated fails the step and says where", async () => {
    const { session } = await run([shell("say x", { when: "${n} >" })]);
    expect(session.status).toBe("failed");
    expect(session.fault?.kind).toBe("expression");
  });

  test("commit_required fails a step that passed without a commit, and leaves a failed one its own reason", async () => {
    expect((await run([shell("say x", { commitRequired: true })])).session.fault?.kind).toBe("commit-required");
    expect((await run([shell("fail 9", { commitRequired: true })])).session.fault?.exitCode).toBe(9);
  });

  test("declared outputs are the files that the step made", async () => {
    const steps = [
      shell("write docs/x-spec.md text\ncommit spec", {
        id: "make",
        outputs: [{ name: "spec", filePattern: "*-spec.md", at: { file: "t", line: 1, column: 1, text: "" } }],
      }),
      shell("say ${make.spec} ${steps.make.outputs.spec}"),
    ];
    expect(times((await run(steps)).world, "say docs/x-spec.md docs/x-spec.md")).toBe(1);
  });
});

describe("going on", () => {
  test("a failed run goes on at the step that failed, with what was captured before", async () => {
    const capture = {
      name: "v",
      format: "string",
      source: "stdout",
      streams: { stdout: true, stderr: false, exitCode: false, success: false, duration: false },
    } as const;
    const world = new World();
    const steps = [shell("say one", { capture }), shell("need later"), shell("write end ${v}\ncommit end")];
    expect((await run(steps, {}, world)).session.status).toBe("failed");
    world.trees.get("main")?.files.set("later", "by hand");
    const again = await run(steps, {}, world);
    expect([again.session.status, times(world, "say one"), times(world, "need later")]).toEqual(["ended", 1, 2]);
    expect(world.filesAt(world.branches.get("main") ?? "").get("end")).toBe("one");
  });

  test("items that passed are spared when a failed loop goes on", async () => {
    const world = new World();
    const loop = step({
      kind: "foreach",
      input: { kind: "list", items: ["a", "b"] },
      steps: [shell("say ${item}"), shell("need ok-${item}")],
      parallel: 1,
      shared: false,
      continueOnError: false,
      maxItems: null,
    });
    world.commits.get("c1");
    await run([shell("write ok-a 1"), loop], {}, world);
    world.trees.get("main")?.files.set("ok-b", "1");
    const again = await run([shell("write ok-a 1"), loop], {}, world);
    expect([again.session.status, times(world, "say a"), times(world, "say b")]).toEqual(["ended", 1, 1]);
  });

  test("three crashes in one attempt pause the session, and a person's resume tries again", async () => {
    const world = new World();
    const steps = [shell("say x\nsay y")];
    const die = async (): Promise<void> => {
      world.crashAfter(Number.POSITIVE_INFINITY);
      const observe = (event: Recorded): void => {
        if (event.type === "attempt-started") world.crashAfter(3);
      };
      await expect(run(steps, { observe }, world)).rejects.toBeInstanceOf(Crash);
    };
    await die();
    await die();
    await die();
    world.crashAfter(Number.POSITIVE_INFINITY);
    const paused = await run(steps, {}, world);
    expect([paused.session.status, paused.session.pause?.kind]).toEqual(["paused", "poison"]);
    expect((await run(steps, {}, world)).session.status).toBe("ended");
  });

  test("a stop ends what runs, pauses, and does not count as a crash", async () => {
    const world = new World();
    const stop = new AbortController();
    const observe = (event: Recorded): void => {
      if (event.type === "attempt-started") stop.abort({ kind: "signal", signal: "SIGINT" });
    };
    const stopped = await run([shell("write a 1\nwrite b 1"), shell("say end")], { stop: stop.signal, observe }, world);
    expect([stopped.session.status, stopped.session.pause]).toEqual(["paused", { kind: "signal", signal: "SIGINT" }]);
    expect(stopped.events.some((event) => event.type === "attempt-interrupted")).toBe(true);
    expect((await run([shell("write a 1\nwrite b 1"), shell("say end")], {}, world)).session.status).toBe("ended");
  });

  test("a pause lets the running step come to its end, and says that it has", async () => {
    const stop = new AbortController();
    const observe = (event: Recorded): void => {
      if (event.type === "attempt-started") stop.abort({ kind: "pause" });
    };
    const { outcomes, session } = await run([shell("say a"), shell("say b")], { stop: stop.signal, observe });
    expect([outcomes, session.status]).toEqual([["ok"], "paused"]);
  });

  test("--keep-going leaves a failing input behind, salvaged, and goes on", async () => {
    const { world, session } = await run(
      [shell("write f-${ARG} 1"), shell("need f-good"), shell("say x\ncommit ${ARG}")],
      { inputs: ["bad", "good"], keepGoing: true },
    );
    expect([session.status, session.failedInputs, world.salvaged.length]).toEqual(["ended", 1, 1]);
    expect([...world.filesAt(world.branches.get("main") ?? "").keys()]).toEqual(["README.md", "f-good"]);
  });
});

describe("landing", () => {
  const work = [shell("write a 1\ncommit a")];
  test.each([
    { answer: "no" as const, landing: "declined" },
    { answer: "nobody" as const, landing: "not-landed" },
    { answer: "yes" as const, landing: "landed" },
  ])("asked, and the answer is $answer: $landing", async ({ answer, landing }) => {
    const world = new World();
    world.answer = answer;
    const { events } = await run(work, { autoLand: false }, world);
    expect(events.at(-1)).toMatchObject({ type: "session-ended", landing });
    expect(world.trees.has("main")).toBe(answer !== "yes");
  });

  test("without commits nothing is asked and the worktree goes", async () => {
    const world = new World();
    world.answer = "nobody";
    const { events } = await run([shell("say x")], { autoLand: false }, world);
    expect(events.at(-1)).toMatchObject({ type: "session-ended", landing: "nothing" });
    expect(world.trees.size).toBe(0);
  });
});
