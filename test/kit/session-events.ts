import fc from "fast-check";
import type { Changes, Event, Recorded, SessionOrder, StepOutcome } from "../../src/cook/decision/event.ts";
import type { Workflow } from "../../src/workflow/model.ts";
import { shell, workflow } from "./steps.ts";

/** A session of three steps. */
export function testOrder(session = "session-1"): SessionOrder {
  return {
    session,
    workflow: testWorkflow(3),
    workflowFile: "flow.yml",
    inputs: [],
    parameters: {},
    profile: null,
    maxIterations: 1,
    keepGoing: false,
    dryRun: false,
    repository: { key: "app-1", path: "/app" },
    base: "b".repeat(40),
    target: "main",
    branch: `prodigy-${session}`,
    parent: null,
    versions: { prodigy: "0.1.0", node: "20", git: "2" },
  };
}

export function testWorkflow(steps: number): Workflow {
  const one = shell("true", { at: { file: "flow.yml", line: 1, column: 1, text: "" } });
  return workflow(
    Array.from({ length: steps }, () => one),
    { name: "flow" },
  );
}

export const PASSED: StepOutcome = { status: "ok", exitCode: 0, output: "", fault: null, durationMs: 1500 };

export const FAULT = {
  kind: "exit" as const,
  message: "shell step failed with exit code 1",
  exitCode: 1,
  lastLines: [],
  help: null,
  at: null,
  logs: [],
};

export function changesOf(...added: readonly string[]): Changes {
  return { added, modified: [], deleted: [], insertions: added.length, deletions: 0 };
}

/** Numbers the events, one second apart. */
export function recorded(...events: readonly Omit<Event, "at">[]): readonly Recorded[] {
  return events.map((event, index) => ({ ...event, at: 1_700_000_000_000 + index * 1000, seq: index + 1 }) as Recorded);
}

/** Any run of events after the first, in an order that the engine may never produce. */
export const anyJournal: fc.Arbitrary<readonly Recorded[]> = fc
  .array(anyEvent(), { maxLength: 60 })
  .map((events) => recorded({ type: "session-started", order: testOrder() } as Omit<Event, "at">, ...events));

function anyEvent(): fc.Arbitrary<Omit<Event, "at">> {
  const path = fc.constantFrom(
    "input-0/pass-0/step-0",
    "input-0/pass-0/step-1",
    "input-0/pass-1/step-0",
    "input-0/pass-0/step-1/handler-0/step-0",
    "merge/step-0",
  );
  const lane = fc.constantFrom("main", "other");
  const set = fc.dictionary(
    fc.constantFrom("A", "B"),
    fc.oneof(fc.string(), fc.integer(), fc.constant("x".repeat(500))),
  );
  const status = fc.constantFrom<StepOutcome["status"]>("ok", "failed", "skipped", "tolerated");
  const usage = fc.option(
    fc.record({
      costUsd: fc.option(fc.constantFrom(0.1, 0.2)),
      inputTokens: fc.option(fc.nat()),
      outputTokens: fc.option(fc.nat()),
    }),
  );
  const events: readonly fc.Arbitrary<object>[] = [
    fc.constant({ type: "session-opened", worker: { pid: 1, startedAt: "", host: "h" }, autoLand: false }),
    fc.constant({ type: "session-paused", reason: { kind: "stop" } }),
    fc.constant({ type: "session-failed", fault: FAULT, path: null }),
    fc.constant({ type: "session-ended", landing: "landed", failedInputs: 0 }),
    fc.record({ type: fc.constant("step-entered"), lane, path }),
    fc.record({
      type: fc.constant("step-ended"),
      lane,
      path,
      label: fc.constantFrom("a", "b"),
      outcome: status.map((to) => ({ ...PASSED, status: to })),
      set,
    }),
    fc.record({
      type: fc.constant("attempt-ended"),
      lane,
      path,
      attempt: fc.constant(1),
      tree: fc.constant({ head: "h", snapshot: null }),
      commits: fc.array(
        fc.constantFrom("x", "y").map((file) => ({ changes: changesOf(file) })),
        { maxLength: 2 },
      ),
      usage,
      set,
    }),
    fc.constant({ type: "pass-ended", input: 0, pass: 0, commits: 1 }),
    fc.constant({ type: "landing-planned", commits: 2, changes: changesOf("x"), leftovers: [], obstacle: null }),
    fc.constant({ type: "warned", lane: null, path: null, message: "careful" }),
  ];
  return fc.oneof(...events) as fc.Arbitrary<Omit<Event, "at">>;
}
