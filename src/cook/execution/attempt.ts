/** Carries out one attempt of a step, from its environment to the events that tell how it ended. */
import type { Json } from "../../workflow/model.ts";
import type { Attempt } from "../decision/command.ts";
import type { AttemptResult, EventBody } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import type { AttemptState } from "../decision/state.ts";
import { nodeAt } from "../decision/state.ts";
import { ended, type Ran, refusedWith } from "./result.ts";
import { laneIn, Refusal, type Room, type Setting, settingOf } from "./room.ts";
import { settle } from "./settle.ts";
import { runAgent } from "./steps/agent.ts";
import { runAnalyze } from "./steps/analyze.ts";
import type { Execution } from "./steps/execution.ts";
import { runShell } from "./steps/shell.ts";
import { runWriteFile } from "./steps/write-file.ts";

/** Below this nothing new is started: the journal itself must still find room. */
export const MIN_FREE_BYTES = 64 * 1024 * 1024;

export async function performAttempt(command: Attempt, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, attempt } = command;
  const freeBytes = await room.ports.host.freeBytes();
  if (freeBytes < MIN_FREE_BYTES) {
    const interrupted: EventBody = { type: "attempt-interrupted", lane, path, attempt, usage: null };
    return command.settled === null
      ? [interrupted, { type: "pause-requested", reason: { kind: "disk", freeBytes } }]
      : [{ type: "pause-requested", reason: { kind: "disk", freeBytes } }];
  }
  const setting = await settingOf(command, room);
  if (setting === "stopped") {
    const interrupted: EventBody = { type: "attempt-interrupted", lane, path, attempt, usage: null };
    // What is made of steps was not announced: the next worker comes to the same point by itself.
    return command.settled === null ? [interrupted] : [];
  }
  if (setting instanceof Refusal) {
    return settle({
      command,
      room,
      setting: null,
      ran: asEnded(refusedWith({ ...setting.fault, at: setting.fault.at ?? command.step.at })),
      analysis: undefined,
    });
  }
  const { ran, analysis } = await execute(command, setting, room);
  switch (ran.kind) {
    case "ended":
      return settle({ command, room, setting, ran, analysis });
    case "stopped":
      return [{ type: "attempt-interrupted", lane, path, attempt, usage: ran.usage }];
    case "not-continued":
      return [{ type: "continuation-failed", lane, path, attempt, reason: ran.reason, usage: ran.usage }];
  }
}

function asEnded(ran: Ran): Ran & { kind: "ended" } {
  if (ran.kind !== "ended") throw new Error("bug: a refusal did not end the attempt");
  return ran;
}

interface Executed {
  readonly ran: Ran;
  readonly analysis: Json | undefined;
}

async function execute(command: Attempt, setting: Setting, room: Room): Promise<Executed> {
  if (command.settled !== null) {
    // Nothing needs its worktrees any more. What could not be removed goes with the session.
    if (command.step.action.kind === "map") await room.ports.trees.dropPool({ reason: "the map has ended" });
    return { ran: ended(opened(command.settled, room)), analysis: undefined };
  }
  const timeoutMs = timeLimit(command, room.ports.clock.now());
  if (timeoutMs !== null && timeoutMs <= 0) return { ran: refusedWith(outOfTime(command)), analysis: undefined };
  const execution = { room, setting, command, timeoutMs, ...announced(command, room) };
  const { action } = command.step;
  switch (action.kind) {
    case "shell":
      return { ran: await runShell(action, execution), analysis: undefined };
    case "agent":
      return { ran: await runAgent(action, execution), analysis: undefined };
    case "write_file":
      return { ran: await runWriteFile(action, execution), analysis: undefined };
    case "analyze": {
      const analyzed = await runAnalyze(action, execution);
      return { ran: analyzed.ran, analysis: analyzed.facts };
    }
    case "foreach":
    case "goal_seek":
    case "group":
    case "call":
    case "map":
      throw new Error(`bug: ${action.kind} is made of steps and is not executed itself`);
  }
}

/** What steps inside have ended with comes from the journal, where secrets are sealed. It will be sealed again. */
function opened(result: AttemptResult, { ports }: Room): AttemptResult {
  return { ...result, output: ports.masker.unseal(result.output), stderr: ports.masker.unseal(result.stderr) };
}

/** What `attempt-started` has promised: the log files and the agent's session. */
function announced(command: Attempt, { session, ports }: Room): Pick<Execution, "logs" | "agentSession"> {
  const { lane, path } = command;
  const started: AttemptState | null = nodeAt(laneIn(session, lane), path)?.attempt ?? null;
  const logs = ports.logs.name({ lane, sequence: session.starts, label: command.step.label });
  return { logs, agentSession: started?.agentSession ?? ports.random.uuid() };
}

function timeLimit({ step, context }: Attempt, now: number): number | null {
  const own = step.timeoutMs ?? context.defaultTimeoutMs;
  if (context.deadline === null) return own;
  return Math.min(own ?? Number.POSITIVE_INFINITY, context.deadline - now);
}

function outOfTime({ step }: Attempt): ReturnType<typeof fault> {
  return fault("timeout", `the time limit around step "${step.label}" was over before it began`, { at: step.at });
}
