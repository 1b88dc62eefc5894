import { EXIT_CODES } from "../exit-code.ts";
import { errorText } from "../render/failure.ts";
import { plural } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { styleFor } from "../render/style.ts";
import { fixFile } from "./fix.ts";
import type { Invocation, Run } from "../shell.ts";
import { readWorkflowFile, showDiagnostics, type WorkflowFile } from "../workflow-file.ts";

/** `prodigy validate FILE...` */
export const validate: Run = async (invocation) => {
  const { shell, args, json, values } = invocation;
  const results: { readonly file: string; readonly read: WorkflowFile }[] = [];
  for (const file of args) results.push({ file, read: await readWorkflowFile(shell, file) });
  if (json) printJson(shell.stdout, results.map(shape));
  else for (const { file, read } of results) tell(invocation, file, read);
  for (const { file, read } of values.flag("fix") && !json ? results : [])
    if (read.kind === "good") await fixFile(invocation, file);
  return results.every(({ read }) => read.kind === "good") ? EXIT_CODES.done : EXIT_CODES.wrongUse;
};

function tell({ shell }: Invocation, file: string, read: WorkflowFile): void {
  if (read.kind === "unreadable") {
    shell.stderr.write(errorText(read.fault, styleFor(shell.stderr, shell.env)));
    return;
  }
  showDiagnostics(shell, read.diagnostics);
  const errors = read.diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = read.diagnostics.length - errors;
  const counted = warnings === 0 ? "" : `, ${plural(warnings, "warning")}`;
  if (read.kind === "good")
    shell.stdout.write(`${file}: valid, ${plural(read.workflow.steps.length, "step")}${counted}\n`);
  else shell.stderr.write(`${file}: not valid, ${plural(errors, "problem")}${counted}\n`);
}

function shape({ file, read }: { readonly file: string; readonly read: WorkflowFile }): unknown {
  const diagnostics = read.kind === "unreadable" ? [] : read.diagnostics;
  return { file, valid: read.kind === "good", error: read.kind === "unreadable" ? read.fault : null, diagnostics };
}
