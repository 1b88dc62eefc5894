/** From how a process ended to how an attempt ended. */
import type { Step } from "../../workflow/model.ts";
import { fault } from "../decision/fault.ts";
import type { AttemptResult, Fault, Usage } from "../decision/event.ts";
import type { AgentResult, CommandResult } from "../ports.ts";

/** An action that has come to its end, or that was stopped on the way. */
export type Ran =
  | {
      readonly kind: "ended";
      readonly result: AttemptResult;
      readonly usage: Usage | null;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "stopped"; readonly usage: Usage | null }
  | { readonly kind: "not-continued"; readonly reason: string; readonly usage: Usage | null };

/** Lines of output that a failure shows. */
const LAST_LINES = 25;
export function ended(
  result: Omit<AttemptResult, "resetsAt"> & { readonly resetsAt?: number | null },
  extra: { readonly usage?: Usage; readonly warnings?: readonly string[] } = {},
): Ran {
  return {
    kind: "ended",
    result: { ...result, resetsAt: result.resetsAt ?? null },
    usage: extra.usage ?? null,
    warnings: extra.warnings ?? [],
  };
}

export function refusedWith(reason: Fault): Ran {
  return ended({ ok: false, exitCode: reason.exitCode, output: "", stderr: "", durationMs: 0, fault: reason });
}

export function passed(output: string, durationMs: number): Ran {
  return ended({ ok: true, exitCode: 0, output, stderr: "", durationMs, fault: null });
}

interface Failing {
  readonly step: Step;
  readonly attempt: number;
  readonly timeoutMs: number | null;
  readonly logs: readonly string[];
}

export function fromCommand(run: CommandResult, about: Failing): Ran {
  if (run.ended === "stopped") return { kind: "stopped", usage: null };
  const ok = run.ended === "exited" && run.exitCode === 0;
  const { exitCode, stdout, stderr, durationMs } = run;
  return ended({ ok, exitCode, output: stdout, stderr, durationMs, fault: ok ? null : commandFault(run, about) });
}

function commandFault(run: CommandResult, about: Failing): Fault {
  const details = {
    exitCode: run.exitCode,
    lastLines: lastLines(run.stderr.trim() === "" ? run.stdout : run.stderr),
    at: about.step.at,
    logs: about.logs,
  };
  const of = `step "${about.step.label}"`;
  switch (run.ended) {
    case "timeout":
      return fault("timeout", `${of} ran into its time limit of ${seconds(about.timeoutMs)} and was ended`, details);
    case "not-started":
      return fault("spawn", `${of} could not be started: ${run.problem ?? "unknown reason"}`, details);
    case "stopped":
    case "exited":
      if (run.signal !== null) return fault("signal", `${of} was ended by ${run.signal}${retried(about)}`, details);
      return fault("exit", `${of} failed with exit code ${String(run.exitCode)}${retried(about)}`, details);
  }
}

function retried({ attempt, step }: Failing): string {
  return step.retry === null ? "" : ` (attempt ${String(attempt)} of ${String(step.retry.attempts)})`;
}

export function fromAgent(run: AgentResult, about: Failing): Ran {
  if (run.couldNotResume)
    return { kind: "not-continued", reason: run.fault?.message ?? "its session is gone", usage: run.usage };
  if (run.ended === "stopped") return { kind: "stopped", usage: run.usage };
  const { ok, exitCode, stderr, durationMs, usage, resetsAt } = run;
  const reason = ok ? null : (run.fault ?? fault("agent", `step "${about.step.label}" failed`));
  const located =
    reason === null
      ? null
      : { ...reason, at: reason.at ?? about.step.at, logs: reason.logs.length > 0 ? reason.logs : logsOf(run, about) };
  const warnings =
    run.denied.length === 0
      ? []
      : [`tools were refused to the agent in step "${about.step.label}": ${run.denied.join(", ")}`];
  return ended({ ok, exitCode, output: run.text, stderr, durationMs, fault: located, resetsAt }, { usage, warnings });
}

/** What never ran has written none. */
function logsOf(run: AgentResult, { logs }: Failing): readonly string[] {
  return run.ended === "not-started" ? [] : logs;
}

/** Not cut, however long they are: that comes after they are masked. */
export function lastLines(text: string): readonly string[] {
  const lines = text.trimEnd().split("\n").slice(-LAST_LINES);
  return lines.length === 1 && lines[0] === "" ? [] : lines;
}

function seconds(ms: number | null): string {
  return ms === null ? "its loop" : `${String(Math.round(ms / 100) / 10)} s`;
}
