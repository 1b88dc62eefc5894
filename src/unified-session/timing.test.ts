import { expect, test } from "vitest";
import { formatDuration, NO_TIMINGS, type TimingEvent, track } from "./timing.ts";

test.each([
  [-5, "0s"],
  [999, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [61_000, "1m 1s"],
  [3_599_000, "59m 59s"],
  [3_600_000, "1h"],
  [3_661_000, "1h 1m"],
  [90_000_000, "25h"],
])("%i ms reads as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("what began and ended is timed; an end alone is not", () => {
  const events: readonly (readonly [TimingEvent, number])[] = [
    [{ kind: "command-ended" }, 0],
    [{ kind: "iteration-started", number: 1 }, 10],
    [{ kind: "command-started", name: "shell: a" }, 20],
    [{ kind: "command-ended" }, 50],
    [{ kind: "iteration-ended" }, 100],
    [{ kind: "iteration-ended" }, 200],
  ];
  expect(events.reduce((timings, [event, now]) => track(timings, event, now), NO_TIMINGS)).toEqual({
    iteration: null,
    command: null,
    iterations: [{ number: 1, ms: 90 }],
    commands: [{ name: "shell: a", ms: 30 }],
  });
});
