import { expect, test } from "vitest";
import type { Recorded } from "../../index.ts";
import { inputFault } from "../workflow-file.ts";
import { type LiveArea, openBoard, openLiveArea } from "./live.ts";
import { styleFor } from "./style.ts";

const plain = styleFor({ write: () => undefined }, {});

/** A terminal that understands what the live area writes. */
function fakeTerminal(columns = 40, rows = 24) {
  let lines: string[] = [""];
  let row = 0;
  const raw: string[] = [];
  const write = (text: string): void => {
    raw.push(text);
    // oxlint-disable-next-line no-control-regex -- A terminal is told what to do by control characters.
    for (const [part] of text.matchAll(/\u001b\[\?25[lh]|\u001b\[1A|\u001b\[0J|\r|\n|[^\u001b\r\n]+/g)) {
      if (part === "\u001b[1A") row--;
      else if (part === "\u001b[0J") lines = [...lines.slice(0, row), ""];
      else if (part === "\n") {
        row++;
        if (lines.length <= row) lines.push("");
      } else if (part !== "\r" && !part.startsWith("\u001b")) lines[row] = `${lines[row] ?? ""}${part}`;
    }
  };
  return { output: { write, isTTY: true, columns, rows }, screen: () => lines.slice(0, row), raw };
}

const started: Recorded & { readonly type: "attempt-started" } = {
  type: "attempt-started",
  lane: "main",
  path: "input-0/pass-0/step-0/run",
  attempt: 1,
  label: "claude: /fix all the things in this repository",
  agentSession: null,
  continued: false,
  shared: false,
  logs: [],
  at: 1000,
  seq: 1,
};

test("it shows what runs, for how long and what it said last, cut to the window, below the lines that stay", () => {
  const terminal = fakeTerminal();
  let at = 3300;
  using area = openLiveArea({ output: terminal.output, style: plain, now: () => at });
  area.observe(started);
  area.above("Executing step 1/1\n");
  area.said("main", started.path, "\u001b[1mBash: npm test\u001b[0m");
  at = 3500;
  area.above("a line that stays\n");
  expect(terminal.screen()).toEqual([
    "Executing step 1/1",
    "a line that stays",
    "▸ claude: /fix all the things in…  2.5s",
    "  Bash: npm test",
    "  0.2s · 0 steps done · 0 commits",
  ]);
});

test("it goes away for a question and at the end, and gives the cursor back", () => {
  const terminal = fakeTerminal();
  const area = openLiveArea({ output: terminal.output, style: plain, now: () => 0 });
  area.observe(started);
  area.above("line\n");
  area.hide();
  expect(terminal.screen()).toEqual(["line"]);
  expect(terminal.raw.at(-1)).toBe("\u001b[?25h");
  area.show();
  area.above("after\n");
  area[Symbol.dispose]();
  expect(terminal.screen()).toEqual(["line", "after"]);
  expect(terminal.raw.at(-1)).toBe("\u001b[?25h");
});

test("more than eight things at once are counted", () => {
  const terminal = fakeTerminal();
  using area = openLiveArea({ output: terminal.output, style: plain, now: () => 1000 });
  for (let item = 0; item < 10; item++) area.observe({ ...started, label: `item ${item}`, path: `p-${item}` });
  area.above("");
  expect(terminal.screen().slice(-3)).toEqual([
    "▸ item 7  0.0s",
    "  and 2 more steps",
    expect.stringContaining("steps done"),
  ]);
});

const PATH = "input-0/pass-0/step-0/run/body-1";
let seq = 10;

type Watched = Pick<LiveArea, "observe">;

function mapStarted(area: Watched, items: number, running: number): void {
  const all = Array.from({ length: items }, (_, index) => ({ id: `src/part-${String(index)}.ts`, data: index }));
  const map = { lane: "main", path: PATH } as const;
  area.observe({ type: "map-planned", ...map, items: all, parallel: running, timeoutMs: null, at: 0, seq: seq++ });
  for (let index = 0; index < running; index++) begin(area, index, index * 1000);
}

function begin(area: Watched, index: number, at: number): void {
  area.observe({ type: "items-begun", lane: "main", path: PATH, items: [index], at, seq: seq++ });
  area.observe({ ...started, ...laneOf(index), label: `claude: /fix part-${String(index)}`, at, seq: seq++ });
}

function laneOf(index: number): { readonly lane: string; readonly path: string } {
  return { lane: `main//${PATH}/item-${String(index)}`, path: "step-0/run" };
}

function end(area: Watched, index: number, kind: "merged" | "dead", at: number): void {
  const failed = { ...inputFault(`tests of part ${String(index)} failed`), kind: "exit" } as const;
  const outcome = {
    status: kind === "dead" ? "failed" : "ok",
    exitCode: 0,
    output: "",
    fault: kind === "dead" ? failed : null,
    durationMs: 1,
  } as const;
  const work = { commits: [], files: [], insertions: 0, deletions: 0, costUsd: null };
  const rest = { outcome, attempts: 1, work, salvage: null, conflicts: [], stops: false };
  const id = `src/part-${String(index)}.ts`;
  area.observe({ type: "map-item-ended", lane: "main", path: PATH, index, id, end: kind, ...rest, at, seq: seq++ });
}

test("fifty items at once fit a small terminal: those that run longest, and the rest counted", () => {
  const terminal = fakeTerminal(80, 24);
  using area = openLiveArea({ output: terminal.output, style: plain, now: () => 100_000 });
  mapStarted(area, 1000, 50);
  for (const index of [3, 4, 5]) end(area, index, index === 3 ? "merged" : "dead", 60_000);
  area.said(laneOf(0).lane, "step-0/run", "Edit src/part-0.ts");
  area.above("above\n");
  const screen = terminal.screen();
  expect(screen).toHaveLength(1 + 16);
  expect(Math.max(...screen.map((line) => line.length))).toBeLessThan(80);
  expect(screen.slice(1, 5)).toEqual([
    "░░░░░░░░░░░░░░░░░░░ 3 of 1000 items",
    "  1 merged · 47 running · 2 dead · 950 left",
    "▸ src/part-0.ts  1: claude: /fix part-0 Edit src/part-0.ts  1m 40s",
    "▸ src/part-1.ts  1: claude: /fix part-1  1m 39s",
  ]);
  expect(screen.slice(-3)).toEqual([
    "  and 36 more running",
    "  2× tests of part 4 failed (src/part-4.ts, src/part-5.ts)",
    "  1m 40s · 1.8 items/min · about 17m 44s left (56s an item, 50 at once)",
  ]);
});

test("fifty items among ten thousand cost next to nothing to draw", () => {
  const board = openBoard(0);
  const area = board;
  mapStarted(area, 10_000, 50);
  for (let index = 0; index < 9000; index++) {
    if (index >= 50) begin(area, index, 1000 * index);
    end(area, index, index % 7 === 0 ? "dead" : "merged", 1000 * index + 500);
    if (index < 50) begin(area, 9000 + index, 1000 * index);
  }
  const view = { style: plain, columns: 79, height: 16 };
  for (let warm = 0; warm < 200; warm++) board.rows({ ...view, at: 9_000_000 + warm });
  const costs = Array.from({ length: 10 }, (_, round) => {
    const before = process.cpuUsage();
    for (let frame = 0; frame < 20; frame++) board.rows({ ...view, at: 9_100_000 + 1000 * (20 * round + frame) });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 20;
  });
  // Five frames a second: two percent of a core are 4,000 microseconds a frame. The least disturbed round counts.
  expect(Math.min(...costs)).toBeLessThan(4000);
});
