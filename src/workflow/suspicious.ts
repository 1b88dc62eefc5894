/** What is legal in a workflow as a whole, and probably not what was meant. */
import type { DiagnosticCode } from "./diagnostic.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { Action, Step, Workflow } from "./model.ts";
import { nearest } from "./problem.ts";
import { alwaysFails, terminalCommand } from "./shell-words.ts";
import { offsetOf } from "./source.ts";

export function warnAboutWorkflow(workflow: Workflow, out: Diagnostics): void {
  const words = wordsOf(workflow);
  const warn: Warn = (step, code, [message, help]) => {
    const start = offsetOf(out.source, step.at);
    out.report({ code, at: { start, end: start + 1 }, message, help });
  };
  const visit = (steps: readonly Step[], isInItem: boolean): void => {
    for (const [index, step] of steps.entries()) {
      warnAboutScript(step, steps[index + 1] ?? null, warn);
      for (const text of textsOf(step.action)) warnAboutNames(step, { text, isInItem }, warn);
      // What an item captures is a part of its result, whoever reads it.
      if (!isInItem) warnAboutCapture(step, words, warn);
      for (const part of partsOf(step)) visit(part.steps, isInItem || part.isInItem);
    }
  };
  visit(workflow.steps, false);
  visit(workflow.merge?.steps ?? [], false);
}

type Warn = (step: Step, code: DiagnosticCode, words: readonly [string, string]) => void;

function warnAboutScript(step: Step, next: Step | null, warn: Warn): void {
  if (step.action.kind !== "shell") return;
  const command = terminalCommand(step.action.script);
  if (command !== null) {
    const message = `"${command}" waits for a person at a terminal, and nobody is there during a run`;
    warn(step, "needs-terminal", [message, "use a command that works by itself, or give it what it asks for"]);
  }
  const isFinal = step.when === null && step.onFailure.kind === "fail" && step.onExitCode.length === 0;
  const stops = step.retry === null || step.retry.onExhausted.kind === "stop";
  if (next !== null && isFinal && stops && alwaysFails(step.action.script)) {
    const message = `this step never runs: the one before it, in line ${String(step.at.line)}, always fails`;
    warn(next, "after-failure", [message, "write `allow_failure: true` there, or remove one of the two"]);
  }
}

/** What the last step of each kind leaves. */
const LAST = /(?<![$\\])\$\{\s*(shell|claude|last)\.([a-z_]+)\s*\}/gu;
const FIELDS = ["output", "exit_code", "success", "stdout", "stderr", "duration"] as const;
const ITEM = /(?<!\$)\$\{\s*item(?=\s*[.[|:}])[^}]*\}/gu;

function warnAboutNames(step: Step, { text, isInItem }: { text: string; isInItem: boolean }, warn: Warn): void {
  for (const [, root = "", field = ""] of text.matchAll(LAST)) {
    const near = FIELDS.some((one) => one === field) ? null : nearest(field, FIELDS);
    if (near === null) continue;
    warn(step, "unknown-variable", [`there is no "${root}.${field}"`, `did you mean "${root}.${near}"?`]);
  }
  if (isInItem) return;
  const rest = text.replaceAll(ITEM, "");
  // A script with a variable of that name means its own.
  if (rest === text || /\bitem\b/u.test(rest)) return;
  const message = "there is no item here: this step is in no foreach and no map";
  warn(step, "item-outside-loop", [message, "move the step below `foreach:` or `agent_template:`"]);
}

function warnAboutCapture(step: Step, words: ReadonlySet<string>, warn: Warn): void {
  const names = [...(step.capture === null ? [] : [step.capture]), ...step.captures].map(({ name }) => name);
  for (const name of names) {
    // The names of `capture_output: true` are nobody's choice.
    if (name.endsWith(".output") || name.split(/[.-]/u).every((word) => words.has(word))) continue;
    const help = `write \${${name}} where it is needed, or leave the capture out`;
    warn(step, "unused-capture", [`"${name}" is captured, and nothing in this workflow uses it`, help]);
  }
}

const NOT_READ: ReadonlySet<string> = new Set(["at", "label", "id", "name", "description"]);

/** Every word of the workflow's texts, in small letters and as written: `PRODIGY_VAR_COUNT` uses `count`. */
function wordsOf(workflow: Workflow): ReadonlySet<string> {
  const words = new Set<string>();
  const add = (value: unknown): void => {
    if (typeof value === "string") {
      for (const [word] of value.matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)) {
        words.add(word);
        if (word.startsWith("PRODIGY_VAR_")) words.add(word.slice("PRODIGY_VAR_".length).toLowerCase());
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) if (!NOT_READ.has(key)) add(inner);
    }
  };
  add(workflow);
  return words;
}

function textsOf(action: Action): readonly string[] {
  switch (action.kind) {
    case "shell":
      return [action.script];
    case "agent":
      return [action.prompt];
    case "write_file":
      return [action.path, action.content];
    case "call":
      return Object.values(action.given).filter((value) => typeof value === "string");
    case "foreach":
    case "goal_seek":
    case "group":
    case "analyze":
    case "map":
      return [];
  }
}

interface Part {
  readonly steps: readonly Step[];
  readonly isInItem: boolean;
}

function partsOf({ action, validate, onSuccess, onExitCode, onFailure, retry }: Step): readonly Part[] {
  const around = [
    validate?.steps ?? [],
    validate?.onIncomplete?.steps ?? [],
    onSuccess,
    ...onExitCode.map((entry) => entry.steps),
    onFailure.kind === "handle" ? onFailure.steps : [],
    retry?.onExhausted.kind === "fallback" ? retry.onExhausted.steps : [],
  ];
  return [...insideOf(action), ...around.map((steps) => ({ steps, isInItem: false }))];
}

function insideOf(action: Action): readonly Part[] {
  switch (action.kind) {
    case "foreach":
    case "map":
    // Whoever calls a file need not use all that its steps capture.
    case "call":
      return [{ steps: action.steps, isInItem: true }];
    case "group":
      return [{ steps: action.steps, isInItem: false }];
    case "goal_seek":
      return [{ steps: [...action.steps, action.score], isInItem: false }];
    case "shell":
    case "agent":
    case "write_file":
    case "analyze":
      return [];
  }
}
