/** A map as a few lines: its numbers, what runs longest, why items fail, and how long it will still take. */
import { type Board, countOf, endedOf, forecastOf, leftOf, type OpenItem } from "../../index.ts";
import { cut, duration, plural, printable } from "./format.ts";
import type { Style } from "./style.ts";

export interface BoardView {
  readonly style: Style;
  readonly at: number;
  readonly columns: number;
  /** How many lines there may be. */
  readonly height: number;
  /** What an item printed last. */
  readonly said: (index: number) => string;
  /** What it has cost so far; empty where nothing did. */
  readonly spent: string;
}

export function boardRows(board: Board, view: BoardView): readonly string[] {
  const { style, at, columns, height } = view;
  const causes = board.causes.slice(0, Math.min(MAX_CAUSES, Math.max(0, height - 5)));
  const room = Math.max(1, height - 3 - causes.length);
  // They stand in the order in which they began, so the first ones run longest. What waits is only counted.
  const busy = board.open.filter(({ state }) => state === "running" || state === "resolving a conflict");
  const shown = busy.slice(0, busy.length > room ? room - 1 : room);
  const more = busy.length - shown.length;
  return [
    style.bold(cut(`${bar(board, columns)} ${String(endedOf(board))} of ${plural(board.total, "item")}`, columns)),
    cut(`  ${countsText(board)}`, columns),
    ...shown.map((item) => laneRow(item, view)),
    ...(more > 0 ? [style.dim(`  and ${String(more)} more running`)] : []),
    ...causes.map((cause) => style.red(cut(`  ${causeText(cause)}`, columns))),
    style.dim(cut(`  ${timeText(board, at, view.spent)}`, columns)),
  ];
}

const MAX_CAUSES = 3;

function bar(board: Board, columns: number): string {
  const cells = Math.max(4, Math.min(30, Math.floor(columns / 4)));
  const share = board.total === 0 ? 1 : endedOf(board) / board.total;
  const full = Math.floor(share * cells);
  return `${"█".repeat(full)}${"░".repeat(cells - full)}`;
}

/** What is not there is not mentioned, but for what is merged and what is left. */
export function countsText(board: Board): string {
  const waiting = countOf(board, "waiting to be merged");
  const retrying = countOf(board, "waiting to be tried again");
  const running = board.open.length - waiting - retrying;
  const some = (count: number, words: string): readonly string[] => (count === 0 ? [] : [`${String(count)} ${words}`]);
  return [
    `${String(board.merged)} merged`,
    ...some(board.unmerged, "without commits"),
    ...some(running, "running"),
    ...some(waiting, "waiting to be merged"),
    ...some(retrying, "waiting to be tried again"),
    ...some(board.skipped, "skipped"),
    ...some(board.dead, "dead"),
    `${String(leftOf(board))} left`,
  ].join(" · ");
}

export function causeText({ message, count, items }: Board["causes"][number]): string {
  const named = `${items.join(", ")}${count > items.length ? ", …" : ""}`;
  return `${String(count)}× ${oneLine(message)} (${named})`;
}

/** Rate, time left and on what that rests, cost. */
export function timeText(board: Board, at: number, spent: string): string {
  const forecast = forecastOf(board, at);
  const parts = [duration(at - board.since)];
  if (forecast !== null) parts.push(`${rate(forecast.perMinute)} items/min`);
  const isAllBegun = leftOf(board) + board.open.length === 0;
  if (forecast !== null && !isAllBegun) parts.push(leftText(board, forecast));
  if (spent !== "") parts.push(spent);
  return parts.join(" · ");
}

function leftText({ parallel }: Board, { leftMs, itemMs }: NonNullable<ReturnType<typeof forecastOf>>): string {
  return `about ${duration(leftMs)} left (${duration(itemMs)} an item, ${String(parallel)} at once)`;
}

function rate(perMinute: number): string {
  return perMinute < 9.95 ? perMinute.toFixed(1) : String(Math.round(perMinute));
}

/** The id, the step, what it printed last or else what runs, and the item's time, which never gives way. */
function laneRow(item: OpenItem, { at, columns, said, style }: BoardView): string {
  const time = duration(at - item.since);
  const step = item.step === 0 ? "" : `${String(item.step)}: `;
  const id = cut(oneLine(item.id), Math.max(8, Math.floor(columns * 0.3)));
  const words = said(item.index);
  const what = item.state === "resolving a conflict" ? `resolving: ${item.label}` : `${step}${item.label}`;
  const room = columns - id.length - time.length - 6;
  const doing = oneLine(words === "" ? what : `${cut(what, Math.max(12, Math.floor(room / 2)))} ${words}`);
  return `▸ ${style.bold(id)}  ${cut(doing, room)}  ${time}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, " ").trim();
}
