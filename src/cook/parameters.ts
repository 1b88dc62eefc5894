/** Parameters of a run, checked against what the workflow declares. */
import { renderDiagnostic } from "../workflow/diagnostic.ts";
import { collectDiagnostics } from "../workflow/diagnostics.ts";
import type { Json, Parameter } from "../workflow/model.ts";
import { violation } from "../workflow/parameter-check.ts";
import { makeSource } from "../workflow/source.ts";
import { toJson } from "../workflow/source-node.ts";
import { parseSource } from "../workflow/yaml-source.ts";
import { fault } from "./decision/fault.ts";
import type { Outcome } from "./ports.ts";

/** Parameters from the text of a JSON or YAML file. */
export function parseParameters(text: string, file: string): Outcome<Readonly<Record<string, Json>>> {
  const out = collectDiagnostics(makeSource(file, text.replace(/^\uFEFF/u, "")));
  const root = parseSource(file.endsWith(".json") ? "json" : "yaml", out);
  const [problem] = out.list().filter(({ severity }) => severity === "error");
  if (problem !== undefined) return { ok: false, fault: fault("input", renderDiagnostic(problem)) };
  const value = root === null ? null : toJson(root);
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return { ok: false, fault: fault("input", `${file} must hold a mapping of parameters to values`) };
  }
  return { ok: true, value: Object.fromEntries(Object.entries(value)) };
}

/** The values that the workflow sees: what was given, and defaults for the rest. */
export function resolveParameters(
  declared: readonly Parameter[],
  given: Readonly<Record<string, Json>>,
): Outcome<Readonly<Record<string, Json>>> {
  const values: Record<string, Json> = { ...given };
  const problems: string[] = [];
  for (const parameter of declared) {
    const value = given[parameter.name];
    if (value === undefined && parameter.required) problems.push(missing(parameter));
    else if (value === undefined) values[parameter.name] = parameter.default;
    else {
      const fitting = fit(value, parameter.type);
      if (fitting === undefined) problems.push(mismatch(parameter, value));
      else {
        values[parameter.name] = fitting;
        const wrong = violation(parameter, fitting);
        if (wrong !== null) problems.push(wrong);
      }
    }
  }
  if (problems.length === 0) return { ok: true, value: values };
  return {
    ok: false,
    fault: fault("input", problems.join("; "), {
      help: "give parameters with --param NAME=VALUE or --param-file FILE",
    }),
  };
}

/**
 * The value in the declared type, or undefined where it does not fit. What was typed on a command line was read as a
 * number or a truth value where it looked like one; a declared text takes it back.
 */
function fit(value: Json, type: Parameter["type"]): Json | undefined {
  switch (type) {
    case "any":
      return value;
    case "string":
      return typeof value === "number" || typeof value === "boolean" ? String(value) : ifType(value, "string");
    case "number":
      return ifType(value, "number");
    case "boolean":
      return ifType(value, "boolean");
    case "array":
      return Array.isArray(parsed(value)) ? parsed(value) : undefined;
    case "object": {
      const object = parsed(value);
      return typeof object === "object" && object !== null && !Array.isArray(object) ? object : undefined;
    }
  }
}

function ifType(value: Json, type: "string" | "number" | "boolean"): Json | undefined {
  return typeof value === type ? value : undefined;
}

/** Lists and mappings come from a command line as JSON text. */
function parsed(value: Json): Json {
  if (typeof value !== "string") return value;
  try {
    const json: unknown = JSON.parse(value);
    // oxlint-disable-next-line typescript/consistent-type-assertions -- JSON.parse gives nothing but JSON values.
    return json as Json;
  } catch {
    // No JSON: then it is a text, which does not fit either.
    return value;
  }
}

function missing({ name, description }: Parameter): string {
  return `the workflow needs the parameter "${name}"${description === null ? "" : ` (${description})`}`;
}

function mismatch({ name, type }: Parameter, value: Json): string {
  return `the parameter "${name}" must be of type ${type}, and ${JSON.stringify(value)} is not`;
}
