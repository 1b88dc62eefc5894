import {
  type Diagnostic,
  type Fault,
  hideSecrets,
  readWorkflow,
  renderDiagnostic,
  type Workflow,
  type WorkflowRead,
} from "../index.ts";
import { EXIT_CODES } from "./exit-code.ts";
import { errorJson, printJson } from "./render/json.ts";
import { styleFor } from "./render/style.ts";
import type { Invocation, Shell } from "./shell.ts";

/** What came of reading a workflow file. */
export type WorkflowFile =
  | { readonly kind: "unreadable"; readonly fault: Fault }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] }
  | (Pick<WorkflowRead, "diagnostics" | "options" | "text"> & {
      readonly kind: "good";
      readonly workflow: Workflow;
    });

/**
 * Reads a workflow; a relative path starts where the user stands, whatever `--path` says. With `as` it is read as if it lay
 * there.
 */
export async function readWorkflowFile(shell: Shell, file: string, as: string | null = null): Promise<WorkflowFile> {
  const read = await readWorkflow({ file: expandHome(file, shell.env), directory: shell.cwd, env: shell.env, as });
  if (!read.ok) return { kind: "unreadable", fault: read.fault };
  const { workflow, diagnostics: found, text, options } = read.value;
  // A diagnostic quotes the file, and the file may hold a secret.
  const diagnostics = await hideSecrets(found.map(withoutSecretLine), { env: shell.env, path: shell.cwd, workflow });
  return workflow === null ? { kind: "invalid", diagnostics } : { kind: "good", text, options, workflow, diagnostics };
}

/** Where a file is not valid, nobody knows what in it is a secret. */
function withoutSecretLine(diagnostic: Diagnostic): Diagnostic {
  const { code, at } = diagnostic;
  if (code !== "secret-in-file" && !/\bsecret["']?\s*:\s*["']?true/.test(at.text)) return diagnostic;
  return { ...diagnostic, at: { ...at, text: "" } };
}

/** Every problem of a file, on stderr. */
export function showDiagnostics(shell: Shell, diagnostics: readonly Diagnostic[]): void {
  const { red, yellow, dim, bold } = styleFor(shell.stderr, shell.env);
  const style = { error: red, warning: yellow, dim, bold };
  for (const diagnostic of diagnostics) shell.stderr.write(`${renderDiagnostic(diagnostic, style)}\n`);
}

/** Tells that a workflow cannot be run, and gives the exit code. */
export function refuseInvalid(
  { shell, json }: Pick<Invocation, "shell" | "json">,
  file: string,
  diagnostics: readonly Diagnostic[],
): number {
  showDiagnostics(shell, diagnostics);
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const message = `${file} is not a valid workflow: ${String(errors)} ${errors === 1 ? "problem" : "problems"}`;
  shell.stderr.write(`error: ${message}; nothing was run\n`);
  if (json) printJson(shell.stdout, errorJson(inputFault(message), diagnostics));
  return EXIT_CODES.wrongUse;
}

export function inputFault(message: string, help: string | null = null): Fault {
  return { kind: "input", message, exitCode: null, lastLines: [], help, at: null, logs: [] };
}

/** `~` at the beginning of a path, where no shell has filled it in. */
export function expandHome(path: string, env: Shell["env"]): string {
  const home = env["HOME"];
  return home === undefined ? path : path.replace(/^~(?=\/|$)/, home);
}

export function unreadable(file: string, error: unknown): Fault {
  const reason = error instanceof Error ? error.message : String(error);
  return inputFault(`failed to read ${file}: ${reason}`);
}
