/** What a run would do, told while the engine walks through it with nothing in its hands. */
import { everyStep, isMapEvent, placeOf, type Recorded, type SessionOrder, type Step } from "../../index.ts";
import { isOfOtherItem, mapPlanned } from "./dry-map.ts";
import { plural, printable } from "./format.ts";
import type { Line } from "./line.ts";
import type { Narrator } from "./narrator.ts";

export function openDryNarrator(): Narrator {
  let order: SessionOrder | null = null;
  let input = -1;
  return {
    replay: () => undefined,
    tell: (event) => {
      if (event.type === "session-started") ({ order } = event);
      const lines = [...(order === null ? [] : inputLine(event, order, input)), ...tell(event, order)];
      input = inputOf(event) ?? input;
      return lines.map((text) => ({ kind: "progress", text: `[DRY RUN] ${printable(text)}` }));
    },
  };
}

function tell(event: Recorded, order: SessionOrder | null): readonly Line["text"][] {
  if (isMapEvent(event)) return event.type === "map-planned" && order !== null ? mapPlanned(event, order) : [];
  if ("lane" in event && isOfOtherItem(event.lane ?? "")) return [];
  switch (event.type) {
    case "session-started":
      return beginning(event.order);
    case "attempt-started":
      return [`Would execute: ${event.label}`];
    case "items-planned":
      return event.items.length === 1 && event.items[0] === "<item>"
        ? ["Would run the steps below once for each line of a command's output"]
        : [`Would run the steps below for ${plural(event.items.length, "item")}`];
    case "warned":
      return [`Warning: ${event.message}`];
    case "session-ended":
      return order === null ? [] : ending(order);
    case "call-begun":
    case "session-opened":
    case "workflow-changed":
    case "lane-prepared":
    case "lane-failed":
    case "values-computed":
    case "step-entered":
    case "attempt-ended":
    case "attempt-interrupted":
    case "continuation-failed":
    case "retry-due":
    case "validated":
    case "step-ended":
    case "item-ended":
    case "lane-merged":
    case "lane-conflicted":
    case "lane-removed":
    case "pass-ended":
    case "input-ended":
    case "landing-planned":
    case "landing-answered":
    case "landing-requested":
    case "target-merged":
    case "landed":
    case "landing-conflicted":
    case "landing-refused":
    case "pause-requested":
    case "session-paused":
    case "session-failed":
      // A dry run has nothing to tell of what did not happen.
      return [];
  }
}

function beginning(order: SessionOrder): readonly string[] {
  const { workflow, maxIterations, inputs } = order;
  return [
    `Workflow ${workflow.name}: ${plural(workflow.steps.length, "step")}. Nothing is executed, written or merged.`,
    `Would create a worktree of ${order.repository.path} at ${order.base.slice(0, 12)} on branch ${order.branch}`,
    ...(maxIterations > 1 ? [`Would run ${String(maxIterations)} iterations at most, while they make commits`] : []),
    ...(inputs.length > 0 ? [`Would run once for each of ${plural(inputs.length, "input")}`] : []),
  ];
}

function ending({ workflow, target }: SessionOrder): readonly string[] {
  const steps = [...everyStep(workflow.steps)];
  const checks = steps.flatMap(({ validate }) => validate?.steps ?? []);
  const files = steps.flatMap(({ validate }) => validate?.resultFile ?? []);
  const handlers = steps.flatMap(({ onFailure }) => (onFailure.kind === "handle" ? onFailure.steps : []));
  const commits = steps.filter(({ commitRequired, autoCommit }) => commitRequired || autoCommit !== null);
  return [
    ...listed("Validation commands, assumed to pass", [...checks.map(labelOf), ...files.map((file) => `read ${file}`)]),
    ...listed("Handlers, if their step fails", handlers.map(labelOf)),
    ...listed("Commits expected from", commits.map(labelOf)),
    workflow.merge === null
      ? mergeLine(target)
      : `Would merge with the workflow's own steps: ${workflow.merge.steps.map(labelOf).join("; ")}`,
    "End of the dry run: nothing was changed",
  ];
}

function mergeLine(target: string | null): string {
  if (target === null) return "Would not merge: HEAD is detached, so there is no branch to merge into";
  return `Would ask, and then merge into ${target}`;
}

function listed(title: string, entries: readonly string[]): readonly string[] {
  return entries.length === 0 ? [] : [`${title}:`, ...entries.map((entry) => `  - ${entry}`)];
}

function labelOf({ label }: Step): string {
  return label;
}

function inputLine(event: Recorded, { inputs }: SessionOrder, before: number): readonly string[] {
  const input = inputOf(event);
  if (input === null || input === before || inputs.length === 0) return [];
  return [`Input ${String(input + 1)}/${String(inputs.length)}: ${inputs[input] ?? ""}`];
}

function inputOf(event: Recorded): number | null {
  return event.type === "attempt-started" || event.type === "items-planned"
    ? (placeOf(event.path)?.input ?? null)
    : null;
}
