/** `goal_seek`: try, score, try again, until the score is high enough or the attempts run out. */
import type { GoalSeekAction, Step } from "../../workflow/model.ts";
import type { StepOutcome } from "./event.ts";
import { fault } from "./fault.ts";
import { child, type Cursor, deadlineWithin, ended, failedWith, PASSED, type Progress } from "./progress.ts";
import { passes } from "./state.ts";

/** The score is taken before the first try as well: a goal that is already reached costs nothing. */
export function goalSeek(step: Step, action: GoalSeekAction, cursor: Cursor): Progress {
  const deadline = deadlineWithin(cursor, action.timeoutMs);
  const goal = { goal: { text: action.goal, threshold: action.threshold } };
  for (let round = 0; ; round++) {
    const locals = { ...cursor.context.locals, ...goal };
    const scoring = cursor.sequence(
      [tolerant(action.score)],
      child(cursor, `score-${String(round)}`, { deadline, locals, own: false }),
    );
    if (scoring.kind === "pending") return scoring;
    const score = readScore(scoring.outcome.output, scoring.outcome.status === "ok");
    if (score !== null && score >= action.threshold)
      return ended({ ...PASSED, output: `goal reached: ${String(score)} of ${String(action.threshold)}` });
    if (round >= action.maxAttempts) return ended(missed(step, action, score));
    const context = { deadline, locals: { ...locals, goal: { ...goal.goal, score, attempt: round + 1 } } };
    const attempt = cursor.sequence(action.steps, child(cursor, `try-${String(round + 1)}`, context));
    if (attempt.kind === "pending") return attempt;
    if (!passes(attempt.outcome)) return ended(attempt.outcome);
  }
}

/** A scoring command may fail, for instance while the tests do: that is a score, not the end. */
function tolerant(step: Step): Step {
  return step.onFailure.kind === "fail" ? { ...step, onFailure: { kind: "tolerate" } } : step;
}

function missed(step: Step, action: GoalSeekAction, score: number | null): StepOutcome {
  const reached = score === null ? "no score could be read" : `the score is ${String(score)}`;
  const message = `goal "${action.goal}" was not reached in ${String(action.maxAttempts)} attempts: ${reached}, ${String(action.threshold)} is needed`;
  const outcome = failedWith(fault("goal", message, { at: step.at }), { ...PASSED, output: message });
  return action.failOnIncomplete ? outcome : { ...outcome, status: "tolerated" };
}

/**
 * Reads a score from a command's output: JSON with `score`, a bare number, `score: 85`, `85/100`, `85%` (the last one
 * counts). Output without any of these scores 100 if the command succeeded and nothing otherwise.
 */
export function readScore(output: string, succeeded: boolean): number | null {
  const text = output.trim();
  const json = jsonScore(text);
  if (json !== null) return json;
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  const named = lastMatch(text, /score\s*[:=]?\s*(-?\d+(?:\.\d+)?)/gi);
  if (named !== null) return Number(named[1]);
  const ratio = lastMatch(text, /(\d+(?:\.\d+)?)\s*\/\s*(\d+(?:\.\d+)?)/g);
  if (ratio !== null && Number(ratio[2]) > 0) return (100 * Number(ratio[1])) / Number(ratio[2]);
  const percent = lastMatch(text, /(\d+(?:\.\d+)?)\s*%/g);
  if (percent !== null) return Number(percent[1]);
  return succeeded ? 100 : null;
}

function lastMatch(text: string, pattern: RegExp): RegExpMatchArray | null {
  return [...text.matchAll(pattern)].at(-1) ?? null;
}

function jsonScore(text: string): number | null {
  if (!text.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(text);
    const score: unknown = typeof value === "object" && value !== null && "score" in value ? value.score : null;
    return typeof score === "number" ? score : null;
  } catch {
    return null; // Not JSON after all: the other forms are tried.
  }
}
