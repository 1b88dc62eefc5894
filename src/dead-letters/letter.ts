/**
 * An item in the dead letter queue, as `failed_items.json` and `--json` have it. The field names are a file format.
 *
 * Everything here follows from the attempts that failed, so a letter is never changed: it is computed again.
 */
import type { Json } from "../workflow/model.ts";
import type { ItemFailure, MapItem } from "./facts.ts";
import { causeOf, type ErrorType, errorTypeOf, isEligible, needsReview } from "./classify.ts";
import { patternOf, signatureOf } from "./signature.ts";

export interface DeadLetter {
  readonly item_id: string;
  readonly item_data: Json;
  /** RFC 3339, in UTC. */
  readonly first_attempt: string;
  readonly last_attempt: string;
  readonly failure_count: number;
  /** The oldest first. Of very many the first and the newest. */
  readonly failure_history: readonly LetterFailure[];
  /** The same for failures that differ in paths, ids and numbers only. */
  readonly error_signature: string;
  /** The text that the signature stands for. */
  readonly error_pattern: string;
  /** Where the newest failure began: the first line that tells of an error, or the message. */
  readonly first_cause: string;
  readonly reprocess_eligible: boolean;
  readonly manual_review_required: boolean;
  /** What the newest attempt left: for `prodigy salvage show`. */
  readonly salvage: string | null;
  /** Files in which its commits conflict with those of other items. */
  readonly conflicts: readonly string[];
  /** The session that tries it again; null when none does. */
  readonly retrying_in: string | null;
}

export interface LetterFailure {
  readonly attempt_number: number;
  readonly timestamp: string;
  readonly error_type: ErrorType;
  readonly error_message: string;
  /** The last lines of the output. */
  readonly error_context: readonly string[];
  readonly session: string;
  /** The lane in which it ran. */
  readonly agent_id: string;
  readonly agent_session: string | null;
  readonly step_failed: string | null;
  readonly duration_ms: number;
  /** Null: no agent ran, or nobody knows. */
  readonly cost_usd: number | null;
  /** The agent's event log, relative to the storage root. */
  readonly json_log_location: string | null;
  readonly logs: readonly string[];
  readonly salvage: string | null;
}

/** What is known of an item that failed. */
export interface FailedItem {
  readonly item: MapItem;
  /** How often it failed; more than there are failures where some were left out. */
  readonly count: number;
  readonly failures: readonly ItemFailure[];
  readonly retryingIn: string | null;
}

/** More attempts than this at one item are not listed one by one: the journal has them. */
const MAX_HISTORY = 50;

export function letterOf({ item, count, failures, retryingIn }: FailedItem): DeadLetter {
  const first = failures[0];
  const last = failures.at(-1);
  const fault = last?.fault ?? null;
  return {
    item_id: item.id,
    item_data: item.data,
    first_attempt: timestamp(first?.at ?? 0),
    last_attempt: timestamp(last?.at ?? 0),
    failure_count: count,
    failure_history: failures.map((failure, index) =>
      entryOf(failure, index === 0 ? 1 : count - failures.length + index + 1),
    ),
    error_signature: signatureOf(fault),
    error_pattern: patternOf(fault),
    first_cause: causeOf(fault),
    reprocess_eligible: isEligible(fault),
    manual_review_required: needsReview(fault),
    salvage: last?.salvage ?? null,
    conflicts: last?.conflicts ?? [],
    retrying_in: retryingIn,
  };
}

/** One more failure of an item, or several. */
export function failedAgain(before: FailedItem | null, item: MapItem, failures: readonly ItemFailure[]): FailedItem {
  const all = [...(before?.failures ?? []), ...failures];
  const kept = all.length > MAX_HISTORY ? [...all.slice(0, 1), ...all.slice(1 - MAX_HISTORY)] : all;
  return { item, count: (before?.count ?? 0) + failures.length, failures: kept, retryingIn: null };
}

function entryOf({ fault, ...failure }: ItemFailure, number: number): LetterFailure {
  const logs = [...new Set([...(fault?.logs ?? []), ...failure.logs])];
  return {
    attempt_number: number,
    timestamp: timestamp(failure.at),
    error_type: errorTypeOf(fault),
    error_message: fault?.message ?? "it failed",
    error_context: fault?.lastLines ?? [],
    session: failure.session,
    agent_id: failure.lane,
    agent_session: failure.agentSession,
    step_failed: failure.step,
    duration_ms: failure.durationMs,
    cost_usd: failure.costUsd,
    json_log_location: logs.find((log) => log.endsWith(".jsonl")) ?? null,
    logs,
    salvage: failure.salvage,
  };
}

function timestamp(at: number): string {
  return new Date(at).toISOString();
}
