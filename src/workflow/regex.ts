/** Regular expressions that cannot hang. */
import { RE2JS } from "re2js";

/** A compiled regular expression. */
export interface Regex {
  /** Whether it is found somewhere in a text. */
  test(text: string): boolean;
  /** What its first group has found, or all that it matches where it has no group; null where it is not found. */
  find(text: string): string | null;
}

export type CompiledRegex =
  | { readonly ok: true; readonly regex: Regex }
  | { readonly ok: false; readonly message: string; readonly help: string | null };

/** Longer patterns are refused. */
const MAX_PATTERN_LENGTH = 1000;

/**
 * Compiles a pattern.
 *
 * The engine of JavaScript tries one way after another, so that a pattern such as `(a+)+$` can hang the process for ever
 * on a line of output. RE2's time grows with the text only. What cannot be done like that, looking around and references
 * to groups, is refused.
 */
export function compileRegex(source: string): CompiledRegex {
  if (source.length > MAX_PATTERN_LENGTH) {
    const message = `a regular expression may have ${MAX_PATTERN_LENGTH} characters, this has ${source.length}`;
    return { ok: false, message, help: null };
  }
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
    const find = (text: string): string | null => {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return null;
      return matcher.groupCount() === 0 ? matcher.group() : (matcher.group(1) ?? "");
    };
    return { ok: true, regex: { test: (text) => compiled.matcher(text).find(), find } };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, "") : String(error);
    const message = `the regular expression /${source}/ cannot be used: ${reason}`;
    return { ok: false, message, help: helpFor(source) };
  }
}

function helpFor(source: string): string | null {
  if (/\(\?<?[=!]/.test(source)) return "looking ahead or behind is not supported; combine two conditions instead";
  return /\\[1-9]/.test(source) ? "references to groups are not supported" : null;
}
