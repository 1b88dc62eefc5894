import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRegex } from "./regex.ts";

describe("matching", () => {
  test.each<[string, string, boolean]>([
    ["abc", "xabcx", true],
    ["^abc$", "xabc", false],
    ["", "anything", true],
    ["^$", "", true],
    ["a.c", "a\nc", false],
    ["(?s)a.c", "a\nc", true],
    ["(?i)ABC", "xabc", true],
    ["(?i)[a-c]+$", "ABC", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["^b$", "a\nb\nc", false],
    ["\\.rs$", "src/main.rs", true],
    ["^src/(a|b)/.*\\.(rs|ts)$", "src/b/x/y.ts", true],
    ["^(?:ab)+c?$", "ababc", true],
    ["^(?P<year>\\d{4})-(?<month>\\d{2})$", "2026-01", true],
    ["^a{2}$", "aaa", false],
    ["^a{2,}$", "aaa", true],
    ["^a{0,2}b$", "aab", true],
    ["^a{,2}$", "a{,2}", true],
    ["x*?y+?", "xxy", true],
    ["\\bfoo\\b", "a foo b", true],
    ["\\bfoo\\b", "afoo", false],
    ["foo\\B", "foob", true],
    ["^[^/]+$", "a/b", false],
    ["^[]a]+$", "]a", true],
    ["^[\\w.-]+@\\w+$", "a.b-c@d", true],
    ["^\\p{Lu}é😀.$", "Äé😀😀", true],
    ["^\\u0041\\x42\\t$", "AB\t", true],
    ["a|b|", "zzz", true],
    ["^(a*)*$", "aaab", false],
    ["\\Aab\\z", "ab", true],
  ])("/%s/ in %j: %s", (pattern, text, expected) => {
    const compiled = compileRegex(pattern);
    expect(compiled.ok && compiled.regex.test(text)).toBe(expected);
  });

  test("it agrees with the native engine", () => {
    const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "(a|b)", "(?:ab|c)", "\\b", "^", "$", "1");
    const piece = fc
      .tuple(atom, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "*?"))
      .map(([text, repeat]) => `(?:${text})${repeat}`);
    const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom("a", "b", "c", "1", " "), maxLength: 8 }),
        (source, text) => {
          const compiled = compileRegex(source);
          expect(compiled.ok && compiled.regex.test(text)).toBe(new RegExp(source, "u").test(text));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("patterns that are refused", () => {
  test.each([
    ["(a", 'the regular expression /(a/ cannot be used: a "(" is not closed'],
    ["a)", 'the regular expression /a)/ cannot be used: there is a ")" without its "("'],
    ["[a", 'the regular expression /[a/ cannot be used: a "[" is not closed'],
    ["[z-a]", 'the regular expression /[z-a]/ cannot be used: "[z-a]" is not a set of characters'],
    ["*a", 'the regular expression /*a/ cannot be used: there is nothing to repeat before "*"'],
    ["a**", "the regular expression /a**/ cannot be used: two repetitions follow each other"],
    [
      "a{3,2}",
      "the regular expression /a{3,2}/ cannot be used: the counts of a repetition must be in order and at most 1000",
    ],
    ["a\\", "the regular expression /a\\/ cannot be used: it ends with a backslash"],
    ["(?=a)", 'the regular expression /(?=a)/ cannot be used: "(?=a" is not supported'],
    ["(a)\\1", 'the regular expression /(a)\\1/ cannot be used: references to groups ("\\1") are not supported'],
    ["(a{99}){99}", "the regular expression /(a{99}){99}/ is too large"],
  ])("/%s/", (pattern, message) => {
    expect(compileRegex(pattern)).toMatchObject({ ok: false, message });
  });

  test("longer ones than 1,000 characters", () => {
    expect(compileRegex("a".repeat(1001))).toMatchObject({ ok: false });
  });

  test("compiling never throws", () => {
    const noise = fc.string({
      unit: fc.constantFrom(...Array.from("ab1\\()[]{}|*+?.^$-,:<>=!PpsuiLx")),
      maxLength: 40,
    });
    fc.assert(
      fc.property(noise, (source) => {
        const compiled = compileRegex(source);
        expect(compiled.ok ? typeof compiled.regex.test("ab1") : typeof compiled.message).toMatch(/boolean|string/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("time", () => {
  test.each(["(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*a){12}$", "a.*a.*a.*a.*b", "([a-z]+\\s?)*!"])(
    "/%s/ cannot be made to hang",
    (pattern) => {
      const compiled = compileRegex(pattern);
      const start = performance.now();
      expect(compiled.ok && compiled.regex.test(`${"a".repeat(30_000)}!x`)).toBe(pattern.endsWith("!"));
      // An engine that tries one way after another would need longer than the age of the earth.
      expect(performance.now() - start).toBeLessThan(8000);
    },
  );
});
