/** Variables that a finished attempt leaves to later steps. Pure. */
import type { Capture, Json, Step } from "../../workflow/model.ts";
import { readJson } from "../../workflow/json.ts";
import type { AttemptResult, Changes, Commit } from "../decision/event.ts";
import { changeVariables } from "./scope.ts";

export type Captured = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** Reads a result in the way its `capture_format` says. What a message shows of it is masked before it is cut. */
export function captureValue(
  capture: Capture,
  result: AttemptResult,
  mask: (text: string) => string = (text) => text,
): Captured {
  const text = sourceText(capture, result);
  switch (capture.format) {
    case "string":
      return { ok: true, value: withoutLastNewline(text) };
    case "lines":
      return {
        ok: true,
        value: text
          .split("\n")
          .map((line) => line.replace(/\r$/, ""))
          .filter((line) => line.trim() !== ""),
      };
    case "boolean":
      return { ok: true, value: booleanOf(text, result.ok) };
    case "number":
      return numberOf(text, mask);
    case "json":
      return jsonOf(text, mask);
  }
}

function sourceText(capture: Capture, result: AttemptResult): string {
  switch (capture.source) {
    case "stdout":
      return result.output;
    case "stderr":
      return result.stderr;
    case "both":
      return `${result.output}${result.stderr}`;
  }
}

/** As the shell's own `$(...)` does it, so that a value can stand in the middle of a line. */
export function withoutLastNewline(text: string): string {
  return text.replace(/(?:\r?\n)+$/, "");
}

function booleanOf(text: string, ok: boolean): boolean {
  const word = text.trim().toLowerCase();
  return word === "true" || (word !== "false" && ok);
}

function numberOf(text: string, mask: (text: string) => string): Captured {
  const trimmed = text.trim();
  const value = Number(trimmed);
  if (trimmed !== "" && Number.isFinite(value)) return { ok: true, value };
  return { ok: false, message: `the output is not a number: ${JSON.stringify(mask(trimmed).slice(0, 80))}` };
}

function jsonOf(text: string, mask: (text: string) => string): Captured {
  const value = readJson(text);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, message: `the output is not JSON: ${JSON.stringify(mask(text.trim()).slice(0, 80))}` };
}

export interface Finished {
  readonly step: Step;
  readonly attempt: number;
  readonly result: AttemptResult;
  readonly at: number;
  /** Changes since the step began; null when they are not the step's own. */
  readonly changes: Changes | null;
  readonly commits: readonly Commit[];
  readonly captured: Json | undefined;
  readonly outputs: Readonly<Record<string, Json>>;
  readonly analysis: Json | undefined;
}

/** Everything that is set at the end of an attempt. Flat names: two attempts that end at once do not overwrite each other's. */
export function variablesOf(finished: Finished): Readonly<Record<string, Json>> {
  return {
    ...generalVariables(finished),
    ...captureVariables(finished),
    ...idVariables(finished),
    ...(finished.changes === null ? {} : stepVariables(finished, finished.changes)),
    ...(finished.result.ok ? {} : errorVariables(finished)),
    ...(finished.analysis === undefined ? {} : { analysis: finished.analysis }),
  };
}

function generalVariables({ step, result, attempt }: Finished): Record<string, Json> {
  const output = withoutLastNewline(result.output);
  const whole =
    result.ok || result.stderr.trim() === ""
      ? output
      : withoutLastNewline(
          `${result.output}${result.output === "" || result.output.endsWith("\n") ? "" : "\n"}${result.stderr}`,
        );
  const kind = step.action.kind === "agent" ? "claude" : step.action.kind;
  const vars: Record<string, Json> = { CAPTURED_OUTPUT: output };
  for (const name of [kind, "last"]) {
    // A handler is told why: for a failed command, what it wrote to stderr belongs to its output.
    vars[`${name}.output`] = whole;
    vars[`${name}.exit_code`] = result.exitCode;
    vars[`${name}.success`] = result.ok;
  }
  if (step.action.kind === "agent") vars[`${step.action.agent}.output`] = whole;
  if (step.action.kind !== "shell") return vars;
  return {
    ...vars,
    "shell.last_output": whole,
    "test.output": whole,
    "test.exit_code": result.exitCode,
    "test.attempt": attempt,
  };
}

function captureVariables({ step, result, captured }: Finished): Readonly<Record<string, Json>> {
  const { capture } = step;
  if (capture === null) return {};
  const { name, streams } = capture;
  return {
    ...(streams.stdout && captured !== undefined ? { [name]: captured } : {}),
    ...(streams.stderr ? { [`${name}.stderr`]: withoutLastNewline(result.stderr) } : {}),
    ...(streams.exitCode ? { [`${name}.exit_code`]: result.exitCode } : {}),
    ...(streams.success ? { [`${name}.success`]: result.ok } : {}),
    ...(streams.duration ? { [`${name}.duration`]: Math.round(result.durationMs) / 1000 } : {}),
  };
}

function idVariables({ step, result, outputs }: Finished): Readonly<Record<string, Json>> {
  if (step.id === null) return {};
  const facts = { output: withoutLastNewline(result.output), exit_code: result.exitCode, success: result.ok };
  return { [`steps.${step.id}`]: { ...facts, outputs, ...outputs }, [step.id]: { ...facts, ...outputs } };
}

function stepVariables({ step, commits }: Finished, changes: Changes): Readonly<Record<string, Json>> {
  const facts = { name: step.label, ...changeVariables(changes, commits) };
  return { step: facts, "git.step": facts };
}

function errorVariables({ step, result, at }: Finished): Readonly<Record<string, Json>> {
  return {
    error: {
      message: result.fault?.message ?? withoutLastNewline(result.stderr),
      exit_code: result.exitCode ?? -1,
      step: step.label,
      output: withoutLastNewline(`${result.output}${result.stderr}`),
      timestamp: at,
    },
  };
}
