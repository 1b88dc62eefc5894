import type { Usage } from "../cook/decision/event.ts";
import type { AgentEvent, ResultEvent, Transcript } from "./contract.ts";

/** Before anything was said. */
export const EMPTY_TRANSCRIPT: Transcript = {
  result: null,
  lastText: "",
  limit: null,
  lastRetry: null,
  denied: [],
  replies: new Map(),
  settled: null,
};

/** What is known of the cost of a run that has told nothing. */
export const UNKNOWN_USAGE: Usage = {
  costUsd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  turns: null,
};

/** Adds one event to what is remembered. */
export function remember(transcript: Transcript, event: AgentEvent): Transcript {
  switch (event.kind) {
    case "started":
      return EMPTY_TRANSCRIPT;
    case "text":
      return event.text.trim() === "" ? transcript : { ...transcript, lastText: event.text };
    case "limit":
      return { ...transcript, limit: event };
    case "retry":
      return { ...transcript, lastRetry: event };
    case "denied":
      return withDenied(transcript, [event.tool]);
    case "reply":
      return { ...transcript, replies: new Map(transcript.replies).set(event.id, event.usage) };
    case "result":
      return withResult(transcript, event);
    case "session":
    case "tool":
    case "tool-result":
      return transcript;
  }
}

/**
 * What the run used. The agent's own sums count where it has given any; an agent that was cut off has not, and then
 * the replies are added up, whose cost nobody has told.
 */
export function usageOf(transcript: Transcript): Usage {
  const open = [...transcript.replies.values()].reduce<Usage | null>(
    (sum, reply) => (sum === null ? reply : addUsage(sum, reply)),
    null,
  );
  if (transcript.settled === null) return open === null ? UNKNOWN_USAGE : { ...open, turns: transcript.replies.size };
  if (open === null) return transcript.settled;
  return { ...addUsage(transcript.settled, open), costUsd: null };
}

function withResult(transcript: Transcript, event: ResultEvent): Transcript {
  const { settled } = transcript;
  return {
    ...withDenied(transcript, event.denied),
    result: event,
    // Each turn's replies are in its result's sums.
    replies: new Map(),
    settled: event.partial && settled !== null ? addUsage(settled, event.usage) : event.usage,
  };
}

function withDenied(transcript: Transcript, tools: readonly string[]): Transcript {
  const fresh = tools.filter((tool) => !transcript.denied.includes(tool));
  return fresh.length === 0 ? transcript : { ...transcript, denied: [...transcript.denied, ...new Set(fresh)] };
}

function addUsage(a: Usage, b: Usage): Usage {
  return {
    costUsd: sum(a.costUsd, b.costUsd),
    inputTokens: sum(a.inputTokens, b.inputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    cacheReadTokens: sum(a.cacheReadTokens, b.cacheReadTokens),
    cacheWriteTokens: sum(a.cacheWriteTokens, b.cacheWriteTokens),
    turns: sum(a.turns, b.turns),
  };
}

/** Unknown is not zero: a sum with an unknown part is unknown. */
function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
