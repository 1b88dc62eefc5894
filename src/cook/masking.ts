/**
 * What of an event is written and what is shown. Outputs and captured values have been sealed by the engine before they
 * come here. An order is sealed on the disk only: in memory its scripts must stay what they are.
 */
import type { Event, Recorded } from "./decision/event.ts";
import type { JournalPort, MaskerPort } from "./ports.ts";

/** A journal that secrets cannot reach. */
export function maskedJournal(journal: JournalPort, masker: MaskerPort): JournalPort {
  return {
    append: async (events, options) => {
      const recorded = await journal.append(
        events.map((event) => stored(event, masker)),
        options,
      );
      return recorded.map((event, index) => ({
        ...(isOrder(event) ? (events[index] ?? event) : event),
        seq: event.seq,
      }));
    },
  };
}

/** An event as the engine needs it, from the journal. */
export function opened(event: Recorded, masker: MaskerPort): Recorded {
  return isOrder(event) ? mapped(event, (text) => masker.unseal(text)) : event;
}

/** An event as people and programs outside get to see it. */
export function shown(event: Recorded, masker: MaskerPort): Recorded {
  return mapped(event, (text) => masker.mask(text.replaceAll(/\{\{secret:[^{}]*\}\}/g, "***")));
}

function isOrder(event: Event): boolean {
  return event.type === "session-started" || event.type === "workflow-changed";
}

function stored(event: Event, masker: MaskerPort): Event {
  const mask = (text: string): string => masker.mask(text);
  switch (event.type) {
    case "session-started":
    case "workflow-changed":
      return mapped(event, (text) => masker.seal(text));
    case "attempt-ended":
      return { ...event, commits: mapped(event.commits, mask) };
    case "validated":
      return { ...event, result: mapped(event.result, mask), set: mapped(event.set, mask) };
    case "input-ended":
      return { ...event, value: event.value === null ? null : mask(event.value) };
    case "lane-failed":
    case "attempt-started":
    case "continuation-failed":
    case "landing-planned":
    case "landing-refused":
    case "session-failed":
    case "warned":
      return mapped(event, mask);
    // Paths must stay what they are, and what is taken from an attempt has been sealed there.
    case "session-opened":
    case "lane-prepared":
    case "step-entered":
    case "attempt-interrupted":
    case "retry-due":
    case "items-planned":
    case "step-ended":
    case "item-ended":
    case "lane-merged":
    case "lane-conflicted":
    case "lane-removed":
    case "pass-ended":
    case "landing-answered":
    case "landing-requested":
    case "target-merged":
    case "landed":
    case "landing-conflicted":
    case "pause-requested":
    case "session-paused":
    case "session-ended":
      return event;
  }
}

/** A copy in which every text has been changed. */
function mapped<T>(value: T, change: (text: string) => string): T {
  const visit = (part: unknown): unknown => {
    if (typeof part === "string") return change(part);
    if (part === null || typeof part !== "object") return part;
    if (Array.isArray(part)) return part.map(visit);
    return Object.fromEntries(Object.entries(part).map(([key, entry]) => [key, visit(entry)]));
  };
  // oxlint-disable-next-line typescript/consistent-type-assertions -- The copy has the same shape: only texts differ.
  return visit(value) as T;
}
