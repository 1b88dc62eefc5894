import type { Fault } from "../cook/decision/event.ts";
import { fault } from "../system/fault.ts";
import type { AgentExit, ResultEvent, Transcript, Verdict } from "./contract.ts";

/**
 * Judges a run of a program that speaks stream-json. Neither the exit code nor the result is enough: an interrupt
 * exits with 0, and a failure of the service is called `success` with `is_error`.
 */
export function judgeStreamJson(agent: string, transcript: Transcript, exit: AgentExit): Verdict {
  const found = findFault(agent, transcript, exit);
  const problem = found === null ? null : { ...found, exitCode: exit.exitCode, lastLines: lastLines(exit.stderr) };
  return {
    ok: problem === null,
    text: transcript.result?.text ?? transcript.lastText,
    fault: problem,
    resetsAt: problem?.kind === "limit" ? (transcript.limit?.resetsAt ?? null) : null,
    couldNotResume: problem !== null && exit.resumed && exit.ended === "exited" && sessionIsMissing(transcript, exit),
  };
}

function findFault(agent: string, transcript: Transcript, exit: AgentExit): Fault | null {
  switch (exit.ended) {
    case "not-started":
      return fault("spawn", `The agent ${agent} did not start: ${exit.problem ?? "no reason was given"}.`);
    case "timeout":
      return fault(
        "timeout",
        `The agent ${agent} did not finish within ${inSeconds(exit.timeoutMs)} and was ended.`,
        "Raise the step's timeout, or give the agent less to do.",
      );
    case "idle":
      return fault(
        "idle",
        `The agent ${agent} gave no sign of life for ${inSeconds(exit.idleMs)} and was ended.`,
        "PRODIGY_AGENT_IDLE_TIMEOUT sets the limit in seconds; 0 is none.",
      );
    case "stopped":
      return fault("interrupted", `The agent ${agent} was stopped before it finished.`);
    case "exited":
      return transcript.result === null
        ? withoutResult(agent, exit)
        : withResult({ agent, transcript, result: transcript.result, exit });
  }
}

function inSeconds(ms: number | null): string {
  return ms === null ? "its limit of time" : `${String(Math.round(ms / 100) / 10)} s`;
}

function withoutResult(agent: string, exit: AgentExit): Fault {
  if (exit.signal !== null) return fault("signal", `The agent ${agent} was ended by ${exit.signal}.`);
  if (LOGIN.test(exit.stderr)) return notLoggedIn(agent, lastLines(exit.stderr).at(-1) ?? "");
  const said = lastLines(exit.stderr).at(-1);
  const because = said === undefined ? "" : `: ${said.replace(/\.$/, "")}`;
  const how =
    exit.exitCode === 0
      ? "ended without a result, so nothing says that it finished"
      : `failed with exit code ${exit.exitCode ?? "unknown"}`;
  return fault("agent", `The agent ${agent} ${how}${because}.`);
}

interface Ended {
  readonly agent: string;
  readonly transcript: Transcript;
  readonly result: ResultEvent;
  readonly exit: AgentExit;
}

function withResult({ agent, transcript, result, exit }: Ended): Fault | null {
  if (!result.isError && exit.exitCode === 0) return null;
  const said = (result.text === "" ? `exit code ${exit.exitCode ?? "unknown"}` : result.text).trim().replace(/\.$/, "");
  const status = result.apiStatus ?? (result.reason === "api_error" ? (transcript.lastRetry?.status ?? null) : null);
  if (transcript.limit?.rejected === true && (status === 429 || result.isError)) {
    return fault(
      "limit",
      `The usage limit of the agent ${agent} is reached: ${said}.`,
      "It goes on when the limit is reset.",
    );
  }
  if (/credit balance is too low/i.test(said)) {
    return fault("limit", `The agent ${agent} has no credit left: ${said}.`, "Buy credit, then resume.");
  }
  if (result.subtype === "error_max_budget_usd" || result.reason === "budget_exhausted") {
    return fault(
      "budget",
      `The agent ${agent} used up its budget for this step: ${said}.`,
      "Raise max_budget_usd, or give the agent less to do.",
    );
  }
  if (result.subtype === "error_max_turns" || result.reason === "max_turns") {
    return fault(
      "agent",
      `The agent ${agent} used up its turns: ${said}.`,
      "Raise max_turns, or give the agent less to do.",
    );
  }
  if (status === 401 || status === 403 || LOGIN.test(said)) return notLoggedIn(agent, said);
  if (isPassing(status, result))
    return fault(
      "overloaded",
      status === null
        ? `The service of the agent ${agent} could not be used: ${said}.`
        : `The service of the agent ${agent} answered ${String(status)}: ${said}.`,
      "It usually passes: resume later.",
    );
  if (exit.signal !== null) return fault("signal", `The agent ${agent} was ended by ${exit.signal}.`);
  return fault("agent", `The agent ${agent} failed: ${said}.`);
}

const LOGIN = /not logged in|invalid api key|please run \/login|oauth token (?:has )?expired|authentication[_ ]error/i;

function notLoggedIn(agent: string, said: string): Fault {
  return fault(
    "auth",
    `The agent ${agent} is not logged in: ${said}.`,
    "Log in with the agent's own program, or set its key in the environment, then resume.",
  );
}

/** Too many requests, a broken server, or no connection at all. The program has tried again for minutes itself. */
function isPassing(status: number | null, result: ResultEvent): boolean {
  if (status !== null) return status === 429 || status === 408 || status >= 500;
  return (
    result.reason === "api_error" || /^API Error: (?:connection|request timed out|unable to connect)/i.test(result.text)
  );
}

function sessionIsMissing(transcript: Transcript, exit: AgentExit): boolean {
  const said = [exit.stderr, ...(transcript.result?.errors ?? []), transcript.result?.text ?? ""].join("\n");
  return /no conversation found|session .*(?:not found|does not exist)|invalid session/i.test(said);
}

/** Enough to see why, little enough for a screen. */
const LAST_LINES = 10;

function lastLines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-LAST_LINES);
}
