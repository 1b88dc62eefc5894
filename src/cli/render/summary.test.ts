import { expect, test } from "vitest";
import type { RunResult } from "../../index.ts";
import { styleFor } from "./style.ts";
import { summaryOf } from "./summary.ts";

const plain = styleFor({ write: () => undefined }, {});
const result: RunResult = {
  session: "session-1",
  workflow: "w",
  workflowFile: "/w.yml",
  dryRun: false,
  status: "ended",
  landing: "landed",
  pause: null,
  fault: null,
  failedInputs: 0,
  deadLetters: 0,
  repository: "/repo",
  branch: "prodigy-session-1",
  target: "main",
  worktree: null,
  journal: "/home/events/r/session-1",
  logs: "/home/logs/r/session-1",
  steps: { ok: 2, skipped: 1, recovered: 0, tolerated: 0, failed: 0 },
  attempts: 3,
  retries: 1,
  agentRuns: 1,
  unknownCosts: 1,
  usage: {
    costUsd: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    turns: null,
  },
  commits: 2,
  changes: { added: ["a"], modified: ["b"], deleted: [], insertions: 10, deletions: 2 },
  iterations: 1,
  inputs: 1,
  problems: [],
  items: { total: 0, begun: 0, merged: 0, unmerged: 0, skipped: 0, dead: 0, retries: 0 },
  deaths: [],
  warnings: [],
  salvages: [],
  startedAt: 0,
  lastAt: 5000,
  activeMs: 5000,
};

test("a run that went well", () => {
  expect(summaryOf(result, plain)).toEqual({
    out: `Session complete: 1 iteration, 2 files changed
  steps    2 ok, 1 skipped, after 1 retry
  commits  2 (2 files, +10 -2), merged into main
  cost     unknown
  time     5.0s
  logs     /home/logs/r/session-1
  more     prodigy sessions show session-1
`,
    err: "",
  });
});

test("a failure shows the YAML line, the last lines, the log and the command that resumes", () => {
  const failed: RunResult = {
    ...result,
    status: "failed",
    landing: null,
    fault: {
      kind: "exit",
      message: 'step "shell: npm test" failed with exit code 1',
      exitCode: 1,
      lastLines: ["1 passing", "3 failing"],
      help: null,
      at: { file: "fix.yml", line: 14, column: 7, text: "      - shell: npm test" },
      logs: ["logs/r/session-1/main/000001-shell.stdout"],
    },
  };
  expect(summaryOf(failed, plain).err).toBe(`Session failed: step "shell: npm test" failed with exit code 1
  fix.yml:14:7  - shell: npm test
  last lines:
    1 passing
    3 failing
  log: /home/logs/r/session-1/main/000001-shell.stdout
resume with: prodigy resume session-1
`);
});

test("a pause tells why and how to go on", () => {
  const paused: RunResult = { ...result, status: "paused", landing: null, pause: { kind: "stop" } };
  expect(summaryOf(paused, plain).err).toBe(
    "Session paused: stopped on request; everything finished is kept\nresume with: prodigy resume session-1\n",
  );
});

test("what is not merged tells why and how to merge", () => {
  expect(summaryOf({ ...result, landing: "not-landed" }, plain).err).toBe(
    "Not merged into main: nobody was there to be asked\nmerge with: prodigy worktree merge session-1\n        or: prodigy resume session-1 -y\n",
  );
  expect(summaryOf({ ...result, landing: "declined" }, plain).err).toContain("as you wished");
  expect(summaryOf({ ...result, landing: "not-landed", target: null }, plain).err).not.toContain("merge with");
});

test("tolerated failures and unproved repairs are told again at the end", () => {
  const { out } = summaryOf(
    { ...result, problems: [{ lane: "main", path: "p", label: "shell: lint", status: "tolerated", fault: null }] },
    plain,
  );
  expect(out).toContain("  tolerated: shell: lint\n");
});
