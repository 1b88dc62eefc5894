/** When a map stops, and whether new items may begin: `error_policy` as decisions. */
import type { CircuitBreaker, ItemPolicy, MapAction } from "../../workflow/model.ts";
import type { EventBody, StepOutcome, StepPath } from "./event.ts";
import type { Cursor } from "./progress.ts";
import { retryDelay } from "./retry.ts";
import type { ItemRetry, MapState } from "./state-map.ts";

/** Why no more items begin; null while there is no reason. */
export function stopReason(map: MapState, action: MapAction): string | null {
  const { policy } = action;
  const failures = failuresOf(map);
  if (failures === 0) return null;
  const ended = map.succeeded + failures;
  if (policy.onItemFailure.kind === "stop") return "on_item_failure: stop";
  if (!policy.continueOnFailure) return "continue_on_failure: false";
  if (policy.maxFailures !== null && failures >= policy.maxFailures)
    return `${String(failures)} items failed (max_failures: ${String(policy.maxFailures)})`;
  if (isAboveThreshold(policy, failures, ended))
    return `${String(failures)} of ${String(ended)} items failed (failure_threshold: ${String(policy.failureThreshold)})`;
  // Trials that failed as well: waiting once more would only cost more.
  if (map.breaker.openings > 1) return "the circuit breaker opened again after its trials had failed";
  return map.isFatal ? "an item met its time limit (timeout_action: fail)" : null;
}

function failuresOf({ dead, skipped }: MapState): number {
  return (dead?.count ?? 0) + skipped;
}

function isAboveThreshold(policy: ItemPolicy, failures: number, ended: number): boolean {
  return policy.failureThreshold !== null && ended >= policy.minItems && failures / ended > policy.failureThreshold;
}

export type Gate =
  | { readonly kind: "free"; readonly slots: number }
  /** The breaker has to change its state first. */
  | { readonly kind: "change"; readonly event: EventBody }
  | { readonly kind: "wait"; readonly until: number; readonly event: EventBody };

/** How many new items may begin, as far as the circuit breaker is concerned. */
export function breakerGate(map: MapState, rules: CircuitBreaker | null, { lane, path }: Cursor): Gate {
  const free = { kind: "free", slots: Number.POSITIVE_INFINITY } as const;
  if (rules === null) return free;
  const { state, failures, successes, openedAt } = map.breaker;
  const change = (to: "closed" | "open" | "half-open"): EventBody => ({
    type: "breaker-changed",
    lane: lane.id,
    path,
    to,
  });
  switch (state) {
    case "closed":
      return failures >= rules.failureThreshold ? { kind: "change", event: change("open") } : free;
    case "open":
      return { kind: "wait", until: openedAt + rules.timeoutMs, event: change("half-open") };
    case "half-open":
      if (failures >= rules.halfOpenRequests) return { kind: "change", event: change("open") };
      if (successes >= rules.successThreshold) return { kind: "change", event: change("closed") };
      return { kind: "free", slots: rules.halfOpenRequests - failures };
  }
}

/** An item's attempt that failed. */
export interface Tries {
  readonly index: number;
  readonly outcome: StepOutcome;
  /** What went before it. */
  readonly retry: ItemRetry | null;
}

/** The delay before the item is tried again from the start, in milliseconds; null when it is not. */
export function itemRetryDelay(policy: ItemPolicy, path: StepPath, { index, outcome, retry }: Tries): number | null {
  if (policy.retry === null) return null;
  const failed = {
    number: (retry?.attempts ?? 0) + 1,
    delayedMs: retry?.delayedMs ?? 0,
    fault: outcome.fault,
    exitCode: outcome.exitCode,
    stderr: "",
    output: outcome.output,
  };
  return retryDelay(policy.retry, failed, `${path}/item-${String(index)}`);
}
