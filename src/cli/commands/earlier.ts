/** What `resume`, `sessions show` and `events list` do with a session of an earlier Prodigy. */
import { continueEarlier, type EarlierDetail } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { errorText } from "../render/failure.ts";
import { cut, moment, plural, printable, table } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { styleFor } from "../render/style.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation } from "../shell.ts";
import { readWorkflowFile, refuseInvalid, showDiagnostics } from "../workflow-file.ts";
import { repositoryPath } from "./run.ts";

/** Goes on with it as a session of today, or says what there is and why not. */
export async function resumeEarlier(invocation: Invocation, { session, continuation }: EarlierDetail): Promise<number> {
  const { shell, values } = invocation;
  if (!continuation.ok) return refuse(invocation, continuation.fault);
  const { workflowPath } = continuation.value;
  const read = await readWorkflowFile(shell, workflowPath);
  if (read.kind === "unreadable") return refuse(invocation, read.fault);
  if (read.kind === "invalid") return refuseInvalid(invocation, workflowPath, read.diagnostics);
  showDiagnostics(shell, read.diagnostics);
  return watchSession(invocation, {
    begin: (watching) =>
      continueEarlier({
        ...watching,
        env: shell.env,
        path: repositoryPath(invocation),
        session: session.id,
        workflow: read.workflow,
        force: values.flag("force"),
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
}

/** What it was, what is left of it and what can be done. */
export function showEarlier({ shell, json }: Invocation, detail: EarlierDetail): number {
  const { session, record, worktree, branch, continuedAs, continuation, events } = detail;
  if (json) {
    printJson(shell.stdout, { earlier: true, ...detailJson(detail) });
    return EXIT_CODES.done;
  }
  const data = session.workflow_data;
  const job = record.job?.value;
  const rows: (readonly string[])[] = [
    ["Session", `${session.id}, of an earlier Prodigy`],
    ["Status", session.status.toLowerCase()],
    ["Workflow", record.checkpoints[0]?.value.workflowPath ?? data?.workflow_name ?? "unknown"],
    ["Started", moment(Date.parse(session.started_at))],
    ["Steps", data === null ? "unknown" : `${String(data.completed_steps.length)} of ${String(data.total_steps)} done`],
    ["Worktree", worktree ?? "not there any more"],
    ["Branch", branch ?? "not there any more"],
    ...(job === undefined
      ? []
      : [["Items", `${String(job.succeeded)} of ${String(job.total)} done, ${String(job.failed)} failed`]]),
    ...(events.length === 0 ? [] : [["Events", String(events.length)]]),
    ...record.checkpoints.map(({ file }) => ["Checkpoint", file]),
  ];
  shell.stdout.write(table(rows.map(([name = "", value = ""]) => [name, printable(value)])));
  if (session.error !== null) shell.stdout.write(`\nIt failed: ${printable(session.error)}\n`);
  shell.stdout.write(deadLetterText(detail));
  for (const orphan of record.orphans) shell.stdout.write(`Left behind: ${printable(orphan.path)}\n`);
  for (const { file, reason } of record.problems) shell.stderr.write(`Warning: ${file} cannot be used: ${reason}\n`);
  if (continuedAs !== null) shell.stdout.write(`\nIt goes on as: prodigy sessions show ${continuedAs}\n`);
  else if (continuation.ok)
    shell.stdout.write(`\nGo on after step ${String(continuation.value.done)} with: prodigy resume ${session.id}\n`);
  else shell.stdout.write(`\n${errorText(continuation.fault, styleFor(shell.stdout, shell.env))}`);
  return EXIT_CODES.done;
}

/** Its events, in today's names for them. */
export function listEarlierEvents({ shell, values, json }: Invocation, { events }: EarlierDetail): number {
  const types = values.list("type");
  const age = values.duration("since");
  const limit = values.number("limit");
  const wanted = events.filter(
    ({ type, at }) =>
      (types.length === 0 || types.includes(type)) && (age === null || (at !== null && at >= shell.now() - age)),
  );
  const shown = limit === null ? wanted : wanted.slice(-limit);
  if (json) printJson(shell.stdout, shown);
  else if (shown.length === 0) shell.stdout.write("No such events.\n");
  else {
    for (const { at, type, fields } of shown) {
      const when = at === null ? " ".repeat(16) : moment(at);
      shell.stdout.write(`${when}  ${type.padEnd(24)} ${cut(printable(JSON.stringify(fields)), WIDTH)}\n`);
    }
  }
  return EXIT_CODES.done;
}

const WIDTH = 160;
const MAX_LETTERS = 20;

function deadLetterText({ record: { deadLetters } }: EarlierDetail): string {
  if (deadLetters.length === 0) return "";
  const lines = deadLetters.slice(0, MAX_LETTERS).map(({ file, value }) => {
    const last = value.history.at(-1);
    return `  ${printable(value.item)}: ${printable(last?.type ?? "Unknown")}, ${cut(printable(last?.message ?? ""), 100)}\n    ${file}\n`;
  });
  return `\n${plural(deadLetters.length, "dead letter")}:\n${lines.join("")}`;
}

function detailJson({ session, record, worktree, branch, continuedAs, continuation }: EarlierDetail): object {
  return {
    session: session.id,
    status: session.status.toLowerCase(),
    workflowFile: record.checkpoints[0]?.value.workflowPath ?? null,
    startedAt: session.started_at,
    worktree,
    branch,
    target: record.note?.value.target ?? null,
    checkpoint: record.checkpoints[0] ?? null,
    job: record.job,
    deadLetters: record.deadLetters,
    orphans: record.orphans,
    eventFiles: record.eventFiles,
    unreadable: record.problems,
    error: session.error,
    continuedAs,
    stepsDone: continuation.ok ? continuation.value.done : null,
    obstacle: continuation.ok ? null : continuation.fault,
  };
}
