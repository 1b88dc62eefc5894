/** The workflow of a session that tries dead letters again, from the one in which they failed. */
import type { AgentAction, ItemPolicy, Json, MapAction, RetryPolicy, Step, Workflow } from "../workflow/model.ts";
import type { EventBody, MapItem } from "./facts.ts";

export interface Amendment {
  /** How many at once; null as the workflow says. */
  readonly parallel: number | null;
  /** How often each is tried in all; null as the workflow says. */
  readonly attempts: number | null;
  /** The limit for each item; null as the workflow says. */
  readonly timeoutMs: number | null;
  readonly model: string | null;
  /** Stands behind the prompts of the agent template. */
  readonly prompt: string | null;
}

/** What the map saw when it began. */
export interface Seen {
  readonly variables: Readonly<Record<string, Json>>;
  readonly computed: Readonly<Record<string, Json>>;
}

export interface Again {
  readonly workflow: Workflow;
  readonly action: MapAction;
  readonly items: readonly MapItem[];
}

/** The map alone, of these items alone, behind a phase that is done: what it had set is known. */
export function workflowAgain({ workflow, action, items }: Again, amendment: Amendment): Workflow {
  const step = workflow.steps.find((one) => one.action.kind === "map");
  if (step === undefined) throw new Error("bug: dead letters of a workflow without a map");
  const again: MapAction = {
    ...action,
    input: { kind: "planned", items },
    select: { jsonPath: null, filter: null, sortBy: null, distinct: null, offset: null, maxItems: null },
    maxParallel: amendment.parallel === null ? action.maxParallel : String(amendment.parallel),
    timeout:
      amendment.timeoutMs === null
        ? action.timeout
        : { ...action.timeout, limit: `${String(amendment.timeoutMs)}ms`, action: "dlq" },
    policy: policyAgain(action.policy, amendment.attempts),
    steps: action.steps.map((one) => amended(one, amendment)),
    failWhenEmpty: false,
  };
  const before: Step = { ...step, label: PRELUDE, action: { kind: "group", steps: [] }, timeoutMs: null, when: null };
  return { ...workflow, steps: [before, { ...step, action: again, when: null }] };
}

const PRELUDE = "what the session had set up";

/** What the journal of the new session begins with: its place, and what the map saw. */
export function openingOf(prepared: EventBody & { readonly type: "lane-prepared" }, seen: Seen): readonly EventBody[] {
  const values = Object.entries(seen.computed).map(([key, value]) => ({ key, value }));
  return [
    prepared,
    ...(values.length === 0 ? [] : [{ type: "values-computed" as const, lane: prepared.lane, path: "", values }]),
    {
      type: "step-ended",
      lane: prepared.lane,
      path: "input-0/pass-0/step-0",
      label: PRELUDE,
      outcome: { status: "ok", exitCode: null, output: "", fault: null, durationMs: 0 },
      set: seen.variables,
    },
  ];
}

/** One that fails goes back to the queue, and the others go on: each was chosen to be tried. */
function policyAgain(policy: ItemPolicy, attempts: number | null): ItemPolicy {
  const { onItemFailure: before } = policy;
  const onItemFailure = before.kind === "skip" || before.kind === "stop" ? ({ kind: "dlq" } as const) : before;
  const free = { ...policy, onItemFailure, continueOnFailure: true, maxFailures: null, failureThreshold: null };
  if (attempts === null) return free;
  return attempts === 1
    ? { ...free, onItemFailure: before.kind === "custom" ? before : { kind: "dlq" }, retry: null }
    : { ...free, onItemFailure: { kind: "retry" }, retry: { ...(policy.retry ?? AT_ONCE), attempts } };
}

const AT_ONCE: RetryPolicy = {
  attempts: 1,
  backoff: { kind: "fixed" },
  initialDelayMs: 1000,
  maxDelayMs: 60_000,
  jitterFactor: 0,
  retryOn: [],
  budgetMs: null,
  onExhausted: { kind: "stop" },
};

function amended(step: Step, { model, prompt }: Amendment): Step {
  const modelled = model === null ? step : withModel(step, model);
  return prompt === null ? modelled : withPrompt(modelled, prompt);
}

/** Every agent of the template, its handlers' and validations' too. */
function withModel<T>(part: T, model: string): T {
  const visit = (value: unknown): unknown => {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(visit);
    const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner)]));
    return isAgent(copy) ? { ...copy, settings: { ...copy.settings, model } } : copy;
  };
  // oxlint-disable-next-line typescript/consistent-type-assertions -- The copy has the same shape: only models differ.
  return visit(part) as T;
}

function isAgent(value: object): value is AgentAction {
  return "kind" in value && value.kind === "agent" && "settings" in value;
}

function withPrompt(step: Step, prompt: string): Step {
  const { action } = step;
  if (action.kind === "agent") return { ...step, action: { ...action, prompt: `${action.prompt}\n\n${prompt}` } };
  if (action.kind !== "group") return step;
  return { ...step, action: { ...action, steps: action.steps.map((inner) => withPrompt(inner, prompt)) } };
}
