// The dead letter queue as a projection of what the engine records.
import { describe, expect, test } from "vitest";
import type { Recorded } from "../../src/cook/decision/event.ts";
import type { InboxRequest } from "../../src/cook/ports.ts";
import { openLetters } from "../../src/dead-letters/projection.ts";
import { settled } from "../../src/dead-letters/settle.ts";
import { map, retry, shell, workflow } from "../kit/steps.ts";
import { work, World } from "../kit/world.ts";

const policy = { onItemFailure: { kind: "retry" }, retry: retry(3) } as const;

async function history(): Promise<readonly Recorded[]> {
  const world = new World();
  const steps = [shell("write ${item} 1\ncommit ${item}"), shell("need c"), shell("once ${item}")];
  await work(world, workflow([map(["a", "b", "c"], steps, { maxParallel: "2", policy })], { mode: "mapreduce" }), {});
  return world.history();
}

function lettersOf(events: readonly Recorded[]): ReturnType<ReturnType<typeof openLetters>["read"]> {
  const letters = openLetters();
  for (const event of events) letters.add(event);
  return letters.read();
}

describe("the projection", () => {
  test("check 77: every attempt at an item is told with its number", async () => {
    const { items } = lettersOf(await history());
    expect(Object.fromEntries(items.map(({ item_id: id, failure_count: count }) => [id, count]))).toEqual({
      a: 3,
      b: 3,
    });
    expect(items[0]?.failure_history.map(({ attempt_number: number }) => number)).toEqual([1, 2, 3]);
    expect(items[0]?.failure_history.every(({ step_failed: step }) => step?.includes("need c"))).toBe(true);
    expect(items[0]?.failure_history.every(({ salvage }) => salvage !== null)).toBe(true);
  });

  test("at each moment of a run it holds exactly the items that failed and did not pass later", async () => {
    const events = await history();
    const one = openLetters();
    for (const [index, event] of events.entries()) {
      one.add(event);
      const prefix = events.slice(0, index + 1);
      const ends = new Map(prefix.flatMap((past) => (past.type === "map-item-ended" ? [[past.id, past.end]] : [])));
      const dead = [...ends].filter(([, end]) => end === "dead").map(([id]) => id);
      expect(one.read()).toEqual(lettersOf(prefix));
      expect(one.read().items.map(({ item_id: id }) => id)).toEqual(dead);
    }
  });

  test("check 74: a settled retry takes out what passed, and adds to the history of what did not", async () => {
    const events = await history();
    const last = events.at(-1);
    const note = (seq: number, body: object): Recorded =>
      ({ ...body, at: (last?.at ?? 0) + seq, seq: (last?.seq ?? 0) + seq }) as Recorded;
    const claim = note(1, { type: "dead-letters-retried", session: "session-2", items: ["a", "b"] });
    expect(lettersOf([...events, claim]).items.map(({ retrying_in: by }) => by)).toEqual(["session-2", "session-2"]);
    const failures = [...openedLetters(events)].find(([id]) => id === "a")?.[1].failures.slice(0, 1) ?? [];
    const end = note(2, {
      type: "dead-letters-settled",
      session: "session-2",
      passed: ["b"],
      failed: [{ id: "a", failures }],
    });
    expect(lettersOf([...events, claim, end]).items).toMatchObject([
      { item_id: "a", failure_count: 4, retrying_in: null },
    ]);
    const untried = note(2, { type: "dead-letters-settled", session: "session-2", passed: [], failed: [] });
    expect(lettersOf([...events, claim, untried]).items).toMatchObject([
      { failure_count: 3, retrying_in: null },
      { failure_count: 3, retrying_in: null },
    ]);
    const removed = note(3, { type: "dead-letters-removed", items: ["a", "b"], reason: "cleared" });
    expect(lettersOf([...events, removed]).items).toEqual([]);
  });

  test("a retry that has not ended settles nothing, and one that never began lets go of all", async () => {
    const events = await history();
    const items = new Set(["a", "b", "c"]);
    expect(settled("session-1", items, events.slice(0, -1))).toBeNull();
    expect(settled("session-1", items, [])).toMatchObject({ passed: [], failed: [] });
    expect(settled("session-1", items, events)).toMatchObject({ passed: ["c"], failed: [{ id: "a" }, { id: "b" }] });
  });
});

function openedLetters(events: readonly Recorded[]): ReturnType<ReturnType<typeof openLetters>["failures"]> {
  const letters = openLetters();
  for (const event of events) letters.add(event);
  return letters.failures();
}

describe("a running map", () => {
  test("an item that failed is tried again when somebody asks for it, and what is too late is told", async () => {
    const world = new World();
    const requests: InboxRequest[] = [];
    let wake: () => void = () => undefined;
    const ask = (...items: readonly string[]): void => {
      requests.push({ kind: "retry-items", items });
      wake();
    };
    const ports = world.ports.bind(world);
    world.ports = () => ({ ...ports(), inbox: { next: (signal) => nextOf(requests, signal, (to) => (wake = to)) } });
    const observe = (event: Recorded): void => {
      if (event.type === "map-item-ended" && event.id === "a" && event.end === "dead") ask("a");
      if (event.type === "attempt-started" && event.label.includes("say late")) ask("b", "nobody");
    };
    const steps = [shell("once ${item}"), shell("write ${item} 1\ncommit ${item}")];
    const flow = workflow([map(["a", "b", "c"], steps, { maxParallel: "1" }), shell("say late\nsay on\nsay on")], {
      mode: "mapreduce",
    });
    const session = await work(world, flow, { observe });
    expect(session).toMatchObject({ status: "ended", deadLetters: 2 });
    const ends = world
      .history()
      .flatMap((event) => (event.type === "map-item-ended" ? [`${event.id} ${event.end}`] : []));
    expect(ends.toSorted((a, b) => a.localeCompare(b))).toEqual(["a dead", "a merged", "b dead", "c dead"]);
    expect(lettersOf(world.history()).items.map(({ item_id: id }) => id)).toEqual(["b", "c"]);
    expect(world.history().flatMap((event) => (event.type === "warned" ? [event.message] : []))).toEqual([
      expect.stringContaining("the map that they belong to has ended"),
    ]);
  });
});

async function nextOf(
  requests: InboxRequest[],
  signal: AbortSignal,
  onWait: (wake: () => void) => void,
): Promise<InboxRequest | null> {
  for (;;) {
    const request = requests.shift();
    if (request !== undefined) return request;
    if (signal.aborted) return null;
    await new Promise<void>((resolve) => {
      onWait(resolve);
      signal.addEventListener("abort", () => resolve());
    });
  }
}
