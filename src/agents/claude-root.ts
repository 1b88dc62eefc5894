import type { Fault } from "../cook/decision/event.ts";
import { fault } from "../system/fault.ts";
import { getuidOrNull } from "../system/user.ts";

/** Variables by which an environment says that nothing in this machine is worth keeping. */
export const SANDBOX_VARIABLES: readonly string[] = ["IS_SANDBOX", "CLAUDE_CODE_BUBBLEWRAP", "PRODIGY_CLAUDE_AS_ROOT"];

/** The program works as root only in a sandbox. Null when it will start. */
export function refusesRoot(env: Readonly<Record<string, string>>): Fault | null {
  const isSandbox =
    env["IS_SANDBOX"] === "1" || env["CLAUDE_CODE_BUBBLEWRAP"] === "1" || env["PRODIGY_CLAUDE_AS_ROOT"] === "sandbox";
  if (getuidOrNull() !== 0 || isSandbox) return null;
  return fault(
    "spawn",
    "The agent claude was not started: it refuses to work without permission prompts as root.",
    "Run Prodigy as another user. If this machine is a sandbox that may be broken, set PRODIGY_CLAUDE_AS_ROOT=sandbox.",
  );
}
