import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Usage } from "../cook/decision/event.ts";
import type { AgentResult, AgentsPort } from "../cook/ports.ts";
import type { Children } from "../system/children.ts";
import { errorCode, fault } from "../system/fault.ts";
import type { Masker } from "../system/masker.ts";
import { claude } from "./claude.ts";
import type { AgentAdapter, Transcript } from "./contract.ts";
import { runAgent } from "./runner.ts";
import { scripted } from "./scripted.ts";
import { EMPTY_TRANSCRIPT, remember, UNKNOWN_USAGE, usageOf } from "./transcript.ts";

export interface AgentsOptions {
  /** Logs are named relative to it. */
  readonly storageRoot: string;
  readonly masker: Masker;
  readonly children: Children;
  /** The program and first arguments that play a script, such as `node main.js scripted-agent`. */
  readonly scriptedCommand: readonly string[];
  /** An agent that stands in for every other, such as `scripted`; null for none. */
  readonly substitute: string | null;
  /** Between TERM and KILL. @default 5000 */
  readonly graceMs?: number;
}

/** The agents that Prodigy knows. */
export const AGENT_NAMES: readonly string[] = ["claude", "scripted"];

/** Runs prompts with the agents that Prodigy knows. */
export function openAgents(options: AgentsOptions): AgentsPort {
  const adapters = new Map<string, AgentAdapter>(
    [claude, scripted(options.scriptedCommand)].map((adapter) => [adapter.name, adapter]),
  );
  const find = (agent: string): AgentAdapter | null => adapters.get(options.substitute ?? agent) ?? null;
  return {
    canResume: (agent) => find(agent)?.canResume ?? false,
    run: async (run, signal) => {
      const adapter = find(run.agent);
      return adapter === null
        ? unknownAgent(options.substitute ?? run.agent)
        : runAgent({ ...options, adapter, run }, signal);
    },
    usageFromLog: async (agent, eventLog) => {
      const adapter = find(agent);
      return adapter === null ? null : usageFromLog(adapter, join(options.storageRoot, eventLog));
    },
  };
}

/** Null when there is no log, or nothing in it. */
async function usageFromLog(adapter: AgentAdapter, path: string): Promise<Usage | null> {
  let transcript: Transcript = EMPTY_TRANSCRIPT;
  let lines = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      lines++;
      for (const event of adapter.parse(line)) transcript = remember(transcript, event);
    }
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
  return lines === 0 ? null : usageOf(transcript);
}

function unknownAgent(name: string): AgentResult {
  const known = AGENT_NAMES.join(", ");
  return {
    ended: "not-started",
    ok: false,
    exitCode: null,
    text: "",
    stderr: "",
    durationMs: 0,
    usage: UNKNOWN_USAGE,
    fault: fault("input", `The agent ${JSON.stringify(name)} is not known.`, `Agents that Prodigy can run: ${known}.`),
    resetsAt: null,
    denied: [],
    couldNotResume: false,
  };
}
