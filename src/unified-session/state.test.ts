import { expect, test } from "vitest";
import { rebuildSession } from "./cook-adapter.ts";
import {
  applyUpdate,
  durationOf,
  MAX_CHECKPOINTS,
  MAX_TIMINGS,
  type SessionStatus,
  type SessionUpdate,
  type UnifiedSession,
} from "./state.ts";
import { recorded, testOrder } from "../../test/kit/session-events.ts";

const NOW = "2025-01-02T03:04:05.000Z";
const STATUSES: readonly SessionStatus[] = ["Initializing", "Running", "Paused", "Completed", "Failed", "Cancelled"];

test.each<readonly [SessionStatus, readonly SessionStatus[]]>([
  ["Initializing", ["Initializing", "Running", "Paused", "Completed", "Failed"]],
  ["Running", ["Running", "Paused", "Completed", "Failed"]],
  ["Paused", ["Running", "Paused", "Completed", "Failed"]],
  ["Failed", ["Running", "Failed"]],
  ["Completed", ["Completed"]],
  ["Cancelled", ["Cancelled"]],
])("from %s a session goes to %j only", (from, legal) => {
  const reached = STATUSES.filter((status) => applyUpdate(session(from), { kind: "status", status }, NOW).ok);
  expect(reached).toEqual(STATUSES.filter((status) => legal.includes(status)));
});

test("check 29: an illegal move is refused with both names", () => {
  expect(applyUpdate(session("Completed"), { kind: "status", status: "Running" }, NOW)).toEqual({
    ok: false,
    problem: "Session session-1 cannot go from Completed to Running.",
  });
});

test("ending sets the time of the end; a resume clears it and keeps the error until all is well", () => {
  const failed = after(session("Running"), { kind: "error", message: "no" });
  expect(failed).toMatchObject({ status: "Failed", error: "no", completed_at: NOW });
  const resumed = after(failed, { kind: "status", status: "Running" });
  expect(resumed).toMatchObject({ status: "Running", error: "no", completed_at: null });
  expect(after(resumed, { kind: "status", status: "Completed" })).toMatchObject({ error: null, completed_at: NOW });
});

test("check 30: the two special metadata keys count, and other keys stay as they were", () => {
  const twice = after(
    session("Running"),
    { kind: "metadata", values: { mine: 1, files_changed_delta: 3 } },
    { kind: "metadata", values: { files_changed_delta: 3, increment_iteration: true } },
  );
  expect(twice.workflow_data).toMatchObject({ files_changed: 6, iterations_completed: 1 });
  expect(twice.metadata).toMatchObject({ mine: 1, files_changed_delta: 3, increment_iteration: true });
});

test("progress goes where the kind of session has it", () => {
  const progress: SessionUpdate = { kind: "progress", current: 2, total: 5 };
  expect(after(session("Running"), progress).workflow_data).toMatchObject({ current_step: 2, total_steps: 5 });
  const mapreduce: UnifiedSession = {
    ...session("Running"),
    session_type: "MapReduce",
    workflow_data: null,
    mapreduce_data: {
      job_id: "j",
      total_items: 0,
      processed_items: 0,
      failed_items: 0,
      agent_count: 0,
      phase: "Map",
      reduce_results: null,
      board: null,
    },
  };
  expect(after(mapreduce, progress).mapreduce_data).toMatchObject({ processed_items: 2, total_items: 5 });
});

test("lists in the file stop growing", () => {
  let grown = session("Running");
  for (let index = 0; index < 300; index += 1) {
    const checkpoint = { id: `c-${index}`, created_at: NOW, state: null, metadata: {} };
    grown = after(
      grown,
      { kind: "checkpoint", checkpoint },
      { kind: "timing", operation: `t-${index}`, duration: durationOf(1) },
    );
  }
  expect(grown.checkpoints).toHaveLength(MAX_CHECKPOINTS);
  expect(grown.checkpoints.at(-1)?.id).toBe("c-299");
  expect(Object.keys(grown.timings)).toHaveLength(MAX_TIMINGS);
});

test("timings are seconds and nanoseconds, sorted by name, the last one counts", () => {
  const timed = after(
    session("Running"),
    { kind: "timing", operation: "b", duration: durationOf(1) },
    { kind: "timing", operation: "a", duration: durationOf(12_003.4) },
    { kind: "timing", operation: "b", duration: durationOf(2) },
  );
  expect(JSON.stringify(timed.timings)).toBe('{"a":{"secs":12,"nanos":3000000},"b":{"secs":0,"nanos":2000000}}');
});

function session(status: SessionStatus): UnifiedSession {
  const fresh = rebuildSession(recorded({ type: "session-started", order: testOrder() } as never));
  if (fresh === null) throw new Error("no session");
  return { ...fresh, status };
}

function after(from: UnifiedSession, ...updates: readonly SessionUpdate[]): UnifiedSession {
  return updates.reduce((before, update) => {
    const result = applyUpdate(before, update, NOW);
    if (!result.ok) throw new Error(result.problem);
    return result.session;
  }, from);
}
