// Maps: many items at once, each in a lane of its own, merged into one tree.
import { describe, expect, test } from "vitest";
import type { Recorded } from "../../src/cook/decision/event.ts";
import type { Session } from "../../src/cook/decision/state.ts";
import type { Step } from "../../src/workflow/model.ts";
import { agent, group, map, retry, shell, workflow } from "../kit/steps.ts";
import { type Going, work, World } from "../kit/world.ts";

const run = (world: World, steps: readonly Step[], going: Going = {}): Promise<Session> =>
  work(world, workflow(steps, { mode: "mapreduce" }), going);
const times = (world: World, line: string): number => world.executed.get(line) ?? 0;
const landed = (world: World): Record<string, string> =>
  Object.fromEntries(world.filesAt(world.branches.get("main") ?? ""));
type Of<T extends Recorded["type"]> = Recorded & { readonly type: T };
function events<T extends Recorded["type"]>(world: World, type: T): readonly Of<T>[] {
  return world.history().filter((event): event is Of<T> => event.type === type);
}
const ends = (world: World): Record<string, string> =>
  Object.fromEntries(events(world, "map-item-ended").map(({ id, end }) => [id, end]));
const each = agent("write ${item} 1\ncommit ${item}");

describe("items", () => {
  test("each item's commits are merged, and the session lands them all", async () => {
    const world = new World();
    const session = await run(world, [map(["a", "b", "c", "d", "e"], [each]), shell("say done")]);
    expect(session).toMatchObject({ status: "ended", deadLetters: 0, fault: null });
    expect(landed(world)).toMatchObject({ a: "1", b: "1", c: "1", d: "1", e: "1" });
    expect(
      world.log(world.branches.get("main") ?? "").filter((message) => message.startsWith("Merge agent ")),
    ).toHaveLength(5);
    expect([...world.trees.keys()]).toEqual([]);
  });

  test("no more worktrees are made than items run at once, and they are used again", async () => {
    const world = new World();
    await run(world, [map(["a", "b", "c", "d", "e", "f", "g", "h"], [each], { maxParallel: "3" })]);
    // The session's own and those of the pool.
    expect(world.mostTrees).toBe(4);
    expect(new Set(events(world, "lane-prepared").filter(({ fresh }) => fresh === true)).size).toBe(3);
  });

  test("what is set up in a worktree is set up once in each", async () => {
    const world = new World();
    const worktrees = { setup: [shell("say installed")], keep: [], copy: [] };
    await run(world, [map(["a", "b", "c", "d", "e"], [each], { maxParallel: "2", worktrees })]);
    expect(times(world, "say installed")).toBe(2);
  });

  test("an item sees what earlier phases captured, and the map leaves its results", async () => {
    const world = new World();
    const capture = { name: "who", format: "string", source: "stdout" } as const;
    const streams = { stdout: true, stderr: false, exitCode: false, success: false, duration: false };
    await run(world, [
      group([shell("say ann", { capture: { ...capture, streams } })]),
      map([{ id: "one", n: { deep: [7] } }], [shell("say ${who} ${item.n.deep[0]} ${item_id}")]),
      shell("say ${map.successful}/${map.total} ${map.results[0].item_id}: ${map.results[0].output}"),
    ]);
    expect(times(world, "say ann 7 one")).toBe(1);
    expect(times(world, "say 1/1 one: ann 7 one")).toBe(1);
  });

  test("items are named by their id, or by what they are; the same id twice is refused", async () => {
    const world = new World();
    await run(world, [map([{ id: 7 }, { x: 1 }, { x: 1 }], [shell("say hi")])]);
    const [first = "", second, third] = Object.keys(ends(world)).toSorted();
    expect([second, third]).toEqual([`${first}-2`, "7"]);
    const same = await run(new World(), [map([{ id: "a" }, { id: "b" }, { id: "a" }], [shell("say hi")])]);
    expect(same.fault?.message).toBe('items 1 and 3 have the same id "a"');
  });

  test("without items there is nothing to do, unless that is a failure", async () => {
    const empty = await run(new World(), [map([], [each]), shell("say total ${map.total}")]);
    expect(empty.status).toBe("ended");
    const strict = await run(new World(), [map([], [each], { failWhenEmpty: true })]);
    expect(strict.fault?.message).toContain("has no items");
  });
});

describe("failures", () => {
  test("an item that fails goes to the dead letters with its work kept, and the others go on", async () => {
    const world = new World();
    const steps = [shell("write ${item} 1\ncommit ${item}"), shell("need c")];
    const flow = [map(["a", "b", "c"], steps, { maxParallel: "3" }), shell("say failed ${map.failed}")];
    expect(await run(world, flow)).toMatchObject({ status: "ended", deadLetters: 2 });
    expect(times(world, "say failed 2")).toBe(1);
    expect(Object.values(ends(world)).toSorted()).toEqual(["dead", "dead", "merged"]);
    expect(Object.keys(landed(world))).toEqual(["README.md", "c"]);
    expect(world.salvaged.map(({ files }) => [...files.keys()])).toContainEqual(["README.md", "a"]);
  });

  test("a failed item is tried again from the start, as often as its retry says", async () => {
    const world = new World();
    const policy = { onItemFailure: { kind: "retry" }, retry: retry(3) } as const;
    const session = await run(world, [map(["a"], [shell("say hi ${item}\nonce x\nwrite a 1\ncommit a")], { policy })]);
    expect(session.deadLetters).toBe(0);
    expect([times(world, "say hi a"), ends(world)]).toEqual([2, expect.objectContaining({})]);
    const hopeless = new World();
    await run(hopeless, [map(["a"], [shell("say hi ${item}\nfail 1")], { policy })]);
    expect([times(hopeless, "say hi a"), Object.values(ends(hopeless))]).toEqual([3, ["dead"]]);
    expect(events(hopeless, "map-item-ended")[0]?.attempts).toBe(3);
  });

  test("skip does not mind, and custom steps may forgive", async () => {
    const skipped = new World();
    const skip = { policy: { onItemFailure: { kind: "skip" } } } as const;
    expect(await run(skipped, [map(["a"], [shell("fail 1")], skip)])).toMatchObject({ deadLetters: 0 });
    expect(Object.values(ends(skipped))).toEqual(["skipped"]);
    const custom = new World();
    const policy = { onItemFailure: { kind: "custom", steps: [shell("need forgiven-${item}")] } } as const;
    await run(custom, [map(["a"], [shell("write forgiven-${item} 1"), shell("fail 2")], { policy })]);
    expect(Object.values(ends(custom))).toEqual(["skipped"]);
  });

  test.each([
    ["stop", { onItemFailure: { kind: "stop" } }],
    ["continue_on_failure: false", { continueOnFailure: false }],
    ["max_failures", { maxFailures: 1 }],
    ["failure_threshold", { failureThreshold: 0.1, minItems: 1 }],
  ] as const)("%s stops the map, and a resume goes on with what is left and what failed", async (name, policy) => {
    const world = new World();
    const steps = [shell("once ${item}"), shell("write ${item} 1\ncommit ${item}")];
    const flow = [map(["a", "b", "c", "d"], steps, { maxParallel: "1", policy }), shell("say reduced")];
    const stopped = await run(world, flow);
    expect(stopped).toMatchObject({ status: "failed" });
    expect(stopped.fault?.message).toContain(name);
    expect([times(world, "once b"), times(world, "say reduced")]).toEqual([0, 0]);
    let session = stopped;
    for (let tries = 0; tries < 4 && session.status === "failed"; tries++) session = await run(world, flow);
    expect(session).toMatchObject({ status: "ended", deadLetters: 0 });
    expect(landed(world)).toMatchObject({ a: "1", b: "1", c: "1", d: "1" });
  });

  test("the circuit breaker opens after failures in a row, lets a trial through, and closes again", async () => {
    const world = new World();
    const circuitBreaker = { failureThreshold: 2, successThreshold: 1, timeoutMs: 1000, halfOpenRequests: 1 };
    const items = ["a", "b", "c", "d"];
    const steps = [shell("need ok"), shell("say ${item}")];
    const before = world.now;
    const session = await run(world, [
      map(items, [shell("once one-${item}"), ...steps.slice(1)], { maxParallel: "1", policy: { circuitBreaker } }),
    ]);
    expect(events(world, "breaker-changed").map(({ to }) => to)).toEqual(["open", "half-open", "open"]);
    expect(session.fault?.message).toContain("circuit breaker");
    expect(world.now - before).toBeGreaterThan(1000);
    const later = await run(world, [
      map(items, [shell("once one-${item}"), ...steps.slice(1)], { maxParallel: "1", policy: { circuitBreaker } }),
    ]);
    expect(later.deadLetters).toBe(1);
  });

  test("an item that meets its time limit ends, and the limit says what becomes of it", async () => {
    const slow = [shell("take 600"), shell("take 600"), shell("say late")];
    for (const [action, end] of [
      ["dlq", "dead"],
      ["skip", "skipped"],
      ["graceful_terminate", "dead"],
    ] as const) {
      const world = new World();
      await run(world, [map(["a"], slow, { timeout: { limit: "1s", action, graceMs: null } })]);
      expect([times(world, "say late"), Object.values(ends(world))]).toEqual([0, [end]]);
      expect(events(world, "map-item-ended")[0]?.outcome.fault?.message).toContain("timed out after 1 s");
    }
    const fatal = await run(new World(), [
      map(["a", "b"], slow, { maxParallel: "1", timeout: { limit: "1s", action: "fail", graceMs: null } }),
    ]);
    expect(fatal).toMatchObject({ status: "failed" });
  });
});

describe("conflicts", () => {
  const both = shell("write same ${item}\ncommit ${item}");

  test("an agent resolves them in the item's own worktree, and the result is merged", async () => {
    const world = new World();
    world.resolves = true;
    const session = await run(world, [map(["a", "b", "c"], [both], { maxParallel: "3" })]);
    expect(session).toMatchObject({ status: "ended", deadLetters: 0 });
    expect(events(world, "item-conflicted").length).toBeGreaterThan(0);
    expect(new Set(Object.values(ends(world)))).toEqual(new Set(["merged"]));
  });

  test("what cannot be resolved goes to the dead letters with the paths, and others are unaffected", async () => {
    const world = new World();
    const session = await run(world, [map(["a", "b"], [both])]);
    expect(session).toMatchObject({ status: "ended", deadLetters: 1 });
    expect(events(world, "item-conflicted").map(({ paths }) => paths)).toContainEqual(["same"]);
    expect(events(world, "map-item-ended").find(({ end }) => end === "dead")).toMatchObject({ conflicts: ["same"] });
  });
});

describe("conflicts that are foreseen", () => {
  const steps = [
    agent("write ${item.file} ${item.id}\ncommit ${item.id}"),
    shell("say more\nsay more\nsay more\nsay more ${item.id}"),
    shell("say end ${item.id}"),
  ];
  const items = [
    { id: "a", file: "same" },
    { id: "b", file: "same" },
    { id: "c", file: "other" },
  ];

  test("two that run and will conflict are reported before either is merged", async () => {
    const world = new World();
    world.resolves = true;
    await run(world, [map(items, steps, { maxParallel: "3" })]);
    const [probed] = events(world, "items-probed");
    expect(probed).toMatchObject({ conflicts: ["same"] });
    expect(probed?.seq).toBeLessThan(events(world, "item-combined")[0]?.seq ?? 0);
  });

  test("with serialize, an item waits while a running one has changed a file that it names", async () => {
    const world = new World();
    const session = await run(world, [map(items, steps, { maxParallel: "1", conflicts: "serialize" })]);
    expect(session).toMatchObject({ status: "ended", deadLetters: 0 });
    const other = new World();
    const many = [{ id: "x", file: "x" }, ...items, { id: "d", file: "same" }];
    expect(await run(other, [map(many, steps, { maxParallel: "2", conflicts: "serialize" })])).toMatchObject({
      status: "ended",
    });
    expect(Object.keys(ends(other))).toHaveLength(5);
    expect(events(other, "items-begun").flatMap(({ delayed }) => delayed ?? [])).toContain(2);
  });
});

describe("the verified train", () => {
  // Each is green alone, and x and y are red together.
  const steps = [shell("write ${item} 1\ncommit ${item}")];
  const verify = { steps: [shell("together x y")], batch: 4 };

  test("items that are red together do not land together: one of them is the culprit", async () => {
    const world = new World();
    const session = await run(world, [map(["w", "x", "y", "z"], steps, { maxParallel: "4", verify })]);
    expect(session).toMatchObject({ status: "ended", deadLetters: 1 });
    const files = landed(world);
    expect(files).toMatchObject({ w: "1", z: "1" });
    expect("x" in files && "y" in files).toBe(false);
    expect("x" in files || "y" in files).toBe(true);
  });

  test("a batch that passes is verified once", async () => {
    const world = new World();
    await run(world, [map(["a", "b", "c"], steps, { maxParallel: "3", verify: { ...verify, batch: null } })]);
    expect(events(world, "batch-verified")).toHaveLength(1);
    expect(landed(world)).toMatchObject({ a: "1", b: "1", c: "1" });
  });
});

describe("a used-up quota", () => {
  test("parks the map: nothing new begins, what runs comes to its end, and the agent is taken up where it stopped", async () => {
    const world = new World();
    const steps = [agent("say begin ${item.id}\n${item.cut}\nwrite ${item.id} 1\ncommit ${item.id}")];
    const items = [
      { id: "a", cut: "cut limit now" },
      { id: "b", cut: "say fine" },
      { id: "c", cut: "say fine" },
      { id: "d", cut: "say fine" },
    ];
    const flow = [map(items, steps, { maxParallel: "2" })];
    expect(await run(world, flow)).toMatchObject({ status: "paused", pause: { kind: "limit" } });
    expect(events(world, "items-begun").flatMap(({ items: begun }) => begun).length).toBeLessThan(4);
    expect(await run(world, flow)).toMatchObject({ status: "ended", deadLetters: 0 });
    expect(landed(world)).toMatchObject({ a: "1", b: "1", c: "1", d: "1" });
    expect(["a", "b", "c", "d"].map((id) => times(world, `say begin ${id}`))).toEqual([1, 1, 1, 1]);
  });
});

describe("edits", () => {
  const failing = (policy: object, script = "need never"): Step[] => [
    shell("write setup 1\ncommit setup"),
    map(["a", "b", "c"], [agent("write ${item} 1\ncommit ${item}"), shell(script)], { maxParallel: "1", policy }),
  ];

  test("what only says how many run at once, and what becomes of failures, spares what is done", async () => {
    const world = new World();
    const items = ["a", "b", "c"];
    const steps = [shell("once ${item}"), agent("write ${item} 1\ncommit ${item}")];
    const stop = { onItemFailure: { kind: "stop" } } as const;
    const other = map(items, steps, { maxParallel: "1", policy: stop });
    expect(await run(world, [other])).toMatchObject({ status: "failed" });
    const onward = map(items, steps, { maxParallel: "3" });
    expect(await run(world, [onward], { force: true })).toMatchObject({ status: "ended" });
    expect(events(world, "map-planned")).toHaveLength(1);
  });

  test("another agent template does all items again, and what came before them stays", async () => {
    const world = new World();
    expect(await run(world, failing({}))).toMatchObject({ status: "ended", deadLetters: 3 });
    const again = new World();
    expect(await run(again, failing({ onItemFailure: { kind: "stop" } }))).toMatchObject({ status: "failed" });
    const session = await run(again, failing({}, "say fine"), { force: true });
    expect(session).toMatchObject({ status: "ended", deadLetters: 0 });
    expect([times(again, "write setup 1"), times(again, "write a 1")]).toEqual([1, 2]);
  });
});
