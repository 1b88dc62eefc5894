import { expect, test } from "vitest";
import type { Command } from "../../src/cook/decision/command.ts";
import { decide } from "../../src/cook/decision/decide.ts";
import type { Event, Recorded } from "../../src/cook/decision/event.ts";
import { evolve } from "../../src/cook/decision/evolve.ts";
import type { State } from "../../src/cook/decision/state.ts";
import { scenarios } from "../kit/scenarios.ts";
import { work, World } from "../kit/world.ts";

async function calmJournal(index: number): Promise<readonly Recorded[]> {
  const scenario = scenarios[index];
  if (scenario === undefined) throw new Error("no such scenario");
  const world = new World();
  await work(world, scenario.workflow, scenario.going);
  return world.history();
}

function fold(events: readonly Event[]): State {
  return events.reduce<State>(evolve, { kind: "none" });
}

const reopening: Event = {
  type: "session-opened",
  worker: { pid: 2, startedAt: "", host: "" },
  autoLand: true,
  at: 2e6,
};
const each = scenarios.map(({ name }, index) => ({ name, index }));

test.each(each)("$name: from any prefix of its journal the next worker finds something to do", async ({ index }) => {
  const journal = await calmJournal(index);
  for (let length = 1; length < journal.length; length++) {
    const state = fold([...journal.slice(0, length), reopening]);
    expect(decide(state), `prefix of ${String(length)} events`).not.toEqual([]);
  }
});

test.each(each)("$name: a step that has ended is never proposed again", async ({ index }) => {
  const journal = await calmJournal(index);
  const passed = new Set<string>();
  let state: State = { kind: "none" };
  for (const event of journal) {
    state = evolve(state, event);
    // An item that failed is tried again from the start.
    if (event.type === "item-retried") passed.clear();
    if (event.type === "attempt-ended" && event.result.ok)
      passed.add(`${event.lane} ${event.path} ${String(event.attempt)}`);
    for (const command of decide(state)) expect(passed).not.toContain(nameOf(command));
  }
});

function nameOf(command: Command): string {
  return command.kind === "attempt" ? `${command.lane} ${command.path} ${String(command.attempt)}` : command.kind;
}

test.each(each)("$name: a settled session proposes nothing, and deciding twice says the same", async ({ index }) => {
  const journal = await calmJournal(index);
  expect(decide(fold(journal))).toEqual([]);
  for (let length = 1; length <= journal.length; length++) {
    const state = fold(journal.slice(0, length));
    expect(decide(state)).toEqual(decide(state));
  }
});
