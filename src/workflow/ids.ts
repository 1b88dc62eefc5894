/** Step ids that are used twice. */
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { SourceLocation, Step } from "./model.ts";
import { offsetOf } from "./source.ts";

/** Branches may share an id on purpose, so that this is a warning: the step that ran last wins. */
export function warnAboutIds(steps: readonly Step[], context: Context): void {
  const places = new Map<string, SourceLocation>();
  for (const step of steps) {
    if (step.id === null) continue;
    const first = places.get(step.id);
    if (first === undefined) places.set(step.id, step.at);
    else {
      const start = offsetOf(context.out.source, step.at);
      const where = first.file === step.at.file ? `in line ${first.line}` : `in ${first.file}:${first.line}`;
      const message = `the id "${step.id}" is used already ${where}; results of the later step replace those of the earlier`;
      report(context, { code: "duplicate-id", at: { start, end: start + 1 }, message });
    }
  }
}
