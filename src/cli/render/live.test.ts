import { expect, test } from "vitest";
import type { Recorded } from "../../index.ts";
import { openLiveArea } from "./live.ts";
import { styleFor } from "./style.ts";

const plain = styleFor({ write: () => undefined }, {});

/** A terminal that understands what the live area writes. */
function fakeTerminal(columns = 40) {
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
  return { output: { write, isTTY: true, columns }, screen: () => lines.slice(0, row), raw };
}

const started: Recorded = {
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
  using area = openLiveArea({ output: terminal.output, style: plain, now: () => 3500 });
  area.observe(started);
  area.above("Executing step 1/1\n");
  area.said("main", started.path, "\u001b[1mBash: npm test\u001b[0m");
  area.above("a line that stays\n");
  expect(terminal.screen()).toEqual([
    "Executing step 1/1",
    "a line that stays",
    "▸ claude: /fix all the things in…  2.5s",
    "  Bash: npm test",
    "  0.0s · 0 steps done · 0 commits",
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
