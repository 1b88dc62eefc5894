import { setTimeout as delay } from "node:timers/promises";
import { identityOf } from "./process-identity.ts";
import { processTable } from "./process-table.ts";

/** How long a process may take to end itself after TERM. */
export const GRACE_MS = 5000;

/** How long the kernel may take after KILL. A process in an uninterruptible call can hold out; we go on without it. */
const KILL_WAIT_MS = 5000;

/** Ends a process group: TERM, time to finish, then KILL. */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  if (!signalGroup(group, "SIGTERM")) return;
  if (await until(() => !groupLives(group), graceMs)) return;
  signalGroup(group, "SIGKILL");
  await until(() => !groupLives(group), KILL_WAIT_MS);
}

/** Ends processes one by one, each only while it is still the one that was meant. */
export async function endProcesses(
  targets: readonly { readonly pid: number; readonly startedAt: string }[],
  graceMs: number,
): Promise<void> {
  const living = (): typeof targets =>
    targets.filter((target) => identityOf(target.pid)?.startedAt === target.startedAt);
  for (const target of living()) signalOne(target.pid, "SIGTERM");
  if (await until(() => living().length === 0, graceMs)) return;
  for (const target of living()) signalOne(target.pid, "SIGKILL");
  await until(() => living().length === 0, KILL_WAIT_MS);
}

/** Whether a process of the group still lives. */
export function groupLives(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (identityOf(group) !== null) return true;
  // The signal also reaches zombies that nobody reaps, so a yes has to be checked.
  return processTable().some((row) => row.group === group);
}

function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    return isErrno(error, "EPERM");
  }
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<boolean> {
  const started = performance.now();
  for (let pauseMs = 5; !condition(); pauseMs = Math.min(pauseMs * 2, 100)) {
    if (performance.now() - started > limitMs) return false;
    await delay(pauseMs);
  }
  return true;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
