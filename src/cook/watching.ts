import type { Recorded } from "./decision/event.ts";
import type { LiveSink, PersonPort } from "./ports.ts";

/** Who watches a run, and who may interfere. */
export interface Watching {
  /** Whether the session's commits are merged at the end without a question. @default false */
  readonly yes?: boolean;
  /** An agent that stands in for every other, such as `scripted`. @default the environment's PRODIGY_AGENT */
  readonly agent?: string | null;
  /** Asked before the merge. @default nobody is there to be asked, and nothing is merged */
  readonly confirm?: PersonPort["confirm"];
  /** Sees each event right after it was recorded, its secrets masked. */
  readonly observe?: (event: Recorded) => void;
  /** Sees the events that an earlier run of the session has recorded. */
  readonly replay?: (event: Recorded) => void;
  /** Sees what steps print and agents do, line by line. */
  readonly live?: LiveSink;
  /** Hears what a person should know and no event tells. */
  readonly notice?: (message: string) => void;
  /** Abort it with a `PauseReason` to stop: the session is paused and can be resumed. */
  readonly signal?: AbortSignal;
}

/** With nothing left out. */
export type Watch = Required<Watching>;

export function watchOf(options: Watching): Watch {
  return {
    yes: options.yes ?? false,
    agent: options.agent ?? null,
    confirm: options.confirm ?? (() => Promise.resolve("nobody")),
    replay: options.replay ?? (() => undefined),
    observe: options.observe ?? (() => undefined),
    live: options.live ?? { line: () => undefined, activity: () => undefined },
    notice: options.notice ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
  };
}
