import type { Fault, Usage } from "../cook/decision/event.ts";
import type { AgentResult, AgentRun, Outcome } from "../cook/ports.ts";
import type { Children } from "../system/children.ts";

/** What the one runner needs to know about an agent's command line program. */
export interface AgentAdapter {
  readonly name: string;
  readonly canResume: boolean;
  /** What to start. A fault says why it cannot work, before it costs anything. */
  prepare(run: AgentRun, place: AgentPlace, signal: AbortSignal): Promise<Outcome<AgentCommand>>;
  /** Reads one line of the program's stdout. What it does not know it leaves out: each version adds something. */
  parse(line: string): readonly AgentEvent[];
  /** Judges a run that is over. */
  finish(transcript: Transcript, exit: AgentExit): Verdict;
}

/** Where an agent's own files may be, and who looks after a process that an adapter needs to prepare a run. */
export interface AgentPlace {
  readonly storageRoot: string;
  readonly children: Children;
}

export interface AgentCommand {
  readonly bin: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Null: stdin is closed. */
  readonly stdin: string | null;
  /** Looks at each event while the agent runs; a fault ends the run at once. */
  readonly objection: (event: AgentEvent) => Fault | null;
}

/** What agents tell while they run, in one language for all. */
export type AgentEvent =
  /** Written by the runner into the log: a new process. What came before belongs to an earlier one. */
  | { readonly kind: "started" }
  | {
      readonly kind: "session";
      readonly id: string;
      readonly model: string | null;
      readonly commands: readonly string[] | null;
    }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool"; readonly name: string; readonly detail: string }
  | { readonly kind: "tool-result"; readonly failed: boolean; readonly text: string }
  | { readonly kind: "retry"; readonly status: number | null; readonly delayMs: number; readonly attempt: number }
  | { readonly kind: "limit"; readonly resetsAt: number | null; readonly rejected: boolean }
  | { readonly kind: "denied"; readonly tool: string }
  /** Tokens of one model reply, before any sum is known. */
  | { readonly kind: "reply"; readonly id: string; readonly usage: Usage }
  | ResultEvent;

/** The agent's own word for the end of its run. There may be several; the last one counts. */
export interface ResultEvent {
  readonly kind: "result";
  readonly isError: boolean;
  readonly text: string;
  readonly subtype: string;
  /** The program's own classification, where it has one. */
  readonly reason: string | null;
  readonly apiStatus: number | null;
  readonly errors: readonly string[];
  readonly denied: readonly string[];
  readonly usage: Usage;
  /** Whether `usage` covers only what came since the last result, and is to be added up. */
  readonly partial: boolean;
}

/** What is remembered of a run: little, however long it was. */
export interface Transcript {
  readonly result: ResultEvent | null;
  /** The last text that was not empty. */
  readonly lastText: string;
  readonly limit: { readonly resetsAt: number | null; readonly rejected: boolean } | null;
  readonly lastRetry: { readonly status: number | null } | null;
  readonly denied: readonly string[];
  readonly replies: ReadonlyMap<string, Usage>;
  readonly settled: Usage | null;
}

export interface AgentExit {
  readonly ended: AgentResult["ended"];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  readonly problem: string | null;
  readonly resumed: boolean;
  /** The limits that it ran under. */
  readonly timeoutMs: number | null;
  readonly idleMs: number | null;
}

export interface Verdict {
  readonly ok: boolean;
  readonly text: string;
  readonly fault: Fault | null;
  readonly resetsAt: number | null;
  readonly couldNotResume: boolean;
}
