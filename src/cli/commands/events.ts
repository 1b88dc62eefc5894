import { followEvents, listSessions, readEvents, readSession, type Recorded } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { cut, moment, printable, table } from "../render/format.ts";
import { printJson, printJsonLine } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { repositoryPath } from "./run.ts";
import { statusOf } from "./sessions.ts";

/** `prodigy events list` */
export const list: Run = async (invocation) => {
  const { shell, values, json } = invocation;
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const listed = await listSessions({ ...where, allRepositories: values.flag("all-repos") });
  if (!listed.ok) return refuse(invocation, listed.fault);
  const rows: {
    readonly session: string;
    readonly status: string;
    readonly events: number;
    readonly lastAt: string | null;
  }[] = [];
  for (const entry of listed.value.sessions.slice(0, values.number("limit") ?? undefined)) {
    if (entry.repository === null) continue;
    const events = await readEvents({ ...where, session: entry.session.id });
    if (!events.ok) shell.stderr.write(`Warning: ${entry.session.id}: ${events.fault.message}\n`);
    const last = events.ok ? events.value.at(-1) : undefined;
    rows.push({
      session: entry.session.id,
      status: statusOf(entry),
      events: events.ok ? events.value.length : 0,
      lastAt: last === undefined ? null : new Date(last.at).toISOString(),
    });
  }
  if (json) printJson(shell.stdout, rows);
  else if (rows.length === 0) shell.stdout.write("No events: nothing has run in this repository yet.\n");
  else {
    const lines = rows.map((row) => [row.session, row.status, String(row.events), row.lastAt ?? ""]);
    shell.stdout.write(table([["ID", "STATUS", "EVENTS", "LAST"], ...lines]));
  }
  return EXIT_CODES.done;
};

/** `prodigy events show ID` */
export const show: Run = async (invocation) => {
  const { shell, args, values } = invocation;
  const [session = ""] = args;
  const events = await readEvents({ env: shell.env, path: repositoryPath(invocation), session });
  if (!events.ok) return refuse(invocation, events.fault);
  const types = values.list("type");
  const wanted = events.value.filter(({ type }) => types.length === 0 || types.includes(type));
  const limit = values.number("limit");
  for (const event of limit === null ? wanted : wanted.slice(-limit)) print(invocation, event);
  return EXIT_CODES.done;
};

/** `prodigy events follow ID`: until nobody works on the session any more, or somebody stops it. */
export const follow: Run = async (invocation) => {
  const { shell, args, values } = invocation;
  const [session = ""] = args;
  const types = values.list("type");
  const where = { env: shell.env, path: repositoryPath(invocation), session };
  const detail = await readSession(where);
  if (!detail.ok) return refuse(invocation, detail.fault);
  const known = await readEvents(where);
  if (!known.ok) return refuse(invocation, known.fault);
  const lastKnown = known.value.at(-1)?.seq ?? 0;
  const ending = new AbortController();
  const signal = AbortSignal.any([shell.stop, ending.signal]);
  for await (const event of followEvents({ ...where, signal })) {
    if (!event.ok) return refuse(invocation, event.fault);
    const { type, seq } = event.value;
    if (types.length === 0 || types.includes(type)) print(invocation, event.value);
    // What lies in the past does not end it, as long as a process goes on.
    if (detail.value.pid === null ? seq >= lastKnown : seq > lastKnown && SETTLED.has(type)) ending.abort();
  }
  return EXIT_CODES.done;
};

const SETTLED: ReadonlySet<string> = new Set(["session-ended", "session-failed", "session-paused"]);

function print({ shell, json }: Invocation, event: Recorded): void {
  if (json) printJsonLine(shell.stdout, event);
  else
    shell.stdout.write(
      `${moment(event.at)}  ${String(event.seq).padStart(5)}  ${event.type.padEnd(20)} ${words(event)}\n`,
    );
}

const WIDTH = 160;

/** What an event says for itself, in one line. */
function words(event: Recorded): string {
  const parts = [
    "lane" in event && event.lane !== null && event.lane !== "main" ? event.lane : "",
    "path" in event && event.path !== null ? event.path : "",
    "label" in event ? event.label : "",
    "message" in event ? event.message : "",
    "fault" in event ? event.fault.message : "",
    "reason" in event ? (typeof event.reason === "string" ? event.reason : event.reason.kind) : "",
    event.type === "attempt-ended" ? (event.result.ok ? "ok" : (event.result.fault?.message ?? "failed")) : "",
    "outcome" in event ? event.outcome.status : "",
    event.type === "session-ended" ? event.landing : "",
  ];
  return cut(
    printable(
      parts
        .filter((part) => part !== "")
        .join("  ")
        .replaceAll("\n", " "),
    ),
    WIDTH,
  );
}
