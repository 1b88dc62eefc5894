import { randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { openGuard } from "./guard.ts";
import { identityOf } from "./process-identity.ts";

/**
 * The children of one session: those that run now, and a file that remembers all of them for the day when we are
 * killed and somebody else must end them.
 */
export interface Children {
  /** `NAME=value` that every process of the session has in its environment. */
  readonly marker: string;
  /** What a new child's environment gets, and the `NAME=value` that only this child and its descendants have. */
  mark(): { readonly env: Readonly<Record<string, string>>; readonly marker: string };
  /** Writes the child down. It must not have acted before. */
  record(pid: number): void;
  /** Has it end with us, also when we are killed. */
  guard(pid: number): void;
  forget(pid: number): void;
  live(): readonly number[];
  /** Ends every child and what it started, at once and without asking: the second Ctrl-C. */
  killAll(): void;
  recorded(): readonly { readonly pid: number; readonly startedAt: string }[];
  /** Forgets what was written down, after it was ended. */
  clear(): void;
  /** The session's work is over; no child is left. */
  close(): void;
}

/** @param options.file Where the children are written down, one a line. */
export function openChildren(options: {
  readonly file: string;
  readonly session: string;
  readonly markerName?: string;
}): Children {
  const { file, session, markerName = "PRODIGY_SESSION" } = options;
  const live = new Set<number>();
  const guard = openGuard();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return {
    marker: `${markerName}=${session}`,
    mark: () => {
      const id = randomUUID();
      return { env: { [markerName]: session, [CHILD_MARKER]: id }, marker: `${CHILD_MARKER}=${id}` };
    },
    record: (pid) => {
      live.add(pid);
      const identity = identityOf(pid);
      // Nobody has this number: the child is dead already, and there is nothing to end.
      if (identity !== null)
        appendFileSync(file, `${JSON.stringify({ pid, startedAt: identity.startedAt })}\n`, { mode: 0o600 });
    },
    guard: (pid) => guard.watch(pid),
    forget: (pid) => {
      live.delete(pid);
      guard.release(pid);
    },
    live: () => [...live],
    killAll: () => {
      for (const pid of live) {
        try {
          process.kill(-pid, "SIGKILL");
        } catch {
          // The group is already gone.
        }
      }
    },
    recorded: () => readRecords(file),
    clear: () => {
      if (readRecords(file).length > 0) truncateSync(file);
    },
    close: () => guard[Symbol.dispose](),
  };
}

/** Names one child, so that what leaves its process group is still known as its own. */
const CHILD_MARKER = "PRODIGY_CHILD";

function readRecords(file: string): readonly { readonly pid: number; readonly startedAt: string }[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // No child was ever started.
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const record = parseRecord(line);
    return record === null ? [] : [record];
  });
}

function parseRecord(line: string): { readonly pid: number; readonly startedAt: string } | null {
  const match = /^\{"pid":(\d+),"startedAt":"([^"]*)"\}$/.exec(line);
  // The last line is torn when we died while writing it; its child had not been let go then.
  return match === null ? null : { pid: Number(match[1]), startedAt: match[2] ?? "" };
}
