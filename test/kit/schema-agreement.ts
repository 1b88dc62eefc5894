/** Whether the JSON Schema of workflow files says of a text what the parser says. */
import { Validator } from "@cfworker/json-schema";
import { collectDiagnostics } from "../../src/workflow/diagnostics.ts";
import type { DiagnosticCode } from "../../src/workflow/diagnostic.ts";
import { workflowJsonSchema } from "../../src/workflow/json-schema.ts";
import type { Json } from "../../src/workflow/model.ts";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { toJson } from "../../src/workflow/source-node.ts";
import { makeSource } from "../../src/workflow/source.ts";
import { parseSource } from "../../src/workflow/yaml-source.ts";

/**
 * What no schema can express, because it looks at one value at a time and knows nothing of our small languages. The
 * same list stands in docs/workflow-reference.md. Where a schema knows most of what a code is about, the messages say
 * which are meant.
 */
export const BEYOND_SCHEMA: ReadonlyMap<DiagnosticCode, RegExp> = new Map<DiagnosticCode, RegExp>([
  // Keys that exclude each other, or distant parts of the file that do not fit.
  ["conflicting-keys", /^/u],
  ["duplicate-key", /^/u],
  ["several-actions", /^/u],
  ["ambiguous-command", /^/u],
  ["too-many-steps", /^/u],
  ["out-of-range", /^"\w+" is taken from step/u],
  ["wrong-type", /^the (?:default of|score is one step|content of a text file)/u],
  ["missing-key", /^on_failure has no handler|^a secret has exactly one source|^the \w+ handler needs/u],
  ["unknown-key", /^unknown key "[^"]*" in the \w+ handler/u],
  ["not-supported-yet", /^success_criteria/u],
  // What stands in other files.
  ["unreadable-file", /^/u],
  ["unknown-value", /^the imported file has/u],
  // What stands in a text.
  ["invalid-duration", /^/u],
  ["invalid-template", /^/u],
  ["invalid-expression", /^/u],
  ["invalid-pattern", /^/u],
  ["invalid-glob", /^/u],
  ["invalid-mode", /^/u],
  ["invalid-name", /^/u],
]);

// A fresh copy, because the validator writes marks into the schema that it is given.
const validator = new Validator(JSON.parse(JSON.stringify(workflowJsonSchema())), "2020-12");

/** Null where both agree, or where the text is not even YAML. */
export function disagreement(text: string): string | null {
  const file = text.trimStart().startsWith("{") ? "text.json" : "text.yml";
  const value = valueOf(file, text);
  if (value === undefined) return null;
  const errors = parseWorkflow(text, { file }).diagnostics.filter(({ severity }) => severity === "error");
  const { valid, errors: refusals } = validator.validate(value);
  const parserSays = JSON.stringify(errors.map(({ code, message, at }) => [code, message, at.line]));
  const isBeyond = errors.every(({ code, message }) => BEYOND_SCHEMA.get(code)?.test(message) === true);
  if (valid && !isBeyond) return `the parser alone refuses: ${parserSays}`;
  if (!valid && errors.length === 0) return `the schema alone refuses: ${JSON.stringify(refusals.slice(-3))}`;
  return null;
}

/** The data as the parser sees it, with aliases and merge keys filled in. */
function valueOf(file: string, text: string): Json | undefined {
  const out = collectDiagnostics(makeSource(file, text.replace(/^\uFEFF/u, "")));
  const root = parseSource(file.endsWith(".json") ? "json" : "yaml", out);
  const isBroken = out.list().some(({ severity }) => severity === "error");
  return root === null || isBroken ? undefined : toJson(root);
}
