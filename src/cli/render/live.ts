/**
 * A few lines at the bottom of a terminal that tell what runs now, for how long, what it cost so far and what it said
 * last. Finished lines are written above it and stay.
 *
 * It is drawn again only where it changed, at most ten times a second, and is taken away before anything else writes.
 */
import { openTally, type Recorded } from "../../index.ts";
import type { Output } from "../shell.ts";
import { cut, duration, plural, printable, shortCost } from "./format.ts";
import type { Style } from "./style.ts";

export interface LiveArea extends Disposable {
  replay(event: Recorded): void;
  observe(event: Recorded): void;
  said(lane: string, path: string, text: string): void;
  /** Writes text that stays, above the area. */
  above(text: string): void;
  hide(): void;
  show(): void;
}

export interface LiveOptions {
  readonly output: Output;
  readonly style: Style;
  readonly now: () => number;
}

const FRAME_MS = 100;
/** More attempts at once are counted and not shown: the area must stay small. */
const MAX_ROWS = 8;
/** Where the terminal does not say, or says 0. */
const DEFAULT_COLUMNS = 80;

interface Running {
  readonly label: string;
  readonly since: number;
  said: string;
}

export function openLiveArea({ output, style, now }: LiveOptions): LiveArea {
  const board = openBoard(now());
  const screen = openScreen(output);
  const draw = (): void =>
    screen.draw(board.rows({ style, at: now(), columns: (output.columns || DEFAULT_COLUMNS) - 1 }));
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  return {
    replay: (event) => board.replay(event),
    observe: (event) => board.observe(event),
    said: (lane, path, text) => board.said(keyOf({ lane, path }), text),
    above: (text) => {
      screen.erase();
      output.write(text);
      draw();
    },
    hide: () => screen.hide(),
    show: () => screen.show(),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      screen.hide();
    },
  };
}

/** Knows what is to be shown. */
function openBoard(openedAt: number) {
  const tally = openTally();
  const running = new Map<string, Running>();
  let startedAt = openedAt;
  const footer = (at: number): string => {
    const { steps, commits, usage, unknownCosts } = tally.read();
    const parts = [duration(at - startedAt), `${plural(steps.ok, "step")} done`, plural(commits, "commit")];
    const spent = shortCost({ usage, unknownCosts });
    return `  ${[...parts, ...(spent === "" ? [] : [spent])].join(" · ")}`;
  };
  return {
    replay: (event: Recorded): void => tally.add(event),
    observe: (event: Recorded): void => {
      tally.add(event);
      if (event.type === "session-opened") startedAt = event.at;
      if (event.type === "attempt-started")
        running.set(keyOf(event), { label: printable(event.label), since: event.at, said: "" });
      if (
        event.type === "attempt-ended" ||
        event.type === "attempt-interrupted" ||
        event.type === "continuation-failed"
      )
        running.delete(keyOf(event));
    },
    said: (key: string, text: string): void => {
      const step = running.get(key);
      const words = printable(text).trim();
      if (step !== undefined && words !== "") step.said = words;
    },
    rows: ({ style, at, columns }: { readonly style: Style; readonly at: number; readonly columns: number }) => {
      const shown = [...running.values()].slice(0, MAX_ROWS);
      const more = running.size - shown.length;
      const lines = shown.flatMap((step) => [
        style.bold(heading(step, at, columns)),
        ...(step.said === "" ? [] : [style.dim(cut(`  ${step.said}`, columns))]),
      ]);
      if (more > 0) lines.push(style.dim(`  and ${plural(more, "more step")}`));
      if (shown.length > 0) lines.push(style.dim(cut(footer(at), columns)));
      return lines;
    },
  };
}

/** The label gives way, not the time. */
function heading({ label, since }: Running, at: number, columns: number): string {
  const time = duration(at - since);
  return `▸ ${cut(label, columns - time.length - 4)}  ${time}`;
}

/** Knows what is drawn, and writes only what is different now. */
function openScreen(output: Output) {
  let drawn: readonly string[] = [];
  let drawnColumns = output.columns;
  let hidden = false;
  let cursorHidden = false;
  const erase = (): void => {
    if (drawn.length > 0) output.write(`${UP.repeat(drawn.length)}\r${CLEAR_BELOW}`);
    drawn = [];
  };
  return {
    erase,
    draw: (lines: readonly string[]): void => {
      if (hidden) return;
      // A narrower window has wrapped the old lines, nobody knows how often: they stay, and new ones begin below.
      if (output.columns !== drawnColumns) drawn = [];
      drawnColumns = output.columns;
      const differs = drawn.findIndex((line, at) => line !== lines[at]);
      const from = differs < 0 ? drawn.length : differs;
      if (from === lines.length && from === drawn.length) return;
      const fresh = lines.slice(from).map((line) => `${line}\n`);
      output.write(
        `${cursorHidden ? "" : HIDE_CURSOR}${UP.repeat(drawn.length - from)}\r${CLEAR_BELOW}${fresh.join("")}`,
      );
      cursorHidden = true;
      drawn = lines;
    },
    hide: (): void => {
      erase();
      hidden = true;
      if (cursorHidden) output.write(SHOW_CURSOR);
      cursorHidden = false;
    },
    show: (): void => {
      hidden = false;
    },
  };
}

function keyOf({ lane, path }: { readonly lane: string; readonly path: string }): string {
  return `${lane} ${path}`;
}

const ESCAPE = "\u001b[";
/** One line up. */
const UP = `${ESCAPE}1A`;
const CLEAR_BELOW = `${ESCAPE}0J`;
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
