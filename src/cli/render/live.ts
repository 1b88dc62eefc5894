/**
 * A few lines at the bottom of a terminal that tell what runs now, for how long, what it cost so far and what it said
 * last. Finished lines are written above it and stay.
 *
 * It is drawn again only where it changed, at most five times a second, and is taken away before anything else writes.
 */
import { NO_BOARD, openTally, type Recorded, watchMap } from "../../index.ts";
import type { Output } from "../shell.ts";
import { boardRows } from "./board.ts";
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

const FRAME_MS = 200;
/** More attempts at once are counted and not shown: the area must stay small. */
const MAX_ROWS = 8;
/** Where the terminal does not say, or says 0. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** More lines of a map than this tell nothing more, and a good part of the window is left to what stays. */
const MAX_HEIGHT = 20;
const KEPT_FREE = 8;

interface Running {
  readonly label: string;
  readonly since: number;
  said: string;
}

export function openLiveArea({ output, style, now }: LiveOptions): LiveArea {
  const board = openBoard(now());
  const screen = openScreen(output);
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    drawnAt = now();
    screen.draw(
      board.rows({
        style,
        at: now(),
        columns: (output.columns || DEFAULT_COLUMNS) - 1,
        height: Math.max(4, Math.min(MAX_HEIGHT, (output.rows || DEFAULT_ROWS) - KEPT_FREE)),
      }),
    );
  };
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  return {
    replay: (event) => board.replay(event),
    observe: (event) => board.observe(event),
    said: (lane, path, text) => board.said(keyOf({ lane, path }), text),
    above: (text) => {
      // What has ended must not be drawn once more below what tells of it.
      if (board.isIdle()) screen.erase();
      // With thousands of lines the area need not be made anew for each.
      if (!screen.above(text) || now() - drawnAt >= FRAME_MS) draw();
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
export function openBoard(openedAt: number) {
  const tally = openTally();
  const running = new Map<string, Running>();
  let startedAt = openedAt;
  let watched = NO_BOARD;
  const spent = (): string => shortCost(tally.glance());
  const learn = (event: Recorded): void => {
    tally.add(event);
    watched = watchMap(watched, event);
  };
  return {
    replay: learn,
    observe: (event: Recorded): void => {
      learn(event);
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
    isIdle: (): boolean => running.size === 0,
    said: (key: string, text: string): void => {
      const step = running.get(key);
      const words = printable(text).trim();
      if (step !== undefined && words !== "") step.said = words;
    },
    rows: (view: RowsView): readonly string[] => {
      const { board } = watched;
      if (board !== null && board.over === null)
        return boardRows(board, { ...view, spent: spent(), said: (index) => saidBy(running, watched.path, index) });
      return stepRows([...running.values()], view, footer(view.at - startedAt, tally.glance(), spent()));
    },
  };
}

interface RowsView {
  readonly style: Style;
  readonly at: number;
  readonly columns: number;
  readonly height: number;
}

type Glance = ReturnType<ReturnType<typeof openTally>["glance"]>;

function footer(ms: number, { steps, commits }: Glance, spent: string): string {
  const parts = [duration(ms), `${plural(steps.ok, "step")} done`, plural(commits, "commit")];
  return `  ${[...parts, ...(spent === "" ? [] : [spent])].join(" · ")}`;
}

function stepRows(running: readonly Running[], { style, at, columns }: RowsView, last: string): readonly string[] {
  const shown = running.slice(0, MAX_ROWS);
  const more = running.length - shown.length;
  const lines = shown.flatMap((step) => [
    style.bold(heading(step, at, columns)),
    ...(step.said === "" ? [] : [style.dim(cut(`  ${step.said}`, columns))]),
  ]);
  if (more > 0) lines.push(style.dim(`  and ${plural(more, "more step")}`));
  if (shown.length > 0) lines.push(style.dim(cut(last, columns)));
  return lines;
}

/** What runs in an item's lane has said last. */
function saidBy(running: ReadonlyMap<string, Running>, path: string, index: number): string {
  const start = `main//${path}/item-${String(index)} `;
  for (const [key, { said }] of running) if (key.startsWith(start)) return said;
  return "";
}

/** The label gives way, not the time. */
function heading({ label, since }: Running, at: number, columns: number): string {
  const time = duration(at - since);
  return `▸ ${cut(label, columns - time.length - 4)}  ${time}`;
}

/** Knows what is drawn, and writes only what is different now. */
export function openScreen(output: Output) {
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
    /** Writes it above what is drawn. False where nothing is. */
    above: (text: string): boolean => {
      const lines = drawn;
      const isDrawn = lines.length > 0 && !hidden && output.columns === drawnColumns;
      if (!isDrawn) {
        erase();
        output.write(text);
        return false;
      }
      output.write(`${UP.repeat(lines.length)}\r${CLEAR_BELOW}${text}${lines.map((line) => `${line}\n`).join("")}`);
      return true;
    },
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
