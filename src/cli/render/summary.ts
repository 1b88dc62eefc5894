/** The end of a run: what happened, what it made, what it cost, how to look deeper and how to go on. */
import type { Fault, PauseReason, RunResult } from "../../index.ts";
import { failureText } from "./failure.ts";
import { cost, duration, moment, plural, printable, table } from "./format.ts";
import type { Style } from "./style.ts";

export interface Summary {
  /** What went well, for stdout. */
  readonly out: string;
  /** What a person must do something about, for stderr. */
  readonly err: string;
}

export function summaryOf(result: RunResult, style: Style): Summary {
  switch (result.status) {
    case "ended":
      return ended(result, style);
    case "failed":
      return { out: facts(result), err: failed(result, style) };
    case "paused":
      return { out: facts(result), err: paused(result, style) };
  }
}

function ended(result: RunResult, style: Style): Summary {
  const files = changedFiles(result);
  const head = `Session complete: ${plural(result.iterations, "iteration")}, ${plural(files, "file")} changed`;
  const inputs = result.failedInputs > 0 ? failedInputs(result, style) : "";
  const problems = inputs + (result.deadLetters > 0 ? deadLetters(result, style) : "");
  return { out: `${style.bold(head)}\n${facts(result)}`, err: problems + landingProblem(result, style) };
}

/** One line a fact; nothing is left out because it is unknown. */
function facts(result: RunResult): string {
  const rows: (readonly string[])[] = [
    ["  steps", steps(result)],
    ...(result.items.total === 0 ? [] : [["  items", items(result)]]),
    ["  commits", commits(result)],
    ["  cost", cost(result)],
    ["  time", duration(result.activeMs)],
  ];
  if (result.worktree !== null) rows.push(["  worktree", result.worktree]);
  for (const name of result.salvages) rows.push(["  kept", `prodigy salvage show ${name}`]);
  rows.push(["  logs", result.logs]);
  rows.push(["  more", `prodigy sessions show ${result.session}`]);
  return table(rows) + notable(result);
}

function steps({ steps, retries }: RunResult): string {
  const parts = [
    `${String(steps.ok)} ok`,
    ...part(steps.skipped, "skipped"),
    ...part(steps.recovered, "recovered without proof"),
    ...part(steps.tolerated, "failed and tolerated"),
    ...part(steps.failed, "failed"),
  ];
  return `${parts.join(", ")}${retries === 0 ? "" : `, after ${plural(retries, "retry").replace(/retrys$/, "retries")}`}`;
}

function items({ items: counts }: RunResult): string {
  const left = counts.total - counts.merged - counts.unmerged - counts.skipped - counts.dead;
  const parts = [
    `${String(counts.merged)} merged`,
    ...part(counts.unmerged, "without commits"),
    ...part(counts.skipped, "skipped"),
    ...part(counts.dead, "in the dead letter queue"),
    ...part(left, "not run"),
  ];
  return `${String(counts.total)}: ${parts.join(", ")}`;
}

function part(count: number, words: string): readonly string[] {
  return count === 0 ? [] : [`${String(count)} ${words}`];
}

function commits(result: RunResult): string {
  if (result.commits === 0 && changedFiles(result) === 0) return `none${landed(result)}`;
  const { insertions, deletions } = result.changes;
  const files = `${plural(changedFiles(result), "file")}, +${String(insertions)} -${String(deletions)}`;
  return `${String(result.commits)} (${files})${landed(result)}`;
}

function landed({ landing, target, branch }: RunResult): string {
  switch (landing) {
    case "landed":
      return `, merged into ${target ?? "?"}`;
    case "nothing":
      return ", nothing to merge";
    case "declined":
    case "not-landed":
      return `, not merged; they are on ${branch}`;
    case null:
      return `, on ${branch}`;
  }
}

/** Tolerated failures and unproved repairs are told again at the end: they are easy to miss in the middle. */
function notable({ problems, warnings: all, salvages }: RunResult): string {
  // What was kept aside has a row of its own above.
  const warnings = all.filter((warning) => !salvages.some((name) => warning.includes(name)));
  const kinds = { tolerated: "tolerated", recovered: "recovered without proof", failed: "failed" } as const;
  const steps = problems
    .filter(({ status }) => status !== "failed")
    .map(({ label, status, fault }) => `  ${kinds[status]}: ${label}${fault === null ? "" : `: ${fault.message}`}\n`);
  const shown = warnings.slice(0, SHOWN_WARNINGS).map((warning) => `  warning: ${warning}\n`);
  const rest = warnings.length - shown.length;
  return printable([...steps, ...shown, rest > 0 ? `  and ${plural(rest, "more warning")}\n` : ""].join(""));
}

const SHOWN_WARNINGS = 5;

function failed(result: RunResult, style: Style): string {
  const what = result.fault === null ? "" : failureText(withFullLogs(result.fault, result), style);
  return `${style.bold("Session failed:")} ${what}resume with: prodigy resume ${result.session}\n`;
}

/** Events name logs relative to the storage root, which people do not know by heart. */
export function withFullLogs(fault: Fault, { logs }: Pick<RunResult, "logs">): Fault {
  const root = logs.slice(0, Math.max(0, logs.lastIndexOf("/logs/")));
  return { ...fault, logs: fault.logs.map((log) => (log.startsWith("logs/") ? `${root}/${log}` : log)) };
}

function paused(result: RunResult, style: Style): string {
  const { pause, session } = result;
  return `${style.bold("Session paused:")} ${pauseText(pause)}\nresume with: prodigy resume ${session}\n`;
}

export function pauseText(pause: PauseReason | null): string {
  switch (pause?.kind) {
    case "signal":
      return `stopped by ${pause.signal}; everything finished is kept`;
    case "stop":
      return "stopped on request; everything finished is kept";
    case "pause":
      return "paused on request, after the running step";
    case "poison":
      return `the step at ${pause.path} has ended this program ${String(pause.starts)} times, so it is not started again by itself`;
    case "limit":
      return pause.resetsAt === null
        ? "the agent's quota is used up"
        : `the agent's quota is used up; it comes back at ${moment(pause.resetsAt)}`;
    case "disk":
      return `the disk is nearly full (${String(Math.floor(pause.freeBytes / 1024 / 1024))} MiB free); make room first`;
    case undefined:
      return "";
  }
}

function failedInputs(result: RunResult, style: Style): string {
  const failures = result.problems.filter(({ status }) => status === "failed");
  const texts = failures.flatMap(({ fault }) =>
    fault === null ? [] : [failureText(withFullLogs(fault, result), style)],
  );
  return `${style.bold(`${plural(result.failedInputs, "input")} failed:`)}\n${texts.join("")}`;
}

/** The first cause of each kind; all of them are in the queue. */
function deadLetters({ deadLetters: count, deaths, items, session }: RunResult, style: Style): string {
  const causes = new Map<string, string[]>();
  for (const { id, fault } of deaths) {
    const cause = fault?.message ?? "it failed";
    causes.set(cause, [...(causes.get(cause) ?? []), id]);
  }
  const lines = [...causes]
    .slice(0, SHOWN_CAUSES)
    .map(
      ([cause, ids]) =>
        `  ${ids.slice(0, 3).join(", ")}${ids.length > 3 ? `, and ${String(ids.length - 3)} more` : ""}: ${cause}\n`,
    );
  const rest = causes.size > SHOWN_CAUSES ? `  and ${plural(causes.size - SHOWN_CAUSES, "other cause")}\n` : "";
  const head = `${String(count)} of ${plural(items.total, "item")} failed and are in the dead letter queue:`;
  return `${style.bold(head)}\n${printable(lines.join("") + rest)}look with: prodigy dlq list ${session}\n`;
}

const SHOWN_CAUSES = 5;

function landingProblem(result: RunResult, style: Style): string {
  const { landing, session, fault, target } = result;
  if (landing === "declined") return `Not merged, as you wished. To merge later: prodigy worktree merge ${session}\n`;
  if (landing !== "not-landed") return "";
  const why = fault === null ? "nobody was there to be asked\n" : failureText(withFullLogs(fault, result), style);
  // From a detached HEAD there is no branch to merge into, and the fault says what to do instead.
  if (target === null) return `${style.bold("Not merged:")} ${why}`;
  return `${style.bold(`Not merged into ${target}:`)} ${why}merge with: prodigy worktree merge ${session}\n        or: prodigy resume ${session} -y\n`;
}

function changedFiles({ changes }: RunResult): number {
  return changes.added.length + changes.modified.length + changes.deleted.length;
}
