/** The shapes that `--json` prints. `docs/json.md` describes them; a change there is a change of the interface. */
import type { Diagnostic, Fault, RunResult, SessionDetail, SessionEntry } from "../../index.ts";
import type { Output } from "../shell.ts";

export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** For streams: one value a line. */
export function printJsonLine(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value)}\n`);
}

export function errorJson(fault: Fault, diagnostics: readonly Diagnostic[] = []): unknown {
  return { error: fault, ...(diagnostics.length === 0 ? {} : { diagnostics }) };
}

export function resultJson(result: RunResult, exitCode: number): unknown {
  const { startedAt, lastAt, ...rest } = result;
  return { ...rest, startedAt: time(startedAt), endedAt: time(lastAt), exitCode };
}

export function entryJson(entry: SessionEntry): unknown {
  const { session, repository, pid, resumable } = entry;
  const { workflow_data: data, metadata } = session;
  return {
    session: session.id,
    status: statusOf(entry),
    workflow: data?.workflow_name ?? null,
    repository,
    path: metadata["project_path"] ?? null,
    startedAt: session.started_at,
    updatedAt: session.updated_at,
    endedAt: session.completed_at,
    pid,
    resumable,
    costUsd: metadata["cost_usd"] ?? null,
    unknownCosts: metadata["runs_of_unknown_cost"] ?? 0,
    commits: metadata["commits"] ?? 0,
    filesChanged: data?.files_changed ?? 0,
    landing: metadata["landing"] ?? null,
    error: session.error,
  };
}

/** As it truly is: a session whose file says that it runs, and on which nobody works, was interrupted. */
export function statusOf({ session, pid }: SessionEntry): string {
  const stated = session.status.toLowerCase();
  if (stated !== "running" && stated !== "initializing") return stated;
  return pid === null ? "interrupted" : "running";
}

export function detailJson({ id, pid, state, tally, journal, logs }: SessionDetail): unknown {
  const { order } = state;
  const { startedAt, lastAt, ...numbers } = tally;
  return {
    session: id,
    status: state.status,
    pid,
    workflow: order.workflow.name,
    workflowFile: order.workflowFile,
    repository: order.repository.path,
    base: order.base,
    branch: order.branch,
    target: order.target,
    inputValues: order.inputs,
    parent: order.parent,
    pause: state.pause,
    fault: state.fault ?? (state.landing.kind === "settled" ? state.landing.fault : null),
    landing: state.landing.kind === "settled" ? state.landing.result : null,
    failedInputs: state.failedInputs,
    deadLetters: state.deadLetters,
    worktree: [...state.lanes.values()].find((lane) => lane.id === "main" && !lane.removed)?.directory ?? null,
    startedAt: time(startedAt),
    updatedAt: time(lastAt),
    ...numbers,
    journal,
    logs,
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
