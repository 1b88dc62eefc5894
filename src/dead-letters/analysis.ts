/** What dead letters have in common, and sums of them. */
import { typeText } from "./classify.ts";
import type { DeadLetter } from "./letter.ts";

export interface LetterGroup {
  readonly signature: string;
  readonly pattern: string;
  readonly count: number;
  readonly eligible: number;
  /** Of the item that failed first. */
  readonly first_cause: string;
  readonly first_occurrence: string;
  readonly last_occurrence: string;
  readonly sample_items: readonly string[];
}

export interface LetterAnalysis {
  readonly total_items: number;
  /** The biggest first. */
  readonly pattern_groups: readonly LetterGroup[];
  readonly error_distribution: Readonly<Record<string, number>>;
  /** How many failures there were in each hour that had any, the oldest first. */
  readonly temporal_distribution: readonly { readonly hour: string; readonly failures: number }[];
}

export interface LetterStats {
  readonly total_items: number;
  readonly eligible_for_reprocess: number;
  readonly requiring_manual_review: number;
  /** Items that another session tries again at present. */
  readonly being_retried: number;
  readonly total_failures: number;
  /** What the failed attempts have cost, as far as that is known. */
  readonly cost_usd: number | null;
  readonly oldest_item: string | null;
  readonly newest_item: string | null;
  /** Items by signature. */
  readonly error_categories: Readonly<Record<string, number>>;
}

const SAMPLES = 3;

export function analyzeLetters(letters: readonly DeadLetter[]): LetterAnalysis {
  const groups = grouped(letters, ({ error_signature: signature }) => signature);
  const failures = letters.flatMap(({ failure_history: history }) => history);
  const types = grouped(letters, ({ failure_history: history }) => typeText(history.at(-1)?.error_type ?? "Unknown"));
  const hours = grouped(failures, ({ timestamp }) => `${timestamp.slice(0, 13)}:00:00Z`);
  return {
    total_items: letters.length,
    pattern_groups: [...groups.values()]
      .map(groupOf)
      .toSorted((a, b) => b.count - a.count || (a.signature < b.signature ? -1 : 1)),
    error_distribution: counts(types),
    temporal_distribution: [...hours]
      .map(([hour, all]) => ({ hour, failures: all.length }))
      .toSorted((a, b) => (a.hour < b.hour ? -1 : 1)),
  };
}

export function letterStats(letters: readonly DeadLetter[]): LetterStats {
  const costs = letters.flatMap(({ failure_history: history }) =>
    history.flatMap(({ cost_usd: cost }) => (cost === null ? [] : [cost])),
  );
  const times = letters.map(({ last_attempt: at }) => at).toSorted();
  return {
    total_items: letters.length,
    eligible_for_reprocess: letters.filter(({ reprocess_eligible: is }) => is).length,
    requiring_manual_review: letters.filter(({ manual_review_required: is }) => is).length,
    being_retried: letters.filter(({ retrying_in: by }) => by !== null).length,
    total_failures: letters.reduce((sum, { failure_count: count }) => sum + count, 0),
    cost_usd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
    oldest_item: times[0] ?? null,
    newest_item: times.at(-1) ?? null,
    error_categories: counts(grouped(letters, ({ error_signature: signature }) => signature)),
  };
}

const COLUMNS = [
  "item_id",
  "failure_count",
  "error_type",
  "exit_code",
  "first_cause",
  "step_failed",
  "first_attempt",
  "last_attempt",
  "error_signature",
  "reprocess_eligible",
  "manual_review_required",
  "cost_usd",
  "salvage",
  "conflicts",
  "item_data",
] as const;

/** RFC 4180, one line an item. */
export function lettersCsv(letters: readonly DeadLetter[]): string {
  return [COLUMNS, ...letters.map(rowOf)].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function rowOf(letter: DeadLetter): readonly string[] {
  const last = letter.failure_history.at(-1);
  const type = last?.error_type ?? "Unknown";
  const cost = letterStats([letter]).cost_usd;
  return [
    letter.item_id,
    String(letter.failure_count),
    typeof type === "string" ? type : "CommandFailed",
    typeof type === "string" ? "" : String(type.CommandFailed.exit_code),
    letter.first_cause,
    last?.step_failed ?? "",
    letter.first_attempt,
    letter.last_attempt,
    letter.error_signature,
    String(letter.reprocess_eligible),
    String(letter.manual_review_required),
    cost === null ? "" : String(cost),
    letter.salvage ?? "",
    letter.conflicts.join(" "),
    JSON.stringify(letter.item_data),
  ];
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function groupOf(letters: readonly DeadLetter[]): LetterGroup {
  const inOrder = letters.toSorted((a, b) => (a.first_attempt < b.first_attempt ? -1 : 1));
  const [first] = inOrder;
  const last = letters.map(({ last_attempt: at }) => at).toSorted();
  return {
    signature: first?.error_signature ?? "",
    pattern: first?.error_pattern ?? "",
    count: letters.length,
    eligible: letters.filter(({ reprocess_eligible: is }) => is).length,
    first_cause: first?.first_cause ?? "",
    first_occurrence: first?.first_attempt ?? "",
    last_occurrence: last.at(-1) ?? "",
    sample_items: inOrder.slice(0, SAMPLES).map(({ item_id: id }) => id),
  };
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function counts(groups: ReadonlyMap<string, readonly unknown[]>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...groups]
      .map(([key, all]): [string, number] => [key, all.length])
      .toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)),
  );
}
