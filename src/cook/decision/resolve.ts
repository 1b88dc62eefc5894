/** The steps that resolve a merge conflict: an agent, and the proof that it did. */
import type { MapAction, SourceLocation, Step, Workflow } from "../../workflow/model.ts";
import { syntheticStep } from "./progress.ts";
import type { Conflict } from "./state-map.ts";

/** Resolves what a merge of `target` into `branch` left in the session's worktree. */
export function landingResolution(
  workflow: Workflow,
  { branch, target, at }: { readonly branch: string; readonly target: string; readonly at: SourceLocation },
): Step {
  const prompt = [
    `A merge of branch "${target}" into "${branch}" is in progress in this worktree and has conflicts.`,
    ...HOW,
  ].join("\n");
  return agentStep(`resolve conflicts with ${target}`, prompt, { workflow, steps: workflow.steps, at });
}

interface Around {
  readonly step: Step;
  readonly workflow: Workflow;
}

/**
 * For an item of a map: the agent, a check that nothing is left of the conflict, and the steps that are to pass on the
 * result as well.
 */
export function itemResolution(action: MapAction, conflict: Conflict, { step, workflow }: Around): readonly Step[] {
  const { at } = step;
  const verified = action.steps.filter(({ verify }) => verify);
  // Since it conflicted, others may have changed their mind: then the merge went through.
  if (conflict.merging?.length === 0) return verified;
  const prompt = [
    "A merge of the work of other agents into the work of this one is in progress in this worktree and has conflicts in:",
    ...conflict.paths.slice(0, 100).map((path) => `- ${path}`),
    "This worktree's work was done for this item: ${item_json}",
    "What the others wanted: see `git log HEAD..MERGE_HEAD`.",
    ...HOW,
  ].join("\n");
  const proof = syntheticStep("check the resolution", { kind: "shell", script: proofOf(conflict) }, at);
  return [agentStep("resolve conflicts", prompt, { workflow, steps: action.steps, at }), proof, ...verified];
}

const HOW = [
  "Resolve every conflict so that the intent of both sides is kept, remove all conflict markers,",
  "run the project's quick checks if there are any, then stage the files and commit the merge.",
  "Do not push, do not switch branches, do not rewrite commits.",
];

/** Committed, nothing unmerged, the other side contained, and no markers in what had conflicted. */
function proofOf({ paths, with: other }: Conflict): string {
  const files = paths.map((path) => `':(literal)${path.replaceAll("'", "'\\''")}'`).join(" ");
  return [
    "set -e",
    'test -z "$(git diff --name-only --diff-filter=U)" || { echo "there are unmerged files" >&2; exit 1; }',
    'test ! -e "$(git rev-parse --git-path MERGE_HEAD)" || { echo "the merge was not committed" >&2; exit 1; }',
    `git merge-base --is-ancestor ${other} HEAD || { echo "the other agents' work is not contained in HEAD" >&2; exit 1; }`,
    `if git grep -nE '^(<{7}|>{7}|[|]{7})( |$)' HEAD -- ${files} >&2; then echo "conflict markers are left" >&2; exit 1; fi`,
  ].join("\n");
}

interface Agents {
  readonly workflow: Workflow;
  /** The first agent among them is the one to ask. */
  readonly steps: readonly Step[];
  readonly at: SourceLocation;
}

function agentStep(label: string, prompt: string, { workflow, steps, at }: Agents): Step {
  const first = steps.find((step) => step.action.kind === "agent")?.action;
  const agent = first?.kind === "agent" ? first.agent : "claude";
  return syntheticStep(label, { kind: "agent", agent, prompt, settings: workflow.agent }, at);
}
