/** Which action a step has: exactly one. */
import { foreachAction } from "./actions.ts";
import { agentSettings } from "./agent-settings.ts";
import { calling } from "./call.ts";
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { FailureForm } from "./failure.ts";
import { commandKey, commandLine, isCommandName } from "./legacy.ts";
import type { Action, AgentSettings, EnvironmentValue } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { commandEdits, handlerEdits, namedEdits, testEdits } from "./old-steps.ts";
import { ACTION_KEYS, FOREIGN_ACTIONS } from "./step-table.ts";
import type { StepRead } from "./step-table.ts";

/** An action, and what its own mapping says about the step around it. */
export interface ChosenAction {
  readonly action: Action;
  /** In which older form an agent's command was written; null for all others. */
  readonly legacy: "text" | "mapping" | null;
  readonly failure: FailureForm | null;
  readonly env: readonly EnvironmentValue[];
  readonly workingDir: string | null;
  readonly timeoutMs: number | null;
  /** Whether the loop's options stand beside `foreach:`. */
  readonly isFlatForeach: boolean;
  /** Whether a failure is tolerated, where its own mapping says so. */
  readonly tolerate: boolean | null;
}

const PLAIN = {
  legacy: null,
  failure: null,
  env: [],
  workingDir: null,
  timeoutMs: null,
  isFlatForeach: false,
  tolerate: null,
} as const;

export function actionOf(read: StepRead, context: Context): ChosenAction | undefined {
  const present = ACTION_KEYS.filter((key) => read.given.has(key));
  const [first, ...others] = present;
  if (first === undefined) {
    const isReported = [...ACTION_KEYS, ...FOREIGN_ACTIONS].some((key) => read.meant.has(key));
    return isReported ? undefined : namedCommand(read, context);
  }
  if (others.length > 0) {
    const found = present.map((key) => `"${key}"`).join(" and ");
    const help = "make them steps of their own";
    return report(context, {
      code: "several-actions",
      at: read.at,
      message: `a step has one action, this one has ${found}`,
      help,
    });
  }
  checkStrayKeys(read, first, context);
  return chosenAction(read, first, context);
}

function chosenAction(read: StepRead, key: (typeof ACTION_KEYS)[number], context: Context): ChosenAction | undefined {
  const { fields } = read;
  switch (key) {
    case "claude":
      return fields.claude === null ? undefined : plain(agent(fields.claude.value, agentSettings(fields)));
    case "shell":
      return fields.shell === null ? undefined : plain({ kind: "shell", script: fields.shell.value });
    case "write_file":
      return fields.write_file === null ? undefined : plain(fields.write_file.value);
    case "goal_seek":
      return fields.goal_seek === null ? undefined : plain(fields.goal_seek.value);
    case "analyze":
      return fields.analyze === null ? undefined : plain(fields.analyze.value);
    case "commands":
      return fields.commands === null ? undefined : plain({ kind: "group", steps: fields.commands.value });
    case "use":
      return useStep(read, context);
    case "workflow":
      return fields.workflow === null ? undefined : { ...PLAIN, ...fields.workflow.value };
    case "foreach":
      return foreachStep(read, context);
    case "test":
      return testStep(read, context);
    case "handler":
      return handlerStep(read, context);
    case "command":
      return commandStep(read, context);
  }
}

function plain(action: Action): ChosenAction {
  return { ...PLAIN, action };
}

function agent(prompt: string, settings: AgentSettings): Action {
  return { kind: "agent", agent: "claude", prompt, settings };
}

function foreachStep({ fields, given, at }: StepRead, context: Context): ChosenAction | undefined {
  const value = fields.foreach?.value;
  if (value === undefined) return undefined;
  if (value.kind === "whole") {
    for (const option of [fields.do, fields.parallel, fields.shared, fields.max_items]) {
      if (option === null) continue;
      const message = `"${option.spelled}" stands beside "foreach", whose other keys stand inside`;
      report(context, { code: "conflicting-keys", at: option.keyAt, message, help: "move it inside" });
    }
    return plain(value.action);
  }
  if (!given.has("do")) return report(context, { code: "missing-key", at, message: 'foreach needs "do:"' });
  if (fields.do === null) return undefined;
  const action = foreachAction({ input: value.input, body: fields.do.value }, fields, fields.continue_on_error);
  return { ...PLAIN, action, isFlatForeach: true };
}

/** `use: NAME` with `with:` beside it. */
function useStep({ fields }: StepRead, context: Context): ChosenAction | undefined {
  if (fields.use === null) return undefined;
  const { value: text, node } = fields.use;
  const callee = context.callee({ kind: "use", text, at: node.at });
  if (callee === undefined) return undefined;
  const action = calling(callee, { given: fields.with, inputs: null, at: node.at }, context);
  return action === undefined ? undefined : plain({ ...action, name: text });
}

function testStep({ fields }: StepRead, context: Context): ChosenAction | undefined {
  if (fields.test === null) return undefined;
  const { keyAt, value } = fields.test;
  const help = "write `shell:` with the script, and `on_failure:` beside it";
  reportOld(context, "test", { at: keyAt, help, edits: testEdits(fields.test, context) });
  return { ...PLAIN, action: { kind: "shell", script: value.script }, failure: value.failure };
}

function handlerStep({ fields }: StepRead, context: Context): ChosenAction | undefined {
  if (fields.handler === null) return undefined;
  const { keyAt, value } = fields.handler;
  const help = "write `shell:` or `claude:`";
  reportOld(context, "handler", { at: keyAt, help, edits: handlerEdits(fields.handler, context) });
  const { action, env, timeoutMs, workingDir } = value;
  return { ...PLAIN, action, env, timeoutMs, workingDir };
}

function commandStep(read: StepRead, context: Context): ChosenAction | undefined {
  const { fields } = read;
  if (fields.command === null) return undefined;
  const { keyAt, node, value } = fields.command;
  const prompt = commandKey(value, node, context);
  if (prompt === undefined) return undefined;
  const help = `write "claude: ${prompt.split("\n")[0]?.slice(0, 60) ?? ""}"`;
  reportOld(context, "command", { at: keyAt, help, edits: commandEdits(read, prompt, context) });
  return { ...PLAIN, action: agent(prompt, agentSettings(fields)), legacy: "mapping" };
}

/** `{name: foo, args: [...]}`: where there is an action, the name is only a label. */
function namedCommand(read: StepRead, context: Context): ChosenAction | undefined {
  const { fields, given, at } = read;
  if (given.has("name") && fields.name === null) return undefined;
  if (fields.name === null || !isCommandName(fields.name.value)) {
    const help = "add one of claude, shell, write_file, foreach, goal_seek and analyze";
    return report(context, { code: "missing-action", at, message: "a step needs an action", help });
  }
  const prompt = commandLine(fields.name.value, fields.args?.value ?? [], fields.options?.value ?? {});
  const help = `write "claude: ${prompt.slice(0, 60)}"`;
  reportOld(context, "name", { at: fields.name.keyAt, help, edits: namedEdits(read, prompt, context) });
  return { ...PLAIN, action: agent(prompt, agentSettings(fields)), legacy: "mapping" };
}

const FOREACH_KEYS = ["do", "parallel", "shared", "max_items"] as const;

/** Keys that belong to another kind of action than this step's. */
function checkStrayKeys({ fields }: StepRead, action: (typeof ACTION_KEYS)[number], context: Context): void {
  if (action !== "foreach") {
    for (const key of FOREACH_KEYS) {
      const found = fields[key];
      if (found === null) continue;
      report(context, {
        code: "conflicting-keys",
        at: found.keyAt,
        message: `"${found.spelled}" belongs to a foreach step`,
      });
    }
  }
  if (action !== "use" && fields.with !== null) {
    const message = '"with" belongs to a step with `use:`';
    report(context, {
      code: "conflicting-keys",
      at: fields.with.keyAt,
      message,
      help: "`workflow:` has its own inside",
    });
  }
  if (action === "claude" || action === "command") return;
  const { model, max_turns, max_budget, effort, system_prompt, on_interrupt } = fields;
  for (const found of [model, max_turns, max_budget, effort, system_prompt, on_interrupt]) {
    if (found === null) continue;
    const message = `"${found.spelled}" has no effect: this step runs no agent`;
    report(context, { code: "no-effect", at: found.keyAt, message });
  }
}
