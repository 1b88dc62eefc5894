/**
 * `resume --force` with an edited workflow. Within a lane the first changed step makes all later ones new; what came
 * before it stays done, and the lane goes back to the tree and the variables of that moment. Lanes of a loop that is not
 * touched go on where they were; those of one that is go away, with what is in them kept.
 */
import type { MapAction, Step, Workflow } from "../../workflow/model.ts";
import type { LaneId, StepPath } from "./event.ts";
import { type History, isStray, join, type Lane, MAIN, type Node, type Owed, type Session } from "./state.ts";

export function afterEdit(session: Session, workflow: Workflow): Session {
  const main = session.lanes.get(MAIN);
  const before = session.order.workflow;
  const order = { ...session.order, workflow };
  // What has landed, and a worktree that is gone, cannot be done again.
  if (main === undefined || main.removed || session.landing.kind === "settled") return { ...session, order };
  const place = placeOf(main);
  const edited =
    place === null
      ? rewound(main, ["merge"], firstChange(before.merge?.steps ?? [], workflow.merge?.steps ?? []))
      : rewound(main, place, firstChange(before.steps, workflow.steps));
  const lanes = new Map(session.lanes).set(MAIN, edited);
  const deadLetters = edited === main ? session.deadLetters : deadBefore(edited, place);
  const next: Session = { ...session, order, lanes, deadLetters, landing: { kind: "open" } };
  return { ...next, owed: [...session.owed, ...owedBy(session, next)] };
}

/** Agents that were at work where now nothing is any more. */
function owedBy(before: Session, after: Session): readonly Owed[] {
  const owed: Owed[] = [];
  for (const [lane, { root }] of before.lanes) {
    const left = isStray(after, lane) ? null : (after.lanes.get(lane)?.root ?? null);
    const visit = (node: Node, path: StepPath, kept: Node | null): void => {
      const { unaccounted: log = null, number: attempt = 1 } = node.attempt ?? {};
      const agent = log === null ? null : agentAt(before.order.workflow, lane, path);
      if (log !== null && agent !== null && kept?.attempt?.unaccounted !== log)
        owed.push({ lane, path, attempt, agent, log });
      for (const [segment, child] of node.children)
        visit(child, join(path, segment), kept?.children.get(segment) ?? null);
    };
    visit(root, "", left);
  }
  return owed;
}

/** Which agent it was. The steps inside of one step of the list all have the same one, as far as anybody has seen. */
function agentAt(workflow: Workflow, lane: LaneId, path: StepPath): string | null {
  const [, list, index] = /(merge|pass-\d+)\/step-(\d+)/.exec(join(lane, path)) ?? [];
  const steps = list === "merge" ? (workflow.merge?.steps ?? []) : workflow.steps;
  let agent: string | null = null;
  JSON.stringify(steps[Number(index)], (_, part: unknown) => {
    if (isAgentAction(part)) agent ??= part.agent;
    return part;
  });
  return agent;
}

function isAgentAction(part: unknown): part is { readonly agent: string } {
  if (typeof part !== "object" || part === null || !("kind" in part) || !("agent" in part)) return false;
  return part.kind === "agent" && typeof part.agent === "string";
}

/** What is left to be found out when an event has told one of it. */
export function withoutOwed(
  owed: readonly Owed[],
  told: { readonly lane: LaneId; readonly path: StepPath; readonly attempt: number },
): readonly Owed[] {
  return owed.filter(({ lane, path, attempt }) => lane !== told.lane || path !== told.path || attempt !== told.attempt);
}

/** Index of the first step that differs; the number of common steps when one list begins with the other. */
export function firstChange(before: readonly Step[], after: readonly Step[]): number {
  const length = Math.min(before.length, after.length);
  for (let index = 0; index < length; index++) {
    if (definition(before[index]) !== definition(after[index])) return index;
  }
  return length;
}

/** A step's meaning: where it stands in the file and what it is called for people do not count. */
function definition(step: Step | undefined): string {
  const bare = step?.action.kind === "map" ? { ...step, action: itemsOnly(step.action) } : step;
  return JSON.stringify(bare, (key, value: unknown) => (key === "at" || key === "label" ? undefined : value));
}

/** What makes a map's items and their results. How many run at once, and what becomes of failures, holds from now on. */
function itemsOnly(action: MapAction): Partial<MapAction> {
  const { maxParallel, timeout, policy, verify, conflicts, failWhenEmpty, ...rest } = action;
  void [maxParallel, timeout, policy, verify, conflicts, failWhenEmpty];
  return rest;
}

/** The pass that is under way; null when there is none, so that only the landing is left. */
function placeOf(main: Lane): readonly [string, string] | null {
  const input = `input-${String(main.root.done)}`;
  const node = main.root.children.get(input);
  return node === undefined ? null : [input, `pass-${String(node.done)}`];
}

/** Dead letters of maps that are done again do not count any more. */
function deadBefore({ root }: Lane, place: readonly [string, string] | null): number {
  const [input = "", pass = ""] = place ?? [];
  return root.children.get(input)?.children.get(pass)?.history?.deadLetters ?? 0;
}

/** The lane with the sequence at the place back before the step, if it has come that far. */
function rewound(lane: Lane, place: readonly string[], from: number): Lane {
  const node = place.reduce<Node | undefined>((at, segment) => at?.children.get(segment), lane.root);
  if (node === undefined || node.done < from) return lane;
  if (node.done === from && !node.children.has(`step-${String(from)}`)) return lane;
  const history = cut(node.history, from);
  const kept: Node = { ...node, done: from, history, last: null, children: new Map() };
  return {
    ...lane,
    root: put(lane.root, place, kept),
    ready: false,
    want: "restore",
    tree: history?.tree ?? node.before,
    commits: history?.commits ?? node.commitsBefore,
    vars: history?.vars ?? node.varsBefore,
  };
}

function put(node: Node, [segment, ...rest]: readonly string[], child: Node): Node {
  if (segment === undefined) return child;
  const below = node.children.get(segment);
  if (below === undefined) return node;
  return { ...node, children: new Map(node.children).set(segment, put(below, rest, child)) };
}

function cut(history: History | null, from: number): History | null {
  let entry = history;
  while (entry !== null && entry.index >= from) entry = entry.previous;
  return entry;
}
