/** The values that a call gives to its steps, and those that it gets from them. */
import { evaluate, parseExpression } from "../../workflow/expression.ts";
import type { CallAction, Json, Parameter, Step } from "../../workflow/model.ts";
import { callSegment } from "../decision/call.ts";
import type { Attempt, PlanItems } from "../decision/command.ts";
import type { EventBody, Fault } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import { join, nodeAt } from "../decision/state.ts";
import { resolveParameters } from "../parameters.ts";
import { notPlanned } from "./items.ts";
import { laneIn, Refusal, render, type Room, type Setting, settingOf } from "./room.ts";
import { mapStrings } from "./scope.ts";

export async function beginCall(command: PlanItems, action: CallAction, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, step } = command;
  const setting = await settingOf(command, room);
  if (setting === "stopped") return [];
  if (setting instanceof Refusal) return notPlanned(command, setting.fault, room);
  const given: Record<string, Json> = {};
  for (const [name, value] of Object.entries(action.given)) {
    const filled = filledIn(value, setting, step);
    if (filled instanceof Refusal) return notPlanned(command, filled.fault, room);
    given[name] = asDeclared(
      filled,
      action.parameters.find((parameter) => parameter.name === name),
    );
  }
  const resolved = resolveParameters(action.parameters, given);
  if (!resolved.ok) {
    const message = `step "${step.label}" cannot begin: ${room.ports.masker.mask(resolved.fault.message)}`;
    return notPlanned(command, fault("input", message, { help: "see `with:` of the step" }), room);
  }
  const values = Object.entries(resolved.value);
  const seal = (text: string): string => room.ports.masker.seal(text);
  const sealed = Object.fromEntries(values.map(([name, value]) => [name, mapStrings(value, seal)]));
  return [{ type: "call-begun", lane, path: join(path, callSegment(action)), given: sealed }];
}

/** A text that is nothing but a variable is its value, whatever that is; every other text is filled in. */
function filledIn(value: Json, setting: Setting, step: Step): Json | Refusal {
  if (typeof value === "string") return wholeValue(value, setting) ?? render(value, setting, step);
  if (value === null || typeof value !== "object") return value;
  const entries: (readonly [string, Json])[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const filled = filledIn(inner, setting, step);
    if (filled instanceof Refusal) return filled;
    entries.push([key, filled]);
  }
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function wholeValue(text: string, { fullScope }: Setting): Json {
  if (!/^\$\{[^{}]+\}$/.test(text.trim())) return null;
  const parsed = parseExpression(text.trim());
  const result = parsed.ok ? evaluate(parsed.expression, fullScope, "when") : parsed;
  return result.ok && typeof result.value !== "string" ? result.value : null;
}

/** What was filled in is a text; where a number or a truth value is declared, it is read as that. */
function asDeclared(value: Json, parameter: Parameter | undefined): Json {
  if (typeof value !== "string" || value.trim() === "") return value;
  if (parameter?.type === "number" && Number.isFinite(Number(value))) return Number(value);
  if (parameter?.type === "boolean" && /^(?:true|false)$/.test(value.trim())) return value.trim() === "true";
  return value;
}

export interface CallResults {
  readonly values: Readonly<Record<string, Json>>;
  readonly problem: Fault | null;
}

/** The declared outputs of steps that passed. */
export function callResults({ lane, path, attempt, step }: Attempt, ok: boolean, room: Room): CallResults {
  const { action } = step;
  if (action.kind !== "call" || action.outputs.length === 0 || !ok) return { values: {}, problem: null };
  const inside = nodeAt(laneIn(room.session, lane), join(path, `body-${String(attempt)}/${callSegment(action)}`));
  const known = inside?.vars ?? {};
  // A dry run has set nothing, and settles nothing either.
  const missing = action.outputs.filter((name) => known[name] === undefined);
  const message = `"${action.name}" has ended without setting its output "${missing[0] ?? ""}"`;
  const problem =
    missing.length === 0 ? null : fault("capture", message, { at: step.at, help: "capture it in one of its steps" });
  // They are sealed in the state, and will be sealed again.
  const found = action.outputs.flatMap((name) => {
    const value = known[name];
    return value === undefined ? [] : [[name, mapStrings(value, (text) => room.ports.masker.unseal(text))] as const];
  });
  return { values: Object.fromEntries(found), problem };
}
