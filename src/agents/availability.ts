import type { Fault } from "../cook/decision/event.ts";
import { fault } from "../system/fault.ts";
import { findProgram } from "../system/programs.ts";

/** Why one of the agents cannot run here, before anything is paid; null when all can. */
export function missingAgent(
  names: readonly string[],
  env: Readonly<Record<string, string>>,
  directory: string,
): Fault | null {
  if (!names.includes("claude")) return null;
  const program = env["PRODIGY_CLAUDE_BIN"] ?? "claude";
  if (findProgram(program, env["PATH"] ?? "", directory) !== null) return null;
  return fault(
    "spawn",
    `The agent Claude Code is not available: there is no program ${JSON.stringify(program)} in PATH.`,
    "Install it (npm install -g @anthropic-ai/claude-code), or try the workflow without it: --dry-run, --agent scripted.",
  );
}
