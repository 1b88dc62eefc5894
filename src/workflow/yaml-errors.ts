/** The YAML parser's errors, in our words and with our codes. */
import type { Document, YAMLParseError } from "yaml";
import type { DiagnosticCode } from "./diagnostic.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { flatBlocks } from "./yaml-blocks.ts";
import type { FlatBlock } from "./yaml-blocks.ts";

/** A syntax error makes the parser stumble many times; the first of each line tells enough. */
const MAX_SHOWN = 20;

const QUOTE_HELP = 'quote the value if it contains ": " or " #", or write it as a block with `|`';

/** What each of the parser's codes usually means for the author. */
const HELP: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: QUOTE_HELP,
  MULTILINE_IMPLICIT_KEY: "a key ends with `:` on its own line; is one missing here?",
  MISSING_CHAR: "is a quote, a bracket or a `:` missing here or above?",
  TAB_AS_INDENT: "indent with blanks",
  BAD_INDENT: "keys of one mapping, and items of one list, begin in the same column",
  UNEXPECTED_TOKEN: "is this indented like what it belongs to? A file is either a list or a mapping, not both",
  BAD_DQ_ESCAPE: "use single quotes if the backslash is meant as it stands",
  BAD_SCALAR_START: "quote a text that begins with this character",
  BLOCK_IN_FLOW: "inside `[...]` and `{...}` there are no block lists or mappings",
};

const CODES: Readonly<Record<string, DiagnosticCode>> = {
  TAB_AS_INDENT: "tab-indentation",
  BAD_INDENT: "bad-indentation",
  RESOURCE_EXHAUSTION: "nesting-too-deep",
};

/** Tags that stand for a mapping with one key. */
export const KEY_TAGS: ReadonlySet<string> = new Set([
  "!custom",
  "!batched",
  "!fixed",
  "!linear",
  "!exponential",
  "!fibonacci",
]);

/** Reports syntax errors and unknown tags; true when a syntax error leaves nothing to go on with. */
export function reportYamlErrors(documents: readonly (Document | undefined)[], out: Diagnostics): boolean {
  const lines = new Set<number>();
  let shown = 0;
  let tags = 0;
  const isBroken = documents.some((document) => (document?.errors.length ?? 0) > 0);
  const blocks = isBroken ? flatBlocks(out.source) : [];
  // What the parser stumbles over behind such a block is the block's own text.
  const end = blocks[0]?.at.start ?? Number.POSITIVE_INFINITY;
  for (const block of blocks.slice(0, MAX_SHOWN)) reportBlock(block, out);
  for (const document of documents) {
    for (const error of document?.errors ?? []) {
      const line = lineOf(out.source.lineStarts, error.pos[0]);
      if (error.pos[0] >= end || lines.has(line) || shown >= MAX_SHOWN) continue;
      lines.add(line);
      shown += 1;
      report(error, out);
    }
    for (const warning of document?.warnings ?? []) {
      if (warning.code !== "TAG_RESOLVE_FAILED" || tags >= MAX_SHOWN) continue;
      const [start, end] = warning.pos;
      const tag = out.source.text.slice(start, end);
      if (KEY_TAGS.has(tag)) continue;
      tags += 1;
      const help = "write it as a mapping with that key, or quote a text that begins with `!`";
      out.report({
        code: "unknown-tag",
        at: { start, end },
        message: `the YAML tag "${tag}" has no meaning here`,
        help,
      });
    }
  }
  return isBroken;
}

function reportBlock({ at, opening, indentation }: FlatBlock, out: Diagnostics): void {
  const message = `this is the text of "${opening}", and is not indented below its key`;
  const help = `indent the text by at least ${indentation} blanks`;
  out.report({ code: "bad-indentation", at, message, help });
}

function report(error: YAMLParseError, out: Diagnostics): void {
  const [start, end] = error.pos;
  const message = lowerFirst(error.message.replaceAll(/\s+/gu, " "));
  // The parser calls a bracket that is never closed bad indentation.
  const kind = error.message.startsWith("Flow ") ? "MISSING_CHAR" : error.code;
  const help = HELP[kind] ?? null;
  out.report({ code: CODES[kind] ?? "yaml-syntax", at: { start, end }, message, help });
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function lineOf(lineStarts: readonly number[], offset: number): number {
  const next = lineStarts.findIndex((start) => start > offset);
  return next === -1 ? lineStarts.length : next;
}
