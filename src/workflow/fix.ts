/** Old spellings -> current ones, in the text itself, so that comments and layout stay as they are. */
import type { Edit } from "./diagnostics.ts";
import type { Workflow } from "./model.ts";
import type { ParseOptions } from "./parse.ts";
import { parseWorkflow } from "./parse.ts";

/** The text with its old spellings brought up to date; only what leaves the workflow the same is changed. */
export function fixWorkflow(text: string, options: ParseOptions): string {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const body = text.slice(mark.length);
  const { workflow, edits } = parseWorkflow(body, options);
  if (workflow === null || edits.length === 0) return text;
  const wanted = meaning(workflow);
  const isSame = (candidate: string): boolean => meaning(parseWorkflow(candidate, options).workflow) === wanted;
  const all = apply(body, edits);
  if (isSame(all)) return mark + all;
  // One of them means something else where an alias repeats it: the others are kept.
  const good = edits.filter((edit) => isSame(apply(body, [edit])));
  const some = apply(body, good);
  return mark + (isSame(some) ? some : body);
}

/** From the end to the beginning, so that offsets stay true. */
function apply(text: string, edits: readonly Edit[]): string {
  return edits.reduceRight((made, { at, text: to }) => made.slice(0, at.start) + to + made.slice(at.end), text);
}

/** All that a workflow says, but for the places of its parts. */
function meaning(workflow: Workflow | null): string {
  return JSON.stringify(workflow, (key, value: unknown) => (key === "at" ? undefined : value));
}
