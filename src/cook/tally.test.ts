import { expect, test } from "vitest";
import type { Changes, EventBody, Usage } from "./decision/event.ts";
import { isTopLevel, openTally, placeOf } from "./tally.ts";

const NONE: Changes = { added: [], modified: [], deleted: [], insertions: 0, deletions: 0 };
const USAGE: Usage = {
  costUsd: 0.5,
  inputTokens: 10,
  outputTokens: 1,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  turns: 1,
};

function count(...bodies: readonly (EventBody & { readonly at?: number })[]) {
  const tally = openTally();
  for (const [index, body] of bodies.entries()) tally.add({ at: index * 100, ...body, seq: index + 1 });
  return tally.read();
}

function attemptEnded(usage: Usage | null, changes: Changes = NONE): EventBody {
  return {
    type: "attempt-ended",
    lane: "main",
    path: "input-0/pass-0/step-0/run",
    attempt: 1,
    result: { ok: true, exitCode: 0, output: "", stderr: "", durationMs: 1, fault: null, resetsAt: null },
    tree: { head: "h", snapshot: null },
    commits: changes === NONE ? [] : [{ hash: "h", message: "m", author: "a", at: 0, changes }],
    usage,
    set: {},
  };
}

function stepEnded(path: string, status: "ok" | "failed" | "tolerated"): EventBody {
  return {
    type: "step-ended",
    lane: "main",
    path,
    label: path,
    outcome: { status, exitCode: 0, output: "", fault: null, durationMs: 1 },
    set: {},
  };
}

test("costs add up, and a run of unknown cost is counted, not taken for nothing", () => {
  const { usage, agentRuns, unknownCosts } = count(
    attemptEnded(USAGE),
    attemptEnded({ ...USAGE, costUsd: null }),
    { type: "attempt-interrupted", lane: "main", path: "p", attempt: 1, usage: USAGE },
    attemptEnded(null),
  );
  expect({ usage, agentRuns, unknownCosts }).toMatchObject({
    usage: { costUsd: 1, inputTokens: 30, turns: 3, cacheReadTokens: null },
    agentRuns: 3,
    unknownCosts: 1,
  });
});

test("a step that failed and passed when it was run again is one step that passed", () => {
  const path = "input-0/pass-0/step-0";
  const { steps, problems } = count(
    stepEnded(path, "failed"),
    stepEnded(path, "ok"),
    stepEnded("input-0/pass-0/step-1", "tolerated"),
  );
  expect(steps).toMatchObject({ ok: 1, failed: 0, tolerated: 1 });
  expect(problems.map(({ label }) => label)).toEqual(["input-0/pass-0/step-1"]);
});

test("steps inside handlers and loops are not counted as steps of the workflow", () => {
  expect(count(stepEnded("input-0/pass-0/step-0/handler-1/step-0", "ok")).steps.ok).toBe(0);
});

test("files are counted once, whatever happened to them in between", () => {
  const { changes, commits } = count(
    attemptEnded(null, { ...NONE, added: ["a"], insertions: 2 }),
    attemptEnded(null, { ...NONE, modified: ["a", "b"], insertions: 1, deletions: 1 }),
  );
  expect({ changes, commits }).toEqual({
    changes: { added: ["a"], modified: ["b"], deleted: [], insertions: 3, deletions: 1 },
    commits: 2,
  });
});

test("what a resolved conflict brings along from the target is not the session's", () => {
  const commit = (changes: Changes) => ({ hash: "h", message: "m", author: "a", at: 0, changes });
  const theirs = [commit({ ...NONE, added: ["theirs"] }), commit({ ...NONE, modified: ["shared"] })];
  const resolved = (commits: readonly ReturnType<typeof commit>[]): EventBody =>
    ({
      ...attemptEnded(null),
      type: "attempt-ended",
      path: "resolve-1/step-0/run",
      commits,
    }) as EventBody;
  const own = attemptEnded(null, { ...NONE, added: ["ours"] });
  expect(count(own, resolved([...theirs, commit(NONE)]))).toMatchObject({ commits: 2, changes: { added: ["ours"] } });
  expect(count(own, resolved([...theirs, commit(NONE), commit({ ...NONE, added: ["more"] })]))).toMatchObject({
    commits: 3,
    changes: { added: ["more", "ours"], modified: [] },
  });
  expect(count(own, resolved(theirs))).toMatchObject({ commits: 1 });
});

test("the time in which nobody worked is not the session's", () => {
  const opened: EventBody = { type: "session-opened", worker: { pid: 1, startedAt: "", host: "" }, autoLand: false };
  const tally = count(
    { ...opened, at: 1000 },
    { type: "session-paused", reason: { kind: "stop" }, at: 1500 },
    { ...opened, at: 900_000 },
    { type: "session-paused", reason: { kind: "stop" }, at: 900_250 },
  );
  expect(tally).toMatchObject({ startedAt: 1000, lastAt: 900_250, activeMs: 750 });
});

test("a path says where in the workflow it stands", () => {
  expect(placeOf("input-1/pass-2/step-3/handler-1/step-0/run")).toEqual({
    input: 1,
    pass: 2,
    step: 3,
    inside: "handler-1/step-0/run",
  });
  expect(placeOf("merge/step-0")).toBeNull();
  expect([
    isTopLevel("merge/step-0"),
    isTopLevel("input-0/pass-0/step-0"),
    isTopLevel("input-0/pass-0/step-0/run"),
  ]).toEqual([true, true, false]);
});
