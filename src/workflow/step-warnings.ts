/** What is legal in a step, and probably not what was meant. */
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { Found } from "./mapping.ts";
import type { Step } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { metadataEdits } from "./old-steps.ts";
import type { StepRead } from "./step-table.ts";

export function warnAboutStep(read: StepRead, step: Step, context: Context): void {
  const { fields } = read;
  if (fields.metadata !== null) {
    const help = "write its keys beside the action, and `retry:` for `retries:`";
    reportOld(context, "metadata", { at: fields.metadata.keyAt, help, edits: metadataEdits(read, context) });
  }
  warnNoEffect(fields.temporary, "a step's env is always its own", context);
  warnNoEffect(fields.analysis, "write an `analyze:` step", context);
  warnNoEffect(fields.metadata?.value.analysis ?? null, "write an `analyze:` step", context);
  warnNoEffect(
    fields.output,
    "it only notes what the step writes itself; `output_file` keeps the step's stdout",
    context,
  );
  const isNamedCommand = fields.claude === null && step.action.kind === "agent";
  if (!isNamedCommand) {
    warnNoEffect(fields.args, "write the arguments into the command itself", context);
    warnNoEffect(fields.options, "write the options into the command itself", context);
  }
  if (fields.on_failure !== null && step.onFailure.kind === "handle") {
    const reason = whyItCannotRun(step);
    if (reason !== null)
      report(context, {
        code: "never-runs",
        at: fields.on_failure.keyAt,
        message: `this on_failure can never run: ${reason}`,
      });
  }
}

function warnNoEffect(found: Found<unknown> | null, help: string, context: Context): void {
  if (found === null) return;
  report(context, { code: "no-effect", at: found.keyAt, message: `"${found.spelled}" has no effect`, help });
}

function whyItCannotRun(step: Step): string | null {
  if (step.when !== null && /^\s*(?:false|\$\{\s*false\s*\})\s*$/u.test(step.when)) return "the step is always skipped";
  if (step.retry !== null && step.retry.onExhausted.kind === "continue")
    return "`retry.on_failure: continue` lets the step pass";
  const canFail = step.commitRequired || step.validate !== null || step.outputs.length > 0 || step.timeoutMs !== null;
  if (canFail || step.action.kind !== "shell") return null;
  const [last = ""] = step.action.script.trimEnd().split("\n").slice(-1);
  if (/(?:\|\||;)\s*(?:true|:|exit 0)\s*$/u.test(last) || /^\s*(?:true|:|exit 0)\s*$/u.test(last))
    return "the script always ends with success";
  return null;
}
