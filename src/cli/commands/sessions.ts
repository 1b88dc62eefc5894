import {
  deleteSession,
  listSessions,
  type Outcome,
  readEarlierSession,
  readSession,
  type SessionEntry,
} from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { failureText } from "../render/failure.ts";
import { cost, dollars, duration, moment, plural, printable, table } from "../render/format.ts";
import { detailJson, entryJson, printJson, statusOf } from "../render/json.ts";
import { styleFor } from "../render/style.ts";
import { pauseText, withFullLogs } from "../render/summary.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault } from "../workflow-file.ts";
import { showEarlier } from "./earlier.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy sessions list` */
export const list: Run = async (invocation) => {
  const { shell, values, json } = invocation;
  const status = values.text("status");
  if (status !== null && !STATUSES.includes(status.toLowerCase())) {
    throw new UsageError(`invalid value '${status}' for '--status <STATUS>': one of ${STATUSES.join(", ")} is needed`);
  }
  const listed = await entriesOf(invocation);
  if (!listed.ok) return refuse(invocation, listed.fault);
  const wanted = listed.value.filter((entry) => status === null || statusOf(entry) === status.toLowerCase());
  const entries = wanted.slice(0, values.number("limit") ?? undefined);
  if (json) printJson(shell.stdout, entries.map(entryJson));
  else if (entries.length === 0) shell.stdout.write("No sessions. Start one with: prodigy run WORKFLOW\n");
  else shell.stdout.write(sessionTable(entries));
  return EXIT_CODES.done;
};

/** `prodigy sessions show ID` */
export const show: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const [session = ""] = args;
  const where = { env: shell.env, path: repositoryPath(invocation), session };
  const earlier = await readEarlierSession(where);
  if (earlier !== null) return showEarlier(invocation, earlier);
  const found = await readSession(where);
  if (!found.ok) return refuse(invocation, found.fault);
  if (json) printJson(shell.stdout, detailJson(found.value));
  else shell.stdout.write(detailText(invocation, found.value));
  return EXIT_CODES.done;
};

/** `prodigy sessions clean` */
export const clean: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [named] = args;
  if (named === undefined && !values.flag("all")) {
    throw new UsageError("missing required argument: a session's ID, or --all for all that have ended");
  }
  const listed = await entriesOf(invocation);
  if (!listed.ok) return refuse(invocation, listed.fault);
  const meant = listed.value.filter(
    ({ session }) => named === undefined || session.id === named || (named.length > 3 && session.id.endsWith(named)),
  );
  if (named !== undefined && meant.length !== 1) {
    return refuse(invocation, { ...inputFault(`there is no session ${named}`), kind: "file" });
  }
  const age = values.duration("older-than");
  const old = meant.filter(({ session }) => age === null || shell.now() - Date.parse(session.updated_at) > age);
  const doomed = old.filter((entry) => isGone(entry));
  const kept = old.filter((entry) => !isGone(entry));
  const dryRun = values.flag("dry-run");
  if (!dryRun && doomed.length > 0 && !values.flag("force")) {
    const answer = await shell.confirm(`Delete the records of ${plural(doomed.length, "session")}?`, shell.stop);
    if (answer !== "yes") return refuse(invocation, inputFault("nothing was deleted", "-f answers the question"));
  }
  const removed = dryRun ? [] : await removeAll(invocation, doomed);
  if (!Array.isArray(removed)) return refuse(invocation, removed.fault);
  if (json) {
    printJson(shell.stdout, { dryRun, removed: idsOf(doomed), kept: idsOf(kept) });
    return EXIT_CODES.done;
  }
  for (const { session } of doomed) shell.stdout.write(`${dryRun ? "Would delete" : "Deleted"} ${session.id}\n`);
  for (const entry of kept) shell.stdout.write(`Kept ${entry.session.id}: ${whyKept(entry)}\n`);
  if (old.length === 0) shell.stdout.write("No sessions to delete.\n");
  return EXIT_CODES.done;
};

const STATUSES: readonly string[] = ["running", "interrupted", "paused", "completed", "failed", "cancelled"];

async function entriesOf(invocation: Invocation): Promise<Outcome<readonly SessionEntry[]>> {
  const { shell, values } = invocation;
  const allRepositories = invocation.allows("all-repos") && values.flag("all-repos");
  const listed = await listSessions({ env: shell.env, path: repositoryPath(invocation), allRepositories });
  if (!listed.ok) return listed;
  for (const { path, problem } of listed.value.unreadable) {
    shell.stderr.write(`Warning: ${path} cannot be read: ${problem}\n`);
  }
  return { ok: true, value: listed.value.sessions };
}

function sessionTable(entries: readonly SessionEntry[]): string {
  const rows = entries.map((entry) => {
    const { session } = entry;
    const { cost_usd: known, runs_of_unknown_cost: unknown } = session.metadata;
    const sum = typeof known === "number" ? dollars(known) : "";
    const isUnknown = typeof unknown === "number" && unknown > 0;
    const spent = !isUnknown ? sum : known === 0 || sum === "" ? "unknown" : `${sum}+`;
    const landing = session.metadata["landing"];
    return [
      session.id,
      statusOf(entry),
      moment(Date.parse(session.started_at)),
      spent,
      typeof landing === "string" ? landing : entry.resumable ? "resumable" : ofOld(session),
      printable(session.workflow_data?.workflow_name ?? ""),
    ];
  });
  return table([["ID", "STATUS", "STARTED", "COST", "MERGE", "WORKFLOW"], ...rows]);
}

function ofOld({ metadata }: SessionEntry["session"]): string {
  if (metadata["legacy_session_id"] === undefined) return "";
  return metadata["continued_as"] === undefined ? "earlier" : "continued";
}

function isGone({ session, resumable, pid, repository }: SessionEntry): boolean {
  if (isUnfinishedOfOld(session)) return false;
  // A declined merge left its worktree and its branch, which `worktree clean` looks after first.
  const landing = session.metadata["landing"];
  return repository !== null && pid === null && !resumable && landing !== "declined" && landing !== "not-landed";
}

/** Of an earlier Prodigy, with work of its own that nobody has taken up. */
function isUnfinishedOfOld({ metadata, status }: SessionEntry["session"]): boolean {
  const isLeft = typeof metadata["worktree"] === "string" || typeof metadata["branch"] === "string";
  const isOpen = metadata["continued_as"] === undefined && status !== "Completed" && status !== "Cancelled";
  return metadata["legacy_session_id"] !== undefined && isLeft && isOpen;
}

function whyKept({ pid, resumable, session }: SessionEntry): string {
  if (pid !== null) return "it is running";
  if (isUnfinishedOfOld(session)) return "its work is still there; prodigy sessions show tells what can be done";
  return resumable ? "it can be resumed" : "its worktree is still there; prodigy worktree clean removes it";
}

function idsOf(entries: readonly SessionEntry[]): readonly string[] {
  return entries.map(({ session }) => session.id);
}

async function removeAll(
  invocation: Invocation,
  doomed: readonly SessionEntry[],
): Promise<string[] | (Outcome<null> & { readonly ok: false })> {
  const removed: string[] = [];
  for (const { session } of doomed) {
    const where = { env: invocation.shell.env, path: repositoryPath(invocation) };
    const done = await deleteSession({ ...where, session: session.id });
    if (!done.ok) return done;
    removed.push(session.id);
  }
  return removed;
}

function detailText({ shell }: Invocation, detail: Parameters<typeof detailJson>[0]): string {
  const { id, pid, state, tally, journal, logs } = detail;
  const { order } = state;
  const { steps, commits, changes } = tally;
  const files = changes.added.length + changes.modified.length + changes.deleted.length;
  const status = state.status === "running" && pid === null ? "interrupted" : state.status;
  const landing = state.landing.kind === "settled" ? state.landing.result : "open";
  const fault = state.fault ?? (state.landing.kind === "settled" ? state.landing.fault : null);
  const rows: (readonly string[])[] = [
    ["Session", id],
    ["Status", `${status}${pid === null ? "" : ` (process ${String(pid)})`}`],
    ["Workflow", `${order.workflow.name}${order.workflowFile === null ? "" : ` (${order.workflowFile})`}`],
    ["Repository", order.repository.path],
    ["Branch", `${order.branch}, from ${order.target ?? "a detached HEAD"} at ${order.base.slice(0, 12)}`],
    ["Merge", landing],
    ["Started", moment(tally.startedAt)],
    ["Time", duration(tally.activeMs)],
    [
      "Steps",
      `${String(steps.ok)} ok, ${String(steps.failed)} failed, ${String(steps.skipped)} skipped, ${String(steps.tolerated)} tolerated, ${String(steps.recovered)} recovered`,
    ],
    [
      "Commits",
      `${String(commits)} (${plural(files, "file")}, +${String(changes.insertions)} -${String(changes.deletions)})`,
    ],
    ["Cost", cost(tally)],
    ["Journal", journal],
    ["Logs", logs],
  ];
  const told = [
    state.pause === null ? "" : `Paused: ${pauseText(state.pause)}\n`,
    fault === null ? "" : failureText(withFullLogs(fault, detail), styleFor(shell.stdout, shell.env)),
    ...tally.salvages.map((name) => `kept aside: prodigy salvage show ${name}\n`),
    status === "ended"
      ? ""
      : pid === null
        ? `resume with: prodigy resume ${id}\n`
        : `watch with: prodigy events follow ${id}\n`,
  ];
  return table(rows.map(([name = "", text = ""]) => [name, printable(text)])) + told.join("");
}
