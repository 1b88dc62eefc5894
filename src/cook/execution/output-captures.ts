/** `capture_outputs:`: values that are cut out of a step's output. Pure. */
import { readJson } from "../../workflow/json.ts";
import { parseJsonPath } from "../../workflow/json-path.ts";
import type { Json, OutputCapture } from "../../workflow/model.ts";
import { compileRegex } from "../../workflow/regex.ts";
import type { AttemptResult } from "../decision/event.ts";
import { type Captured, withoutLastNewline } from "./captures.ts";

export interface CapturedOutputs {
  readonly values: Readonly<Record<string, Json>>;
  /** What could not be taken. It does not fail the step, which may have done its work. */
  readonly problems: readonly string[];
}

export function captureOutputs(
  captures: readonly OutputCapture[],
  result: Pick<AttemptResult, "output" | "stderr">,
): CapturedOutputs {
  const values: Record<string, Json> = {};
  const problems: string[] = [];
  for (const capture of captures) {
    const found = captureOutput(capture, result);
    if (found.ok) values[capture.name] = found.value;
    else if (capture.default !== null) values[capture.name] = capture.default;
    else problems.push(`"${capture.name}" could not be captured: ${found.message}`);
  }
  return { values, problems };
}

/** The order is that of the language: source, size, pattern, lines, path. */
function captureOutput(capture: OutputCapture, result: Pick<AttemptResult, "output" | "stderr">): Captured {
  const text = cutAtLine(sourceText(capture.source, result), capture.maxBytes);
  const matched = capture.pattern === null ? text : matchOf(capture.pattern, text);
  if (matched === null) return { ok: false, message: `nothing matches ${capture.pattern ?? ""}` };
  const value = linesOf(withoutLastNewline(matched), capture.multiline);
  return capture.jsonPath === null ? { ok: true, value } : valueAt(capture.jsonPath, value);
}

function sourceText(
  source: OutputCapture["source"],
  { output, stderr }: Pick<AttemptResult, "output" | "stderr">,
): string {
  switch (source) {
    case "stdout":
      return output;
    case "stderr":
      return stderr;
    case "combined":
      return `${output}${stderr}`;
    case "both":
      return `stdout:\n${withoutLastNewline(output)}\nstderr:\n${withoutLastNewline(stderr)}`;
  }
}

/** At most so many bytes, up to the end of the last whole line, or of the last whole character where one line is longer. */
function cutAtLine(text: string, maxBytes: number): string {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  // A character that is cut in two is left out, because more may follow when it is decoded as a stream.
  const start = new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
  const newline = start.lastIndexOf("\n");
  return newline === -1 ? start : start.slice(0, newline);
}

function matchOf(pattern: string, text: string): string | null {
  const compiled = compileRegex(pattern);
  return compiled.ok ? compiled.regex.find(text) : null;
}

function linesOf(text: string, multiline: OutputCapture["multiline"]): Json {
  if (multiline === "preserve") return text;
  const lines = text.split("\n").map((line) => line.replace(/\r$/u, ""));
  switch (multiline) {
    case "join":
      return lines.join(" ");
    case "first_line":
      return lines.at(0) ?? "";
    case "last_line":
      return lines.at(-1) ?? "";
    case "array":
      return lines;
  }
}

function valueAt(path: string, value: Json): Captured {
  const data = typeof value === "string" ? readJson(value) : value;
  if (data === undefined) return { ok: false, message: `the text is no JSON, in which ${path} could be looked for` };
  const parsed = parseJsonPath(path);
  if (!parsed.ok) return { ok: false, message: parsed.problem.message };
  const found = parsed.path.find(data);
  if (!found.ok) return { ok: false, message: found.problem.message };
  const [first, ...others] = found.values;
  if (first === undefined) return { ok: false, message: `the JSON has nothing at ${path}` };
  return { ok: true, value: others.length === 0 ? first.value : found.values.map((one) => one.value) };
}
