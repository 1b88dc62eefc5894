import { describe, expect, test } from "vitest";
import { compileRegex } from "./regex.ts";

function found(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.regex.test(text);
}

test.each([
  { pattern: "(?i)timeout", text: "Read TimeOut", expected: true },
  { pattern: "^src/.*\\.ts$", text: "src/a/b.ts", expected: true },
  { pattern: "^src/.*\\.ts$", text: "test/a.ts", expected: false },
  { pattern: "\\bfail(?:ed|ure)s?\\b", text: "3 failures", expected: true },
  { pattern: "[A-Z]{2,3}-\\d+", text: "see ABC-12", expected: true },
  { pattern: "^\\u0041\\x42\\t$", text: "AB\t", expected: true },
  { pattern: "\\p{L}+é", text: "café", expected: true },
])("/$pattern/ in $text: $expected", ({ pattern, text, expected }) => {
  expect(found(pattern, text)).toBe(expected);
});

describe("patterns that are refused", () => {
  test.each(["(a", "a)", "[a", "[z-a]", "*a", "a{3,2}", "a\\", "(?=a)", "(?<!b)a", "(a)\\1", "a".repeat(1001)])(
    "/%s/",
    (pattern) => {
      expect(compileRegex(pattern)).toMatchObject({ ok: false });
    },
  );

  test("the message names the pattern and the reason", () => {
    expect(compileRegex("(a")).toMatchObject({
      message: "the regular expression /(a/ cannot be used: missing closing ): `(a`",
    });
  });
});

test("a pattern that hangs other engines takes time in proportion to the text", () => {
  expect(found("(a+)+$", `${"a".repeat(20_000)}!`)).toBe(false);
});
