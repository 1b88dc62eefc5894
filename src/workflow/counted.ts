/** Whole numbers and durations that may come from variables: they are kept as templates. */
import { template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { report, scalarOf, wrongType } from "./decode.ts";
import { parseDuration } from "./duration.ts";
import type { ScalarNode } from "./source-node.ts";

/** `4`, `"4"`, `$WORKERS`, `${WORKERS}`. */
export function countTemplate(bounds: { readonly min: number; readonly max: number }): Decoder<string> {
  return {
    schema: {
      anyOf: [
        { type: "integer", minimum: bounds.min, maximum: bounds.max },
        // Digits, or a variable somewhere.
        { type: "string", pattern: bounds.min > 0 ? "^\\s*0*[1-9]\\d*\\s*$|\\$" : "^\\s*\\d+\\s*$|\\$" },
      ],
    },
    decode: (node, context) => {
      const scalar = scalarOf(node, context, "a whole number");
      if (scalar === undefined) return undefined;
      if (isVariable(scalar)) return variable(scalar, context);
      const text = scalar.text.trim();
      if (!/^-?\d+$/u.test(text) || typeof scalar.value === "boolean") {
        const help = "write a number, or a variable such as ${WORKERS}";
        const message = `expected a whole number, found "${scalar.text}"`;
        return report(context, { code: "wrong-type", at: scalar.at, message, help });
      }
      const value = Number(text);
      if (value >= bounds.min && value <= bounds.max) return String(value);
      const limits =
        bounds.max === Number.MAX_SAFE_INTEGER ? `at least ${bounds.min}` : `from ${bounds.min} to ${bounds.max}`;
      return report(context, {
        code: "out-of-range",
        at: scalar.at,
        message: `${text} is out of range: it must be ${limits}`,
      });
    },
  };
}

/** `300` seconds, `10m`, `$LIMIT`; null for 0, which is no limit. */
export const durationTemplate: Decoder<string | null> = {
  schema: { type: ["number", "string"] },
  decode: (node, context) => {
    if (node.kind !== "scalar") return wrongType(node, context, "a duration");
    if (isVariable(node)) return variable(node, context);
    const ms = typeof node.value === "boolean" || node.value === null ? null : parseDuration(node.text);
    if (ms !== null) return ms === 0 ? null : node.text.trim();
    const help = "write seconds as a number, a text such as 90s or 10m, or a variable such as ${LIMIT}";
    return report(context, {
      code: "invalid-duration",
      at: node.at,
      message: `"${node.text}" is not a duration`,
      help,
    });
  },
};

function isVariable(node: ScalarNode): boolean {
  return typeof node.value === "string" && node.text.includes("$");
}

/** `$NAME` alone stands for `${NAME}`: there is no shell here that could mean something else. */
function variable(node: ScalarNode, context: Context): string | undefined {
  return template
    .decode(node, context)
    ?.trim()
    .replace(/^\$([A-Za-z_]\w*)$/u, "${$1}");
}
