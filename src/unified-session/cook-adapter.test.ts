import fc from "fast-check";
import { expect, test } from "vitest";
import type { Event } from "../cook/decision/event.ts";
import { type Projection, NOTHING_YET, project, rebuildSession } from "./cook-adapter.ts";
import { decodeSession } from "./decode.ts";
import { isLegal, type UnifiedSession } from "./state.ts";
import { anyJournal, changesOf, FAULT, PASSED, recorded, testOrder } from "../../test/kit/session-events.ts";

const STARTED = { type: "session-started", order: testOrder() };
const OPENED = { type: "session-opened", worker: { pid: 7, startedAt: "", host: "here" }, autoLand: false };
const FIRST = "input-0/pass-0/step-0";
const SECOND = "input-0/pass-0/step-1";

test("a new session has exactly the fields of the file's form", () => {
  const session = rebuilt(STARTED);
  expect(Object.keys(session).toSorted()).toEqual([
    "checkpoints",
    "completed_at",
    "error",
    "id",
    "mapreduce_data",
    "metadata",
    "session_type",
    "started_at",
    "status",
    "timings",
    "updated_at",
    "workflow_data",
  ]);
  expect(session).toMatchObject({
    id: "session-1",
    session_type: "Workflow",
    status: "Initializing",
    started_at: "2023-11-14T22:13:20.000Z",
    completed_at: null,
    mapreduce_data: null,
    workflow_data: { workflow_id: "session-1", workflow_name: "flow", total_steps: 3 },
  });
});

test("steps that ended are counted, timed and have checkpoints without copies of the session", () => {
  const session = rebuilt(
    STARTED,
    OPENED,
    {
      type: "lane-prepared",
      lane: "main",
      directory: "/w/app-1/session-1",
      tree: { head: "h0", snapshot: null },
      salvage: null,
    },
    { type: "step-entered", lane: "main", path: FIRST },
    attempt(FIRST, {
      tree: { head: "h1", snapshot: null },
      commits: [{ changes: changesOf("a", "b") }],
      set: { NAME: "x", BIG: "y".repeat(999) },
    }),
    ended(FIRST, "shell: one"),
    { type: "step-entered", lane: "main", path: SECOND },
  );
  expect(session.status).toBe("Running");
  expect(session.workflow_data).toMatchObject({
    current_step: 1,
    completed_steps: [0],
    files_changed: 2,
    worktree_name: "session-1",
    variables: { NAME: "x", BIG: "(999 characters)" },
  });
  expect(session.timings).toEqual({ "shell: one": { secs: 1, nanos: 500_000_000 } });
  expect(session.checkpoints).toEqual([
    {
      id: "checkpoint-6",
      created_at: "2023-11-14T22:13:25.000Z",
      state: { path: FIRST, step: "shell: one", status: "ok", event: 6, head: "h1", snapshot: null },
      metadata: {},
    },
  ]);
});

test("what agents cost adds up, and unknown is not zero", () => {
  const usage = (costUsd: number | null) => ({ costUsd, inputTokens: 10, outputTokens: 1 });
  const { metadata } = rebuilt(
    STARTED,
    OPENED,
    attempt(FIRST, { usage: usage(0.1) }),
    { type: "attempt-interrupted", lane: "main", path: FIRST, attempt: 2, usage: usage(0.2) },
    attempt(FIRST, { usage: usage(null) }),
  );
  expect(metadata).toMatchObject({ cost_usd: 0.3, runs_of_unknown_cost: 1, input_tokens: 30, output_tokens: 3 });
});

test("a file that many commits touch is one file, and the landing's own count stands at the end", () => {
  const commit = { changes: changesOf("a") };
  const events = [
    STARTED,
    OPENED,
    attempt(FIRST, { commits: [commit, commit] }),
    attempt(SECOND, { commits: [commit] }),
  ];
  expect(rebuilt(...events).workflow_data?.files_changed).toBe(1);
  expect(rebuilt(...events).metadata["commits"]).toBe(3);
  const planned = {
    type: "landing-planned",
    commits: 3,
    changes: changesOf("a", "b", "c"),
    leftovers: [],
    obstacle: null,
  };
  expect(rebuilt(...events, planned).workflow_data?.files_changed).toBe(3);
});

test("each pass counts its own steps", () => {
  const session = rebuilt(
    STARTED,
    OPENED,
    { type: "step-entered", lane: "main", path: FIRST },
    ended(FIRST, "one"),
    { type: "pass-ended", input: 0, pass: 0, commits: 1 },
    ended("input-0/pass-1/step-0", "one", "skipped"),
    { type: "step-entered", lane: "main", path: "input-0/pass-1/step-1" },
  );
  expect(session.workflow_data).toMatchObject({ iterations_completed: 1, completed_steps: [0], current_step: 1 });
});

test("a pause, a failure and a resume are the status that people know", () => {
  const paused = [STARTED, OPENED, { type: "session-paused", reason: { kind: "signal", signal: "SIGINT" } }];
  expect(rebuilt(...paused)).toMatchObject({ status: "Paused", metadata: { pause_reason: "signal" } });
  const failed = [...paused, OPENED, { type: "session-failed", fault: FAULT, path: FIRST }];
  expect(rebuilt(...failed)).toMatchObject({ status: "Failed", error: FAULT.message });
  expect(rebuilt(...failed, OPENED)).toMatchObject({ status: "Running", completed_at: null });
});

test("a completed session that is opened again to be landed stays completed", () => {
  const session = rebuilt(
    STARTED,
    OPENED,
    { type: "session-ended", landing: "not-landed", failedInputs: 0 },
    OPENED,
    { type: "landing-requested", by: "worktree merge" },
    { type: "landed", commit: "c", previous: "p", how: "fast-forward" },
  );
  expect(session).toMatchObject({ status: "Completed", metadata: { landing: "landed", landed_commit: "c" } });
});

test("from any events comes a session that reads back as it was, by legal moves only", () => {
  fc.assert(
    fc.property(anyJournal, (events) => {
      let projection: Projection = NOTHING_YET;
      for (const event of events) {
        const before = projection.session;
        projection = project(projection, event).projection;
        const status = projection.session?.status ?? "Cancelled";
        expect(isLegal(before?.status ?? "Initializing", status)).toBe(true);
      }
      expect(projection.session).toEqual(rebuildSession(events));
      expect(decodeSession(JSON.parse(JSON.stringify(projection.session)))).toEqual(projection.session);
      const data = projection.session?.workflow_data;
      expect(data?.completed_steps.length).toBeLessThanOrEqual(data?.total_steps ?? 0);
    }),
  );
});

function rebuilt(...events: readonly object[]): UnifiedSession {
  const session = rebuildSession(recorded(...(events as readonly Event[])));
  if (session === null) throw new Error("no session");
  return session;
}

function attempt(path: string, more: object): object {
  const plain = { tree: { head: "h", snapshot: null }, commits: [], usage: null, set: {} };
  return { type: "attempt-ended", lane: "main", path, attempt: 1, ...plain, ...more };
}

function ended(path: string, label: string, status = "ok"): object {
  return { type: "step-ended", lane: "main", path, label, outcome: { ...PASSED, status }, set: {} };
}
