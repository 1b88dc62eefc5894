import { expect, test } from "vitest";
import { cost, cut, duration, printable, table } from "./format.ts";

test.each([
  [0, "0.0s"],
  [940, "0.9s"],
  [9_949, "9.9s"],
  [9_950, "10s"],
  [59_400, "59s"],
  [60_000, "1m"],
  [184_000, "3m 4s"],
  [7_500_000, "2h 5m"],
  [266_400_000, "3d 2h"],
])("%i ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

const usage = {
  costUsd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  turns: null,
};

test("an unknown cost is called unknown, and a part of it is called a part", () => {
  expect(cost({ agentRuns: 0, unknownCosts: 0, usage })).toBe("nothing (no agent ran)");
  expect(cost({ agentRuns: 2, unknownCosts: 2, usage })).toBe("unknown");
  expect(cost({ agentRuns: 3, unknownCosts: 1, usage: { ...usage, costUsd: 1.5 } })).toBe(
    "$1.50 and 1 agent run of unknown cost",
  );
  expect(
    cost({
      agentRuns: 1,
      unknownCosts: 0,
      usage: { ...usage, costUsd: 0.0123, inputTokens: 12_345, outputTokens: 99 },
    }),
  ).toBe("$0.0123 (12.3k tokens in, 99 out)");
});

test("what an agent says cannot move the cursor, colour the terminal or set its title", () => {
  expect(printable("\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u001b[2Jy\r\u0008z")).toBe("red xy\uFFFD\uFFFDz");
  expect(printable("a\tb\nc")).toBe("a  b\nc");
});

test("a line is cut by what it takes in a terminal", () => {
  expect(cut("short", 10)).toBe("short");
  expect(cut("exactly10!", 10)).toBe("exactly10!");
  expect(cut("much too long", 5)).toBe("much…");
  expect(cut("日本語です", 5)).toBe("日本…");
  expect(cut("👩‍👩‍👧 family", 4)).toBe("👩‍👩‍👧 …");
});

test("a table pads all columns but the last", () => {
  expect(
    table([
      ["A", "BB", "C"],
      ["1", "2", "3"],
    ]),
  ).toBe("A  BB  C\n1  2   3\n");
});
