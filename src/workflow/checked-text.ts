/** Texts with a small language inside: templates, expressions, patterns, globs and names are checked as they are read. */
import picomatch from "picomatch";
import type { Context, Decoder } from "./decode.ts";
import { anyText, report, text } from "./decode.ts";
import { parseExpression } from "./expression.ts";
import { parseJsonPath } from "./json-path.ts";
import { compileRegex } from "./regex.ts";
import type { Problem } from "./problem.ts";
import type { ScalarNode, SourceNode } from "./source-node.ts";
import { parseDistinctKeys, parseSortKeys } from "./select-keys.ts";
import type { Range } from "./source.ts";
import { partAt, shifted } from "./source.ts";
import { parseTemplate } from "./template.ts";

/** A text with placeholders. */
export const template: Decoder<string> = {
  schema: text.schema,
  decode: (node, context) => checkTemplate(text.decode(node, context), node, context),
};

/** As `template`, but it may be empty. */
export const anyTemplate: Decoder<string> = {
  schema: anyText.schema,
  decode: (node, context) => checkTemplate(anyText.decode(node, context), node, context),
};

/** A condition. */
export const expression: Decoder<string> = checked(parseExpression);

/** What items are sorted by: expressions with directions. */
export const sortKeys: Decoder<string> = checked(parseSortKeys);

/** What makes two items the same: expressions. */
export const distinctKeys: Decoder<string> = checked(parseDistinctKeys);

/** A JSONPath; one with placeholders can be judged only when it runs. */
export const jsonPath: Decoder<string> = checked((value) =>
  value.includes("${") || value.trim() === "" ? { ok: true } : parseJsonPath(value),
);

/** A regular expression. */
export const pattern: Decoder<string> = {
  // JSON Schema's own format is another dialect, which knows no `(?i)`.
  schema: text.schema,
  decode: (node, context) => {
    const value = text.decode(node, context);
    if (value === undefined) return undefined;
    const compiled = compileRegex(value);
    if (compiled.ok) return value;
    return report(context, { code: "invalid-pattern", at: node.at, message: compiled.message, help: compiled.help });
  },
};

/** A glob; one with placeholders can be judged only when it runs. */
export const glob: Decoder<string> = {
  schema: text.schema,
  decode: (node, context) => {
    const value = template.decode(node, context);
    if (value === undefined || value.includes("${")) return value;
    try {
      picomatch.makeRe(value, { strictBrackets: true });
      return value;
    } catch (error) {
      const message = `"${value}" is not a glob: ${error instanceof Error ? error.message : String(error)}`;
      return report(context, { code: "invalid-glob", at: node.at, message });
    }
  },
};

/** The name of a captured value or of a step, as `${NAME}` can say it. */
export const name: Decoder<string> = {
  schema: { type: "string", pattern: "^[A-Za-z_][A-Za-z0-9_.-]*$" },
  decode: (node, context) => {
    const value = text.decode(node, context)?.trim();
    if (value === undefined || /^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/u.test(value)) return value;
    const help = "use letters, digits, `_`, `-` and `.`, beginning with a letter";
    return report(context, { code: "invalid-name", at: node.at, message: `"${value}" cannot be a name`, help });
  },
};

function checkTemplate(value: string | undefined, node: SourceNode, context: Context): string | undefined {
  if (value === undefined) return undefined;
  const parsed = parseTemplate(value);
  return parsed.ok ? value : inside(node, context, { code: "invalid-template", problem: parsed.problem });
}

type Checked = { readonly ok: true } | { readonly ok: false; readonly problem: Problem };

function checked(parse: (value: string) => Checked): Decoder<string> {
  return {
    schema: text.schema,
    decode: (node, context) => {
      const value = text.decode(node, context);
      if (value === undefined) return undefined;
      const parsed = parse(value);
      return parsed.ok ? value : inside(node, context, { code: "invalid-expression", problem: parsed.problem });
    },
  };
}

/** Reports a problem inside a text at its own place in the file. */
function inside(
  node: SourceNode,
  context: Context,
  found: { readonly code: "invalid-template" | "invalid-expression"; readonly problem: Problem },
): undefined {
  const { message, help } = found.problem;
  const at = node.kind === "scalar" ? rangeIn(node, found.problem, context) : node.at;
  return report(context, { code: found.code, at, message, help });
}

/** As `rangeInside`, in the file that the text stands in. */
function rangeIn(node: ScalarNode, problem: Problem, { out }: Context): Range {
  const { start, source } = partAt(out.source, node.at.start);
  return shifted(rangeInside({ ...node, at: shifted(node.at, -start) }, problem, source.text), start);
}

/** Where a part of a text stands in the file; the whole text where that cannot be told, as behind escapes. */
export function rangeInside(
  node: ScalarNode,
  part: { readonly offset: number; readonly length: number },
  file: string,
): Range {
  if (node.style === "block") return rangeInBlock(node, part, file);
  const start = node.at.start + (node.style === "quoted" ? 1 : 0);
  if (file.slice(start, start + node.text.length) !== node.text) return node.at;
  return { start: start + part.offset, end: start + part.offset + Math.max(1, part.length) };
}

/** In a literal block (`|`) each line of the text is a line of the file behind a fixed indentation. */
function rangeInBlock(
  node: ScalarNode,
  part: { readonly offset: number; readonly length: number },
  file: string,
): Range {
  const before = node.text.slice(0, part.offset);
  const lineNumber = before.split("\n").length - 1;
  const inLine = part.offset - (before.lastIndexOf("\n") + 1);
  const wanted = node.text.split("\n")[lineNumber] ?? "";
  let start = file.indexOf("\n", node.at.start) + 1;
  for (let line = 0; line < lineNumber && start > 0; line += 1) start = file.indexOf("\n", start) + 1;
  const newline = file.indexOf("\n", start);
  const line = file.slice(start, newline === -1 ? file.length : newline).replace(/\r$/u, "");
  if (start <= 0 || wanted === "" || !line.endsWith(wanted) || line.slice(0, -wanted.length).trim() !== "")
    return node.at;
  const at = start + line.length - wanted.length + inLine;
  return { start: at, end: at + Math.max(1, part.length) };
}
