/** One item that an earlier Prodigy had given up on, from its file. Pure. */
import type { Json } from "../workflow/model.ts";
import { countOf, listOf, objectOf, textOf, timeOf } from "./fields.ts";

export interface EarlierDeadLetter {
  readonly item: string;
  readonly data: Json;
  readonly failures: number;
  readonly history: readonly EarlierFailure[];
  readonly eligible: boolean;
  readonly reviewRequired: boolean;
  /** Where its files were, if they were kept. */
  readonly worktree: string | null;
  readonly branch: string | null;
  /** Milliseconds since the epoch. */
  readonly lastAt: number | null;
}

export interface EarlierFailure {
  readonly attempt: number;
  /** Such as `Timeout` or `CommandFailed`. */
  readonly type: string;
  readonly exitCode: number | null;
  readonly message: string;
  readonly agent: string | null;
  readonly step: string | null;
  readonly log: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number | null;
}

export function earlierDeadLetter(json: Json): EarlierDeadLetter | { readonly problem: string } {
  const value = objectOf(json);
  const item = textOf(value?.["item_id"]);
  if (value === null || item === null) return { problem: "item_id is missing" };
  const artifacts = objectOf(value["worktree_artifacts"]);
  const history = listOf(value["failure_history"]).map(failureOf);
  return {
    item,
    data: value["item_data"] ?? null,
    failures: countOf(value["failure_count"]) ?? history.length,
    history,
    eligible: value["reprocess_eligible"] === true,
    reviewRequired: value["manual_review_required"] === true,
    worktree: textOf(artifacts?.["worktree_path"]),
    branch: textOf(artifacts?.["branch_name"]),
    lastAt: timeOf(value["last_attempt"]),
  };
}

function failureOf(json: Json, index: number): EarlierFailure {
  const value = objectOf(json) ?? {};
  // A type with fields is an object of one entry, such as {"CommandFailed": {"exit_code": 2}}.
  const [[type, fields] = ["Unknown", null]] = Object.entries(objectOf(value["error_type"]) ?? {});
  return {
    attempt: countOf(value["attempt_number"]) ?? index + 1,
    type: textOf(value["error_type"]) ?? type,
    exitCode: countOf(objectOf(fields ?? undefined)?.["exit_code"]),
    message: textOf(value["error_message"]) ?? "",
    agent: textOf(value["agent_id"]),
    step: textOf(value["step_failed"]),
    log: textOf(value["json_log_location"]),
    at: timeOf(value["timestamp"]),
  };
}
