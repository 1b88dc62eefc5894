import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Event } from "../cook/decision/event.ts";
import { ALL_EVENTS, countEvents, type EventFilter, queryEvents, textPattern, type Window } from "./event-query.ts";
import { formatEvent } from "./journal-line.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

const EVENTS: readonly Event[] = [
  { type: "step-entered", lane: "main", path: "input-0/pass-0/step-1", at: 10 },
  { type: "step-entered", lane: "main", path: "input-0/pass-0/step-1/handler-0/step-0", at: 20 },
  { type: "step-entered", lane: "other", path: "input-0/pass-0/step-10", at: 30 },
  { type: "warned", lane: null, path: null, message: "Disk nearly full", at: 40 },
];

test.each<readonly [string, Partial<EventFilter>, readonly number[]]>([
  ["nothing asked gives all", {}, [1, 2, 3, 4]],
  ["by type", { types: ["warned", "landed"] }, [4]],
  ["by lane", { lane: "main" }, [1, 2]],
  ["by place and what is below it, not by the beginning of a name", { path: "input-0/pass-0/step-1" }, [1, 2]],
  ["since, included", { since: 20 }, [2, 3, 4]],
  ["until, included", { until: 20 }, [1, 2]],
  ["by a text anywhere in the event", { text: /nearly/u }, [4]],
  ["all that is asked must hold", { types: ["step-entered"], since: 20, lane: "main" }, [2]],
])("%s", async (_, filter, expected) => {
  expect(await found({ ...ALL_EVENTS, ...filter }, { kind: "all" })).toEqual(expected);
});

test.each<readonly [Window, readonly number[]]>([
  [{ kind: "first", count: 1 }, [1]],
  [{ kind: "first", count: 0 }, []],
  [{ kind: "last", count: 2 }, [2, 3]],
  [{ kind: "last", count: 0 }, []],
  [{ kind: "last", count: 9 }, [1, 2, 3]],
])("the window is laid over what matches: %j", async (window, expected) => {
  expect(await found({ ...ALL_EVENTS, types: ["step-entered"] }, window)).toEqual(expected);
});

test("counting sorts by number, then by name", async () => {
  await using folder = await journal();
  expect(await countEvents(folder.path, ALL_EVENTS, (event) => event.type)).toEqual({
    ok: true,
    value: [
      { key: "step-entered", count: 3 },
      { key: "warned", count: 1 },
    ],
  });
});

test("a pattern that is none is refused", () => {
  expect(textPattern("a(", { ignoreCase: false })).toMatchObject({ ok: false });
  const pattern = textPattern("DISK", { ignoreCase: true });
  expect(pattern.ok && pattern.value.test("a disk")).toBe(true);
});

async function found(filter: EventFilter, window: Window): Promise<readonly number[]> {
  await using folder = await journal();
  const numbers: number[] = [];
  const given = await queryEvents(folder.path, { filter, window }, (event) => void numbers.push(event.seq));
  expect(given).toEqual({ ok: true, value: numbers.length });
  return numbers;
}

async function journal() {
  const folder = await temporaryFolder();
  const lines = EVENTS.map((event, index) => formatEvent(index + 1, 1, JSON.stringify(event)));
  await writeFile(join(folder.path, "events-0.jsonl"), lines.join(""));
  return folder;
}
