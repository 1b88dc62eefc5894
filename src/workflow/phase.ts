/** Phases: the steps of `setup:`, `reduce:` and `merge:`, in all the forms in which they may stand. */
import type { Decoder } from "./decode.ts";
import { byKind, map, report, timeLimit, wrongType, workSteps } from "./decode.ts";
import { parseDuration } from "./duration.ts";
import { field } from "./mapping.ts";
import type { EnvironmentValue, Step } from "./model.ts";
import type { Range } from "./source.ts";

/** A time limit, or the name of the variable that holds it. */
export type PhaseLimit =
  | { readonly kind: "ms"; readonly ms: number | null }
  | { readonly kind: "variable"; readonly name: string; readonly at: Range };

const VARIABLE = /^\$(?:\{\s*(?:env\.)?([A-Za-z_]\w*)\s*\}|([A-Za-z_]\w*))$/u;

/** `900`, `15m`, `$SETUP_TIMEOUT` or `${SETUP_TIMEOUT}`. */
export const phaseLimit: Decoder<PhaseLimit> = {
  schema: timeLimit.schema,
  decode: (node, context) => {
    if (node.kind !== "scalar") return wrongType(node, context, "a duration");
    const variable = VARIABLE.exec(node.text.trim());
    const name = variable?.[1] ?? variable?.[2];
    if (name !== undefined) return { kind: "variable", name, at: node.at };
    const ms = timeLimit.decode(node, context);
    return ms === undefined ? undefined : { kind: "ms", ms };
  },
};

/** The keys that every phase has. */
export const PHASE_FIELDS = {
  commands: field(workSteps, "The steps, in order.", { aliases: ["steps"] }),
  timeout: field(phaseLimit, "The limit for all of them: a duration, or a variable of `env:`."),
} as const;

/** What every phase says. */
export interface Phase {
  readonly steps: readonly Step[];
  readonly timeout: PhaseLimit | null;
}

/** A list of steps, one step, or a mapping with `commands` and what else belongs to the phase. */
export function phase<T>(plain: (steps: readonly Step[]) => T, whole: Decoder<T>): Decoder<T> {
  const steps: Decoder<T> = map(workSteps, plain);
  return byKind({
    expected: "a list of steps, or a mapping with `commands`",
    scalar: steps,
    list: steps,
    map: {
      get schema() {
        return whole.schema;
      },
      decode: (node, context) => {
        // One step without a list around it is what a user of `on_success:` expects to work here, too.
        const keys = node.kind === "map" ? node.entries.map(({ key }) => key) : [];
        const isPhase =
          keys.includes("commands") ||
          keys.includes("steps") ||
          !keys.some((key) => context.stepKeys.has(key) && key !== "timeout");
        return (isPhase ? whole : steps).decode(node, context);
      },
    },
  });
}

/** A limit is needed before anything runs, so that a variable has to be a plain value of the file's own `env:`. */
export function resolveLimit(
  limit: PhaseLimit | null,
  values: readonly EnvironmentValue[],
  context: Parameters<Decoder<unknown>["decode"]>[1],
): number | null {
  if (limit === null || limit.kind === "ms") return limit?.ms ?? null;
  const found = values.findLast(({ name }) => name === limit.name)?.value;
  const text = found?.kind === "text" ? found.template : null;
  const ms = text === null ? null : parseDuration(text);
  if (ms !== null) return ms === 0 ? null : ms;
  const message =
    text === null
      ? `"${limit.name}" has no fixed value in "env:", which this limit needs`
      : `"${limit.name}" is "${text}", which is not a duration`;
  const help = `write the duration here, or give ${limit.name} one under \`env:\``;
  report(context, { code: "invalid-duration", at: limit.at, message, help });
  return null;
}
