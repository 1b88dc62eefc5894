import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandResult, CommandRun, CommandsPort } from "../cook/ports.ts";
import { runChild } from "./child.ts";
import type { Children } from "./children.ts";
import { describeError } from "./fault.ts";
import type { Masker } from "./masker.ts";
import { type CapturedOutput, openCapturedOutput } from "./output.ts";

export interface CommandsOptions {
  /** Logs are named relative to it. */
  readonly storageRoot: string;
  readonly masker: Masker;
  readonly children: Children;
  /** Between TERM and KILL. @default 5000 */
  readonly graceMs?: number;
}

/** Runs scripts with `sh -c`, each in a process group of its own. */
export function openCommands(options: CommandsOptions): CommandsPort {
  return { run: (run, signal) => runCommand(options, run, signal) };
}

async function runCommand(options: CommandsOptions, run: CommandRun, signal: AbortSignal): Promise<CommandResult> {
  let stdout: CapturedOutput;
  let stderr: CapturedOutput;
  try {
    stdout = await openStream(options, run, "stdout");
    stderr = await openStream(options, run, "stderr");
  } catch (error) {
    return noLog(`its log cannot be written: ${describeError(error)}`);
  }
  const script = await placeScript(run.script);
  try {
    const end = await runChild(
      {
        command: script.command,
        directory: run.directory,
        env: run.env,
        stdin: null,
        timeoutMs: run.timeoutMs,
        idleMs: null,
        stdout,
        stderr,
        children: options.children,
        ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
      },
      signal,
    );
    return {
      ...end,
      // Commands have no limit of silence, so this never is `idle`.
      ended: end.ended === "idle" ? "timeout" : end.ended,
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.truncated() || stderr.truncated(),
    };
  } finally {
    await script.remove();
  }
}

function openStream(options: CommandsOptions, run: CommandRun, stream: "stdout" | "stderr"): Promise<CapturedOutput> {
  const { stdoutLog, stderrLog, onLine } = run.output;
  return openCapturedOutput({
    log: join(options.storageRoot, stream === "stdout" ? stdoutLog : stderrLog),
    masker: options.masker,
    onLine: (line) => onLine(stream, line),
  });
}

function noLog(problem: string): CommandResult {
  return {
    ended: "not-started",
    exitCode: null,
    signal: null,
    durationMs: 0,
    stdout: "",
    stderr: "",
    truncated: false,
    problem,
  };
}

/** One argument may have 128 KiB; the margin is for its neighbours. */
const MAX_ARGUMENT_BYTES = 100 * 1024;

async function placeScript(script: string): Promise<{ readonly command: readonly string[]; remove(): Promise<void> }> {
  if (Buffer.byteLength(script) <= MAX_ARGUMENT_BYTES)
    return { command: ["/bin/sh", "-c", script], remove: async () => undefined };
  // Made with mode 0700: a script may hold secrets.
  const directory = await mkdtemp(join(tmpdir(), "prodigy-script-"));
  const file = join(directory, "script.sh");
  await writeFile(file, script, { mode: 0o600 });
  return { command: ["/bin/sh", file], remove: () => rm(directory, { recursive: true, force: true }) };
}
