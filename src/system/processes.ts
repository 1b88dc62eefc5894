import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandResult, CommandRun, CommandsPort } from "../cook/ports.ts";
import { EXTRA_FILE, runChild } from "./child.ts";
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
        extraFile: script.file,
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
    log: run.unlogged === true ? null : join(options.storageRoot, stream === "stdout" ? stdoutLog : stderrLog),
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

interface PlacedScript {
  readonly command: readonly string[];
  /** What the child reads its script from; null where it is an argument. */
  readonly file: number | null;
  remove(): Promise<void>;
}

/** A long script is in a file that has no name any more when it begins: it may hold secrets, and we may be killed. */
async function placeScript(script: string): Promise<PlacedScript> {
  if (Buffer.byteLength(script) <= MAX_ARGUMENT_BYTES)
    return { command: ["/bin/sh", "-c", script], file: null, remove: async () => undefined };
  // Made with mode 0700.
  const directory = await mkdtemp(join(tmpdir(), "prodigy-script-"));
  try {
    const path = join(directory, "script.sh");
    await writeFile(path, script, { mode: 0o600 });
    const file = await open(path, "r");
    return { command: ["/bin/sh", `/dev/fd/${String(EXTRA_FILE)}`], file: file.fd, remove: () => file.close() };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
