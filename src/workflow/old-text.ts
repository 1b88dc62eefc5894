/** A step that is only a text as a step of today. */
import type { Diagnostics, Edit, Fix } from "./diagnostics.ts";
import { lineBehind, linePrefix } from "./rewrite.ts";
import type { Range } from "./source.ts";

/** `fix` -> `claude: /fix`, with `commit_required: true` where that was meant. */
export function bareTextEdits(at: Range, mustCommit: boolean, context: { readonly out: Diagnostics }): Fix | null {
  const { text } = context.out.source;
  const raw = text.slice(at.start, at.end);
  if (at.end > text.length || raw.includes("\n") || /^[|>]/u.test(raw)) return null;
  const isQuoted = /^["']/u.test(raw);
  const slashed = isQuoted ? `${raw.charAt(0)}/${raw.slice(1)}` : `/${raw}`;
  if (!isFlowFile(text) && /- +$/u.test(linePrefix(text, at.start)) && isBlockPlace(text, at.start)) {
    const edit: Edit = { at, text: `claude: ${slashed}` };
    return mustCommit ? [edit, lineBehind(text, at.start, "commit_required: true")] : [edit];
  }
  const quote = isFlowFile(text) && raw.startsWith('"') ? '"' : "";
  const commit = mustCommit ? `, ${quote}commit_required${quote}: true` : "";
  return [{ at, text: `{${quote}claude${quote}: ${slashed}${commit}}` }];
}

/** Whether a place stands where a key of a block may begin: behind blanks and dashes. */
export const isBlockPlace = (text: string, at: number): boolean => /^[ \t]*(?:- +)*$/u.test(linePrefix(text, at));
/** Whether the file is written in braces and brackets, as JSON is. */
export const isFlowFile = (text: string): boolean => /^\s*[{[]/u.test(text);
