/** Programs of a user's place that run while the test goes on. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Rig } from "./rig.ts";

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  /** All that it has printed until now. */
  readonly text: () => string;
}

/** The built command line, without a terminal. */
export function start(rig: Rig, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  return startProgram(rig, [process.execPath, rig.main, ...args], env);
}

/**
 * The built command line on a terminal of its own, 100 columns wide. What is written to its standard input was typed there:
 * `\u0003` is Ctrl-C.
 */
export function startOnTerminal(rig: Rig, args: readonly string[]): Started {
  const words = [process.execPath, rig.main, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const command = `stty cols 100 rows 30; exec ${words}`;
  const script =
    process.platform === "darwin"
      ? ["script", "-q", "/dev/null", "sh", "-c", command]
      : ["script", "-qec", command, "/dev/null"];
  return startProgram(rig, script, { TERM: "xterm-256color" });
}

/** Waits for a condition of another process. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error("it did not happen in 20 seconds");
    await sleep(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

function startProgram(rig: Rig, command: readonly string[], env: Readonly<Record<string, string>>): Started {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: rig.repo, env: { ...rig.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
  return { process: child, ended, text: () => stdout + stderr };
}
