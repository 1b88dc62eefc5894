import { expect, test } from "vitest";
import { parseDuration } from "./duration.ts";

test.each([
  ["90", 90_000],
  ["1.5", 1_500],
  ["0", 0],
  ["500ms", 500],
  ["10m", 600_000],
  ["1h30m", 5_400_000],
  ["1m 30s", 90_000],
  ["1.5h", 5_400_000],
  [" 2 Hours ", 7_200_000],
  ["365d", 31_536_000_000],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  "",
  " ",
  "soon",
  "-1",
  "10x",
  "m",
  "1h-30m",
  "1e3",
  "1h30",
  "366d",
  "1,5h",
  "9".repeat(400),
  `${"1s ".repeat(200)}`,
])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeNull();
});
