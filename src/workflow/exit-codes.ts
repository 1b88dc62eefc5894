/** `on_exit_code:`. */
import type { Context, Decoder } from "./decode.ts";
import { allOf, careSteps, report, wrongType } from "./decode.ts";
import type { Step } from "./model.ts";
import type { MapEntry } from "./source-node.ts";

export interface ExitCodeCase {
  readonly code: number;
  readonly steps: readonly Step[];
}

const MAX_EXIT_CODE = 255;
const EXIT_CODE = "^(?:[01]?\\d?\\d|2[0-4]\\d|25[0-5])$";

export const onExitCode: Decoder<readonly ExitCodeCase[]> = {
  get schema() {
    return { type: "object", patternProperties: { [EXIT_CODE]: careSteps.schema }, additionalProperties: false };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of exit codes to steps");
    return allOf(node.entries.map((entry) => exitCodeCase(entry, context)));
  },
};

function exitCodeCase(entry: MapEntry, context: Context): ExitCodeCase | undefined {
  const code = /^\d{1,3}$/u.test(entry.key) ? Number(entry.key) : null;
  if (code === null || code > MAX_EXIT_CODE) {
    const message = `"${entry.key}" is not an exit code`;
    const help = `an exit code is a whole number from 0 to ${MAX_EXIT_CODE}`;
    report(context, { code: "invalid-key", at: entry.keyAt, message, help });
  }
  const steps = careSteps.decode(entry.value, context);
  return steps === undefined || code === null ? undefined : { code, steps };
}
