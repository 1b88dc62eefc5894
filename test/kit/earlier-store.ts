/** A storage root as the earlier program of the same name left it, in a user's place. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Rig } from "./rig.ts";

export const EARLIER = "workflow-1736596800123";

const AT = "2025-01-11T12:00:00.123456789Z";

/** Writes a file below the storage root and gives its path. */
export function leave(rig: Rig, path: string, content: unknown): string {
  const file = join(rig.home, path);
  mkdirSync(dirname(file), { recursive: true });
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  writeFileSync(file, file.endsWith(".gz") ? gzipSync(text) : text);
  return file;
}

/** `sessions/ID.json`: counters of steps were never filled in. */
export function earlierSessionFile(fields: Readonly<Record<string, unknown>> = {}): object {
  return {
    id: EARLIER,
    session_type: "Workflow",
    status: "Failed",
    started_at: AT,
    updated_at: AT,
    completed_at: AT,
    metadata: { workflow_type: "standard" },
    checkpoints: [],
    timings: { "shell: echo one > one.txt": { secs: 1, nanos: 500000000 } },
    error: "Step 3 failed",
    workflow_data: {
      workflow_id: EARLIER,
      workflow_name: "default",
      current_step: 0,
      total_steps: 0,
      completed_steps: [],
      variables: {},
      iterations_completed: 0,
      files_changed: 2,
      worktree_name: null,
    },
    mapreduce_data: null,
    ...fields,
  };
}

/** The checkpoint of a workflow whose third step failed. */
export function earlierCheckpointFile(
  workflowPath: string | null,
  fields: Readonly<Record<string, unknown>> = {},
): object {
  return {
    workflow_id: "workflow-1736596800130",
    execution_state: {
      current_step_index: 2,
      total_steps: 0,
      status: "Failed",
      start_time: AT,
      last_checkpoint: AT,
      current_iteration: null,
      total_iterations: null,
    },
    completed_steps: [
      completed(0, "shell: echo one > one.txt && git add . && git commit -qm one"),
      completed(1, "shell: echo kept > dirty.txt; echo forty-two", "forty-two\n"),
    ],
    variable_state: {
      answer: "forty-two",
      "shell.output": "forty-two",
      count: 3,
      deep: { list: [1, true] },
      __error_message: "exit code 1",
      __failed_step_index: "2",
    },
    mapreduce_state: null,
    timestamp: AT,
    version: 1,
    workflow_hash: "default-3",
    total_steps: 0,
    workflow_name: "default",
    ...(workflowPath === null ? {} : { workflow_path: workflowPath }),
    retry_checkpoint_state: null,
    variable_checkpoint_state: { environment_snapshot: { variables: { API_TOKEN: "sk-old-in-clear-text" } } },
    ...fields,
  };
}

function completed(index: number, command: string, output: string | null = null): object {
  return {
    step_index: index,
    command,
    success: true,
    output,
    captured_variables: {},
    duration: { secs: 1, nanos: 0 },
    completed_at: AT,
  };
}

/** The workflow that those files are about; its third step passes once `ok` lies in the rig's folder. */
export function earlierWorkflow(rig: Rig): string {
  rig.write(
    "w.yml",
    [
      "- shell: echo one > one.txt && git add . && git commit -qm one",
      "- shell: echo kept > dirty.txt; echo forty-two",
      '  capture_output: "answer"',
      `- shell: test -f ${rig.root}/ok && cat dirty.txt && echo "\${answer}" > answer.txt && git add . && git commit -qm answer`,
      "",
    ].join("\n"),
  );
  rig.commitAll("workflow");
  return join(rig.repo, "w.yml");
}

/** Session file, checkpoint, worktree with one commit and one file that no commit holds, and the worktree's note. */
export function leaveFailedSession(rig: Rig): { readonly worktree: string; readonly checkpoint: string } {
  const workflow = earlierWorkflow(rig);
  const worktree = join(rig.home, "worktrees", "project", EARLIER);
  rig.git("worktree", "add", "-q", "-b", `prodigy-${EARLIER}`, worktree);
  writeFileSync(join(worktree, "one.txt"), "one\n");
  rig.git("-C", worktree, "add", ".");
  rig.git("-C", worktree, "commit", "-qm", "one");
  writeFileSync(join(worktree, "dirty.txt"), "kept\n");
  leave(rig, `sessions/${EARLIER}.json`, earlierSessionFile());
  leave(rig, `worktrees/project/.metadata/${EARLIER}.json`, {
    session_id: EARLIER,
    worktree_name: EARLIER,
    branch: `prodigy-${EARLIER}`,
    original_branch: "main",
    created_at: AT,
    updated_at: AT,
    status: "in_progress",
    merged: false,
  });
  const checkpoint = leave(
    rig,
    `state/${EARLIER}/checkpoints/workflow-1736596800130.checkpoint.json`,
    earlierCheckpointFile(workflow),
  );
  return { worktree, checkpoint };
}

/** A MapReduce job under the name of its parent worktree, with all that was written about it. */
export function leaveJob(rig: Rig): { readonly session: string; readonly job: string } {
  const [session, job] = ["session-6f1d2c3b-0000-4000-8000-000000000000", "mapreduce-20250111_120000"];
  const items = `dlq/${session}/${job}/mapreduce/dlq/${job}/items`;
  leave(rig, `sessions/${session}.json`, earlierSessionFile({ id: session }));
  leave(rig, `mappings/${job}.json`, { session_id: session, job_id: job, workflow_name: "fix-all", created_at: AT });
  leave(rig, `mappings/${session}.json`, {
    session_id: session,
    job_id: job,
    workflow_name: "fix-all",
    created_at: AT,
  });
  leave(rig, `${items}/item_3.json`, deadLetter("item_3", "Timeout"));
  leave(rig, `dlq/${session}/${job}/items/item_4.json`, deadLetter("item_4", { CommandFailed: { exit_code: 2 } }));
  leave(rig, `${items}/item_5.json`, '{"item_id": "item_5", ');
  leave(rig, `state/project/mapreduce/jobs/${job}/checkpoint-v7.json`, {
    job_id: job,
    updated_at: AT,
    work_items: [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }],
    completed_agents: ["item_0"],
    failed_agents: { item_3: { item_id: "item_3", attempts: 1 } },
    checkpoint_version: 7,
    total_items: 4,
    successful_count: 1,
    failed_count: 1,
    is_complete: false,
  });
  const record = { id: "e1", timestamp: AT, correlation_id: "c1" };
  leave(
    rig,
    `events/${session}/${job}/events-20250111120000.jsonl`,
    [
      { ...record, event: { event_type: "agent_started", job_id: job, agent_id: "a", item_id: "item_0" } },
      { timestamp: AT, JobStarted: { job_id: job, total_items: 4 } },
      { ...record, event: { event_type: "d_l_q_item_added", job_id: job, item_id: "item_3" } },
      { ...record, event: { event_type: "dlq_item_added", job_id: job, item_id: "item_4" } },
    ]
      .map((line) => JSON.stringify(line))
      .join("\n"),
  );
  rig.git("branch", `prodigy-${session}`);
  return { session, job };
}

function deadLetter(item: string, type: unknown): object {
  return {
    item_id: item,
    item_data: { id: item, file: "src/a.ts" },
    first_attempt: AT,
    last_attempt: AT,
    failure_count: 1,
    failure_history: [
      {
        attempt_number: 1,
        timestamp: AT,
        error_type: type,
        error_message: "it took too long",
        stack_trace: null,
        agent_id: `agent-${item}`,
        step_failed: "agent_execution",
        duration_ms: 0,
      },
    ],
    error_signature: "0123456789abcdef",
    worktree_artifacts: null,
    reprocess_eligible: true,
    manual_review_required: false,
  };
}
