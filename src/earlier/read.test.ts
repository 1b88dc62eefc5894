import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { earlierCheckpoint } from "./checkpoint.ts";
import { earlierEvent } from "./event.ts";
import { earlierJob } from "./job.ts";
import { readEarlier, readEarlierEvents } from "./read.ts";

const CHECKPOINT = {
  workflow_id: "workflow-1",
  execution_state: { current_step_index: 1, total_steps: 5, status: "Running", current_iteration: null },
  completed_steps: [{ step_index: 0, command: "shell: ls", success: true, duration: { secs: 1, nanos: 500000000 } }],
  variable_state: { text: "a", number: 4, flag: false, object: { deep: [1, null] } },
  timestamp: "2025-01-11T12:00:00.123456789Z",
  version: 1,
  workflow_hash: "default-5",
  total_steps: 5,
  workflow_name: "default",
  workflow_path: "/repo/w.yml",
};

test("check 57: a checkpoint's ids, counters, steps and values of every kind come out as they were written", () => {
  expect(earlierCheckpoint(CHECKPOINT)).toEqual({
    workflowId: "workflow-1",
    workflowName: "default",
    workflowPath: "/repo/w.yml",
    status: "Running",
    currentStep: 1,
    totalSteps: 5,
    iteration: null,
    completed: [{ index: 0, command: "shell: ls", success: true, output: null, durationMs: 1500 }],
    variables: CHECKPOINT.variable_state,
    at: Date.parse("2025-01-11T12:00:00.123Z"),
    error: null,
  });
});

test("check 60: the checkpoint of a failed workflow still knows how many steps there were, and what went wrong", () => {
  const failed = earlierCheckpoint({
    ...CHECKPOINT,
    execution_state: { current_step_index: 1, total_steps: 0, status: "Failed" },
    total_steps: 0,
    variable_state: { __error_message: "exit code 2", __failed_step_index: "1" },
  });
  expect(failed).toMatchObject({ status: "Failed", currentStep: 1, totalSteps: 5, error: "exit code 2" });
});

test.each([
  ["a later form", { ...CHECKPOINT, version: 2 }, "form 2"],
  ["something else", { hello: 1 }, "no checkpoint"],
  ["a text", "x", "no checkpoint"],
  ["a step without its number", { ...CHECKPOINT, completed_steps: [{ command: "x" }] }, "step_index"],
])("check 66: %s is refused with the reason", (_, json, reason) => {
  expect(earlierCheckpoint(json)).toEqual({ problem: expect.stringContaining(reason) });
});

test.each([
  ["a record around it", { timestamp: "2025-01-11T12:00:00Z", event: { event_type: "job_started", job_id: "j" } }],
  ["its type as the key", { JobStarted: { job_id: "j", timestamp: "2025-01-11T12:00:00Z" } }],
  ["its type as the key in a record", { timestamp: "2025-01-11T12:00:00Z", event: { JobStarted: { job_id: "j" } } }],
])("an event with %s is one and the same", (_, json) => {
  expect(earlierEvent(json)).toMatchObject({ type: "job_started", job: "j", at: Date.parse("2025-01-11T12:00:00Z") });
});

test.each(["d_l_q_item_added", "dlq_item_added"])("dead letters were spelt %s", (name) => {
  expect(earlierEvent({ event: { event_type: name, job_id: "j" } })).toMatchObject({ type: "dlq_item_added" });
  expect(earlierEvent({ DLQItemAdded: { job_id: "j" } })).toMatchObject({ type: "dlq_item_added" });
});

test("a packed MapReduce checkpoint tells how far its job had come; what was at work counts as not done", () => {
  const job = earlierJob({
    metadata: { job_id: "j", version: 3, created_at: "2025-01-11T12:00:00Z", phase: "Map", total_work_items: 4 },
    work_item_state: {
      pending_items: [{ id: "item_3", data: { n: 3 } }],
      in_progress_items: { item_2: { work_item: { id: "item_2", data: { n: 2 } }, agent_id: "a" } },
      completed_items: [{ work_item: {}, result: {} }],
      failed_items: [{ work_item: {}, error: "x" }],
    },
  });
  expect(job).toMatchObject({
    job: "j",
    phase: "map",
    total: 4,
    succeeded: 1,
    failed: 1,
    pending: [{ n: 2 }, { n: 3 }],
  });
});

test("of many states of a job the newest counts, packed or not, and a damaged one is told", async () => {
  await using folder = await temporaryFolder();
  const states = "state/app/mapreduce";
  const files = {
    [`${states}/jobs/j/checkpoint-v1.json`]: JSON.stringify({ job_id: "j", checkpoint_version: 1, total_items: 9 }),
    [`${states}/jobs/j/checkpoint-v2.json`]: JSON.stringify({ job_id: "j", checkpoint_version: 2, total_items: 9 }),
    [`${states}/jobs/j/metadata.json`]: "{}",
    [`${states}/checkpoints/cp-1.checkpoint.gz`]: gzipSync(
      JSON.stringify({ metadata: { job_id: "j", version: 5, phase: "Reduce" }, work_item_state: {} }),
    ),
    [`${states}/checkpoints/cp-2.checkpoint.gz`]: Buffer.from("not packed"),
    "orphaned_worktrees/app/j.json": JSON.stringify([
      { path: "/old/tree", agent_id: "a", item_id: "i", error: "busy" },
    ]),
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), content);
  }
  const places = { root: folder.path, homes: [folder.path], folder: "app" };
  const record = await readEarlier(places, "j");
  expect(record.job?.value).toMatchObject({ version: 5, phase: "reduce" });
  expect(record.orphans).toEqual([{ path: "/old/tree", agent: "a", item: "i", error: "busy" }]);
  expect(record.problems).toEqual([
    {
      file: join(folder.path, states, "checkpoints", "cp-2.checkpoint.gz"),
      reason: expect.stringContaining("incorrect"),
    },
  ]);
});

test("lines of an event file that are none are told with their place, and the others are read", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "events-1.jsonl");
  await writeFile(
    file,
    '{"event":{"event_type":"job_paused","job_id":"j"}}\n\nhalf a li\n{"event":{"event_type":"job_resumed"}}',
  );
  const { events, problems } = await readEarlierEvents([file]);
  expect(events.map(({ type }) => type)).toEqual(["job_paused", "job_resumed"]);
  expect(problems).toEqual([{ file: `${file}:3`, reason: expect.stringContaining("it is not JSON") }]);
});
