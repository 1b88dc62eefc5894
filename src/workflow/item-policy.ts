/** `error_policy:` and the same keys in shorter places: what the failure of an item means. */
import type { Context, Decoder } from "./decode.ts";
import {
  bool,
  byKind,
  careSteps,
  count,
  integer,
  map,
  number,
  report,
  scalarOf,
  snakeCase,
  wordSchema,
} from "./decode.ts";
import type { Found, Mapping } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import type { CircuitBreaker, ItemPolicy, RetryPolicy, Step } from "./model.ts";
import { delay, retryPolicy } from "./retry.ts";
import type { SourceNode } from "./source-node.ts";
import { locate } from "./source.ts";

/** Fewer items say little about a share of failures. */
const DEFAULT_MIN_ITEMS = 10;
/** What `on_item_failure: retry` means where no `retry_config` stands beside it. */
const DEFAULT_RETRY: RetryPolicy = {
  attempts: 3,
  backoff: { kind: "exponential", base: 2 },
  initialDelayMs: 1_000,
  maxDelayMs: 30_000,
  jitterFactor: 0,
  retryOn: [],
  budgetMs: null,
  onExhausted: { kind: "stop" },
};

type OnItemFailure = ItemPolicy["onItemFailure"];
type ErrorCollection = ItemPolicy["errorCollection"];

const FAILURE_WORDS = ["dlq", "retry", "skip", "stop"] as const;
const FAILURE_HELP = "write dlq, retry, skip, stop, or `custom:` with steps";

/** A handler's name, as the earlier language had it, looks like a command. */
const customHandler: Decoder<readonly Step[]> = {
  schema: { allOf: [careSteps.schema, { not: { type: "string", pattern: "^\\s*[\\w-]+\\s*$" } }] },
  decode: careSteps.decode,
};

const CUSTOM = {
  name: "on_item_failure",
  fields: { custom: field(customHandler, "Steps for the failed item.") },
  needs: [["custom"]],
} as const;

const customSteps: Decoder<OnItemFailure> = mapping(CUSTOM, (read, context) => {
  const steps = required(read, "custom", { name: "on_item_failure", context });
  return steps === null ? undefined : { kind: "custom", steps: steps.value };
});

const onItemFailure: Decoder<OnItemFailure> = byKind<OnItemFailure>({
  expected: "dlq, retry, skip, stop, or a mapping with `custom`",
  scalar: {
    schema: wordSchema(FAILURE_WORDS),
    decode: (node, context) => {
      const scalar = scalarOf(node, context, "dlq, retry, skip or stop");
      if (scalar === undefined) return undefined;
      const wanted = snakeCase(scalar.text);
      const kind = FAILURE_WORDS.find((word) => word === wanted);
      return kind === undefined ? namedHandler(scalar, scalar.text, context) : { kind };
    },
  },
  list: map(careSteps, (steps): OnItemFailure => ({ kind: "custom", steps })),
  map: {
    get schema() {
      return customSteps.schema;
    },
    decode: (node, context) => {
      const handler = node.kind === "map" ? node.entries.find(({ key }) => key === "custom")?.value : undefined;
      const isName = handler?.kind === "scalar" && handler.value !== null && /^[\w-]+$/u.test(handler.text.trim());
      return isName ? namedHandler(handler, handler.text, context) : customSteps.decode(node, context);
    },
  },
});

/** Handlers once had names, behind which there never was anything. */
function namedHandler(node: SourceNode, name: string, context: Context): undefined {
  const message = `"${name.trim()}" is not one of ${FAILURE_WORDS.join(", ")}, and a handler of its own is not known by name`;
  return report(context, { code: "unknown-value", at: node.at, message, help: FAILURE_HELP });
}

const batchSize = integer({ min: 1, max: 1_000_000 });
const BATCH = {
  name: "batched",
  fields: { size: field(batchSize, "How many failures are told at once.") },
  needs: [["size"]],
} as const;
const BATCHED = {
  name: "error_collection",
  fields: {
    batched: field(
      byKind<number>({
        expected: "a number, or a mapping with `size`",
        scalar: batchSize,
        map: mapping(BATCH, (read, context) => required(read, "size", { name: "batched", context })?.value),
      }),
      "Told when so many have come together.",
    ),
  },
  needs: [["batched"]],
} as const;

const errorCollection: Decoder<ErrorCollection> = byKind<ErrorCollection>({
  expected: "aggregate, immediate, batched:N, or a mapping with `batched`",
  scalar: {
    schema: { type: "string", pattern: "^\\s*([Aa]ggregate|[Ii]mmediate|[Bb]atched\\s*:\\s*0*[1-9][0-9]*)\\s*$" },
    decode: (node, context) => {
      const scalar = scalarOf(node, context, "aggregate, immediate or batched:N");
      if (scalar === undefined) return undefined;
      const [, word = "", size] = /^\s*([a-z]+)(?:\s*:\s*(\d{1,6}))?\s*$/iu.exec(scalar.text) ?? [];
      const kind = word.toLowerCase();
      if ((kind === "aggregate" || kind === "immediate") && size === undefined) return { kind };
      if (kind === "batched" && Number(size) > 0) return { kind, size: Number(size) };
      const help = "write aggregate, immediate, or batched:10";
      const message = `"${scalar.text}" is no way to tell of failures`;
      return report(context, { code: "unknown-value", at: scalar.at, message, help });
    },
  },
  map: mapping(BATCHED, (read, context): ErrorCollection | undefined => {
    const size = required(read, "batched", { name: "error_collection", context });
    return size === null ? undefined : { kind: "batched", size: size.value };
  }),
});

const DEFAULT_BREAKER: CircuitBreaker = {
  failureThreshold: 5,
  successThreshold: 3,
  timeoutMs: 30_000,
  halfOpenRequests: 3,
};

const BREAKER = {
  name: "circuit_breaker",
  fields: {
    failure_threshold: field(count, "So many failures in a row stop new items."),
    success_threshold: field(count, "So many successes in a row let all items go on."),
    timeout: field(delay, "How long new items wait."),
    half_open_requests: field(count, "How many items try it again."),
  },
} as const;

/** `false` turns it off, `true` takes the usual numbers. */
const circuitBreaker: Decoder<CircuitBreaker | null> = byKind<CircuitBreaker | null>({
  expected: "a mapping, true or false",
  scalar: map(bool, (on) => (on ? DEFAULT_BREAKER : null)),
  map: mapping(BREAKER, ({ fields }) => ({
    failureThreshold: fields.failure_threshold?.value ?? DEFAULT_BREAKER.failureThreshold,
    successThreshold: fields.success_threshold?.value ?? DEFAULT_BREAKER.successThreshold,
    timeoutMs: fields.timeout?.value ?? DEFAULT_BREAKER.timeoutMs,
    halfOpenRequests: fields.half_open_requests?.value ?? DEFAULT_BREAKER.halfOpenRequests,
  })),
});

/** `retry_defaults` are about steps: an item is not repeated as a whole because its steps are. */
const itemRetry: Decoder<RetryPolicy> = {
  get schema() {
    return retryPolicy.schema;
  },
  decode: (node, context) => retryPolicy.decode(node, { ...context, retryDefaults: null }),
};

/** The keys of a policy. They stand in `error_policy:`, and for short in the workflow itself or in `map:`. */
export const POLICY_FIELDS = {
  on_item_failure: field(onItemFailure, "What becomes of a failed item."),
  continue_on_failure: field(bool, "Whether other items go on after one failed."),
  max_failures: field(integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), "So many failures stop the map."),
  failure_threshold: field(number({ min: 0, max: 1 }), "A larger share of failures stops the map."),
  min_items: field(count, "How many items must have ended before the share counts."),
  error_collection: field(errorCollection, "When failures are told."),
  circuit_breaker: field(circuitBreaker, "Stops new items after failures in a row, for a while."),
  retry_config: field(itemRetry, "How often and when a failed item is tried again."),
} as const;

export type PolicyFields = Mapping<typeof POLICY_FIELDS>["fields"];

const ERROR_POLICY = {
  name: "error_policy",
  fields: { ...POLICY_FIELDS, retry_config: { ...POLICY_FIELDS.retry_config, aliases: ["retry"] } },
} as const;

export const errorPolicy: Decoder<PolicyFields> = mapping(ERROR_POLICY, ({ fields }) => fields);

/** What all places say together: `error_policy` wins, then `map`, then the workflow. */
export function resolvePolicy(
  places: readonly PolicyFields[],
  older: { readonly retry: RetryPolicy | null },
  context: Context,
): ItemPolicy {
  const chosen = <T>(keyOf: (fields: PolicyFields) => Found<T> | null): T | null =>
    first(places.map(keyOf), context)?.value ?? null;
  const failure = chosen(({ on_item_failure }) => on_item_failure) ?? { kind: "dlq" };
  const maxFailures = chosen(({ max_failures }) => max_failures) ?? null;
  const given = chosen(({ retry_config }) => retry_config) ?? older.retry;
  const retry = given ?? (failure.kind === "retry" ? DEFAULT_RETRY : null);
  return {
    onItemFailure: failure,
    continueOnFailure: chosen(({ continue_on_failure }) => continue_on_failure) ?? true,
    // None at all are allowed by 0, and the first one is the first that can be too many.
    maxFailures: maxFailures === 0 ? 1 : maxFailures,
    failureThreshold: chosen(({ failure_threshold }) => failure_threshold) ?? null,
    minItems: chosen(({ min_items }) => min_items) ?? DEFAULT_MIN_ITEMS,
    errorCollection: chosen(({ error_collection }) => error_collection) ?? { kind: "aggregate" },
    circuitBreaker: chosen(({ circuit_breaker }) => circuit_breaker) ?? null,
    // One attempt is no second one.
    retry: retry?.attempts === 1 ? null : retry,
  };
}

/** The value of the first place that gives one; what another place says differently is told. */
function first<T>(found: readonly (Found<T> | null)[], context: Context): Found<T> | null {
  const [winner, ...others] = found.filter((one) => one !== null);
  if (winner === undefined) return null;
  for (const other of others) {
    if (JSON.stringify(other.value) === JSON.stringify(winner.value)) continue;
    const { line } = locate(context.out.source, winner.keyAt);
    const message = `this "${other.spelled}" has no effect: line ${line} says something else, and wins`;
    report(context, { code: "no-effect", at: other.keyAt, message, help: "keep one of them" });
  }
  return winner;
}
