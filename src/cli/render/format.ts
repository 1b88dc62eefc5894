/** Numbers as people read them. */
import { isWide } from "../../cell-width.ts";
import type { Tally } from "../../index.ts";

/** `0.4s`, `12s`, `3m 4s`, `2h 5m`, `3d 2h`. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${String(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair([minutes, "m"], [seconds % 60, "s"]);
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? pair([hours, "h"], [minutes % 60, "m"]) : pair([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

/** What it cost as far as that is known. Unknown is never shown as nothing. */
export function cost({ usage, unknownCosts, agentRuns }: Pick<Tally, "usage" | "unknownCosts" | "agentRuns">): string {
  if (agentRuns === 0) return "nothing (no agent ran)";
  const unknown = unknownCosts === 0 ? "" : `${plural(unknownCosts, "agent run")} of unknown cost`;
  const known = usage.costUsd === null ? "unknown" : dollars(usage.costUsd);
  const sum = unknown === "" || known === "unknown" ? known : `${known} and ${unknown}`;
  const { inputTokens, outputTokens } = usage;
  if (inputTokens === null && outputTokens === null) return sum;
  return `${sum} (${tokens(inputTokens)} tokens in, ${tokens(outputTokens)} out)`;
}

/** The same in one word, for the live view. */
export function shortCost({ usage, unknownCosts }: Pick<Tally, "usage" | "unknownCosts">): string {
  if (usage.costUsd === null) return unknownCosts === 0 ? "" : "cost unknown";
  return `${dollars(usage.costUsd)}${unknownCosts === 0 ? "" : "+"}`;
}

export function dollars(usd: number): string {
  return `$${usd > 0 && usd < 0.1 ? usd.toFixed(4) : usd.toFixed(2)}`;
}

export function plural(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `2026-01-31 12:05`, in the time of the place. */
export function moment(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A table without lines: columns as wide as their widest cell, the last one as it comes. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const lines = rows.map((row) =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join("  "),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** Text that cannot move the cursor or repaint the terminal. Tabs become blanks. */
export function printable(text: string): string {
  return text.replaceAll("\t", "  ").replaceAll(ESCAPES, "").replaceAll(CONTROLS, "\uFFFD");
}

// oxlint-disable-next-line no-control-regex -- Taking control characters out is what this is for.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/gu;
// oxlint-disable-next-line no-control-regex -- The same.
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** As much as fits into so many cells of a terminal, with a sign that there was more. */
export function cut(text: string, cells: number): string {
  if (cells <= 0) return "";
  // Nearly every text is plain, and it is asked for several times a second.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length <= cells ? text : `${text.slice(0, cells - 1)}…`;
  let used = 0;
  let end = 0;
  for (const { segment, index } of SEGMENTER.segment(text)) {
    used += isWide(segment.codePointAt(0) ?? 0) ? 2 : 1;
    if (used > cells) return `${text.slice(0, end)}…`;
    // One cell is kept for the sign.
    if (used < cells) end = index + segment.length;
  }
  return text;
}

const SEGMENTER = new Intl.Segmenter();

function tokens(count: number | null): string {
  if (count === null) return "an unknown number of";
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(2)}M`;
}

function pair(big: readonly [number, string], small: readonly [number, string]): string {
  return `${String(big[0])}${big[1]}${small[0] === 0 ? "" : ` ${String(small[0])}${small[1]}`}`;
}
