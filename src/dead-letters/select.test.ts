import { describe, expect, test } from "vitest";
import type { Json } from "../workflow/model.ts";
import { lettersCsv, analyzeLetters, letterStats } from "./analysis.ts";
import type { Fault } from "./facts.ts";
import { type DeadLetter, failedAgain, letterOf } from "./letter.ts";
import { chooseLetters } from "./select.ts";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-01-31T12:05:00Z");

function letter(id: string, data: Json, faults: readonly Partial<Fault>[]): DeadLetter {
  const failures = faults.map((fault, index) => ({
    at: START + index * HOUR_MS + id.charCodeAt(0),
    session: "session-1",
    lane: `main//step-0/item-${id}`,
    fault: {
      kind: "exit",
      message: "m",
      exitCode: 1,
      lastLines: [],
      help: null,
      at: null,
      logs: [],
      ...fault,
    } as Fault,
    step: "shell: make",
    agentSession: null,
    logs: [],
    durationMs: 1000,
    costUsd: 0.5,
    salvage: null,
    conflicts: [],
  }));
  return letterOf(failedAgain(null, { id, data }, failures));
}

const LETTERS = [
  letter("a", { priority: "high", score: 7 }, [{ kind: "timeout", message: "timed out" }]),
  letter("b", { priority: "low", score: "9" }, [
    { lastLines: ["error in line 4"] },
    { lastLines: ["error in line 5"] },
  ]),
  letter("c", { priority: "high", score: 5 }, [{ lastLines: ["error in line 77"] }]),
];

function idsOf(wish: Parameters<typeof chooseLetters>[1]): readonly string[] {
  const chosen = chooseLetters(LETTERS, wish);
  if (!chosen.ok) throw new Error(chosen.fault.message);
  return chosen.value.letters.map(({ item_id: id }) => id);
}

describe("choosing", () => {
  test.each([
    ["item.priority == 'high' && item.score >= 5", ["c", "a"]],
    ["item.priority == 'high' && failure_count < 3 && item.score > 6", ["a"]],
    ["failure_count == 2", ["b"]],
    ["priority == 'low'", ["b"]],
    ["reprocess_eligible", ["a"]],
    ["error_type == 'CommandFailed' && exit_code == 1", ["b", "c"]],
    ["item.score >= 9", ["b"]],
    ["item.missing == 1", []],
  ])("check 75: %s", (filter, ids) => {
    expect(idsOf({ filter })).toEqual(ids);
  });

  test("check 75: by type, eligibility, time and signature, the last that failed first", () => {
    expect(idsOf({})).toEqual(["b", "c", "a"]);
    expect(idsOf({ type: "timeout" })).toEqual(["a"]);
    expect(idsOf({ eligible: true })).toEqual(["a"]);
    expect(idsOf({ since: START + HOUR_MS })).toEqual(["b"]);
    expect(idsOf({ until: START + HOUR_MS })).toEqual(["c", "a"]);
    expect(idsOf({ group: LETTERS[1]?.error_signature.slice(0, 8) ?? "" })).toEqual(["b", "c"]);
    expect(idsOf({ items: ["a", "c"], filter: "item.score < 6" })).toEqual(["c"]);
  });

  test("check 75: a malformed expression is told with its place", () => {
    const chosen = chooseLetters(LETTERS, { filter: "item.score >= " });
    expect(chosen).toMatchObject({ ok: false, fault: { kind: "expression", at: { file: "--filter", line: 1 } } });
  });

  test("an item that is not there is told", () => {
    const chosen = chooseLetters(LETTERS, { items: ["z"] });
    expect(chosen).toMatchObject({
      ok: true,
      value: { letters: [], warnings: ["item z is not in the dead letter queue"] },
    });
  });
});

describe("sums", () => {
  test("groups have a count, the first cause, samples and times; failures are told by the hour", () => {
    const { pattern_groups: groups, error_distribution: types, temporal_distribution: hours } = analyzeLetters(LETTERS);
    expect(groups).toMatchObject([
      { count: 2, first_cause: "error in line 5", sample_items: ["b", "c"], eligible: 0 },
      { count: 1, first_cause: "timed out", sample_items: ["a"], eligible: 1 },
    ]);
    expect(types).toEqual({ "CommandFailed(1)": 2, Timeout: 1 });
    expect(hours).toEqual([
      { hour: "2026-01-31T12:00:00Z", failures: 3 },
      { hour: "2026-01-31T13:00:00Z", failures: 1 },
    ]);
  });

  test("the numbers are those of the letters", () => {
    expect(letterStats(LETTERS)).toMatchObject({
      total_items: 3,
      eligible_for_reprocess: 1,
      total_failures: 4,
      cost_usd: 2,
      being_retried: 0,
    });
    expect(letterStats([])).toMatchObject({ total_items: 0, cost_usd: null, oldest_item: null });
  });

  test("CSV quotes what has to be quoted", () => {
    const [head = "", row = ""] = lettersCsv([letter("a,b", { text: 'say "x"' }, [{}])]).split("\r\n");
    expect(head.split(",").slice(0, 4)).toEqual(["item_id", "failure_count", "error_type", "exit_code"]);
    expect(row).toMatch(/^"a,b",1,CommandFailed,1,/);
    expect(row).toMatch(/,"\{""text"":""say \\""x\\""""\}"$/);
  });
});
