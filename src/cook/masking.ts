/**
 * What of an event is written and what is shown. Outputs and captured values have been sealed by the engine before they
 * come here. An order is sealed on the disk only: in memory its scripts must stay what they are, and so must what they were
 * computed from, and the paths of a conflict, which somebody has to find.
 */
import { type Event, type Fault, isMapEvent, type Recorded, type StepOutcome } from "./decision/event.ts";
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
        ...(isSealed(event) ? (events[index] ?? event) : event),
        seq: event.seq,
      }));
    },
  };
}

/** An event as the engine needs it, from the journal. */
export function opened(event: Recorded, masker: MaskerPort): Recorded {
  return isSealed(event) ? mapped(event, (text) => masker.unseal(text)) : event;
}

/** An event as people and programs outside get to see it. */
export function shown(event: Recorded, masker: MaskerPort): Recorded {
  return mapped(event, (text) => masked(text, masker));
}

/** Any value of a session as people get to see it. */
export function masked(text: string, masker: MaskerPort): string {
  return masker.mask(text.includes("{{secret:") ? text.replaceAll(/\{\{secret:[^{}]*\}\}/g, "***") : text);
}

/** A fault without secrets. Its lines are cut only now: a cut secret is not found any more. */
export function maskedFault(fault: Fault, masker: MaskerPort): Fault {
  const { message, lastLines, help, at, logs } = fault;
  const mask = (text: string): string => masker.mask(text);
  return {
    ...fault,
    message: mask(message),
    help: help === null ? null : mask(help),
    lastLines: lastLines.map((line) => cut(mask(line))),
    at: at === null ? null : { ...at, file: mask(at.file), text: mask(at.text) },
    logs: logs.map(mask),
  };
}

/** One line of minified code must not fill the screen. */
export function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

const MAX_LINE = 500;

/** Whether the event holds a workflow. */
export function isOrder(event: Event): boolean {
  return event.type === "session-started" || event.type === "workflow-changed";
}

function isSealed(event: Event): boolean {
  return (
    isOrder(event) ||
    event.type === "values-computed" ||
    event.type === "lane-conflicted" ||
    event.type === "item-conflicted" ||
    event.type === "items-probed" ||
    event.type === "landing-conflicted" ||
    event.type === "target-merged"
  );
}

function stored(event: Event, masker: MaskerPort): Event {
  // Its texts are items' data, outputs and paths of theirs, which a resumed run needs as they were.
  // Most of them have been sealed where they came from, and what is sealed twice would not come back.
  if (isMapEvent(event)) return mapped(event, (text) => masker.seal(masker.unseal(text)));
  const mask = (text: string): string => masker.mask(text);
  const outcome = (of: StepOutcome): StepOutcome => ({
    ...of,
    fault: of.fault === null ? null : maskedFault(of.fault, masker),
  });
  switch (event.type) {
    case "session-started":
    case "workflow-changed":
    case "values-computed":
    case "lane-conflicted":
    case "landing-conflicted":
    case "target-merged":
      return mapped(event, (text) => masker.seal(text));
    case "attempt-ended":
      return {
        ...event,
        commits: mapped(event.commits, mask),
        result: {
          ...event.result,
          fault: event.result.fault === null ? null : maskedFault(event.result.fault, masker),
        },
      };
    case "step-ended":
      return { ...event, label: mask(event.label), outcome: outcome(event.outcome) };
    case "item-ended":
      return { ...event, outcome: outcome(event.outcome) };
    case "input-ended":
      return { ...event, value: event.value === null ? null : mask(event.value), outcome: outcome(event.outcome) };
    case "lane-failed":
    case "attempt-started":
    case "continuation-failed":
    case "landing-planned":
    case "landing-refused":
    case "session-failed":
    case "warned":
      return mapped(event, mask);
    // Folders must stay what they are, and what is taken from an attempt or a validation has been sealed there.
    case "session-opened":
    case "lane-prepared":
    case "step-entered":
    case "attempt-interrupted":
    case "retry-due":
    case "call-begun":
    case "items-planned":
    case "validated":
    case "lane-merged":
    case "lane-removed":
    case "pass-ended":
    case "landing-answered":
    case "landing-requested":
    case "landed":
    case "pause-requested":
    case "session-paused":
    case "session-ended":
      return event;
  }
}

/** Words of the journal itself. A secret that happens to be one of them must not make an event into another. */
const OWN_WORDS: ReadonlySet<string> = new Set(["type", "kind", "status", "lane", "into", "path", "agentSession"]);
/** What is below these is the user's. */
const USERS: ReadonlySet<string> = new Set(["set", "items", "raw", "gaps", "order", "workflow"]);

/**
 * The value with every text changed. Parts in which nothing changes are the very same: a journal of thousands of items is
 * gone through at each resume, and is in memory once.
 */
export function mapped<T>(value: T, change: (text: string) => string): T {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- The copy has the same shape: only texts differ.
  return changed(value, { change, isOurs: true }) as T;
}

interface Change {
  readonly change: (text: string) => string;
  readonly isOurs: boolean;
}

function changed(part: unknown, how: Change): unknown {
  if (typeof part === "string") return how.change(part);
  if (part === null || typeof part !== "object") return part;
  return Array.isArray(part) ? changedList(part, how) : changedRecord(part, how);
}

function changedList(list: readonly unknown[], how: Change): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (const [index, entry] of list.entries()) {
    const next = changed(entry, how);
    if (next !== entry) (copy ??= [...list])[index] = next;
  }
  return copy ?? list;
}

function changedRecord(record: object, { change, isOurs }: Change): object {
  let copy: Record<string, unknown> | null = null;
  for (const [key, entry] of Object.entries(record)) {
    if (isOurs && OWN_WORDS.has(key) && typeof entry === "string") continue;
    const next = changed(entry, { change, isOurs: isOurs && !USERS.has(key) });
    if (next !== entry) (copy ??= { ...record })[key] = next;
  }
  return copy ?? record;
}
