/**
 * From events to the calm lines that a person reads while a session runs. It knows nothing of terminals; `plain.ts` and
 * `live.ts` print what it says.
 */
import { isMapEvent, isTopLevel, type PauseReason, placeOf, type Recorded, type SessionOrder } from "../../index.ts";
import { bad, detail, type Line, progress } from "./line.ts";
import { dollars, duration, plural, printable } from "./format.ts";
import { type MapNarrator, openMapNarrator } from "./narrator-map.ts";

export interface Narrator {
  /** What happened before this process came; remembered and not told. */
  replay(event: Recorded): void;
  tell(event: Recorded): readonly Line[];
}

export function openNarrator(verbosity: number): Narrator {
  const memory: Memory = {
    order: null,
    resumed: false,
    input: -1,
    pass: -1,
    step: "",
    failure: "",
    map: openMapNarrator(verbosity),
  };
  return {
    replay: (event) => {
      memory.resumed = true;
      memory.map.learn(event);
      learn(memory, event);
    },
    tell: (event) => {
      memory.map.learn(event);
      const lines = [...tellOf(memory, event), ...memory.map.tell(event)].map((line) => ({
        ...line,
        text: printable(line.text),
      }));
      return verbosity < 2 ? lines : [...lines, { kind: "debug", text: debugText(event) }];
    },
  };
}

/** What has been told, and what later events are understood by. */
interface Memory {
  order: SessionOrder | null;
  /** Whether an earlier process has worked on the session. */
  resumed: boolean;
  input: number;
  pass: number;
  step: string;
  /** The last failure that was told: a step that ends with it says nothing new. */
  failure: string;
  readonly map: MapNarrator;
}

function learn(memory: Memory, event: Recorded): void {
  if (event.type === "session-started") memory.order = event.order;
  if (event.type === "workflow-changed" && memory.order !== null)
    memory.order = { ...memory.order, workflow: event.workflow };
}

function tellOf(memory: Memory, event: Recorded): readonly Line[] {
  if (isMapEvent(event))
    return event.type === "map-planned" ? arrive(memory, event, stepLabel(memory, event.path)) : [];
  // Of thousands of items nobody wants to read each step.
  if (memory.map.isOfItem(event)) return [];
  switch (event.type) {
    case "session-started":
      learn(memory, event);
      return [progress(`Starting session: ${event.order.session}`)];
    case "session-opened":
      return [
        ...(memory.resumed ? [progress(`Resuming session: ${memory.order?.session ?? ""}`)] : []),
        ...(event.waivesCommits === true ? [progress("No step must commit: PRODIGY_NO_COMMIT_VALIDATION is set")] : []),
      ];
    case "workflow-changed":
      learn(memory, event);
      return [progress("Going on with the edited workflow")];
    case "lane-prepared":
      return lanePrepared(memory, event);
    case "attempt-started":
      return attemptStarted(memory, event);
    case "attempt-ended":
      return event.result.ok ? [] : [failedAttempt(memory, event)];
    case "call-begun":
      return arrive(memory, event, stepLabel(memory, event.path));
    case "items-planned":
      return [...arrive(memory, event, stepLabel(memory, event.path)), detail(plural(event.items.length, "item"))];
    case "validated":
      return [detail(`validation: ${event.result.problem ?? `${String(event.result.completion)} % complete`}`)];
    case "step-ended":
      return [...arrive(memory, event, event.label), ...stepEnded(memory, event)];
    case "lane-conflicted":
      return [bad(`conflicts in ${event.paths.join(", ")}`)];
    case "lane-failed":
    case "values-computed":
    case "step-entered":
    case "attempt-interrupted":
    case "continuation-failed":
    case "retry-due":
    case "item-ended":
    case "lane-merged":
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
    case "session-ended":
    case "warned":
      return tellEnd(event);
  }
}

function lanePrepared(memory: Memory, event: Recorded & { type: "lane-prepared" }): readonly Line[] {
  if (event.lane !== "main") return [];
  return [
    progress(memory.resumed ? `Worktree: ${event.directory}` : `Created worktree at: ${event.directory}`),
    ...salvaged(event.salvage),
  ];
}

function attemptStarted(memory: Memory, event: Recorded & { type: "attempt-started" }): readonly Line[] {
  const isOwn = placeOf(event.path)?.inside === "run";
  const lines = [...arrive(memory, event, isOwn ? event.label : stepLabel(memory, event.path))];
  if (event.continued) lines.push(detail("going on with the agent's interrupted session"));
  else if (event.attempt > 1) lines.push(detail(`attempt ${String(event.attempt)}`));
  if (!isOwn || event.lane !== "main")
    lines.push(detail(`${memory.map.nameOf(event.lane) ?? role(event)}${event.label}`));
  return lines;
}

/** Says once for each step of the workflow, each pass and each input that it begins. */
function arrive(
  memory: Memory,
  event: Recorded & { readonly path: string; readonly lane: string },
  label: string,
): readonly Line[] {
  const { order } = memory;
  const place = placeOf(event.path);
  if (place === null || order === null || event.lane !== "main") return [];
  const key = `${String(place.input)}/${String(place.pass)}/${String(place.step)}`;
  if (key === memory.step) return [];
  const { inputs, maxIterations, workflow } = order;
  const lines: Line[] = [];
  if (inputs.length > 0 && place.input !== memory.input)
    lines.push(progress(`Input ${String(place.input + 1)}/${String(inputs.length)}: ${inputs[place.input] ?? ""}`));
  if (maxIterations > 1 && (place.input !== memory.input || place.pass !== memory.pass))
    lines.push(progress(`Starting iteration ${String(place.pass + 1)}/${String(maxIterations)}`));
  Object.assign(memory, { step: key, input: place.input, pass: place.pass });
  lines.push(progress(`Executing step ${String(place.step + 1)}/${String(workflow.steps.length)}: ${label}`));
  return lines;
}

function stepLabel({ order }: Memory, path: string): string {
  return order?.workflow.steps[placeOf(path)?.step ?? -1]?.label ?? path;
}

/** Landing, stopping, warnings: what does not belong to a step. */
function tellEnd(event: Recorded): readonly Line[] {
  if (isMapEvent(event)) return [];
  switch (event.type) {
    case "input-ended":
      if (event.outcome.status !== "failed") return [];
      return [bad(`input ${event.value ?? ""} failed; going on with the next`), ...salvaged(event.salvage)];
    case "landing-conflicted":
      return [bad(`the merge has conflicts in ${event.paths.join(", ")}; resolving them`)];
    case "landed":
      return [progress(event.how === "already" ? "Merged already" : `Merged (${event.how})`)];
    case "pause-requested":
      return [progress(stoppingText(event.reason))];
    case "lane-failed":
      return [bad(event.fault.message)];
    case "warned":
      return [{ kind: "warning", text: event.message }];
    case "session-started":
    case "session-opened":
    case "workflow-changed":
    case "lane-prepared":
    case "values-computed":
    case "step-entered":
    case "attempt-started":
    case "attempt-ended":
    case "attempt-interrupted":
    case "continuation-failed":
    case "retry-due":
    case "call-begun":
    case "items-planned":
    case "validated":
    case "step-ended":
    case "item-ended":
    case "lane-merged":
    case "lane-conflicted":
    case "lane-removed":
    case "pass-ended":
    case "landing-planned":
    case "landing-answered":
    case "landing-requested":
    case "target-merged":
    case "landing-refused":
    case "session-paused":
    case "session-failed":
    case "session-ended":
      // The other events are of interest to the journal's readers only.
      return [];
  }
}

function stepEnded(memory: Memory, event: Recorded & { type: "step-ended" }): readonly Line[] {
  const { status, durationMs, fault } = event.outcome;
  if (!isTopLevel(event.path)) return [];
  switch (status) {
    case "ok":
      return durationMs >= SLOW_MS ? [{ kind: "good", text: `done in ${duration(durationMs)}` }] : [];
    case "skipped":
      return [detail("skipped: its condition is false")];
    case "recovered":
      return [bad("recovered by its handler; nothing proves the repair")];
    case "tolerated":
      return [bad("failed and is tolerated; the run goes on")];
    case "failed":
      return fault === null || fault.message === memory.failure ? [] : [bad(fault.message)];
  }
}

function stoppingText(reason: PauseReason): string {
  return reason.kind === "pause"
    ? "Pausing: what runs may come to its end"
    : "Stopping: what runs is ended, and all that is finished is kept";
}

/** A step that was quicker needs no line to say so. */
const SLOW_MS = 1000;

/** What a step inside a step is for. */
function role({ path, lane }: Recorded & { type: "attempt-started" }): string {
  if (lane !== "main") return `${lane.slice(lane.lastIndexOf("/") + 1)}: `;
  const kinds = [
    ...path.matchAll(/(?:^|\/)(handler|rerun|validate|complete|success|exit|item|try|score|resolve|merge)\b/g),
  ];
  const kind = kinds.at(-1)?.[1];
  return kind === undefined ? "" : `${ROLES[kind] ?? kind}: `;
}

const ROLES: Readonly<Record<string, string>> = {
  rerun: "again",
  validate: "validation",
  complete: "completing",
  success: "on success",
  exit: "on exit code",
};

function failedAttempt(memory: Memory, { result }: Recorded & { type: "attempt-ended" }): Line {
  memory.failure = result.fault?.message ?? `exit code ${String(result.exitCode)}`;
  return bad(`failed after ${duration(result.durationMs)}: ${memory.failure}`);
}

function salvaged(name: string | null): readonly Line[] {
  return name === null ? [] : [detail(`what was left there is kept: prodigy salvage show ${name}`)];
}

function debugText(event: Recorded): string {
  const path = "path" in event && event.path !== null ? ` ${event.path}` : "";
  const usage = event.type === "attempt-ended" && event.usage?.costUsd !== null ? event.usage?.costUsd : undefined;
  return `[${String(event.seq)}] ${event.type}${path}${usage === undefined ? "" : ` ${dollars(usage)}`}`;
}
