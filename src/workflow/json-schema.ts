/** The JSON Schema of workflow files, made from the tables that the parser itself reads with. */
import type { JsonSchema } from "./decode.ts";
import { POLICY } from "./failure.ts";
import { tableSchema } from "./mapping.ts";
import { MAPREDUCE } from "./mapreduce-table.ts";
import { STEP } from "./step-table.ts";
import { WORKFLOW } from "./workflow-table.ts";

/**
 * For editors: it knows every key, and what a value must be by itself. What keys mean together is checked by the parser
 * alone.
 */
export function workflowJsonSchema(): JsonSchema {
  const text = { type: "string", pattern: "\\S" };
  const step = { anyOf: [text, { $ref: "#/$defs/step" }] };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Prodigy workflow",
    anyOf: [{ $ref: "#/$defs/list" }, tableSchema(WORKFLOW), tableSchema(MAPREDUCE)],
    $defs: {
      list: { type: "array", minItems: 1, items: step },
      steps: { anyOf: [{ $ref: "#/$defs/list" }, { $ref: "#/$defs/step" }, text] },
      step: tableSchema(STEP),
      // Keys of a step and of the policy may stand in one mapping.
      handler: tableSchema({ name: "a handler", fields: { ...STEP.fields, ...POLICY.fields } }),
    },
  };
}
