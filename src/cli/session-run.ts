/** What `run`, `resume`, `exec` and `worktree merge` share: watching a session, and telling how it ended. */
import type { Diagnostic, Fault, Outcome, RunResult, Watching } from "../index.ts";
import { exitCodeOf, exitCodeOfFault } from "./exit-code.ts";
import { openDisplay } from "./render/display.ts";
import { errorText } from "./render/failure.ts";
import { errorJson, printJson, resultJson } from "./render/json.ts";
import { styleFor } from "./render/style.ts";
import { summaryOf } from "./render/summary.ts";
import type { Invocation } from "./shell.ts";

export type Began = Required<Omit<Watching, "yes" | "agent">>;

export interface SessionRun {
  readonly raw?: boolean;
  readonly dryRun?: boolean;
  readonly begin: (watching: Began) => Promise<Outcome<RunResult>>;
}

/** Runs a session under the eyes of a person or a program. Returns the exit code. */
export async function watchSession(invocation: Invocation, run: SessionRun): Promise<number> {
  const { shell, json } = invocation;
  const outcome = await displayed(invocation, run);
  if (!outcome.ok) return refuse(invocation, outcome.fault);
  const result = outcome.value;
  const code = exitCodeOf(result);
  if (json) printJson(shell.stdout, resultJson(result, code));
  if (result.dryRun && result.status === "ended") return code;
  const { out, err } = summaryOf(result, styleFor(json ? shell.stderr : shell.stdout, shell.env));
  (json ? shell.stderr : shell.stdout).write(out);
  shell.stderr.write(err);
  return code;
}

async function displayed(invocation: Invocation, run: SessionRun): Promise<Outcome<RunResult>> {
  const { shell, json, verbosity } = invocation;
  const { dryRun = false, raw = false } = run;
  using display = openDisplay({ shell, json, verbosity, dryRun, raw });
  return await run.begin({
    // A program that reads JSON cannot answer questions.
    confirm: json ? () => Promise.resolve("nobody") : display.asking,
    observe: display.observe,
    replay: display.replay,
    live: display.live,
    notice: display.notice,
    signal: shell.stop,
  });
}

/** Says why nothing was done. Returns the exit code. */
export function refuse(
  { shell, json }: Pick<Invocation, "shell" | "json">,
  fault: Fault,
  diagnostics: readonly Diagnostic[] = [],
): number {
  shell.stderr.write(errorText(fault, styleFor(shell.stderr, shell.env)));
  if (json) printJson(shell.stdout, errorJson(fault, diagnostics));
  return exitCodeOfFault(fault);
}
