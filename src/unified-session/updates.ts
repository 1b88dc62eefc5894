/** The updates that every kind of run makes in the same way. */
import type { Json } from "../workflow/model.ts";
import type { SessionUpdate, UnifiedSession } from "./state.ts";
import type { Totals } from "./totals.ts";

/** A variable's longer values are told by their length. */
const MAX_VARIABLE_LENGTH = 200;
const MAX_VARIABLES = 100;

export function totalUpdates(session: UnifiedSession, totals: Totals): readonly SessionUpdate[] {
  const files = totals.files.size;
  const values = {
    cost_usd: totals.costUsd,
    runs_of_unknown_cost: totals.runsOfUnknownCost,
    input_tokens: totals.inputTokens,
    output_tokens: totals.outputTokens,
    commits: totals.commits,
  };
  const update = metadata(values);
  return files === session.workflow_data?.files_changed
    ? [update]
    : [update, { kind: "workflow", values: { files_changed: files } }];
}

export function variableUpdates(
  session: UnifiedSession,
  set: Readonly<Record<string, Json>>,
): readonly SessionUpdate[] {
  const known = session.workflow_data?.variables ?? {};
  const entries = Object.entries(set).map(([name, value]) => [name, shortText(value)] as const);
  if (entries.length === 0) return [];
  const variables = Object.fromEntries([...Object.entries(known), ...entries].slice(0, MAX_VARIABLES));
  return [{ kind: "workflow", values: { variables } }];
}

function shortText(value: Json): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= MAX_VARIABLE_LENGTH ? text : `(${text.length} characters)`;
}

export function metadata(values: Readonly<Record<string, Json>>): SessionUpdate {
  return { kind: "metadata", values };
}

export function lastName(directory: string): string {
  return directory.split(/[/\\]/).findLast((name) => name !== "") ?? directory;
}
