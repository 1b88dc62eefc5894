import { expect, test } from "vitest";
import { parseWorkflow, type Recorded, type SessionOrder } from "../../index.ts";
import { openNarrator } from "./narrator.ts";

const { workflow } = parseWorkflow("- shell: one\n- shell: two\n", { file: "w.yml" });
if (workflow === null) throw new Error("the workflow of this test is not valid");
const order: SessionOrder = {
  session: "session-1",
  workflow,
  workflowFile: null,
  inputs: ["a", "b"],
  parameters: {},
  profile: null,
  maxIterations: 2,
  keepGoing: false,
  dryRun: false,
  repository: { key: "r", path: "/r" },
  base: "0",
  target: "main",
  branch: "b",
  parent: null,
  versions: { prodigy: "0", node: "0", git: "0" },
};
const first: Recorded = { type: "session-started", order, at: 0, seq: 1 };

function attempt(path: string, label: string, number = 1): Recorded {
  return {
    type: "attempt-started",
    lane: "main",
    path,
    attempt: number,
    label,
    agentSession: null,
    continued: false,
    shared: false,
    logs: [],
    at: 0,
    seq: 2,
  };
}

test("inputs, iterations and steps are announced once, and what runs inside a step is told below it", () => {
  const narrator = openNarrator(0);
  const events = [
    first,
    attempt("input-0/pass-0/step-0/run", "shell: one"),
    attempt("input-0/pass-0/step-0/run", "shell: one", 2),
    attempt("input-0/pass-0/step-0/handler-1/step-0/run", "claude: /repair"),
    attempt("input-0/pass-0/step-1/run", "shell: two"),
    attempt("input-1/pass-0/step-0/run", "shell: one"),
  ];
  expect(events.flatMap((event) => narrator.tell(event)).map(({ text }) => text)).toEqual([
    "Starting session: session-1",
    "Input 1/2: a",
    "Starting iteration 1/2",
    "Executing step 1/2: shell: one",
    "attempt 2",
    "handler: claude: /repair",
    "Executing step 2/2: shell: two",
    "Input 2/2: b",
    "Starting iteration 1/2",
    "Executing step 1/2: shell: one",
  ]);
});

test("a session that goes on is resumed, not started, and its history is not told again", () => {
  const narrator = openNarrator(0);
  narrator.replay(first);
  const opened: Recorded = {
    type: "session-opened",
    worker: { pid: 1, startedAt: "", host: "" },
    autoLand: false,
    at: 1,
    seq: 2,
  };
  expect(narrator.tell(opened)).toEqual([{ kind: "progress", text: "Resuming session: session-1" }]);
});

test("labels cannot repaint the terminal", () => {
  const narrator = openNarrator(0);
  narrator.tell(first);
  const told = narrator.tell(attempt("input-0/pass-0/step-0/run", "shell: \u001b[2Jx"));
  expect(told.at(-1)?.text).toBe("Executing step 1/2: shell: x");
});
