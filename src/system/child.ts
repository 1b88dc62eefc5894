import { type ChildProcess, spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Children } from "./children.ts";
import { endGroup, endProcesses, GRACE_MS, groupLives } from "./end-processes.ts";
import { describeError, errorCode } from "./fault.ts";
import type { OutputSink } from "./output.ts";
import { carriers, type ProcessRow, processTable, withDescendants } from "./process-table.ts";
import { type RunningTimer, startRunningTimer } from "./running-time.ts";

/** What to run, and within which limits. */
export interface ChildOptions {
  readonly command: readonly string[];
  readonly directory: string;
  /** The whole environment of the child; the markers are added. */
  readonly env: Readonly<Record<string, string>>;
  /** Null: nothing to read, not even an open pipe. */
  readonly stdin: string | null;
  /** The limit of running time. */
  readonly timeoutMs: number | null;
  /** The limit of silence. */
  readonly idleMs: number | null;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly children: Children;
  /** Whether it is ended at once when we are killed, and not only by the next resume. @default false */
  readonly guarded?: boolean;
  /** An open file that the child gets as `EXTRA_FILE`. @default null */
  readonly extraFile?: number | null;
  /** @default 5000 */
  readonly graceMs?: number;
}

/** The descriptor of `extraFile` in the child: the next after the door. */
export const EXTRA_FILE = 4;

export interface ChildEnd {
  readonly ended: "exited" | "timeout" | "idle" | "stopped" | "not-started";
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
  /** Why it did not start. */
  readonly problem: string | null;
}

/**
 * Runs one program in a process group of its own, which ends with it.
 *
 * The child is held at the door: a shell waits for a line from us before it becomes the program. So the child is
 * written down before it can act, and if we die first it reads the end of the pipe and goes away without acting.
 */
export async function runChild(options: ChildOptions, signal: AbortSignal): Promise<ChildEnd> {
  const startedMs = performance.now();
  try {
    if (signal.aborted) return notStarted("stopped", null);
    const problem = directoryProblem(options.directory);
    if (problem !== null) return notStarted("not-started", problem);
    const started = await start(options);
    if (typeof started === "string") return notStarted("not-started", started);
    try {
      const end = await supervise(started, signal);
      return { ...end, durationMs: performance.now() - startedMs, problem: null };
    } finally {
      options.children.forget(started.pid);
    }
  } finally {
    await Promise.all([options.stdout.end(), options.stderr.end()]);
  }
}

const LAUNCHER = 'read -r go <&3 || exit 125; exec 3<&-; unset go; exec "$@"';

/** How long output may still come after the group has ended. Only a daemon that inherited the pipe holds it longer. */
const DRAIN_MS = 500;

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly marker: string;
  readonly exited: Promise<Exit>;
  readonly options: ChildOptions;
}

interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

type Ended = "exited" | "timeout" | "idle" | "stopped";

/** Starts the child, writes it down and lets it go; a text says why it could not start. */
async function start(options: ChildOptions): Promise<Running | string> {
  const { env, marker } = options.children.mark();
  const extra = typeof options.extraFile === "number" ? [options.extraFile] : [];
  let child: ChildProcess;
  try {
    child = spawn("/bin/sh", ["-c", LAUNCHER, "prodigy", ...options.command], {
      cwd: options.directory,
      env: { ...options.env, ...env },
      detached: true,
      stdio: [options.stdin === null ? "ignore" : "pipe", "pipe", "pipe", "pipe", ...extra],
    });
  } catch (error) {
    // Node itself refuses some arguments, such as those with a NUL in them.
    return describeError(error);
  }
  if (child.pid === undefined) {
    const reason: readonly unknown[] = await once(child, "error");
    return describeError(reason[0]);
  }
  const exited = exitOf(child);
  options.children.record(child.pid);
  if (options.guarded === true) options.children.guard(child.pid);
  letGo(child, options.stdin);
  return { child, pid: child.pid, marker, exited, options };
}

async function supervise(running: Running, signal: AbortSignal): Promise<Exit & { readonly ended: Ended }> {
  const { child, pid, exited, options } = running;
  const graceMs = options.graceMs ?? GRACE_MS;
  const limits = watchLimits(options, signal);
  const drained = Promise.all([
    drain(child.stdout, options.stdout, limits.alive),
    drain(child.stderr, options.stderr, limits.alive),
  ]);
  let ended = await Promise.race([exited.then((): Ended => "exited"), limits.reached]);
  // What ran its course in the very moment of a stop has ended by itself.
  if (child.exitCode !== null || child.signalCode !== null) ended = "exited";
  limits.stop();
  if (ended === "exited") {
    // Background children hold the group, and would work on in a tree that is about to be recorded.
    if (groupLives(pid)) await endGroup(pid, graceMs);
  } else {
    const strays = descendants(running);
    await endGroup(pid, graceMs);
    await endProcesses([...strays, ...carriers(processTable(), running.marker)], graceMs);
  }
  const exit = await exited;
  await Promise.race([drained, delay(DRAIN_MS, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  await drained;
  return { ...exit, ended };
}

/** What the child has started, as long as it lives to be asked, wherever that went since. */
function descendants({ pid }: Running): readonly ProcessRow[] {
  return withDescendants(processTable(), new Set([pid])).filter((row) => row.pid !== pid);
}

/** The first limit that is reached, of time, of silence and of the caller's patience. */
function watchLimits(options: ChildOptions, signal: AbortSignal) {
  const timers: RunningTimer[] = [];
  let idle: RunningTimer | null = null;
  let stopListening = (): void => undefined;
  const reached = new Promise<Ended>((resolve) => {
    const onAbort = (): void => resolve("stopped");
    // Every child of a run listens to the run's one signal; Node would take that for a leak.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", onAbort);
    stopListening = () => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    if (options.timeoutMs !== null) timers.push(startRunningTimer(options.timeoutMs, () => resolve("timeout")));
    if (options.idleMs !== null) idle = startRunningTimer(options.idleMs, () => resolve("idle"));
  });
  return {
    reached,
    alive: () => idle?.restart(),
    stop: () => {
      stopListening();
      idle?.stop();
      for (const timer of timers) timer.stop();
    },
  };
}

function letGo(child: ChildProcess, stdin: string | null): void {
  const door = child.stdio[3];
  // It may be gone before it reads; then its exit tells the story, and the broken pipe adds nothing.
  const ignore = (): void => undefined;
  if (door !== null && door !== undefined && "end" in door) door.on("error", ignore).end("go\n");
  if (stdin !== null) child.stdin?.on("error", ignore).end(stdin);
}

async function drain(stream: Readable | null, sink: OutputSink, alive: () => void): Promise<void> {
  if (stream === null) return;
  try {
    for await (const chunk of stream) {
      alive();
      if (chunk instanceof Uint8Array) await sink.write(chunk);
    }
  } catch (error) {
    // We close the pipe ourselves when a daemon holds it open.
    if (errorCode(error) !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

/** Node blames the program when it is the directory that is missing, so it is looked at first. */
function directoryProblem(directory: string): string | null {
  try {
    return statSync(directory).isDirectory() ? null : `${directory} is not a directory`;
  } catch (error) {
    return `its directory ${directory} cannot be used: ${describeError(error)}`;
  }
}

function notStarted(ended: "stopped" | "not-started", problem: string | null): ChildEnd {
  return { ended, exitCode: null, signal: null, durationMs: 0, problem };
}
