import type { AgentEvent } from "./contract.ts";

/**
 * What an agent is doing, in a few words for the live view; null when the event says nothing new. It is masked before
 * it is made short, or half a secret could stand at its end.
 */
export function activityOf(event: AgentEvent, mask: (text: string) => string): string | null {
  switch (event.kind) {
    case "tool":
      return short(mask(event.detail === "" ? event.name : `${event.name}: ${event.detail}`));
    case "text":
      return event.text.trim() === "" ? null : short(mask(event.text.trim().split("\n").at(-1) ?? ""));
    case "retry":
      return `waiting ${Math.ceil(event.delayMs / 1000)} s, the service answered ${event.status ?? "nothing"}`;
    case "limit":
      return event.rejected ? "the usage limit is reached" : null;
    case "denied":
      return `${event.tool} was denied`;
    case "started":
    case "session":
    case "tool-result":
    case "reply":
    case "result":
      return null;
  }
}

/** The same events as lines of a log that people read. */
export function transcriptLines(event: AgentEvent, mask: (text: string) => string): readonly string[] {
  switch (event.kind) {
    case "text":
      return event.text.trim() === "" ? [] : event.text.trimEnd().split("\n");
    case "tool-result":
      return event.failed ? [`  failed: ${short(mask(event.text.trim()))}`] : [];
    case "tool":
    case "retry":
    case "limit":
    case "denied": {
      const activity = activityOf(event, mask);
      return activity === null ? [] : [`> ${activity}`];
    }
    case "started":
    case "session":
    case "reply":
    case "result":
      return [];
  }
}

/** One line of a terminal, with room for what stands before it. */
const MAX_ACTIVITY_CHARACTERS = 160;

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= MAX_ACTIVITY_CHARACTERS ? line : `${line.slice(0, MAX_ACTIVITY_CHARACTERS - 1)}…`;
}
