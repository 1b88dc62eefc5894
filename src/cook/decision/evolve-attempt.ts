/** What the events of an attempt mean. */
import { assert } from "./assert.ts";
import type { Event } from "./event.ts";
import type { ItemWork } from "./event-map.ts";
import { type AttemptState, type Lane, MAIN, type Node, nodeAt, type Session } from "./state.ts";
import { laneOf, onLane, onNode, setting } from "./update.ts";

export function attemptStarted(
  node: Node,
  lane: Lane,
  event: Event & { readonly type: "attempt-started" },
): AttemptState {
  const earlier = node.attempt?.number === event.attempt ? node.attempt : null;
  return {
    number: event.attempt,
    status: "running",
    crashes: earlier?.crashes ?? 0,
    since: event.continued && earlier !== null ? earlier.since : lane.tree,
    agentSession: event.agentSession,
    unaccounted: event.logs.find((log) => log.endsWith(".jsonl")) ?? null,
    shared: event.shared,
    again: false,
    ok: false,
    exitCode: null,
    output: "",
    stderr: "",
    durationMs: 0,
    fault: null,
    resetsAt: null,
    endedAt: event.at,
    due: false,
    delayedMs: earlier?.delayedMs ?? node.attempt?.delayedMs ?? 0,
  };
}

export function attemptEnded(session: Session, event: Event & { readonly type: "attempt-ended" }): Session {
  const { result } = event;
  const ended = onNode(session, event, (node, lane) => ({
    ...node,
    attempt: {
      number: event.attempt,
      status: "ended",
      crashes: node.attempt?.crashes ?? 0,
      since: node.attempt?.since ?? lane.tree,
      agentSession: node.attempt?.agentSession ?? null,
      unaccounted: null,
      shared: node.attempt?.shared ?? false,
      again: false,
      ok: result.ok,
      exitCode: result.exitCode,
      output: result.output,
      stderr: result.stderr,
      durationMs: result.durationMs,
      fault: result.fault,
      resetsAt: result.resetsAt,
      endedAt: event.at,
      due: false,
      delayedMs: node.attempt?.delayedMs ?? 0,
    },
  }));
  return onLane(setting(ended, event), event.lane, (lane) => ({
    ...lane,
    tree: event.tree,
    commits: lane.commits + event.commits.length,
    work: lane.id === MAIN ? lane.work : withWork(lane.work, event),
  }));
}

function withWork(work: ItemWork, { commits, usage }: Event & { readonly type: "attempt-ended" }): ItemWork {
  const cost = usage?.costUsd ?? null;
  if (commits.length === 0 && cost === null) return work;
  const files = commits.flatMap(({ changes }) => [...changes.added, ...changes.modified, ...changes.deleted]);
  return {
    commits: [...work.commits, ...commits.map(({ hash }) => hash)],
    files: [...new Set([...work.files, ...files])],
    insertions: commits.reduce((sum, { changes }) => sum + changes.insertions, work.insertions),
    deletions: commits.reduce((sum, { changes }) => sum + changes.deletions, work.deletions),
    costUsd: cost === null ? work.costUsd : (work.costUsd ?? 0) + cost,
  };
}

export function interrupted(node: Node): AttemptState {
  assert(node.attempt !== null, "an attempt that never began was interrupted");
  return { ...node.attempt, status: "interrupted", unaccounted: null };
}

export function continuationFailed(session: Session, event: Event & { readonly type: "continuation-failed" }): Session {
  const cleared = onNode(session, event, (node) => ({
    ...node,
    attempt: { ...interrupted(node), agentSession: null },
  }));
  // Where others write in the same tree, what the agent has left there stays.
  const shared = nodeAt(laneOf(session, event.lane), event.path)?.attempt?.shared === true;
  return shared ? cleared : onLane(cleared, event.lane, (lane) => ({ ...lane, ready: false, want: "restore" }));
}

export function due(node: Node, delayMs: number): AttemptState {
  assert(node.attempt !== null, "a retry is due for an attempt that never began");
  return { ...node.attempt, due: true, delayedMs: node.attempt.delayedMs + delayMs };
}
