/** Regular expressions in workflow files. */

/**
 * Compiles a pattern. A leading group of flags, as in `(?i)timeout`, is what other engines know and JavaScript does not.
 * The message says what is wrong with a pattern that cannot be compiled.
 */
export function compilePattern(
  pattern: string,
): { readonly ok: true; readonly regex: RegExp } | { readonly ok: false; readonly message: string } {
  const [, flags = "", body = pattern] = /^\(\?([ims]+)\)(.*)$/su.exec(pattern) ?? [];
  const unique = [...new Set(flags)].join("");
  try {
    return { ok: true, regex: new RegExp(body, unique) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message: message.replace(/^Invalid regular expression: /u, "") };
  }
}
