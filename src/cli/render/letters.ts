/** Dead letters as people read them. */
import { type DeadLetter, type LetterAnalysis, type LetterStats, typeText } from "../../index.ts";
import { cut, dollars, duration, moment, plural, printable, table } from "./format.ts";

const CAUSE_WIDTH = 80;

export function letterTable(letters: readonly DeadLetter[]): string {
  const rows = letters.map((letter) => [
    printable(letter.item_id),
    String(letter.failure_count),
    typeText(letter.failure_history.at(-1)?.error_type ?? "Unknown"),
    letter.retrying_in === null ? (letter.reprocess_eligible ? "yes" : "no") : "running",
    moment(Date.parse(letter.last_attempt)),
    line(letter.first_cause),
  ]);
  return table([["ITEM", "FAILURES", "TYPE", "ELIGIBLE", "LAST", "CAUSE"], ...rows]);
}

export function letterText(letter: DeadLetter): string {
  const data = JSON.stringify(letter.item_data, null, 2).split("\n");
  const lines = [
    `item ${letter.item_id}: failed ${letter.failure_count === 1 ? "once" : `${String(letter.failure_count)} times`}`,
    `cause      ${letter.first_cause}`,
    `signature  ${letter.error_signature}  ${letter.error_pattern}`,
    `eligible   ${letter.reprocess_eligible ? "yes" : "no: retry it with --force"}`,
    ...(letter.manual_review_required ? ["review     somebody should look at it before it is tried again"] : []),
    ...(letter.retrying_in === null ? [] : [`retry      session ${letter.retrying_in} tries it again`]),
    ...(letter.conflicts.length === 0 ? [] : [`conflicts  ${letter.conflicts.join(", ")}`]),
    ...(letter.salvage === null ? [] : [`its work   prodigy salvage show ${letter.salvage}`]),
    "data",
    ...data.map((text) => `  ${text}`),
    ...letter.failure_history.flatMap(attemptLines),
  ];
  return lines.map((text) => `${printable(text)}\n`).join("");
}

function attemptLines(failure: DeadLetter["failure_history"][number]): readonly string[] {
  const cost = failure.cost_usd === null ? "" : `, ${dollars(failure.cost_usd)}`;
  const step = failure.step_failed === null ? "" : ` at ${failure.step_failed}`;
  return [
    "",
    `attempt ${String(failure.attempt_number)}, ${moment(Date.parse(failure.timestamp))}: ${typeText(failure.error_type)}${step} (${duration(failure.duration_ms)}${cost})`,
    `  ${failure.error_message}`,
    ...failure.error_context.map((text) => `  | ${text}`),
    ...failure.logs.map((log) => `  log ${log}`),
  ];
}

export function analysisText(analysis: LetterAnalysis): string {
  const groups = analysis.pattern_groups.flatMap((group) => [
    `${group.signature}  ${plural(group.count, "item")} (${String(group.eligible)} eligible): ${line(group.pattern)}`,
    `  first cause  ${line(group.first_cause)}`,
    `  items        ${group.sample_items.join(", ")}${group.count > group.sample_items.length ? ", ..." : ""}`,
  ]);
  const hours = analysis.temporal_distribution.map(
    ({ hour, failures }) => `${moment(Date.parse(hour))}  ${String(failures)}`,
  );
  const lines = [
    `${plural(analysis.total_items, "item")} in ${plural(analysis.pattern_groups.length, "group")}`,
    "",
    ...groups,
    "",
    "failures by hour",
    ...hours.map((text) => `  ${text}`),
    "",
    "try one group again with: prodigy dlq retry --group SIGNATURE",
  ];
  return lines.map((text) => `${printable(text)}\n`).join("");
}

export function statsText(stats: LetterStats): string {
  const at = (time: string | null): string => (time === null ? "-" : moment(Date.parse(time)));
  return table([
    ["items", String(stats.total_items)],
    ["eligible for a retry", String(stats.eligible_for_reprocess)],
    ["to be looked at first", String(stats.requiring_manual_review)],
    ["being tried again", String(stats.being_retried)],
    ["failed attempts", String(stats.total_failures)],
    ["their cost", stats.cost_usd === null ? "unknown" : dollars(stats.cost_usd)],
    ["oldest", at(stats.oldest_item)],
    ["newest", at(stats.newest_item)],
    ...Object.entries(stats.error_categories).map(([signature, count]) => [`group ${signature}`, String(count)]),
  ]);
}

function line(text: string): string {
  return cut(printable(text.replaceAll("\n", " ")), CAUSE_WIDTH);
}
