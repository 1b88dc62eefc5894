/** Step ids that are used twice. */
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { Step } from "./model.ts";

/** Branches may share an id on purpose, so that this is a warning: the step that ran last wins. */
export function warnAboutIds(steps: readonly Step[], context: Context): void {
  const lines = new Map<string, number>();
  for (const step of steps) {
    if (step.id === null) continue;
    const first = lines.get(step.id);
    if (first === undefined) lines.set(step.id, step.at.line);
    else {
      const start = (context.out.source.lineStarts[step.at.line - 1] ?? 0) + step.at.column - 1;
      const message = `the id "${step.id}" is used already in line ${first}; results of the later step replace those of the earlier`;
      report(context, { code: "duplicate-id", at: { start, end: start + 1 }, message });
    }
  }
}
