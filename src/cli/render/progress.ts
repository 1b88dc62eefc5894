/** How a session stands, for whoever asks from another terminal. */
import { type Board, boardFrom, type Progress } from "../../index.ts";
import { boardRows, causeText, countsText, timeText } from "./board.ts";
import { cut, dollars, duration, printable } from "./format.ts";
import { statusOf } from "./json.ts";
import type { Style } from "./style.ts";

export interface ProgressView {
  readonly style: Style;
  readonly now: number;
  readonly columns: number;
  readonly height: number;
}

export function progressRows({ session, pid }: Progress, view: ProgressView): readonly string[] {
  const { style, columns, height } = view;
  const data = session.workflow_data;
  const map = session.mapreduce_data;
  const status = statusOf({ session, pid, repository: null, resumable: false });
  const phase = map === null || status === "completed" ? "" : `, ${map.phase.toLowerCase()} phase`;
  const head = style.bold(cut(`${session.id}  ${data?.workflow_name ?? ""}: ${status}${phase}`, columns));
  const board = boardOf(session);
  const spent = spentText(session.metadata);
  const error = session.error === null ? [] : [style.red(cut(`  ${oneLine(session.error)}`, columns))];
  if (board === null) return [head, cut(`  ${stepText(session, view.now, spent)}`, columns), ...error];
  const at = pid === null || board.over !== null ? board.at : view.now;
  const failures = board.failures.slice(0, MAX_FAILURES).map(({ id, at: when, message }) => {
    return style.dim(cut(`  ${duration(view.now - when)} ago  ${oneLine(id)}: ${oneLine(message)}`, columns));
  });
  const rows = boardRows(board, { style, at, columns, height: height - 1 - failures.length, said: () => "", spent });
  return [head, ...rows, ...failures, ...error];
}

/** The same in one line, for a pipe. */
export function progressLine({ session, pid }: Progress, now: number): string {
  const board = boardOf(session);
  const spent = spentText(session.metadata);
  const status = statusOf({ session, pid, repository: null, resumable: false });
  if (board === null) return `${status}: ${stepText(session, now, spent)}`;
  const [worst] = board.causes;
  const parts = [countsText(board), timeText(board, pid === null ? board.at : now, spent)];
  return `${status}: ${[...parts, ...(worst === undefined ? [] : [causeText(worst)])].join("; ")}`;
}

export function boardOf(session: Progress["session"]): Board | null {
  return boardFrom(session.mapreduce_data?.board ?? null);
}

const MAX_FAILURES = 3;

function stepText(
  { workflow_data: data, metadata, started_at: started, completed_at: ended }: Progress["session"],
  now: number,
  spent: string,
): string {
  const { current_step: step = 0, total_steps: total = 0 } = data ?? {};
  const current = metadata["current"];
  const time = duration((ended === null ? now : Date.parse(ended)) - Date.parse(started));
  const parts = [`step ${String(Math.min(step + 1, total))} of ${String(total)}`, time];
  if (spent !== "") parts.push(spent);
  if (typeof current === "string" && ended === null) parts.push(oneLine(current));
  return parts.join(" · ");
}

export function spentText({ cost_usd: known, runs_of_unknown_cost: unknown }: Progress["session"]["metadata"]): string {
  const isUnknown = typeof unknown === "number" && unknown > 0;
  if (typeof known !== "number" || known === 0) return isUnknown ? "cost unknown" : "";
  return `${dollars(known)}${isUnknown ? "+" : ""}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, " ").trim();
}
