import {
  followEvents,
  listSessions,
  type Outcome,
  readEarlierSession,
  readEvents,
  readSession,
  type Recorded,
} from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { cut, moment, printable, table } from "../render/format.ts";
import { printJson, printJsonLine, statusOf } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault } from "../workflow-file.ts";
import { listEarlierEvents } from "./earlier.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy events list [ID]`: one session's events, a line each; without ID the sessions that have any. */
export const list: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [session] = args;
  if (session === undefined) return overview(invocation);
  const earlier = await readEarlierSession({ env: shell.env, path: repositoryPath(invocation), session });
  if (earlier !== null) return listEarlierEvents(invocation, earlier);
  if (values.flag("all-repos")) throw new UsageError("--all-repos lists sessions; without an ID it can be used");
  const events = await wantedEvents(invocation, session);
  if (!events.ok) return refuse(invocation, events.fault);
  if (json) printJson(shell.stdout, events.value);
  else if (events.value.length === 0) shell.stdout.write("No such events.\n");
  else for (const event of events.value) printLine(invocation, event);
  return EXIT_CODES.done;
};

/** `prodigy events show ID [NUMBER]`: everything that the journal says about an event. */
export const show: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const [session = "", number] = args;
  if (number !== undefined && !/^[1-9]\d{0,14}$/.test(number))
    throw new UsageError(`invalid value '${number}' for 'NUMBER': an event's number is needed, such as 12`);
  const events = await wantedEvents(invocation, session);
  if (!events.ok) return refuse(invocation, events.fault);
  const meant = events.value.filter(({ seq }) => number === undefined || seq === Number(number));
  if (number !== undefined && meant.length === 0) {
    const message = `session ${session} has no event ${number}`;
    return refuse(invocation, {
      ...inputFault(message, `list them with: prodigy events list ${session}`),
      kind: "file",
    });
  }
  for (const event of meant) {
    if (json) printJsonLine(shell.stdout, event);
    else printWhole(invocation, event);
  }
  return EXIT_CODES.done;
};

async function overview(invocation: Invocation): Promise<number> {
  const { shell, values, json } = invocation;
  if (values.list("type").length > 0 || values.duration("since") !== null)
    throw new UsageError(
      "missing required argument: the ID of the session whose events --type and --since choose from",
    );
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const listed = await listSessions({ ...where, allRepositories: values.flag("all-repos") });
  if (!listed.ok) return refuse(invocation, listed.fault);
  const rows: Overview[] = [];
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
    shell.stdout.write("\nList the events of one with: prodigy events list ID\n");
  }
  return EXIT_CODES.done;
}

interface Overview {
  readonly session: string;
  readonly status: string;
  readonly events: number;
  readonly lastAt: string | null;
}

/** Those that the options ask for, the oldest first; with `--limit` the last ones. */
async function wantedEvents(invocation: Invocation, session: string): Promise<Outcome<readonly Recorded[]>> {
  const { shell, values } = invocation;
  const age = values.duration("since");
  return readEvents({
    env: shell.env,
    path: repositoryPath(invocation),
    session,
    types: values.list("type"),
    since: age === null ? null : shell.now() - age,
    last: values.number("limit"),
  });
}

/** `prodigy events follow ID`: until nobody works on the session any more, or somebody stops it. */
export const follow: Run = async (invocation) => {
  const { shell, args, values } = invocation;
  const [session = ""] = args;
  const types = values.list("type");
  const where = { env: shell.env, path: repositoryPath(invocation), session };
  const detail = await readSession(where);
  if (!detail.ok) return refuse(invocation, detail.fault);
  const known = await readEvents({ ...where, last: 1 });
  if (!known.ok) return refuse(invocation, known.fault);
  const lastKnown = known.value.at(-1)?.seq ?? 0;
  const ending = new AbortController();
  const signal = AbortSignal.any([shell.stop, ending.signal]);
  for await (const event of followEvents({ ...where, signal })) {
    if (!event.ok) return refuse(invocation, event.fault);
    const { type, seq } = event.value;
    if (types.length === 0 || types.includes(type)) {
      if (invocation.json) printJsonLine(shell.stdout, event.value);
      else printLine(invocation, event.value);
    }
    // What lies in the past does not end it, as long as a process goes on.
    if (detail.value.pid === null ? seq >= lastKnown : seq > lastKnown && SETTLED.has(type)) ending.abort();
  }
  return EXIT_CODES.done;
};

const SETTLED: ReadonlySet<string> = new Set(["session-ended", "session-failed", "session-paused"]);

function printLine({ shell }: Invocation, event: Recorded): void {
  shell.stdout.write(`${headOf(event)} ${words(event)}\n`);
}

function printWhole({ shell }: Invocation, event: Recorded): void {
  const { seq: _seq, at: _at, type: _type, ...rest } = event;
  const lines = JSON.stringify(rest, null, 2).split("\n").slice(1, -1);
  shell.stdout.write(`${[headOf(event).trimEnd(), ...lines.map((line) => `  ${printable(line)}`)].join("\n")}\n`);
}

function headOf({ at, seq, type }: Recorded): string {
  return `${moment(at)}  ${String(seq).padStart(5)}  ${type.padEnd(20)}`;
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
