/**
 * Runs the real git. It never prompts, never runs the user's hooks, never sees an agent's environment and always
 * speaks English, so that its messages can be told apart. Whatever goes wrong comes back as a value.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../cook/ports.ts";
import { failed, gitFault } from "./faults.ts";
import type { GitResult } from "./git-result.ts";

/** How git is reached. The environment is the one of our own process, handed in by the wiring. */
export interface Git {
  readonly executable: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface GitCall {
  readonly args: readonly string[];
  readonly directory: string;
  readonly stdin?: string | Buffer;
  /** Added to the cleaned environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** A checkout of a large repository on a slow disk takes minutes; nothing that works takes an hour. */
const DEFAULT_TIMEOUT_MS = 60 * 60_000;
/** Lists of paths of a repository with a million files fit; a runaway does not fill the memory. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;
/** Waits of 25 ms, doubled each time: some six seconds for another git to let go of its lock. */
const LOCK_TRIES = 8;
const FIRST_LOCK_WAIT_MS = 25;
const KILL_AFTER_MS = 2_000;

/** Runs git and gives whatever came of it. A lock that another git holds is waited for. */
export async function runGit(git: Git, call: GitCall): Promise<GitResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await runOnce(git, call);
    if (attempt >= LOCK_TRIES || !isContention(result) || call.signal?.aborted) return result;
    await sleep(FIRST_LOCK_WAIT_MS * 2 ** (attempt - 1));
  }
}

/** Runs git where anything but success is a fault. */
export async function git(runner: Git, call: GitCall): Promise<Outcome<Buffer>> {
  const result = await runGit(runner, call);
  return result.code === 0 ? { ok: true, value: result.stdout } : failed(gitFault(call.args, result));
}

/** Like `git`, for the many calls that answer with one line. */
export async function gitLine(runner: Git, call: GitCall): Promise<Outcome<string>> {
  const outcome = await git(runner, call);
  return outcome.ok ? { ok: true, value: outcome.value.toString("utf8").replace(/\n$/, "") } : outcome;
}

/** For calls that answer yes with 0 and no with 1. */
export async function gitYes(runner: Git, call: GitCall): Promise<Outcome<boolean>> {
  const result = await runGit(runner, call);
  if (result.code === 0 || result.code === 1) return { ok: true, value: result.code === 0 };
  return failed(gitFault(call.args, result));
}

/** Splits the answer of a `-z` call. Names are kept as bytes, because a name need not be valid UTF-8. */
export function splitNul(bytes: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length) parts.push(bytes.subarray(start));
  return parts;
}

/** The other way round, for `-z --stdin`. */
export function joinNul(parts: readonly (Buffer | string)[]): Buffer {
  const end = Buffer.from([0]);
  return Buffer.concat(parts.flatMap((part) => [Buffer.from(part), end]));
}

/** What a git of ours may know of the environment: who the user is and where the configuration lies, not which repository. */
export function cleanEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && (!name.startsWith("GIT_") || KEPT.test(name))) clean[name] = value;
  }
  return Object.assign(clean, {
    LC_ALL: "C",
    LANGUAGE: "",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_EDITOR: "true",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_PAGER: "cat",
  });
}

const KEPT = /^GIT_(CONFIG_|EXEC_PATH$|(AUTHOR|COMMITTER)_(NAME|EMAIL)$)/;

/** Given before every command: plumbing that hooks, collections, submodules and rewritten file names cannot disturb. */
const ALWAYS = [
  "core.hooksPath=/dev/null",
  "core.quotePath=false",
  "core.splitIndex=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "submodule.recurse=false",
  "worktree.useRelativePaths=false",
  "merge.autoStash=false",
  "advice.detachedHead=false",
].flatMap((setting) => ["-c", setting]);

function runOnce(git: Git, call: GitCall): Promise<GitResult> {
  return new Promise((resolve) => {
    const child = spawn(git.executable, [...ALWAYS, ...call.args], {
      cwd: call.directory,
      env: { ...cleanEnvironment(git.env), ...call.env },
      // A group of its own: Ctrl-C at the terminal must not cut a git of ours in half.
      detached: true,
      stdio: [call.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    new Running(child, call, resolve).start();
  });
}

/** One git process, from its start to its last byte of output. The first cause of its end is the one that counts. */
class Running {
  readonly #child: ChildProcess;
  readonly #call: GitCall;
  readonly #resolve: (result: GitResult) => void;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #stdoutBytes = 0;
  #stderrBytes = 0;
  #ended: GitResult["ended"] = "exited";
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stop = (): void => this.#end("stopped");

  constructor(child: ChildProcess, call: GitCall, resolve: (result: GitResult) => void) {
    this.#child = child;
    this.#call = call;
    this.#resolve = resolve;
  }

  start(): void {
    const child = this.#child;
    this.#timers.push(setTimeout(() => this.#end("timeout"), this.#call.timeoutMs ?? DEFAULT_TIMEOUT_MS));
    if (this.#call.signal?.aborted) this.#stop();
    this.#call.signal?.addEventListener("abort", this.#stop, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#readError(chunk));
    child.on("error", (error) => {
      this.#ended = "not-started";
      this.#finish(null, error.message);
    });
    child.on("close", (code) => this.#finish(code, null));
    // Git may end without reading all of its input; its exit code says why.
    child.stdin?.on("error", () => undefined);
    if (this.#call.stdin !== undefined) child.stdin?.end(this.#call.stdin);
  }

  #read(chunk: Buffer): void {
    this.#stdoutBytes += chunk.length;
    if (this.#stdoutBytes > (this.#call.maxBytes ?? DEFAULT_MAX_BYTES)) this.#end("too-much");
    else this.#stdout.push(chunk);
  }

  #readError(chunk: Buffer): void {
    if (this.#stderrBytes < MAX_STDERR_BYTES) this.#stderr.push(chunk);
    this.#stderrBytes += chunk.length;
  }

  #end(cause: GitResult["ended"]): void {
    if (this.#ended !== "exited") return;
    this.#ended = cause;
    this.#kill("SIGTERM");
    this.#timers.push(setTimeout(() => this.#kill("SIGKILL"), KILL_AFTER_MS));
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group is already gone.
    }
  }

  #finish(code: number | null, problem: string | null): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#call.signal?.removeEventListener("abort", this.#stop);
    this.#resolve({
      code: this.#ended === "exited" ? code : null,
      stdout: Buffer.concat(this.#stdout),
      stderr: problem ?? Buffer.concat(this.#stderr).toString("utf8"),
      ended: this.#ended,
    });
  }
}

/** Another git is at work in the same place. A compare-and-swap that lost is not this: trying again would not help. */
function isContention(result: GitResult): boolean {
  if (result.code === 0 || result.ended !== "exited") return false;
  return /Unable to create '.+\.lock': File exists|failed to read .+commondir|could not lock config file/s.test(
    result.stderr,
  );
}
