/** `write_file` with a format: the content must be readable as such, and is written in one form. */
import { parse, stringify } from "yaml";
import { depthProblem } from "./precheck.ts";

export type Formatted =
  | { readonly ok: true; readonly content: string }
  | { readonly ok: false; readonly message: string };

export function formatContent(content: string, format: "text" | "json" | "yaml"): Formatted {
  switch (format) {
    case "text":
      return { ok: true, content };
    case "json":
      return attempt("JSON", () => `${JSON.stringify(JSON.parse(content), null, 2)}\n`);
    case "yaml":
      return yamlContent(content);
  }
}

/** The parser is recursive: what is nested too deep would end the whole process. */
function yamlContent(content: string): Formatted {
  const problem = depthProblem(content);
  if (problem !== null) return { ok: false, message: `the content cannot be read as YAML: ${problem.message}` };
  return attempt("YAML", () => stringify(parse(content, { maxAliasCount: 100 })));
}

function attempt(name: string, convert: () => string): Formatted {
  try {
    return { ok: true, content: convert() };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    return { ok: false, message: `the content is not ${name}: ${reason}` };
  }
}
