/**
 * Looks at the text before the YAML parser does. That parser is recursive: a hundred kilobytes of `[` would end the
 * whole process, not only this call. Its lexer is not, so depth is measured on its tokens.
 */
import { Lexer } from "yaml";
import type { Diagnostics } from "./diagnostics.ts";

/** Four megabytes: a hundred times the largest workflow that we know. */
const MAX_TEXT_LENGTH = 4 * 1024 * 1024;
/** Far below what overflows the parser's stack, far above what the tree accepts. */
const MAX_LEXED_DEPTH = 200;
/** Some 10,000 steps with all their keys. Beyond it parsing takes seconds. */
const MAX_TOKENS = 1_000_000;
/** Enough to see what is wrong with a file. */
const MAX_SHOWN_CHARACTERS = 10;

/** Whether the text may be given to the parser; if not, the reason has been reported. */
export function checkText(out: Diagnostics): boolean {
  const { text } = out.source;
  if (text.length > MAX_TEXT_LENGTH) {
    const megabytes = (text.length / (1024 * 1024)).toFixed(1);
    out.report({
      code: "file-too-large",
      at: { start: 0, end: 0 },
      message: `the file has ${megabytes} million characters; the limit is ${MAX_TEXT_LENGTH / (1024 * 1024)}`,
      help: "keep data in files of its own",
    });
    return false;
  }
  return checkCharacters(out) && checkDepth(out);
}

function checkCharacters(out: Diagnostics): boolean {
  let found = 0;
  for (const match of out.source.text.matchAll(/(?![\t\n\r\u0085])[\p{Cc}\p{Surrogate}]/gu)) {
    found += 1;
    if (found > MAX_SHOWN_CHARACTERS) break;
    const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const start = match.index;
    const message = `the character U+${code} cannot stand in a workflow file`;
    const help = code === "0000" ? "is this a text file in UTF-8?" : null;
    out.report({ code: "invalid-character", at: { start, end: start + 1 }, message, help });
  }
  return found === 0;
}

/** Control tokens of the lexer, which stand for no text. */
const CONTROL = new Set(["\u0002", "\u0018", "\u001f"]);

function checkDepth(out: Diagnostics): boolean {
  const problem = depthProblem(out.source.text);
  if (problem === null) return true;
  const { code, offset, message, help } = problem;
  out.report({ code, at: { start: offset, end: offset + 1 }, message, ...(help === null ? {} : { help }) });
  return false;
}

interface DepthProblem {
  readonly code: "nesting-too-deep" | "file-too-large";
  readonly offset: number;
  readonly message: string;
  readonly help: string | null;
}

/** Why a text must not be given to the YAML parser; null when it may. */
export function depthProblem(text: string): DepthProblem | null {
  let offset = 0;
  let lineStart = 0;
  let flow = 0;
  let tokens = 0;
  /** Columns of the block collections that are open. */
  const columns: number[] = [];
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === "[" || token === "{") flow += 1;
    else if ((token === "]" || token === "}") && flow > 0) flow -= 1;
    if (flow === 0 && (token === "-" || token === "?" || token === ":" || token === "\u001f")) {
      const column = offset - lineStart;
      while ((columns.at(-1) ?? -1) > column) columns.pop();
      if (columns.at(-1) !== column) columns.push(column);
    }
    if (flow + columns.length > MAX_LEXED_DEPTH) {
      const message = `this is nested more than ${MAX_LEXED_DEPTH} levels deep`;
      return { code: "nesting-too-deep", offset, message, help: null };
    }
    if (tokens > MAX_TOKENS) {
      const message = "the file has too many parts to be a workflow";
      const help = "keep data in files of its own";
      return { code: "file-too-large", offset, message, help };
    }
    if (CONTROL.has(token)) continue;
    const newline = token.lastIndexOf("\n");
    if (newline !== -1) lineStart = offset + newline + 1;
    offset += token.length;
  }
  return null;
}
