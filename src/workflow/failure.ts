/** `on_failure:` in all its forms, resolved to one meaning. */
import type { Context, Decoder } from "./decode.ts";
import { bool, byKind, careSteps, count, json, map, report, timeLimit, word } from "./decode.ts";
import type { Mapping } from "./mapping.ts";
import { field, readMapping } from "./mapping.ts";
import type { Action, FailurePolicy, Step } from "./model.ts";
import type { MapNode, SourceNode } from "./source-node.ts";

/** What the file says, before it is known what kind of step it is about. */
export type FailureForm =
  | { readonly kind: "flag"; readonly tolerate: boolean }
  | {
      readonly kind: "handlers";
      readonly steps: readonly Step[];
      readonly rounds: number | null;
      readonly retryOriginal: boolean | null;
      readonly strategy: "recovery" | "fallback" | "cleanup" | "custom";
      readonly failWorkflow: boolean | null;
      readonly handlerFailureFatal: boolean;
      readonly timeoutMs: number | null;
    };

/** A step's own words about its failure, beside `on_failure`. */
export interface OwnTolerance {
  /** `allow_failure`, `continue_on_error` and `fail_workflow` on the step itself. */
  readonly tolerate: boolean | null;
}

/** The policy of a step. */
export function resolveFailure(form: FailureForm | null, action: Action, own: OwnTolerance): FailurePolicy {
  const tolerated = own.tolerate === true;
  if (form === null) return { kind: tolerated ? "tolerate" : "fail" };
  if (form.kind === "flag") return { kind: form.tolerate || tolerated ? "tolerate" : "fail" };
  return {
    kind: "handle",
    steps: form.steps,
    rounds: form.rounds ?? 1,
    after: afterHandler(form, action),
    failWorkflow: form.failWorkflow ?? !tolerated,
    handlerFailureFatal: form.handlerFailureFatal,
    timeoutMs: form.timeoutMs,
  };
}

type Handlers = Extract<FailureForm, { readonly kind: "handlers" }>;

function afterHandler(form: Handlers, action: Action): "rerun" | "accept" | "replace" | "fail" {
  switch (form.strategy) {
    case "fallback":
      return "replace";
    case "cleanup":
      return "fail";
    case "recovery":
    case "custom":
      if (form.retryOriginal !== null) return form.retryOriginal ? "rerun" : "accept";
      // To run an agent a second time costs money, so that it has to be asked for.
      return form.rounds !== null || !runsAgent(action) ? "rerun" : "accept";
  }
}

/** Whether an action pays for an agent, itself or in one of its steps. */
export function runsAgent(action: Action): boolean {
  switch (action.kind) {
    case "agent":
      return true;
    case "shell":
    case "write_file":
    case "analyze":
      return false;
    case "foreach":
    case "goal_seek":
    case "group":
    case "call":
    case "map":
      return action.steps.some((step) => runsAgent(step.action));
  }
}

/** The keys of a handler that are not those of a step. */
export const POLICY = {
  name: "on_failure",
  fields: {
    commands: field(careSteps, "The handler's steps.", { aliases: ["steps"] }),
    max_attempts: field(count, "How many times the handler may run.", { aliases: ["max_retries"] }),
    fail_workflow: field(bool, "Whether what still fails fails the run."),
    retry_original: field(bool, "Whether the step runs again after its handler."),
    strategy: field(word(["recovery", "fallback", "cleanup", "custom"]), "What the handler is for."),
    handler_failure_fatal: field(bool, "Whether a failing handler fails the run in any case."),
    timeout: field(timeLimit, "The limit for each handler step that has none of its own."),
    capture: field(json, "Has no effect: handlers are steps and capture by themselves."),
  },
} as const;

const POLICY_KEYS: ReadonlySet<string> = new Set(
  Object.entries(POLICY.fields).flatMap(([key, { aliases }]) => [key, ...aliases]),
);

export const failureForm: Decoder<FailureForm> = {
  get schema() {
    return { anyOf: [bool.schema, careSteps.schema, { $ref: "#/$defs/handler" }] };
  },
  decode: (node, context) => (node.kind === "map" ? mappingForm(node, context) : otherForm.decode(node, context)),
};

const handlersOnly: Decoder<FailureForm> = map(careSteps, (steps) => ({ ...NO_POLICY, steps }));

const NO_POLICY: Handlers = {
  kind: "handlers",
  steps: [],
  rounds: null,
  retryOriginal: null,
  strategy: "recovery",
  failWorkflow: null,
  handlerFailureFatal: false,
  timeoutMs: null,
};

const otherForm: Decoder<FailureForm> = byKind<FailureForm>({
  expected: "true, false, a text, a list of steps or a mapping",
  scalar: {
    schema: {},
    decode: (node, context) => {
      if (node.kind !== "scalar" || typeof node.value !== "boolean") return handlersOnly.decode(node, context);
      return { kind: "flag", tolerate: node.value };
    },
  },
  list: handlersOnly,
});

/** A mapping is a step, a policy, or both at once: its keys are dealt out to the two. */
function mappingForm(node: MapNode, context: Context): FailureForm | undefined {
  const { policy, step } = dealKeys(node, context);
  const read = readMapping(policy, { ...POLICY, also: context.stepKeys }, context);
  if (read === undefined) return undefined;
  const { fields } = read;
  if (fields.capture !== null) {
    report(context, { code: "no-effect", at: fields.capture.keyAt, message: '"capture" has no effect in on_failure' });
  }
  const written = step === null ? (fields.commands?.value ?? []) : handlerSteps(step, context);
  if (written === undefined) return undefined;
  if (written.length === 0 && step === null && !read.given.has("commands")) {
    const repeats = read.given.has("max_attempts") || fields.retry_original?.value === true;
    if (!repeats) return flagOnly(read, context);
  }
  return {
    kind: "handlers",
    steps: written,
    rounds: fields.max_attempts?.value ?? null,
    retryOriginal: fields.retry_original?.value ?? null,
    strategy: fields.strategy?.value ?? "recovery",
    failWorkflow: fields.fail_workflow?.value ?? null,
    handlerFailureFatal: fields.handler_failure_fatal?.value ?? false,
    timeoutMs: fields.timeout?.value ?? null,
  };
}

/** No handler and no repetition: only `fail_workflow` has a meaning then. */
function flagOnly(read: Mapping<(typeof POLICY)["fields"]>, context: Context): FailureForm | undefined {
  const { given, fields, at } = read;
  const flag = fields.fail_workflow;
  if (flag !== null && given.size === 1) return { kind: "flag", tolerate: !flag.value };
  if (flag === null && given.has("fail_workflow")) return undefined;
  const help = "write the steps to run, such as `claude:` or `shell:`, or only `fail_workflow: false`";
  return report(context, { code: "missing-key", at, message: "on_failure has no handler", help });
}

/** `timeout` and `capture` mean the handler itself where it stands beside them. */
function dealKeys(node: MapNode, context: Context): { readonly policy: MapNode; readonly step: MapNode | null } {
  const ofStep = (key: string): boolean => context.stepKeys.has(key) && !POLICY_KEYS.has(key);
  if (!node.entries.some(({ key }) => ofStep(key))) return { policy: node, step: null };
  const isGroup = node.entries.some(({ key }) => key === "commands" || key === "steps");
  const shared = new Set(isGroup ? ["commands", "steps"] : ["timeout", "capture"]);
  const first = node.entries.find(({ key }) => ofStep(key));
  return {
    policy: { ...node, entries: node.entries.filter(({ key }) => !ofStep(key) && !shared.has(key)) },
    step: {
      ...node,
      at: first?.keyAt ?? node.at,
      entries: node.entries.filter(({ key }) => ofStep(key) || shared.has(key)),
    },
  };
}

/** Where these stand beside a handler's `shell` and `claude`, they are meant for both. */
const FOR_BOTH = new Set(["when", "env", "timeout", "working_dir", "clear_env"]);

/** `shell` and `claude` in one handler are two steps, in this order. */
function handlerSteps(node: MapNode, context: Context): readonly Step[] | undefined {
  const shell = node.entries.find(({ key }) => key === "shell");
  const claude = node.entries.find(({ key }) => key === "claude");
  if (shell === undefined || claude === undefined) return careSteps.decode(node, context);
  const isForShell = (key: string): boolean => key === "shell" || FOR_BOTH.has(key);
  const first: SourceNode = { ...node, at: shell.keyAt, entries: node.entries.filter(({ key }) => isForShell(key)) };
  const second: SourceNode = { ...node, at: claude.keyAt, entries: node.entries.filter(({ key }) => key !== "shell") };
  const steps = [careSteps.decode(first, context), careSteps.decode(second, context)];
  return steps[0] === undefined || steps[1] === undefined ? undefined : [...steps[0], ...steps[1]];
}
