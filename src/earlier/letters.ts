/** Dead letters of an earlier Prodigy, in today's form. */
import type { ItemFailure } from "../cook/decision/event-map.ts";
import type { Fault } from "../cook/decision/event.ts";
import { type DeadLetter, letterOf } from "../dead-letters/letter.ts";
import type { EarlierDeadLetter, EarlierFailure } from "./dead-letter.ts";

export function letterOfEarlier(letter: EarlierDeadLetter, session: string): DeadLetter {
  const failures = letter.history.map((failure) => failureOf(failure, letter, session));
  const item = { id: letter.item, data: letter.data };
  return {
    ...letterOf({ item, count: Math.max(letter.failures, failures.length), failures, retryingIn: null }),
    reprocess_eligible: letter.eligible,
    manual_review_required: letter.reviewRequired,
  };
}

function failureOf(failure: EarlierFailure, letter: EarlierDeadLetter, session: string): ItemFailure {
  return {
    at: failure.at ?? letter.lastAt ?? 0,
    session,
    lane: failure.agent ?? "",
    fault: faultOf(failure),
    step: failure.step,
    agentSession: null,
    logs: failure.log === null ? [] : [failure.log],
    durationMs: 0,
    costUsd: null,
    salvage: null,
    conflicts: [],
  };
}

function faultOf({ type, exitCode, message }: EarlierFailure): Fault {
  return { kind: KINDS[type] ?? "file", message, exitCode, lastLines: [], help: null, at: null, logs: [] };
}

const KINDS: Readonly<Record<string, Fault["kind"]>> = {
  Timeout: "timeout",
  CommandFailed: "exit",
  CommitValidationFailed: "commit-required",
  WorktreeError: "git",
  MergeConflict: "conflict",
  ValidationFailed: "incomplete",
  ResourceExhausted: "limit",
};
