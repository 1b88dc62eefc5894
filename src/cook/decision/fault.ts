/** Faults, as the decisions make them. */
import type { SourceLocation } from "../../workflow/model.ts";
import type { Fault } from "./event.ts";

interface FaultDetails {
  readonly exitCode?: number | null;
  readonly lastLines?: readonly string[];
  readonly help?: string | null;
  readonly at?: SourceLocation | null;
  readonly logs?: readonly string[];
}

export function fault(kind: Fault["kind"], message: string, details: FaultDetails = {}): Fault {
  return {
    kind,
    message,
    exitCode: details.exitCode ?? null,
    lastLines: details.lastLines ?? [],
    help: details.help ?? null,
    at: details.at ?? null,
    logs: details.logs ?? [],
  };
}
