/** Whether a file can be a template, and what is in it. */
import { everyStep, type Json, type Parameter, type Workflow } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural, printable } from "../render/format.ts";
import { errorJson, printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run, Shell } from "../shell.ts";
import { expandHome, inputFault, readWorkflowFile, showDiagnostics } from "../workflow-file.ts";

/** `prodigy template validate FILE` */
export const validate: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const file = args[0] ?? "";
  const checked = await checkedTemplate(invocation, expandHome(file, shell.env), null);
  if (typeof checked === "number") return checked;
  if (json) printJson(shell.stdout, { file, valid: true, ...partsOf(checked) });
  else {
    shell.stdout.write(`${file}: valid\n`);
    tellParts(shell, checked);
  }
  return EXIT_CODES.done;
};

/** The workflow of a file, or the exit code where it is none, which has been told. */
export async function checkedTemplate(
  invocation: Invocation,
  file: string,
  as: string | null,
): Promise<Workflow | number> {
  const { shell, json } = invocation;
  const read = await readWorkflowFile(shell, file, as);
  if (read.kind === "unreadable") {
    refuse(invocation, read.fault);
    return EXIT_CODES.failed;
  }
  showDiagnostics(shell, read.diagnostics);
  if (read.kind === "good") return read.workflow;
  const errors = read.diagnostics.filter(({ severity }) => severity === "error").length;
  const message = `${file} cannot be a template: ${plural(errors, "problem")}`;
  shell.stderr.write(`error: ${message}\n`);
  if (json) printJson(shell.stdout, errorJson(inputFault(message), read.diagnostics));
  return EXIT_CODES.failed;
}

/** What is in a template, for programs. */
export function partsOf(workflow: Workflow): {
  readonly parameters: readonly Parameter[];
  readonly steps: number;
  readonly features: readonly string[];
} {
  return { parameters: workflow.parameters, steps: workflow.steps.length, features: featuresOf(workflow) };
}

/** The same, for people. */
export function tellParts({ stdout }: Shell, workflow: Workflow): void {
  const { parameters, steps, features } = partsOf(workflow);
  const withDefaults = parameters.filter((one) => one.default !== null).length;
  stdout.write(`Steps: ${String(steps)}${features.length === 0 ? "" : ` (${features.join(", ")})`}\n`);
  const counts = `${plural(parameters.length, "parameter")}, ${plural(withDefaults, "default")}`;
  stdout.write(`Parameters: ${parameters.length === 0 ? "none" : counts}\n`);
  for (const parameter of parameters) stdout.write(`  ${parameterText(parameter)}\n`);
}

function parameterText({ name, type, description, required, default: value }: Parameter): string {
  const said = [required ? "required" : "optional", type, ...(value === null ? [] : [`default ${textOf(value)}`])];
  return printable(`${name} (${said.join(", ")})${description === null ? "" : `: ${description}`}`);
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a template does besides its steps. */
function featuresOf(workflow: Workflow): readonly string[] {
  const { environment, merge, mode, parameters } = workflow;
  const kinds = new Set([...everyStep([...workflow.steps, ...(merge?.steps ?? [])])].map(({ action }) => action.kind));
  const uses: readonly (readonly [string, boolean])[] = [
    ["mapreduce", mode === "mapreduce"],
    ["parameters", parameters.length > 0],
    ["env", environment.values.length > 0 || environment.files.length > 0],
    ["profiles", Object.keys(environment.profiles).length > 0],
    ["secrets", environment.secrets.length > 0],
    ["merge", merge !== null],
  ];
  return [...uses.flatMap(([name, isUsed]) => (isUsed ? [name] : [])), ...[...kinds].toSorted()];
}
