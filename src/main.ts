#!/usr/bin/env node
/**
 * The command: it owns the signals and the exit code, and nothing imports it.
 *
 * The first signal stops the run in order: children are ended, what is finished is recorded, the session is paused. The
 * second ends everything at once; the journal survives that as it survives a power cut.
 */
import { writeSync } from "node:fs";
import type { Shell } from "./cli/shell.ts";

// The same as version.ts has. Named here again so that `--version` has one file to load and not three.
declare const __PRODIGY_VERSION__: string;

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

const EXIT_CODES: Readonly<Record<Signal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const FAILED = 1;
const BUG = 70;
/** The world's fault and not ours: the journal could not be written, so nothing may go on. */
const DISK_ERRORS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO"]);
/** The code of what `compose.ts` throws when another process has taken the session over. */
const TAKEN_OVER = "EPRODIGYLOCK";

// Constants stand above: all that follows runs before this module's end is reached, where they would not be there yet.
await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const [first] = argv;
  // Answered before anything is loaded: shells and editors ask this all the time.
  if (first === "--version" || first === "-V") return print(`prodigy ${__PRODIGY_VERSION__}\n`);
  if (first === "scripted-agent") return scriptedAgent(argv.slice(1));
  // Whoever reads our output may go away, as `head` does. That is no bug of ours, and the run goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreBrokenPipe);
  const stop = new AbortController();
  listenToSignals(stop);
  // Nobody waits for what fails by itself; it is a mistake of ours like any other.
  process.on("uncaughtException", (error) => void endWithBug(error, argv));
  try {
    const { runProgram } = await import("./cli/program.ts");
    process.exitCode = await runProgram(argv, await shellOf(stop.signal));
  } catch (error) {
    await endWithBug(error, argv);
  }
}

async function shellOf(stop: AbortSignal): Promise<Shell> {
  const [{ definedEnv }, { openPerson }] = await Promise.all([
    import("./system/host.ts"),
    import("./system/person.ts"),
  ]);
  const { stdin, stdout, stderr } = process;
  return {
    env: definedEnv(process.env),
    cwd: process.cwd(),
    stdout,
    stderr,
    confirm: (question, signal) => openPerson({ input: stdin, output: stdout }).confirm(question, signal),
    now: () => Date.now(),
    stop,
  };
}

async function scriptedAgent(argv: readonly string[]): Promise<void> {
  const { scriptedAgent: play } = await import("./compose.ts");
  process.exitCode = await play(argv, process);
}

function listenToSignals(stop: AbortController): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) void endNow(signal);
      else stop.abort({ kind: "signal", signal });
    });
  }
}

async function endNow(signal: Signal): Promise<void> {
  try {
    const { killChildren } = await import("./compose.ts");
    killChildren();
  } finally {
    if (process.stdout.isTTY) process.stdout.write("\u001b[?25h");
    process.exit(EXIT_CODES[signal]);
  }
}

async function endWithBug(error: unknown, argv: readonly string[]): Promise<void> {
  const isTakenOver = codeOf(error) === TAKEN_OVER;
  const isDisk = DISK_ERRORS.has(codeOf(error));
  let report = isTakenOver ? takenOverReport(error) : isDisk ? diskReport(error) : bugReport(error, argv);
  try {
    const [{ definedEnv }, { killChildren, maskerOf }] = await Promise.all([
      import("./system/host.ts"),
      import("./compose.ts"),
    ]);
    killChildren();
    // What we did not foresee may quote anything.
    report = maskerOf(definedEnv(process.env)).mask(report);
  } finally {
    process.stderr.write(report);
    // Also when that fails, as it does when an update has replaced our files: its failure would come back here, for ever.
    process.exit(isDisk || isTakenOver ? FAILED : BUG);
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}

function diskReport(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `error: the disk could not be written: ${message}\nNothing that was finished is lost. Make room or mend the disk, then go on with: prodigy resume\n`;
}

function takenOverReport(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `error: ${message}, so this one has ended what it ran and writes nothing more\nSee how the session stands with: prodigy sessions list\n`;
}

/** A terminal that was closed answers with EIO. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
}

/** What a person can do about a mistake of ours. The stack is for those who asked for all. */
function bugReport(error: unknown, argv: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const home = process.env["PRODIGY_HOME"] ?? "~/.prodigy";
  const isDetailed = argv.some((arg) => /^-v{2,}$/.test(arg));
  return [
    `prodigy has made a mistake: ${message}`,
    `Nothing that was finished is lost: the journal is in ${home}/events. Go on with: prodigy resume`,
    "Please report it with this message, the command that you ran, and the session's events: prodigy events show ID --json",
    isDetailed ? stack : "Run it again with -vv to see where it happened.",
    "",
  ].join("\n");
}

/** Straight to the descriptor: the stream behind `process.stdout` takes longer to load than all else here. */
function print(text: string): void {
  try {
    writeSync(1, text);
  } catch {
    // A pipe that is full, or that nobody reads any more: the stream knows how to wait, and when to give up.
    process.stdout.on("error", ignoreBrokenPipe).write(text);
  }
}
