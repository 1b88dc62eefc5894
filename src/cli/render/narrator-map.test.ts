import { expect, test } from "vitest";
import { parseWorkflow, type Recorded } from "../../index.ts";
import { inputFault } from "../workflow-file.ts";
import { openNarrator } from "./narrator.ts";

const PATH = "input-0/pass-0/step-0/run/body-1";

/** What is told of a map whose items end as `endOf` says, one a second. */
function told(items: number, endOf: (index: number) => "merged" | "dead", options: Options = {}): readonly string[] {
  const { collection = "aggregate", verbosity = 0 } = options;
  const narrator = openNarrator(verbosity);
  const lines: string[] = [];
  let seq = 1;
  const tell = (body: Body): void => {
    lines.push(...narrator.tell({ ...body, seq: seq++ }).map(({ text }) => text));
  };
  tell({ type: "session-started", order: orderWith(collection), at: 0 });
  const all = Array.from({ length: items }, (_, index) => ({ id: `i${String(index)}`, data: index }));
  tell({ type: "map-planned", lane: "main", path: PATH, items: all, parallel: 1, timeoutMs: null, at: 0 });
  lines.length = 0;
  for (let index = 0; index < items; index++) {
    const at = index * 1000;
    tell({ type: "items-begun", lane: "main", path: PATH, items: [index], at });
    tell(attempt(`main//${PATH}/item-${String(index)}`, at));
    tell(end(index, endOf(index), at + 1000));
  }
  const outcome = { status: "ok", exitCode: 0, output: "", fault: null, durationMs: 1 } as const;
  const [path, at] = ["input-0/pass-0/step-0", items * 1000];
  tell({ type: "step-ended", lane: "main", path, label: "map", outcome, set: {}, at });
  return lines;
}

interface Options {
  readonly collection?: string;
  readonly verbosity?: number;
}

type Body = Recorded extends infer E ? (E extends Recorded ? Omit<E, "seq"> : never) : never;

function attempt(lane: string, at: number): Body {
  const rest = { agentSession: null, continued: false, shared: false, logs: [] };
  return { type: "attempt-started", lane, path: "step-0/run", attempt: 1, label: "shell: one", ...rest, at };
}

function end(index: number, kind: "merged" | "dead", at: number): Body {
  const fault = kind === "dead" ? inputFault(`no ${String(index)}`) : null;
  const outcome = { status: fault === null ? "ok" : "failed", exitCode: 0, output: "", fault, durationMs: 1 } as const;
  const work = { commits: ["c"], files: [], insertions: 0, deletions: 0, costUsd: null };
  const rest = { outcome, attempts: 1, work, salvage: null, conflicts: [], stops: false };
  return { type: "map-item-ended", lane: "main", path: PATH, index, id: `i${String(index)}`, end: kind, ...rest, at };
}

function orderWith(collection: string) {
  const text = `mode: mapreduce\nmap: {input: [a], agent_template: [{shell: one}]}\nerror_policy: {error_collection: ${collection}}\n`;
  const { workflow } = parseWorkflow(text, { file: "w.yml" });
  if (workflow === null) throw new Error("the workflow of this test is not valid");
  return {
    session: "session-1",
    workflow,
    workflowFile: null,
    inputs: [],
    parameters: {},
    profile: null,
    maxIterations: 1,
    keepGoing: false,
    dryRun: false,
    repository: { key: "r", path: "/r" },
    base: "0",
    target: "main",
    branch: "b",
    parent: null,
    versions: { prodigy: "0", node: "0", git: "0" },
  };
}

const dead = (index: number): string =>
  `item i${String(index)} failed and is in the dead letter queue: no ${String(index)}`;
const merged = (index: number): string => `item i${String(index)}: 1 commit merged`;
const isOdd = (index: number): "merged" | "dead" => (index % 2 === 1 ? "dead" : "merged");

test("few items are told one by one, and their failures when the workflow wants it", () => {
  expect(told(5, isOdd)).toEqual([merged(0), merged(2), merged(4), dead(1), dead(3)]);
  expect(told(5, isOdd, { collection: "immediate" })).toEqual([merged(0), dead(1), merged(2), dead(3), merged(4)]);
  const batched = told(7, isOdd, { collection: "'batched:2'" });
  expect(batched).toEqual([merged(0), merged(2), dead(1), dead(3), merged(4), merged(6), dead(5)]);
});

test("of thousands of items only now and then is told how far they are", () => {
  const lines = told(5000, (index) => (index % 1000 === 7 ? "dead" : "merged"));
  expect(lines.length).toBeLessThan(500);
  expect(lines.slice(0, 2)).toEqual([
    "10 of 5000 items: 9 merged · 1 dead · 4990 left",
    "10s · 60 items/min · about 1h 23m left (1.0s an item, 1 at once)",
  ]);
  expect(lines.slice(-6, -5)).toEqual(["most fail with: 5× no 7 (i7, i1007, i2007, …)"]);
  expect(lines.slice(-5)).toEqual([7, 1007, 2007, 3007, 4007].map(dead));
});

test("with -v everything is told at once, with what runs in each item", () => {
  const lines = told(101, isOdd, { verbosity: 1 });
  expect(lines.slice(0, 4)).toEqual(["item i0: shell: one", merged(0), "item i1: shell: one", dead(1)]);
});
