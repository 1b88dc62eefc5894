/** Reads what a validation found. */
import { Validator } from "@cfworker/json-schema";
import { readJson } from "../../workflow/json.ts";
import { isRecord } from "../../workflow/path.ts";
import type { Json, Validation } from "../../workflow/model.ts";
import type { ReadValidation } from "../decision/command.ts";
import type { EventBody, ValidationResult } from "../decision/event.ts";
import { assert } from "../decision/assert.ts";
import { Refusal, render, type Room, settingOf } from "./room.ts";
import { mapStrings } from "./scope.ts";

/** A validation result is a page of text, not a data set. */
const MAX_RESULT_BYTES = 4 * 1024 * 1024;

export async function readValidation(command: ReadValidation, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, round, step, outcome } = command;
  assert(step.validate !== null, "a validation is read for a step without one");
  const text = await resultText(command, step.validate, room);
  if (text === null) return [];
  const { masker } = room.ports;
  const rules = { ...step.validate, mask: (found: string) => masker.mask(found) };
  const found = typeof text === "string" ? interpret(text, rules, outcome.status === "ok") : failed(text.problem);
  const seal = (part: Json): Json => mapStrings(part, (words) => masker.seal(words));
  const result = {
    ...found,
    implemented: found.implemented.map((words) => masker.seal(words)),
    missing: found.missing.map((words) => masker.seal(words)),
    gaps: seal(found.gaps),
    raw: seal(found.raw),
    problem: found.problem === null ? null : masker.mask(found.problem),
  };
  return [{ type: "validated", lane, path, round, result, set: { validation: seal(variables(found, round)) } }];
}

/** Null when it was stopped. */
async function resultText(
  command: ReadValidation,
  rules: Validation,
  room: Room,
): Promise<string | { readonly problem: string } | null> {
  const { step, outcome } = command;
  if (outcome.status === "failed") return { problem: outcome.fault?.message ?? "the validation command failed" };
  if (rules.resultFile === null && !outcome.output.includes("{{secret:")) return outcome.output;
  const setting = await settingOf(command, room);
  if (setting === "stopped") return null;
  if (setting instanceof Refusal) return { problem: setting.fault.message };
  // An encoded secret is read by its own rules, so it must be itself before it is read.
  if (rules.resultFile === null) return room.ports.masker.unseal(outcome.output);
  const file = render(rules.resultFile, setting, step);
  if (file instanceof Refusal) return { problem: file.fault.message };
  const allowOutside = room.session.order.workflow.settings.allowPathsOutside;
  const access = { root: setting.root, directory: setting.directory, path: file, allowOutside };
  const read = await room.ports.files.read({ ...access, maxBytes: MAX_RESULT_BYTES });
  if (!read.ok) return { problem: read.fault.message };
  return read.value ?? { problem: `the result file ${file} was not written` };
}

/** Understands the forms that validation commands print; everything else is a failed validation, never a complete one. */
export function interpret(
  text: string,
  rules: Pick<Validation, "format" | "expectedSchema"> & { readonly mask?: (text: string) => string },
  passed: boolean,
): ValidationResult {
  if (rules.format === "exit_code")
    return { ...NOTHING, completion: passed ? 100 : 0, status: passed ? "complete" : "failed" };
  const value = parse(text);
  if (value === undefined) {
    // Masked before it is cut: half a secret is not found any more.
    const start = (rules.mask?.(text.trim()) ?? text.trim()).slice(0, 60);
    const shown = start === "" ? "it is empty" : `it begins with ${JSON.stringify(start)}`;
    return failed(
      `the result is not JSON with "completion_percentage": ${shown} (where the exit code decides, say so with format: exit_code)`,
    );
  }
  const mismatch = schemaProblem(value, rules.expectedSchema);
  if (mismatch !== null) return { ...failed(mismatch), raw: value };
  return fromJson(value);
}

const NOTHING: ValidationResult = {
  completion: 0,
  status: "failed",
  implemented: [],
  missing: [],
  gaps: {},
  raw: null,
  problem: null,
};

function failed(problem: string): ValidationResult {
  return { ...NOTHING, problem };
}

/** Agents like to put JSON between sentences or in a fence; the last object in the text counts. */
function parse(text: string): Json | undefined {
  const fenced = [...text.matchAll(/```(?:json)?\s*\n([^]*?)\n```/g)].at(-1)?.[1];
  const braces = text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1);
  for (const candidate of [text, fenced, braces]) {
    if (candidate === undefined || candidate.trim() === "") continue;
    const value = readJson(candidate);
    if (value !== undefined) return value;
  }
  return undefined;
}

function schemaProblem(value: Json, schema: Json): string | null {
  if (!isRecord(schema)) return null;
  const checked = new Validator({ ...schema }).validate(value);
  const [first] = checked.errors;
  return first === undefined
    ? null
    : `the result does not fit expected_schema: ${first.instanceLocation} ${first.error}`;
}

function fromJson(value: Json): ValidationResult {
  if (!isRecord(value)) return { ...failed("the result is not a JSON object"), raw: value };
  const fields = value;
  const completion = percentage(fields["completion_percentage"] ?? fields["completion"] ?? fields["score"]);
  if (completion === null) return { ...failed('the result has no number "completion_percentage"'), raw: value };
  const status = fields["status"];
  return {
    completion,
    status: isStatus(status) ? status : completion >= 100 ? "complete" : "incomplete",
    implemented: texts(fields["implemented"]),
    missing: texts(fields["missing"]),
    gaps: fields["gaps"] ?? {},
    raw: value,
    problem: null,
  };
}

function percentage(value: Json | undefined): number | null {
  const number = typeof value === "string" ? Number(value.replace(/%$/, "")) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

function isStatus(value: Json | undefined): value is ValidationResult["status"] {
  return value === "complete" || value === "incomplete" || value === "failed" || value === "skipped";
}

function texts(value: Json | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: Json) => (typeof entry === "string" ? entry : JSON.stringify(entry)));
}

function variables(result: ValidationResult, round: number): Json {
  const raw = isRecord(result.raw) ? result.raw : {};
  return {
    ...raw,
    completion: result.completion,
    completion_percentage: result.completion,
    status: result.status,
    implemented: result.implemented,
    missing: result.missing,
    missing_count: result.missing.length,
    incomplete_specs: result.missing,
    gaps: result.gaps,
    attempt_number: round,
    problem: result.problem,
  };
}
