import { expect, test } from "vitest";
import { type AggregateName, aggregate } from "./aggregate.ts";
import type { Json } from "./model.ts";

const results: Json = [
  { id: "a", score: 2, tags: ["x"], at: { line: 5 } },
  { id: "b", score: "4", tags: ["x", "y"], at: { line: 1 } },
  { id: "c", score: "none", tags: [] },
  { id: "a", score: 9 },
];

test.each<[AggregateName, string | null, Json]>([
  ["count", null, 4],
  ["count", "at.line", 2],
  ["sum", "score", 15],
  ["avg", "score", 5],
  ["average", "score", 5],
  ["min", "score", 2],
  ["max", "at.line", 5],
  ["median", "score", 4],
  ["variance", "score", 13],
  ["stddev", "at.line", Math.sqrt(8)],
  ["collect", "id", ["a", "b", "c", "a"]],
  ["unique", "id", ["a", "b", "c"]],
  ["flatten", "tags", ["x", "x", "y"]],
  ["sort", "score", [2, 9, "4", "none"]],
  ["avg", "missing", null],
  ["sum", "missing", 0],
  ["variance", "tags[0]", null],
])("%s of %j is %j", (name, argument, expected) => {
  expect(aggregate(name, results, argument)).toEqual(expected);
});

test("the median of an even number of values lies between the two in the middle", () => {
  expect(aggregate("median", [4, 1, 3, 2], null)).toBe(2.5);
});

test("texts are joined, objects are merged with the later one winning", () => {
  expect(aggregate("concat", ["a", "b", 1], "-")).toBe("a-b-1");
  expect(aggregate("merge", [{ a: 1, b: 1 }, 5, { b: 2 }], null)).toEqual({ a: 1, b: 2 });
});

test("groups are named by the value of a field", () => {
  expect(aggregate("group_by", [{ k: "x", n: 1 }, { k: 2 }, { k: "x", n: 2 }, 7], "k")).toEqual({
    x: [
      { k: "x", n: 1 },
      { k: "x", n: 2 },
    ],
    2: [{ k: 2 }],
    null: [7],
  });
});

test("one value counts as a list of one, a missing value as an empty list", () => {
  expect(aggregate("sum", 5, null)).toBe(5);
  expect(aggregate("count", null, null)).toBe(0);
});
