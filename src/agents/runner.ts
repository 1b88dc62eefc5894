import { StringDecoder } from "node:string_decoder";
import { join } from "node:path";
import type { Fault } from "../cook/decision/event.ts";
import type { AgentResult, AgentRun } from "../cook/ports.ts";
import { type ChildEnd, runChild } from "../system/child.ts";
import type { Children } from "../system/children.ts";
import { describeError, fault } from "../system/fault.ts";
import type { Masker } from "../system/masker.ts";
import { openMaskStream } from "../system/mask-stream.ts";
import {
  type CapturedOutput,
  type Log,
  openCapturedOutput,
  openLog,
  type OutputSink,
  splitLines,
} from "../system/output.ts";
import { findProgram } from "../system/programs.ts";
import { activityOf, transcriptLines } from "./activity.ts";
import type { AgentAdapter, AgentCommand, AgentEvent, AgentExit, Transcript } from "./contract.ts";
import { EMPTY_TRANSCRIPT, remember, UNKNOWN_USAGE, usageOf } from "./transcript.ts";

export interface RunAgentOptions {
  readonly adapter: AgentAdapter;
  readonly run: AgentRun;
  readonly storageRoot: string;
  readonly masker: Masker;
  readonly children: Children;
  readonly graceMs?: number;
}

/** Runs one prompt with one agent, whichever it is, and says what came of it. */
export async function runAgent(options: RunAgentOptions, signal: AbortSignal): Promise<AgentResult> {
  const { adapter, run } = options;
  const prepared = await adapter.prepare(run, options, signal);
  if (!prepared.ok) return notStarted(prepared.fault);
  const command = prepared.value;
  const bin = findProgram(command.bin, command.env["PATH"] ?? "", run.directory);
  if (bin === null) return notStarted(missingProgram(adapter.name, command.bin));
  let streams: Streams;
  try {
    streams = await openStreams(options);
  } catch (error) {
    return notStarted(
      fault("file", `The agent ${adapter.name} was not started: its log cannot be written: ${describeError(error)}.`),
    );
  }
  return watch({ options, command: { ...command, bin }, streams }, signal);
}

/** The line that begins each process's part of an event log. */
export const STARTED_LINE = '{"type":"prodigy","subtype":"started"}';

/** An agent's line may hold a whole file that it read. A longer one is cut, which leaves it unreadable and unread. */
const MAX_EVENT_CHARACTERS = 32 * 1024 * 1024;

/**
 * Without a sign of life for so long an agent is stuck. Its own tools may be silent for ten minutes, and its own
 * waits for a broken connection take five.
 */
const DEFAULT_IDLE_MS = 30 * 60 * 1000;

interface Streams {
  readonly events: Log;
  /** What the agent says and does, as people read it. */
  readonly story: CapturedOutput;
  readonly stderr: CapturedOutput;
}

interface Watch {
  readonly options: RunAgentOptions;
  readonly command: AgentCommand;
  readonly streams: Streams;
}

async function watch({ options, command, streams }: Watch, signal: AbortSignal): Promise<AgentResult> {
  const { adapter, run, children } = options;
  let transcript: Transcript = EMPTY_TRANSCRIPT;
  let objection: Fault | null = null;
  const stop = new AbortController();
  const onEvent = (event: AgentEvent): void => {
    transcript = remember(transcript, event);
    objection ??= command.objection(event);
    if (objection !== null) stop.abort();
    const activity = activityOf(event, (text) => options.masker.mask(text));
    if (activity !== null) run.output.onActivity(activity);
  };
  const limits = {
    timeoutMs: run.timeoutMs ?? seconds(command.env["PRODIGY_COMMAND_TIMEOUT"]),
    idleMs: idleLimit(command.env["PRODIGY_AGENT_IDLE_TIMEOUT"]),
  };
  await streams.events.write(`${STARTED_LINE}\n`);
  const end = await runChild(
    {
      command: [command.bin, ...command.args],
      directory: run.directory,
      env: command.env,
      stdin: command.stdin,
      ...limits,
      stdout: eventSink({ options, command, streams }, onEvent),
      stderr: streams.stderr,
      children,
      guarded: true,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    },
    AbortSignal.any([signal, stop.signal]),
  );
  const exit = { ...end, ...limits, stderr: streams.stderr.text(), resumed: run.resume };
  return conclude({ adapter, exit, transcript, objection, masker: options.masker });
}

/** Reads events from the raw stream, and writes the masked stream to its log as it comes. */
function eventSink({ options, streams }: Watch, onEvent: (event: AgentEvent) => void): OutputSink {
  const decoder = new StringDecoder("utf8");
  const masked = openMaskStream(options.masker);
  let pending: string[] = [];
  const lines = splitLines((line) => {
    for (const event of options.adapter.parse(line)) {
      onEvent(event);
      pending.push(...transcriptLines(event, (text) => options.masker.mask(text)));
    }
  }, MAX_EVENT_CHARACTERS);
  const tell = async (): Promise<void> => {
    const text = pending.map((line) => `${line}\n`).join("");
    pending = [];
    if (text !== "") await streams.story.write(Buffer.from(text));
  };
  return {
    write: async (bytes) => {
      const text = decoder.write(bytes);
      await streams.events.write(masked.push(text));
      lines.push(text);
      await tell();
    },
    end: async () => {
      const text = decoder.end();
      await streams.events.write(masked.push(text) + masked.end());
      lines.push(text);
      lines.end();
      await tell();
      await streams.story.end();
      await streams.events.close();
    },
  };
}

async function openStreams({ run, storageRoot, masker }: RunAgentOptions): Promise<Streams> {
  const { stdoutLog, stderrLog, eventLog, onLine } = run.output;
  return {
    events: await openLog(join(storageRoot, eventLog)),
    story: await openCapturedOutput({
      log: join(storageRoot, stdoutLog),
      masker,
      onLine: (line) => onLine("stdout", line),
      // Only for its log: the answer is in the events.
      keepBytes: 0,
    }),
    stderr: await openCapturedOutput({
      log: join(storageRoot, stderrLog),
      masker,
      onLine: (line) => onLine("stderr", line),
    }),
  };
}

function conclude(over: {
  readonly adapter: AgentAdapter;
  readonly exit: ChildEnd & AgentExit;
  readonly transcript: Transcript;
  readonly objection: Fault | null;
  readonly masker: Masker;
}): AgentResult {
  const { adapter, exit, transcript, objection, masker } = over;
  const verdict = adapter.finish(transcript, exit);
  const problem = objection ?? verdict.fault;
  return {
    ended: objection !== null && exit.ended === "stopped" ? "exited" : exit.ended,
    ok: verdict.ok && objection === null,
    exitCode: exit.exitCode,
    text: verdict.text,
    stderr: exit.stderr,
    durationMs: exit.durationMs,
    usage: usageOf(transcript),
    fault: problem === null ? null : maskFault(problem, masker),
    resetsAt: verdict.resetsAt,
    denied: transcript.denied,
    couldNotResume: verdict.couldNotResume,
  };
}

function maskFault(problem: Fault, masker: Masker): Fault {
  return {
    ...problem,
    message: masker.mask(problem.message),
    help: problem.help === null ? null : masker.mask(problem.help),
    lastLines: problem.lastLines.map((line) => masker.mask(line)),
  };
}

function idleLimit(text: string | undefined): number | null {
  const limit = seconds(text);
  return limit === null && text !== "0" ? DEFAULT_IDLE_MS : limit;
}

/** A number of seconds from the environment, in milliseconds; null for none and for 0. */
function seconds(text: string | undefined): number | null {
  const value = Number(text ?? "0");
  return Number.isFinite(value) && value > 0 ? value * 1000 : null;
}

function missingProgram(agent: string, bin: string): Fault {
  const help =
    agent === "claude"
      ? "Install Claude Code (npm install -g @anthropic-ai/claude-code), or name its program in PRODIGY_CLAUDE_BIN. PRODIGY_AGENT=scripted runs without it."
      : null;
  return fault("spawn", `The agent ${agent} was not started: there is no program ${bin}.`, help);
}

function notStarted(problem: Fault): AgentResult {
  return {
    ended: "not-started",
    ok: false,
    exitCode: null,
    text: "",
    stderr: "",
    durationMs: 0,
    usage: {
      ...UNKNOWN_USAGE,
      costUsd: 0,
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      turns: 0,
    },
    fault: problem,
    resetsAt: null,
    denied: [],
    couldNotResume: false,
  };
}
