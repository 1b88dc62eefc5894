/** What the events of an attempt mean. */
import { assert } from "./assert.ts";
import type { Event } from "./event.ts";
import type { AttemptState, Lane, Node, Session } from "./state.ts";
import { onLane, onNode, setting } from "./update.ts";

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
    shared: event.shared,
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
      shared: node.attempt?.shared ?? false,
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
  }));
}

export function interrupted(node: Node): AttemptState {
  assert(node.attempt !== null, "an attempt that never began was interrupted");
  return { ...node.attempt, status: "interrupted" };
}

export function continuationFailed(session: Session, event: Event & { readonly type: "continuation-failed" }): Session {
  const cleared = onNode(session, event, (node) => ({
    ...node,
    attempt: { ...interrupted(node), agentSession: null },
  }));
  return onLane(cleared, event.lane, (lane) => ({ ...lane, ready: false, want: "restore" }));
}

export function due(node: Node, delayMs: number): AttemptState {
  assert(node.attempt !== null, "a retry is due for an attempt that never began");
  return { ...node.attempt, due: true, delayedMs: node.attempt.delayedMs + delayMs };
}
