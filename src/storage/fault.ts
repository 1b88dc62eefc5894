import type { Fault } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";

/** A failure that is about stored files. */
export function fileFault(message: string, help: string | null = null): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: { kind: "file", message, exitCode: null, lastLines: [], help, at: null, logs: [] } };
}

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** The system's code of an error, such as `ENOENT`; null for other errors. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** What went wrong, for the end of a sentence. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For layers that may not know the ports. */
export type StorageOutcome<T> = Outcome<T>;
