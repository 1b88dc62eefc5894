import type { Fault } from "../cook/decision/event.ts";

/** A fault with only what is known here; the engine adds the place in the workflow and the logs. */
export function fault(kind: Fault["kind"], message: string, help: string | null = null): Fault {
  return { kind, message, exitCode: null, lastLines: [], help, at: null, logs: [] };
}

/** The system's code of an error, such as `ENOENT`; null when it has none. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** The system's words for what went wrong, without Node's decorations. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node writes `ENOENT: no such file or directory, open '/x'`; the path is in our own sentence already.
  const match = /^[A-Z0-9]+: ([^,]+)(?:,|$)/.exec(error.message);
  return match?.[1] ?? error.message.replace(/\.$/, "");
}
