import { expect, test } from "vitest";
import type { RunResult } from "../index.ts";
import { exitCodeOf, exitCodeOfFault } from "./exit-code.ts";

type Ending = Parameters<typeof exitCodeOf>[0];

const ended = (landing: RunResult["landing"], failedInputs = 0): Ending => ({
  status: "ended",
  landing,
  failedInputs,
  deadLetters: 0,
  pause: null,
});
const paused = (pause: RunResult["pause"]): Ending => ({
  status: "paused",
  landing: null,
  failedInputs: 0,
  deadLetters: 0,
  pause,
});

test.each<[string, Ending, number]>([
  ["landed", ended("landed"), 0],
  ["a declined merge", ended("declined"), 0],
  ["nothing to merge", ended("nothing"), 0],
  ["not landed", ended("not-landed"), 5],
  ["failed inputs", ended("landed", 1), 3],
  ["failed inputs, not landed", ended("not-landed", 2), 3],
  ["failed", { status: "failed", landing: null, failedInputs: 0, deadLetters: 0, pause: null }, 1],
  ["stop", paused({ kind: "stop" }), 4],
  ["pause", paused({ kind: "pause" }), 4],
  ["poison", paused({ kind: "poison", path: "input-0", starts: 3 }), 4],
  ["limit", paused({ kind: "limit", resetsAt: null }), 4],
  ["disk", paused({ kind: "disk", freeBytes: 1 }), 4],
  ["SIGINT", paused({ kind: "signal", signal: "SIGINT" }), 130],
  ["SIGTERM", paused({ kind: "signal", signal: "SIGTERM" }), 143],
  ["SIGHUP", paused({ kind: "signal", signal: "SIGHUP" }), 129],
])("%s", (_, ending, code) => {
  expect(exitCodeOf(ending)).toBe(code);
});

test.each([
  ["input", 2],
  ["git", 2],
  ["spawn", 1],
  ["file", 1],
  ["landing", 1],
] as const)("a refusal of kind %s exits %i", (kind, code) => {
  expect(exitCodeOfFault({ kind })).toBe(code);
});
