/** `retry:` and `retry_defaults:`. */
import { pattern } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { bool, byKind, careSteps, count, duration, integer, list, map, number, report, word } from "./decode.ts";
import type { Fields, Table } from "./mapping.ts";
import { field, mapping, required, tableSchema } from "./mapping.ts";
import type { RetryMatcher, RetryPolicy } from "./model.ts";

const DEFAULTS: RetryPolicy = {
  attempts: 3,
  backoff: { kind: "exponential", base: 2 },
  initialDelayMs: 1_000,
  maxDelayMs: 30_000,
  jitterFactor: 0,
  retryOn: [],
  budgetMs: null,
  onExhausted: { kind: "stop" },
};
const DEFAULT_JITTER_FACTOR = 0.3;
const MAX_BASE = 100;

type Backoff = RetryPolicy["backoff"];

/** How delays grow, and the first delay where it is written beside that. */
interface Growth {
  readonly backoff: Backoff;
  readonly initialDelayMs: number | null;
}

const backoffWord: Decoder<Backoff> = map(word(["fixed", "linear", "exponential", "fibonacci"]), (kind): Backoff => {
  switch (kind) {
    case "fixed":
    case "fibonacci":
      return { kind };
    case "linear":
      return { kind, incrementMs: 1_000 };
    case "exponential":
      return { kind, base: 2 };
  }
});

const SPAN = {
  name: "a delay",
  fields: {
    secs: field(integer({ min: 0, max: 31_536_000 }), "Seconds."),
    nanos: field(integer({ min: 0, max: 999_999_999 }), "Nanoseconds."),
  },
} as const;

/** A delay; the mapping is how an older version of the language wrote it. */
export const delay: Decoder<number> = byKind({
  expected: "a duration",
  scalar: duration,
  map: mapping(
    SPAN,
    ({ fields }) => (fields.secs?.value ?? 0) * 1_000 + Math.round((fields.nanos?.value ?? 0) / 1_000_000),
  ),
});

const initial = field(delay, "The first delay.", { aliases: ["initial_delay", "delay"] });
const base = field(number({ min: 1, max: MAX_BASE }), "The factor from one delay to the next.", {
  aliases: ["multiplier"],
});
const increment = field(delay, "What each delay is longer than the one before.");

const LINEAR = { name: "a linear back-off", fields: { initial, increment } } as const;
const EXPONENTIAL = { name: "an exponential back-off", fields: { initial, base } } as const;
const STEADY = { name: "this back-off", fields: { initial } } as const;
const CUSTOM = {
  name: "a custom back-off",
  fields: { delays: field(list(delay), "The delays, in order.") },
  needs: [["delays"]],
} as const;

function steady(kind: "fixed" | "fibonacci"): Decoder<Growth> {
  return mapping(STEADY, ({ fields }) => ({ backoff: { kind }, initialDelayMs: fields.initial?.value ?? null }));
}

const linear: Decoder<Growth> = mapping(LINEAR, ({ fields }) => ({
  backoff: { kind: "linear", incrementMs: fields.increment?.value ?? 1_000 },
  initialDelayMs: fields.initial?.value ?? null,
}));
const exponential: Decoder<Growth> = mapping(EXPONENTIAL, ({ fields }) => ({
  backoff: { kind: "exponential", base: fields.base?.value ?? 2 },
  initialDelayMs: fields.initial?.value ?? null,
}));
const customDelays: Decoder<Backoff> = map(list(delay), (delaysMs) => ({ kind: "custom", delaysMs }));
const custom: Decoder<Growth> = map(
  byKind({
    expected: "a list of delays",
    list: customDelays,
    map: mapping(CUSTOM, (read, context): Backoff | undefined => {
      const delays = required(read, "delays", { name: "a custom back-off", context });
      return delays === null ? undefined : { kind: "custom", delaysMs: delays.value };
    }),
  }),
  alone,
);

const BACKOFF = {
  name: "a back-off",
  fields: {
    fixed: field(steady("fixed"), "Always the initial delay.", { nullable: true }),
    fibonacci: field(steady("fibonacci"), "Grows as 1, 1, 2, 3, 5.", { nullable: true }),
    linear: field(linear, "Grows by the same amount.", { nullable: true }),
    exponential: field(exponential, "Grows by the same factor.", { nullable: true }),
    custom: field(custom, "The delays themselves."),
    type: field(map(backoffWord, alone), "The kind, beside its own keys.", { aliases: ["kind", "strategy"] }),
    initial,
    base,
    increment,
  },
  needs: [["fixed", "fibonacci", "linear", "exponential", "custom", "type"]],
} as const;

const backoff: Decoder<Growth> = byKind({
  expected: "fixed, linear, exponential, fibonacci or a mapping",
  scalar: map(backoffWord, alone),
  map: mapping(BACKOFF, ({ fields, given, at }, context): Growth | undefined => {
    const { base: factor, increment: amount, type } = fields;
    const kinds = [...given].filter((key) => key !== "base" && key !== "increment" && key !== "initial");
    if (kinds.length !== 1) {
      const message = "a back-off has exactly one kind";
      const help = "write fixed, linear, exponential, fibonacci or custom";
      return report(context, { code: kinds.length === 0 ? "missing-key" : "conflicting-keys", at, message, help });
    }
    const chosen = fields.fixed ?? fields.fibonacci ?? fields.linear ?? fields.exponential ?? fields.custom ?? type;
    if (chosen === null) return undefined;
    const { backoff: found } = chosen.value;
    const initialDelayMs = fields.initial?.value ?? chosen.value.initialDelayMs;
    if (found.kind === "exponential" && factor !== null)
      return { initialDelayMs, backoff: { kind: "exponential", base: factor.value } };
    if (found.kind === "linear" && amount !== null)
      return { initialDelayMs, backoff: { kind: "linear", incrementMs: amount.value } };
    const stray = factor ?? amount;
    if (stray !== null)
      report(context, {
        code: "no-effect",
        at: stray.keyAt,
        message: `"${stray.spelled}" has no effect on this back-off`,
      });
    return { backoff: found, initialDelayMs };
  }),
});

function alone(found: Backoff): Growth {
  return { backoff: found, initialDelayMs: null };
}

const MATCHER = {
  name: "an item of retry_on",
  fields: {
    pattern: field(pattern, "A regular expression that the failure's output matches."),
    exit_code: field(integer({ min: 0, max: 255 }), "An exit code."),
  },
  needs: [["pattern", "exit_code"]],
} as const;

const matcher: Decoder<RetryMatcher> = byKind({
  expected: "network, timeout, server_error, rate_limit, or a mapping with `pattern` or `exit_code`",
  scalar: map(word(["network", "timeout", "server_error", "rate_limit"]), (kind): RetryMatcher => ({ kind })),
  map: mapping(MATCHER, ({ fields, given, at }, context): RetryMatcher | undefined => {
    if (given.size !== 1) {
      const message = "an item of retry_on has either a pattern or an exit_code";
      return report(context, { code: given.size === 0 ? "missing-key" : "conflicting-keys", at, message });
    }
    if (fields.pattern !== null) return { kind: "pattern", pattern: fields.pattern.value };
    return fields.exit_code === null ? undefined : { kind: "exit_code", code: fields.exit_code.value };
  }),
});

type Exhausted = RetryPolicy["onExhausted"];
const FALLBACK_COMMAND = { name: "a fallback", fields: { command: field(careSteps, "A shell command.") } } as const;

/** `{command: ...}` is a shell command; everything else is steps as they stand anywhere. */
const fallbackSteps: Decoder<Exhausted> = {
  get schema() {
    return { anyOf: [careSteps.schema, tableSchema(FALLBACK_COMMAND)] };
  },
  decode: (node, context) => {
    const isCommand = node.kind === "map" && node.entries.length === 1 && node.entries[0]?.key === "command";
    const decoder: Decoder<Exhausted> = isCommand
      ? mapping(FALLBACK_COMMAND, ({ fields }) =>
          fields.command === null ? undefined : { kind: "fallback", steps: fields.command.value },
        )
      : map(careSteps, (steps): Exhausted => ({ kind: "fallback", steps }));
    return decoder.decode(node, context);
  },
};
const FALLBACK = {
  name: "retry.on_failure",
  fields: { fallback: field(fallbackSteps, "Steps to run instead.") },
  needs: [["fallback"]],
} as const;

const onExhausted: Decoder<Exhausted> = byKind({
  expected: "stop, continue or a mapping with `fallback`",
  scalar: map(word(["stop", "continue"]), (kind): Exhausted => ({ kind })),
  map: mapping(FALLBACK, (read, context) => required(read, "fallback", { name: "retry.on_failure", context })?.value),
});

const RETRY = {
  name: "retry",
  fields: {
    attempts: field(count, "Executions in total, the first one included.", { aliases: ["max_attempts", "max"] }),
    backoff: field(backoff, "How the delays grow."),
    initial_delay: field(delay, "The delay after the first failure."),
    max_delay: field(delay, "No delay is longer."),
    jitter: field(bool, "Whether delays vary by chance."),
    jitter_factor: field(number({ min: 0, max: 1 }), "How much they vary, as a fraction of the delay."),
    retry_on: field(list(matcher, { orOne: true }), "Which failures are tried again; without it all are."),
    retry_budget: field(delay, "The limit for the sum of all delays."),
    on_failure: field(onExhausted, "What happens after the last attempt.", { aliases: ["on_exhausted"] }),
  },
} as const satisfies Table<Fields>;

/** A number of attempts, or a mapping. `false` turns `retry_defaults` off for one step. */
export const retryPolicy: Decoder<RetryPolicy> = byKind({
  expected: "a number of attempts, or a mapping",
  scalar: {
    schema: { anyOf: [count.schema, { const: false }] },
    decode: (node, context) => {
      if (node.kind === "scalar" && node.value === false) return { ...DEFAULTS, attempts: 1 };
      const attempts = count.decode(node, context);
      return attempts === undefined ? undefined : { ...(context.retryDefaults ?? DEFAULTS), attempts };
    },
  },
  map: mapping(RETRY, ({ fields }, context) => {
    const usual = context.retryDefaults ?? DEFAULTS;
    const growth = fields.backoff?.value ?? alone(usual.backoff);
    const initialDelayMs = fields.initial_delay?.value ?? growth.initialDelayMs ?? usual.initialDelayMs;
    return {
      attempts: fields.attempts?.value ?? usual.attempts,
      backoff: growth.backoff,
      initialDelayMs,
      // A first delay beyond the default limit is meant, so that the limit gives way.
      maxDelayMs: fields.max_delay?.value ?? Math.max(usual.maxDelayMs, initialDelayMs),
      jitterFactor: jitterOf(fields.jitter?.value ?? null, fields.jitter_factor?.value ?? null, usual.jitterFactor),
      retryOn: fields.retry_on?.value ?? usual.retryOn,
      budgetMs: fields.retry_budget?.value ?? usual.budgetMs,
      onExhausted: fields.on_failure?.value ?? usual.onExhausted,
    };
  }),
});

function jitterOf(jitter: boolean | null, factor: number | null, inherited: number): number {
  if (jitter === false) return 0;
  if (factor !== null) return factor;
  return jitter === true ? DEFAULT_JITTER_FACTOR : inherited;
}

/** `metadata.retries`: how many times more, after the first. */
export function retriesOnly(retries: number, context: Context): RetryPolicy {
  return { ...(context.retryDefaults ?? DEFAULTS), attempts: retries + 1 };
}
