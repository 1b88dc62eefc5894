/**
 * `resume --force` with an edited workflow. Within a lane the first changed step makes all later ones new; what came
 * before it stays done, and the lane goes back to the tree and the variables of that moment.
 */
import type { Step, Workflow } from "../../workflow/model.ts";
import { type History, type Lane, MAIN, type Node, type Session } from "./state.ts";

export function afterEdit(session: Session, workflow: Workflow): Session {
  const main = session.lanes.get(MAIN);
  const order = { ...session.order, workflow };
  if (main === undefined) return { ...session, order };
  const from = firstChange(session.order.workflow.steps, workflow.steps);
  const lanes = new Map([[MAIN, rewound(main, from)]]);
  return { ...session, order, lanes, landing: { kind: "open" } };
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
  return JSON.stringify(step, (key, value: unknown) => (key === "at" || key === "label" ? undefined : value));
}

function rewound(lane: Lane, from: number): Lane {
  const input = liveChild(lane.root, "input");
  const pass = input === null ? null : liveChild(input.node, "pass");
  if (input === null || pass === null) return lane;
  if (pass.node.done < from) return lane;
  if (pass.node.done === from && !pass.node.children.has(`step-${String(from)}`)) return lane;
  const history = cut(pass.node.history, from);
  const kept: Node = { ...pass.node, done: from, history, last: null, children: new Map() };
  const root = put(lane.root, input.segment, put(input.node, pass.segment, kept));
  return {
    ...lane,
    root,
    ready: false,
    want: "restore",
    tree: history?.tree ?? pass.node.before,
    vars: history?.vars ?? {},
  };
}

function liveChild(node: Node, kind: string): { readonly segment: string; readonly node: Node } | null {
  const segment = `${kind}-${String(node.done)}`;
  const child = node.children.get(segment);
  return child === undefined ? null : { segment, node: child };
}

function put(node: Node, segment: string, child: Node): Node {
  return { ...node, children: new Map(node.children).set(segment, child) };
}

function cut(history: History | null, from: number): History | null {
  let entry = history;
  while (entry !== null && entry.index >= from) entry = entry.previous;
  return entry;
}
