/** `retry:` as numbers: whether a failure is tried again, and after which delay. */
import { compileRegex } from "../../workflow/regex.ts";
import type { RetryMatcher, RetryPolicy } from "../../workflow/model.ts";
import type { AttemptState } from "./state.ts";

/** What a retry looks at. */
export type FailedAttempt = Pick<AttemptState, "number" | "delayedMs" | "fault" | "exitCode" | "stderr" | "output">;

/** The delay before the next attempt, in milliseconds; null when this failure is not tried again. */
export function retryDelay(policy: RetryPolicy, attempt: FailedAttempt, seed: string): number | null {
  if (attempt.number >= policy.attempts) return null;
  if (!isRetried(policy.retryOn, attempt)) return null;
  const delay = jittered(backoff(policy, attempt.number), policy.jitterFactor, `${seed}#${String(attempt.number)}`);
  if (policy.budgetMs !== null && attempt.delayedMs + delay > policy.budgetMs) return null;
  return delay;
}

/** The delay after the nth failure, before jitter. Capped at `maxDelayMs`. */
export function backoff(policy: RetryPolicy, failures: number): number {
  return Math.max(0, Math.min(policy.maxDelayMs, uncapped(policy, failures)));
}

function uncapped(policy: RetryPolicy, n: number): number {
  const { backoff: form, initialDelayMs: initial } = policy;
  switch (form.kind) {
    case "fixed":
      return initial;
    case "linear":
      return initial + form.incrementMs * (n - 1);
    case "exponential":
      return initial * form.base ** (n - 1);
    case "fibonacci":
      return initial * fibonacci(n);
    case "custom":
      return form.delaysMs[n - 1] ?? policy.maxDelayMs;
  }
}

function fibonacci(n: number): number {
  let [current, next] = [1, 1];
  for (let i = 1; i < n; i++) [current, next] = [next, current + next];
  return current;
}

/**
 * Spreads the delay over ±factor/2. The chance is drawn from the attempt's own name, not from a generator: so a resumed
 * run waits exactly as the uninterrupted one would have.
 */
function jittered(delay: number, factor: number, seed: string): number {
  if (factor === 0) return delay;
  return Math.max(0, Math.round(delay + delay * factor * (fraction(seed) - 0.5)));
}

/** FNV-1a, mapped to 0 (included) … 1 (excluded). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash / 0x1_0000_0000;
}

function isRetried(matchers: readonly RetryMatcher[], attempt: FailedAttempt): boolean {
  if (matchers.length === 0) return true;
  const text = [
    attempt.fault?.message ?? "",
    ...(attempt.fault?.lastLines ?? []),
    attempt.stderr.slice(-TAIL),
    attempt.output.slice(-TAIL),
  ].join("\n");
  return matchers.some((matcher) => matches(matcher, attempt, text));
}

/** Matchers look at the end of the output, where programs say why they failed. */
const TAIL = 16 * 1024;

function matches(matcher: RetryMatcher, attempt: FailedAttempt, text: string): boolean {
  switch (matcher.kind) {
    case "network":
      return /network|connection|refused|unreachable/i.test(text);
    case "timeout":
      return attempt.fault?.kind === "timeout" || attempt.fault?.kind === "idle" || /timeout|timed out/i.test(text);
    case "server_error":
      return attempt.fault?.kind === "overloaded" || /\b50[0234]\b|\b529\b|server error/i.test(text);
    case "rate_limit":
      return attempt.fault?.kind === "limit" || /rate limit|\b429\b|too many requests/i.test(text);
    case "pattern":
      return found(matcher.pattern, text);
    case "exit_code":
      return attempt.exitCode === matcher.code;
  }
}

/** The parser has refused patterns that cannot be compiled; one from an older journal matches nothing. */
function found(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  return compiled.ok && compiled.regex.test(text);
}
