/** Old spellings -> current ones, in the text itself, so that comments and layout stay as they are. */
import type { Edit, Fix } from "./diagnostics.ts";
import type { Workflow } from "./model.ts";
import type { ParseOptions } from "./parse.ts";
import { parseWorkflow } from "./parse.ts";

/** What is inside of something that moves is mended in the next round; nothing old is nested deeper. */
const MAX_ROUNDS = 10;

/** The text with its old spellings brought up to date; only what leaves the workflow the same is changed. */
export function fixWorkflow(text: string, options: ParseOptions): string {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  let body = text.slice(mark.length);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = fixOnce(body, options);
    if (next === body) break;
    body = next;
  }
  return mark + body;
}

function fixOnce(body: string, options: ParseOptions): string {
  const { workflow, fixes } = parseWorkflow(body, options);
  if (workflow === null || fixes.length === 0) return body;
  const wanted = meaning(workflow);
  const isSame = (candidate: readonly Fix[]): boolean =>
    meaning(parseWorkflow(apply(body, candidate), options).workflow) === wanted;
  return apply(body, acceptable(apart(fixes), isSame));
}

/** Fixes that touch each other are not applied at once: the first of them goes first. */
function apart(fixes: readonly Fix[]): readonly Fix[] {
  const taken: Fix[] = [];
  for (const fix of fixes) {
    const isFree = taken.every((other) => other.every((a) => fix.every((b) => !touches(a, b))));
    if (isFree) taken.push(fix);
  }
  return taken;
}

function touches({ at: a }: Edit, { at: b }: Edit): boolean {
  return a.start <= b.end && b.start <= a.end;
}

/** Those that leave the meaning as it is: one of them may mean something else where an alias repeats it. */
function acceptable(fixes: readonly Fix[], isSame: (fixes: readonly Fix[]) => boolean): readonly Fix[] {
  if (fixes.length === 0 || isSame(fixes)) return fixes;
  if (fixes.length === 1) return [];
  const half = Math.ceil(fixes.length / 2);
  const first = acceptable(fixes.slice(0, half), isSame);
  const second = acceptable(fixes.slice(half), isSame);
  return isSame([...first, ...second]) ? [...first, ...second] : first;
}

/** From the end to the beginning, so that offsets stay true. */
function apply(text: string, fixes: readonly Fix[]): string {
  return fixes
    .flat()
    .toSorted((a, b) => a.at.start - b.at.start || a.at.end - b.at.end)
    .reduceRight((made, { at, text: to }) => made.slice(0, at.start) + to + made.slice(at.end), text);
}

/** All that a workflow says, but for the places of its parts. */
function meaning(workflow: Workflow | null): string {
  return JSON.stringify(workflow, (key, value: unknown) => (key === "at" ? undefined : value));
}
