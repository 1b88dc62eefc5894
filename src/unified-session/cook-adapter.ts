/**
 * From the journal's events to the session that people read. Pure: the same events always give the same session, so the
 * file can be thrown away and computed again (`rebuildSession`), and it never knows more than the journal.
 */
import { type Event, isMapEvent, type MapEvent, type Recorded, type SessionOrder } from "../cook/decision/event.ts";
import {
  applyUpdate,
  durationOf,
  isLegal,
  type SessionStatus,
  type SessionUpdate,
  timestamp,
  type UnifiedSession,
} from "./state.ts";
import { changedPaths, landingUpdates } from "./cook-landing.ts";
import { type Boarding, NO_BOARD, watchMap } from "./cook-board.ts";
import { type MapFacts, mapFacts, mapUpdates, noItems, phaseUpdates } from "./cook-map.ts";
import { addFiles, addSpent, NO_TOTALS, type Totals } from "./totals.ts";
import { lastName, metadata, totalUpdates, variableUpdates } from "./updates.ts";

/** How far the events have been read. */
export interface Projection {
  /** Null until the first event. */
  readonly session: UnifiedSession | null;
  readonly totals: Totals;
  /** The pass that runs, such as `input-0/pass-0`. */
  readonly pass: string;
  /** The main lane's files after the last attempt. */
  readonly tree: { readonly head: string; readonly snapshot: string | null } | null;
  /** The newest map; null before there is one. */
  readonly map: MapFacts | null;
  readonly boarding: Boarding;
}

export interface Projected {
  readonly projection: Projection;
  /** What led there. For the first event it is empty: the session itself is new. */
  readonly updates: readonly SessionUpdate[];
}

export const NOTHING_YET: Projection = {
  session: null,
  totals: NO_TOTALS,
  pass: "",
  tree: null,
  map: null,
  boarding: NO_BOARD,
};

/** A step of the workflow itself: not in a handler, a loop or the merge phase. */
const TOP_STEP = /^(input-\d+\/pass-\d+)\/step-(\d+)$/;

/** Reads one more event. */
export function project(before: Projection, event: Recorded): Projected {
  if (event.type === "session-started") {
    const session = newSession(event.order, event.at);
    return { projection: { ...NOTHING_YET, session, boarding: watchMap(NO_BOARD, event) }, updates: [] };
  }
  const { session } = before;
  if (session === null) throw new Error(`the journal begins with ${event.type}`);
  const facts = { ...remember(before, event), boarding: watchMap(before.boarding, event) };
  const { board } = facts.boarding;
  const stands: readonly SessionUpdate[] =
    board === null || board === before.boarding.board ? [] : [{ kind: "mapreduce", values: { board } }];
  const updates = [...updatesFor(session, event, { before, after: facts }), ...stands];
  return { projection: { ...facts, session: updates.reduce(apply(timestamp(event.at)), session) }, updates };
}

/** The session of a whole journal; null for an empty one. */
export function rebuildSession(events: Iterable<Recorded>): UnifiedSession | null {
  let projection = NOTHING_YET;
  for (const event of events) projection = project(projection, event).projection;
  return projection.session;
}

function apply(at: string): (session: UnifiedSession, update: SessionUpdate) => UnifiedSession {
  return (session, update) => {
    const result = applyUpdate(session, update, at);
    if (!result.ok) throw new Error(result.problem);
    return result.session;
  };
}

function newSession(order: SessionOrder, at: number): UnifiedSession {
  return {
    id: order.session,
    session_type: order.workflow.mode === "mapreduce" ? "MapReduce" : "Workflow",
    status: "Initializing",
    started_at: timestamp(at),
    updated_at: timestamp(at),
    completed_at: null,
    metadata: {
      repository: order.repository.key,
      project_path: order.repository.path,
      workflow_file: order.workflowFile,
      base_commit: order.base,
      target_branch: order.target,
      branch: order.branch,
      parent: order.parent,
      inputs: order.inputs.length,
      dry_run: order.dryRun,
      prodigy_version: order.versions.prodigy,
    },
    checkpoints: [],
    timings: {},
    error: null,
    workflow_data: {
      workflow_id: order.session,
      workflow_name: order.workflow.name,
      current_step: 0,
      total_steps: order.workflow.steps.length,
      completed_steps: [],
      variables: {},
      iterations_completed: 0,
      files_changed: 0,
      worktree_name: null,
    },
    mapreduce_data: order.workflow.mode === "mapreduce" ? noItems(order.session) : null,
  };
}

/** What an event adds to that which is no part of the session. */
function remember(before: Projection, event: Event): Projection {
  const { totals } = before;
  if (event.type === "step-entered" || event.type === "step-ended")
    return { ...before, pass: TOP_STEP.exec(event.path)?.[1] ?? before.pass };
  if (event.type === "attempt-ended") {
    const paths = event.commits.flatMap((commit) => changedPaths(commit.changes));
    const spent = addSpent(totals, event.usage);
    return {
      ...before,
      totals: { ...spent, commits: spent.commits + event.commits.length, files: addFiles(spent.files, paths) },
      tree: event.lane === "main" ? event.tree : before.tree,
    };
  }
  if (event.type === "attempt-interrupted" || event.type === "continuation-failed")
    return { ...before, totals: addSpent(totals, event.usage) };
  if (event.type === "map-planned" || event.type === "items-begun" || event.type === "map-item-ended")
    return { ...before, map: mapFacts(before.map, event) };
  const isOfMain = event.type === "lane-merged" ? event.into === "main" : "lane" in event && event.lane === "main";
  if ((event.type === "map-advanced" || event.type === "lane-merged") && isOfMain)
    return { ...before, tree: event.tree };
  if (event.type === "warned") return { ...before, totals: { ...totals, warnings: totals.warnings + 1 } };
  return before;
}

interface Facts {
  readonly before: Projection;
  readonly after: Projection;
}

function updatesFor(session: UnifiedSession, event: Recorded, facts: Facts): readonly SessionUpdate[] {
  return isMapEvent(event) ? mapUpdates(event, facts.after.map) : ownUpdates(session, event, facts);
}

// oxlint-disable-next-line max-lines-per-function -- One case an event; a table would lose the check that none is missing.
function ownUpdates(
  session: UnifiedSession,
  event: Exclude<Recorded, MapEvent>,
  facts: Facts,
): readonly SessionUpdate[] {
  switch (event.type) {
    case "session-started":
      return [];
    case "session-opened":
    case "session-paused":
    case "session-failed":
    case "session-ended":
      return lifecycleUpdates(session, event);
    case "workflow-changed":
      return [
        { kind: "workflow", values: { total_steps: event.workflow.steps.length, workflow_name: event.workflow.name } },
      ];
    case "lane-prepared":
      return event.lane === "main" ? [{ kind: "workflow", values: { worktree_name: lastName(event.directory) } }] : [];
    case "step-entered":
      return stepEntered(session, event.path, facts);
    case "attempt-started":
      return [metadata({ current: event.label, attempt: event.attempt })];
    case "attempt-ended":
    case "attempt-interrupted":
    case "continuation-failed":
      return [
        ...totalUpdates(session, facts.after.totals),
        ...("set" in event ? variableUpdates(session, event.set) : []),
      ];
    case "validated":
      return [metadata({ validation: event.result.completion }), ...variableUpdates(session, event.set)];
    case "step-ended":
      return [...stepEnded(session, event, facts), ...phaseUpdates(facts.after.map, event)];
    case "pass-ended":
      return [
        { kind: "workflow", values: { iterations_completed: (session.workflow_data?.iterations_completed ?? 0) + 1 } },
      ];
    case "input-ended":
      return [metadata({ inputs_ended: event.input + 1 })];
    case "landing-planned":
    case "landing-answered":
    case "landing-requested":
    case "landing-conflicted":
    case "landing-refused":
    case "target-merged":
    case "landed":
      return landingUpdates(event);
    case "warned":
      return [metadata({ warnings: facts.after.totals.warnings, last_warning: event.message })];
    case "pause-requested":
      return [metadata({ pause_requested: event.reason.kind })];
    case "lane-failed":
      return [metadata({ last_lane_failure: event.fault.message })];
    case "retry-due":
    case "values-computed":
    case "call-begun":
    case "items-planned":
    case "item-ended":
    case "lane-merged":
    case "lane-conflicted":
    case "lane-removed":
      return [];
  }
}

type Lifecycle = Event & { readonly type: "session-opened" | "session-paused" | "session-failed" | "session-ended" };

function lifecycleUpdates(session: UnifiedSession, event: Lifecycle): readonly SessionUpdate[] {
  switch (event.type) {
    case "session-opened":
      return [
        ...statusUpdate(session, "Running"),
        metadata({ pid: event.worker.pid, host: event.worker.host, pause_reason: null, pause_requested: null }),
      ];
    case "session-paused":
      return [...statusUpdate(session, "Paused"), metadata({ pause_reason: event.reason.kind })];
    case "session-failed": {
      const failed = metadata({ failed_path: event.path, fault: event.fault.kind });
      return isLegal(session.status, "Failed") ? [{ kind: "error", message: event.fault.message }, failed] : [failed];
    }
    case "session-ended":
      return [
        ...statusUpdate(session, "Completed"),
        { kind: "mapreduce", values: { phase: "Complete" } },
        metadata({ landing: event.landing, failed_inputs: event.failedInputs }),
      ];
  }
}

/** A completed session that is opened once more, to be landed, stays completed. */
function statusUpdate(session: UnifiedSession, status: SessionStatus): readonly SessionUpdate[] {
  return isLegal(session.status, status) ? [{ kind: "status", status }] : [];
}

function stepEntered(session: UnifiedSession, path: string, facts: Facts): readonly SessionUpdate[] {
  const step = TOP_STEP.exec(path);
  if (step === null || session.workflow_data === null) return [];
  const progress: SessionUpdate = {
    kind: "progress",
    current: Number(step[2]),
    total: session.workflow_data.total_steps,
  };
  return facts.before.pass === facts.after.pass
    ? [progress]
    : [{ kind: "workflow", values: { completed_steps: [] } }, progress];
}

function stepEnded(
  session: UnifiedSession,
  event: Recorded & { readonly type: "step-ended" },
  facts: Facts,
): readonly SessionUpdate[] {
  const timing: SessionUpdate = {
    kind: "timing",
    operation: event.label,
    duration: durationOf(event.outcome.durationMs),
  };
  const step = TOP_STEP.exec(event.path);
  const data = session.workflow_data;
  if (step === null || data === null) return [timing, ...variableUpdates(session, event.set)];
  const number = Number(step[2]);
  // A step that `when` skipped was never entered, and may be the first of its pass.
  const inPass = facts.before.pass === facts.after.pass ? data.completed_steps : [];
  const completed = event.outcome.status === "failed" ? inPass : [...new Set([...inPass, number])];
  const current = event.outcome.status === "failed" ? number : number + 1;
  return [
    timing,
    { kind: "workflow", values: { current_step: current, completed_steps: completed } },
    ...variableUpdates(session, event.set),
    { kind: "checkpoint", checkpoint: checkpointOf(event, facts.after.tree) },
  ];
}

function checkpointOf(event: Recorded & { readonly type: "step-ended" }, tree: Projection["tree"]) {
  const state = { path: event.path, step: event.label, status: event.outcome.status, event: event.seq };
  return {
    id: `checkpoint-${event.seq}`,
    created_at: timestamp(event.at),
    state: tree === null ? state : { ...state, head: tree.head, snapshot: tree.snapshot },
    metadata: {},
  };
}
