/**
 * What a new worker finds. Resuming is nothing else: the same loop goes on from here.
 *
 * Attempts that were running are interrupted. What had failed is open again, with the parts that passed kept. Each lane's
 * worktree has to be made sure of once more.
 */
import type { Event } from "./event.ts";
import { type AttemptState, type Lane, mapNodes, type Node, passes, type Session } from "./state.ts";

export function reopened(session: Session, event: Event & { readonly type: "session-opened" }): Session {
  const wasFailed = session.status === "failed";
  const forgiven = session.pause?.kind === "poison";
  const lanes = new Map<string, Lane>();
  for (const [id, lane] of session.lanes) lanes.set(id, reopenedLane(lane, { wasFailed, forgiven }));
  return {
    ...session,
    lanes,
    status: session.status === "ended" ? "ended" : "running",
    pause: null,
    fault: null,
    stopping: null,
    autoLand: event.autoLand,
    landing: session.status !== "ended" && session.landing.kind === "planned" ? { kind: "open" } : session.landing,
    idleMs: session.idleMs + Math.max(0, event.at - session.lastAt),
  };
}

function reopenedLane(lane: Lane, how: { readonly wasFailed: boolean; readonly forgiven: boolean }): Lane {
  let restore = false;
  const visit = (node: Node): Node => {
    const reopen = how.wasFailed ? withoutFailure(node) : node;
    const attempt = reopen.attempt === null ? null : reopenedAttempt(reopen.attempt, how.forgiven);
    if (attempt?.status === "interrupted" && attempt.agentSession === null && !attempt.shared) restore = true;
    return { ...reopen, attempt };
  };
  const root = mapNodes(lane.root, visit);
  return { ...lane, root, ready: false, want: restore ? "restore" : "keep" };
}

function reopenedAttempt(attempt: AttemptState, forgiven: boolean): AttemptState {
  const crashes = forgiven ? 0 : attempt.crashes;
  // An agent that met its quota is taken up where it stopped: that is no failure of the step.
  if (attempt.status === "ended" && attempt.fault?.kind === "limit")
    return { ...attempt, status: "interrupted", crashes };
  if (attempt.status === "running") return { ...attempt, status: "interrupted", crashes: crashes + 1 };
  return { ...attempt, crashes };
}

/** Takes the failure out of a node, and with it the rounds that only answered the failure. */
function withoutFailure(node: Node): Node {
  const attempt =
    node.attempt?.status === "ended" && !node.attempt.ok && node.attempt.fault?.kind !== "limit" ? null : node.attempt;
  const rounds = [...node.children].filter(([segment]) => !ANSWERS.test(segment));
  return {
    ...node,
    attempt,
    validations: [],
    ...withoutFailedItems(node),
    last: node.last !== null && passes(node.last) ? node.last : null,
    children: rounds.length === node.children.size ? node.children : new Map(rounds),
  };
}

/** Failed items are open again; what is settled beyond the first of them stays so. */
function withoutFailedItems(node: Node): Pick<Node, "done" | "settled" | "failedItems" | "failure"> {
  const first = Math.min(...node.failedItems);
  const { done, failedItems, failure } = node;
  if (first === Number.POSITIVE_INFINITY) return { done, settled: node.settled, failedItems, failure };
  const settled = new Set(node.settled);
  for (let index = first; index < done; index++) settled.add(index);
  for (const index of failedItems) settled.delete(index);
  return { done: Math.min(first, done), settled, failedItems: [], failure: null };
}

const ANSWERS = /^(?:handler-\d+|rerun-\d+|validate-\d+|complete-\d+|fallback|exit-[1-9]\d*)$/;
