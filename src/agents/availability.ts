import type { Fault } from "../cook/decision/event.ts";
import { fault } from "../system/fault.ts";
import { refusesRoot, SANDBOX_VARIABLES } from "./claude-root.ts";
import { findProgram } from "../system/programs.ts";

/** Where the agents would run. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Names of variables that the workflow may set for its steps; null when they are not known. */
  readonly sets: ReadonlySet<string> | null;
}

/** Why one of the agents cannot run here, before anything is paid; null when all can. */
export function missingAgent(names: readonly string[], { env, directory, sets }: Surroundings): Fault | null {
  if (!names.includes("claude")) return null;
  const program = env["PRODIGY_CLAUDE_BIN"] ?? "claude";
  if (findProgram(program, env["PATH"] ?? "", directory) !== null) {
    const mayBeSandbox = sets === null || SANDBOX_VARIABLES.some((name) => sets.has(name));
    return mayBeSandbox ? null : refusesRoot(env);
  }
  return fault(
    "spawn",
    `The agent Claude Code is not available: there is no program ${JSON.stringify(program)} in PATH.`,
    "Install it (npm install -g @anthropic-ai/claude-code), or try the workflow without it: --dry-run, --agent scripted.",
  );
}
