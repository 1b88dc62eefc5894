/** What kind of failure it was, and what follows from that. From the fault's kind; words only decide what no kind says. */
import type { Fault } from "./facts.ts";

export type ErrorType =
  | "Timeout"
  | "CommitValidationFailed"
  | "WorktreeError"
  | "MergeConflict"
  | "ValidationFailed"
  | "ResourceExhausted"
  | "Unknown"
  | { readonly CommandFailed: { readonly exit_code: number } };

export function errorTypeOf(fault: Fault | null): ErrorType {
  if (fault === null) return "Unknown";
  switch (fault.kind) {
    case "exit":
    case "signal":
      return { CommandFailed: { exit_code: fault.exitCode ?? -1 } };
    case "timeout":
    case "idle":
      return "Timeout";
    case "commit-required":
      return "CommitValidationFailed";
    case "conflict":
      return "MergeConflict";
    case "git":
      return "WorktreeError";
    case "incomplete":
    case "goal":
    case "outputs":
    case "capture":
    case "landing":
      return "ValidationFailed";
    case "limit":
    case "overloaded":
    case "budget":
      return "ResourceExhausted";
    case "spawn":
    case "agent":
    case "auth":
    case "denied":
    case "template":
    case "expression":
    case "file":
    case "environment":
    case "handler":
    case "loop":
    case "interrupted":
    case "input":
      return fault.exitCode === null ? "Unknown" : { CommandFailed: { exit_code: fault.exitCode } };
  }
}

/** `CommandFailed` without its exit code. */
export function typeName(type: ErrorType): string {
  return typeof type === "string" ? type : "CommandFailed";
}

/** `CommandFailed(2)`, for people. */
export function typeText(type: ErrorType): string {
  return typeof type === "string" ? type : `CommandFailed(${String(type.CommandFailed.exit_code)})`;
}

/** Whether the same again may well succeed: it was the time, the network or the service, and not the work. */
export function isEligible(fault: Fault | null): boolean {
  if (fault === null) return false;
  return PASSING.has(fault.kind) || (!FINAL.has(fault.kind) && PASSING_WORDS.test(wordsOf(fault)));
}

/** Whether a person should look at it before it is tried again. */
export function needsReview(fault: Fault | null): boolean {
  if (fault === null) return false;
  return REVIEWED.has(fault.kind) || (!PASSING.has(fault.kind) && REVIEWED_WORDS.test(wordsOf(fault)));
}

/** Where it began: the first line of the output that tells of an error, or else the message. */
export function causeOf(fault: Fault | null): string {
  if (fault === null) return "it failed";
  const line =
    fault.lastLines.find((text) => ERROR_WORDS.test(text)) ?? fault.lastLines.findLast((text) => /\S/.test(text));
  // What the kind says is more than what was printed before.
  return SPEAKING.has(fault.kind) && line !== undefined ? line.trim() : fault.message;
}

function wordsOf({ message, lastLines }: Fault): string {
  return [message, ...lastLines].join("\n");
}

type Kinds = ReadonlySet<Fault["kind"]>;

const PASSING: Kinds = new Set(["timeout", "idle", "limit", "overloaded"]);
/** Whatever words it has: these do not pass by themselves. */
const FINAL: Kinds = new Set(["commit-required", "conflict", "incomplete", "goal", "template", "expression", "denied"]);
const REVIEWED: Kinds = new Set(["commit-required", "incomplete", "denied", "auth", "interrupted", "budget"]);
/** Faults whose message says only that something failed; the output says what. */
const SPEAKING: Kinds = new Set(["exit", "signal", "spawn", "agent", "handler", "loop"]);

const PASSING_WORDS =
  /\b(?:network|temporar(?:y|ily)|rate.?limit(?:ed)?|too many requests|overloaded|timed? ?out|timeout|connection (?:refused|reset|closed)|service unavailable|(?:http|status|error)[ :]*(?:429|50[234])|ECONN(?:REFUSED|RESET|ABORTED)|ETIMEDOUT|EAI_AGAIN|out of memory|no space left)\b/i;
const REVIEWED_WORDS = /\b(?:permission|access denied|critical|fatal|corrupt(?:ed)?|validation)\b/i;
const ERROR_WORDS =
  /(?:error|fail(?:ed|ure|s)?\b|panic|exception|fatal|cannot|can't|could not|denied|refused|not found|no such|undefined|unexpected|invalid)/i;
