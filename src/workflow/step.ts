/** Steps: what a list, a mapping or a text becomes wherever steps may stand. */
import { actionOf } from "./action-of.ts";
import type { ChosenAction } from "./action-of.ts";
import { withAgentDefaults } from "./agent-settings.ts";
import { resolveCapture } from "./capture.ts";
import { PLAIN_AUTO_COMMIT } from "./commit.ts";
import type { Context, StepsPlace } from "./decode.ts";
import { allOf, report, wrongType } from "./decode.ts";
import { resolveFailure } from "./failure.ts";
import { legacyCommitRequired } from "./legacy-commits.ts";
import { bareStep } from "./legacy.ts";
import { readMapping } from "./mapping.ts";
import type { Action, AutoCommit, RetryPolicy, Step, Validation } from "./model.ts";
import { retriesOnly } from "./retry.ts";
import type { SourceNode } from "./source-node.ts";
import { locateStep } from "./source.ts";
import { firstLine, labelOf } from "./step-label.ts";
import { STEP } from "./step-table.ts";
import type { StepRead } from "./step-table.ts";
import { warnAboutStep } from "./step-warnings.ts";

/** The steps at one place of the file. `countStep` is asked before each; it reports when there are too many. */
export function decodeSteps(node: SourceNode, place: StepsPlace, context: StepContext): readonly Step[] | undefined {
  if (node.kind === "list") {
    if (node.items.length === 0)
      return report(context, { code: "no-steps", at: node.at, message: "this list of steps is empty" });
    const nested = node.items.map((item) =>
      item.kind === "list" ? notAStep(item, context) : decodeSteps(item, place, context),
    );
    return allOf(nested)?.flat();
  }
  const [only] = node.kind === "map" && node.entries.length === 1 ? node.entries : [];
  // A mapping that holds nothing but steps is only another way to write the list.
  if (only !== undefined && (only.key === "commands" || only.key === "steps") && only.value.kind !== "scalar") {
    return decodeSteps(only.value, place, context);
  }
  const step = decodeStep(node, place, context);
  return step === undefined ? undefined : [step];
}

export interface StepContext extends Context {
  /** False when the file has more steps than may be. */
  readonly countStep: (node: SourceNode) => boolean;
}

function notAStep(node: SourceNode, context: Context): undefined {
  return wrongType(node, context, "a step");
}

function decodeStep(node: SourceNode, place: StepsPlace, context: StepContext): Step | undefined {
  if (node.kind === "broken" || !context.countStep(node)) return undefined;
  if (node.kind === "scalar") return textStep(node, place, context);
  const read = readMapping(node, STEP, context);
  if (read === undefined) return undefined;
  const chosen = actionOf(read, context);
  return chosen === undefined ? undefined : makeStep({ read, chosen, place }, context);
}

/** A step that is only a text. */
function textStep(node: SourceNode, place: StepsPlace, context: Context): Step | undefined {
  if (node.kind !== "scalar" || typeof node.value !== "string" || node.text.trim() === "") {
    return wrongType(node, context, "a step");
  }
  const bare = bareStep(node.text, place, { at: node.at, context });
  const key = bare.kind === "agent" ? "claude" : "shell";
  const text = bare.kind === "agent" ? bare.prompt : bare.script;
  // Read again as the mapping that it stands for, so that there is one way to make a step.
  const scalar = { ...node, value: text, text };
  const entries = [{ key, keyAt: node.at, value: scalar }];
  const read = readMapping({ ...node, kind: "map", entries }, STEP, context);
  const chosen = read === undefined ? undefined : actionOf(read, context);
  if (read === undefined || chosen === undefined) return undefined;
  // A check or a handler has nothing to commit, whatever its name is.
  const isLegacy = bare.kind === "agent" && place.bareText === "agent" && place.isWork;
  return makeStep({ read, chosen: { ...chosen, legacy: isLegacy ? "text" : null }, place }, context);
}

interface Parts {
  readonly read: StepRead;
  readonly chosen: ChosenAction;
  readonly place: StepsPlace;
}

function makeStep({ read, chosen, place }: Parts, context: Context): Step {
  const { fields } = read;
  const action = asCalled(chosen.action, context);
  const metadata = fields.metadata?.value ?? null;
  const at = locateStep(context.out.source, read.at);
  const given = fields.name?.value;
  const retry = retryOf({ read, chosen, place }, context);
  const step: Step = {
    id: fields.id?.value ?? null,
    label: given === undefined ? labelOf(action) : firstLine(given),
    at,
    action,
    when: fields.when?.value ?? null,
    env: [...context.stepDefaults.env, ...chosen.env, ...(metadata?.env?.value ?? []), ...(fields.env?.value ?? [])],
    clearEnv: fields.clear_env?.value ?? false,
    workingDir: fields.working_dir?.value ?? chosen.workingDir,
    // A limit of 0 is "none", and not "not said".
    timeoutMs: fields.timeout !== null ? fields.timeout.value : (metadata?.timeout?.value ?? chosen.timeoutMs),
    retry,
    capture: resolveCapture(fields, `${captureKind(read, action)}.output`, context),
    outputFile: fields.output_file?.value ?? null,
    commitRequired: fields.commit_required?.value ?? metadata?.commit_required?.value ?? legacyDefault(chosen),
    autoCommit: autoCommitOf(read, context),
    outputs: fields.outputs?.value ?? [],
    validate: validationOf(read, context),
    verify: fields.verify?.value ?? false,
    captures: [],
    onSuccess: fields.on_success?.value ?? [],
    onExitCode: fields.on_exit_code?.value ?? [],
    onFailure: resolveFailure(chosen.failure ?? fields.on_failure?.value ?? null, action, {
      tolerate: ownTolerance(read, chosen),
    }),
  };
  warnAboutStep(read, step, context);
  return step;
}

function asCalled(action: Action, { stepDefaults: { agent } }: Context): Action {
  return action.kind === "agent" ? { ...action, settings: withAgentDefaults(action.settings, agent) } : action;
}

/** `retry_defaults` reach steps that do one thing; a loop as a whole is not repeated by a default. */
function retryOf({ read, chosen, place }: Parts, context: Context): RetryPolicy | null {
  const own = read.fields.retry?.value;
  if (own !== undefined) return own.attempts === 1 && own.onExhausted.kind === "stop" ? null : own;
  const retries = read.fields.metadata?.value.retries?.value ?? 0;
  if (retries > 0) return retriesOnly(retries, context);
  const { kind } = chosen.action;
  const isSingle = kind === "agent" || kind === "shell" || kind === "write_file";
  return place.isWork && isSingle ? context.retryDefaults : null;
}

function ownTolerance({ fields }: StepRead, chosen: ChosenAction): boolean | null {
  if (fields.allow_failure !== null) return fields.allow_failure.value;
  // In a flat foreach this key is about its items.
  if (fields.continue_on_error !== null && !chosen.isFlatForeach) return fields.continue_on_error.value;
  if (fields.fail_workflow !== null) return !fields.fail_workflow.value;
  if (chosen.tolerate !== null) return chosen.tolerate;
  return fields.metadata?.value.continue_on_error?.value ?? null;
}

function autoCommitOf({ fields }: StepRead, context: Context): AutoCommit | null {
  const { auto_commit: wanted, commit_config: config } = fields;
  if (wanted === null || wanted.value === false) {
    if (config !== null) {
      const message = '"commit_config" has no effect without "auto_commit: true"';
      report(context, { code: "no-effect", at: config.keyAt, message });
    }
    return null;
  }
  return config !== null && wanted.value === PLAIN_AUTO_COMMIT ? config.value : wanted.value;
}

function validationOf({ fields }: StepRead, context: Context): Validation | null {
  const { validate, step_validate, skip_validation, validation_timeout, ignore_validation_failure } = fields;
  if (validate !== null && step_validate !== null) {
    const message = '"validate" and "step_validate" cannot stand together';
    report(context, { code: "conflicting-keys", at: step_validate.keyAt, message, help: 'keep "validate"' });
  }
  const found = validate ?? step_validate;
  for (const key of [skip_validation, validation_timeout, ignore_validation_failure]) {
    if (key === null || found !== null) continue;
    const message = `"${key.spelled}" has no effect without "validate"`;
    report(context, { code: "no-effect", at: key.keyAt, message });
  }
  if (found === null || skip_validation?.value === true) return null;
  const { value } = found;
  const tolerant = { steps: [], maxAttempts: 0, commitRequired: false, ...value.onIncomplete, failWorkflow: false };
  return {
    ...value,
    timeoutMs: validation_timeout?.value ?? value.timeoutMs,
    onIncomplete: ignore_validation_failure?.value === true ? tolerant : value.onIncomplete,
  };
}

function legacyDefault(chosen: ChosenAction): boolean {
  if (chosen.legacy === null || chosen.action.kind !== "agent") return false;
  return legacyCommitRequired(chosen.action.prompt, chosen.legacy);
}

/** The name that `capture_output: true` means, before `.output`. */
function captureKind({ given }: StepRead, action: Action): string {
  // The older forms have names of their own, although they are steps like others.
  if (given.has("test")) return "test";
  if (given.has("handler")) return "handler";
  return action.kind === "agent" ? "claude" : action.kind;
}
