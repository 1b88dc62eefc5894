import type { AttemptResult, Event, Fault, StepOutcome, TreeState, Usage } from "../../src/cook/decision/event.ts";
import { changesOf, testOrder, testWorkflow } from "../kit/session-events.ts";

const at = 1_750_000_000_000;
const lane = "main";
const path = "input-0/pass-0/step-1";
const tree: TreeState = { head: "1".repeat(40), snapshot: "2".repeat(40) };
const fault: Fault = {
  kind: "exit",
  message: "shell step failed with exit code 1",
  exitCode: 1,
  lastLines: ["3 failing", "größer – 二"],
  help: "Look at the log.",
  at: { file: "flow.yml", line: 14, column: 7, text: "  - shell: npm test" },
  logs: ["logs/app-1/session-1/main/000007-npm-test.stdout"],
};
const usage: Usage = {
  costUsd: 0.0421,
  inputTokens: 1200,
  outputTokens: 340,
  cacheReadTokens: 9000,
  cacheWriteTokens: null,
  turns: 3,
};
const outcome: StepOutcome = { status: "failed", exitCode: 1, output: "out", fault, durationMs: 1234 };
const result: AttemptResult = {
  ok: false,
  exitCode: 1,
  output: "x".repeat(70_000),
  stderr: "e",
  resetsAt: null,
  durationMs: 1234,
  fault,
};
const commit = {
  hash: "3".repeat(40),
  message: "Fix it\n\nBecause.",
  author: "A <a@example.org>",
  at,
  changes: changesOf("a.ts"),
};
const validation = {
  completion: 80,
  status: "incomplete" as const,
  implemented: ["a"],
  missing: ["b"],
  gaps: { b: { severity: "high", $blob: "a user's own key" } },
  raw: { completion_percentage: 80 },
  problem: null,
};

/** One of each kind, in an order that a session could have. The compiler asks for those that are new. */
export const EVERY_EVENT: { readonly [Type in Event["type"]]: Event & { readonly type: Type } } = {
  "session-started": { type: "session-started", at, order: testOrder() },
  "session-opened": {
    type: "session-opened",
    at,
    worker: { pid: 7, startedAt: "boot+1", host: "here" },
    autoLand: false,
  },
  "lane-prepared": { type: "lane-prepared", at, lane, directory: "/w/app-1/session-1", tree, salvage: null },
  "values-computed": {
    type: "values-computed",
    at,
    lane,
    path,
    values: [
      { key: "uuid", value: "01234567-89ab-4cde-8f01-23456789abcd" },
      { key: "cmd:git rev-parse HEAD", value: "1".repeat(40) },
    ],
  },
  "step-entered": { type: "step-entered", at, lane, path },
  "attempt-started": {
    type: "attempt-started",
    at,
    lane,
    path,
    attempt: 1,
    label: "claude: /fix",
    agentSession: "01234567-89ab-4cde-8f01-23456789abcd",
    continued: false,
    shared: false,
    logs: fault.logs,
  },
  "attempt-interrupted": { type: "attempt-interrupted", at, lane, path, attempt: 1, usage },
  "continuation-failed": {
    type: "continuation-failed",
    at,
    lane,
    path,
    attempt: 1,
    reason: "no such session",
    usage: null,
  },
  "attempt-ended": {
    type: "attempt-ended",
    at,
    lane,
    path,
    attempt: 1,
    result,
    tree,
    commits: [commit],
    usage,
    set: { NAME: "value", LIST: [1, null, true, { a: "b" }] },
  },
  "retry-due": { type: "retry-due", at, lane, path, attempt: 2, delayMs: 1000 },
  "items-planned": { type: "items-planned", at, lane, path, items: ["a", { id: 1 }] },
  validated: { type: "validated", at, lane, path, round: 1, result: validation, set: { "validation.completion": 80 } },
  "item-ended": { type: "item-ended", at, lane, path, index: 0, outcome },
  "lane-failed": { type: "lane-failed", at, lane: `${path}/item-0`, fault },
  "lane-merged": { type: "lane-merged", at, lane: `${path}/item-0`, into: lane, tree, commits: 1 },
  "lane-conflicted": { type: "lane-conflicted", at, lane: `${path}/item-1`, into: lane, paths: ["a.ts"] },
  "lane-removed": { type: "lane-removed", at, lane: `${path}/item-1`, salvage: "salvage-1" },
  "step-ended": { type: "step-ended", at, lane, path, label: "claude: /fix", outcome, set: {} },
  "pass-ended": { type: "pass-ended", at, input: 0, pass: 0, commits: 1 },
  "input-ended": { type: "input-ended", at, input: 0, value: null, outcome, salvage: null },
  "workflow-changed": { type: "workflow-changed", at, workflow: testWorkflow(2) },
  "landing-planned": {
    type: "landing-planned",
    at,
    commits: 1,
    changes: changesOf("a.ts"),
    leftovers: ["b"],
    obstacle: fault,
  },
  "landing-answered": { type: "landing-answered", at, answer: "yes", by: "flag" },
  "landing-requested": { type: "landing-requested", at, by: "resume" },
  "target-merged": { type: "target-merged", at, lane, tree, conflicts: ["a.ts"] },
  "landing-conflicted": { type: "landing-conflicted", at, paths: ["a.ts"] },
  "landing-refused": { type: "landing-refused", at, fault },
  landed: { type: "landed", at, commit: "4".repeat(40), previous: "5".repeat(40), how: "merge" },
  warned: { type: "warned", at, lane: null, path: null, message: "careful" },
  "pause-requested": { type: "pause-requested", at, reason: { kind: "pause" } },
  "session-paused": { type: "session-paused", at, reason: { kind: "limit", resetsAt: at } },
  "session-failed": { type: "session-failed", at, fault, path },
  "session-ended": { type: "session-ended", at, landing: "landed", failedInputs: 0 },
};
