import { endedOf, followProgress, forecastOf, leftOf, type Progress, readProgress } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { printJson, printJsonLine, statusOf } from "../render/json.ts";
import { openScreen } from "../render/live.ts";
import { boardOf, progressLine, progressRows } from "../render/progress.ts";
import { canRedraw, styleFor } from "../render/style.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy progress [ID]`: how a session stands; with `--follow` until nobody works on it any more. */
export const progress: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const where = { env: shell.env, path: repositoryPath(invocation), session: args[0] ?? null };
  if (values.flag("follow")) return follow(invocation, where);
  const found = await readProgress(where);
  if (!found.ok) return refuse(invocation, found.fault);
  if (json) printJson(shell.stdout, progressJson(found.value, shell.now()));
  else shell.stdout.write(linesOf(rowsOf(invocation, found.value, LONG)));
  return EXIT_CODES.done;
};

async function follow(invocation: Invocation, where: Parameters<typeof readProgress>[0]): Promise<number> {
  const { shell, json } = invocation;
  const isDrawn = !json && canRedraw(shell.stdout, shell.env);
  const screen = openScreen(shell.stdout);
  let last: readonly string[] = [];
  for await (const found of followProgress({ ...where, signal: shell.stop })) {
    if (!found.ok) return refuse(invocation, found.fault);
    last = rowsOf(invocation, found.value, (shell.stdout.rows || DEFAULT_ROWS) - 2);
    if (json) printJsonLine(shell.stdout, progressJson(found.value, shell.now()));
    else if (isDrawn) screen.draw(last);
    else shell.stdout.write(`${progressLine(found.value, shell.now())}\n`);
  }
  // What was drawn last stays.
  if (isDrawn) {
    screen.hide();
    shell.stdout.write(linesOf(last));
  }
  return EXIT_CODES.done;
}

/** Not followed, it is read once, and may be longer than the window. */
const LONG = 40;
const DEFAULT_ROWS = 24;

function rowsOf({ shell }: Invocation, found: Progress, height: number): readonly string[] {
  const style = styleFor(shell.stdout, shell.env);
  return progressRows(found, { style, now: shell.now(), columns: (shell.stdout.columns || 100) - 1, height });
}

function linesOf(rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join("");
}

function progressJson({ session, pid }: Progress, now: number): unknown {
  const board = boardOf(session);
  const data = session.workflow_data;
  const at = pid === null ? (board?.at ?? now) : now;
  const forecast = board === null ? null : forecastOf(board, at);
  const { cost_usd: known, runs_of_unknown_cost: unknownCosts = 0 } = session.metadata;
  return {
    session: session.id,
    status: statusOf({ session, pid, repository: null, resumable: false }),
    pid,
    workflow: data?.workflow_name ?? null,
    phase: session.mapreduce_data?.phase ?? null,
    step: data?.current_step ?? null,
    steps: data?.total_steps ?? null,
    startedAt: session.started_at,
    updatedAt: session.updated_at,
    costUsd: (unknownCosts !== 0 && known === 0 ? null : known) ?? null,
    unknownCosts,
    items: board === null ? null : itemsJson(board),
    itemsPerMinute: forecast?.perMinute ?? null,
    itemMs: forecast === null ? null : Math.round(forecast.itemMs),
    leftMs: forecast === null ? null : Math.round(forecast.leftMs),
    running: board === null ? [] : board.open.map(({ labelSince: _labelSince, ...item }) => item),
    causes: board === null ? [] : board.causes.map(({ message, count, items }) => ({ message, count, items })),
    failures: board?.failures ?? [],
    error: session.error,
  };
}

function itemsJson(board: NonNullable<ReturnType<typeof boardOf>>): unknown {
  const { total, merged, unmerged, skipped, dead, retries, open } = board;
  return {
    total,
    ended: endedOf(board),
    merged,
    unmerged,
    skipped,
    dead,
    retries,
    open: open.length,
    left: leftOf(board),
  };
}
