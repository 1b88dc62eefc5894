import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, parseExpression, truthy } from "./expression.ts";
import type { Json } from "./model.ts";
import { createItemScope, createScope } from "./scope.ts";

const ROWS = [
  { k: "x", v: 3 },
  { k: "y", v: 2 },
  { k: "x", v: 1 },
];
const documented = createScope([
  {
    values: {
      n: 5,
      t: "5",
      yes: "true",
      word: "abc",
      list: [1, "2"],
      nested: [1, [2, [3]]],
      object: { k: 1 },
      rows: ROWS,
    },
  },
]);

describe("docs/expressions.md", () => {
  const page = readFileSync(new URL("../../docs/expressions.md", import.meta.url), "utf8");

  test.each(rows("What is true"))("%s counts as %s", (text, expected) => {
    expect(String(truthy(valueOf(text, documented, "when")))).toBe(expected);
  });

  test.each([...rows("What comparisons give"), ...rows("What calculations give")])("%s is %s", (text, expected) => {
    const result = outcome(text, documented, "when");
    expect("problem" in result ? "error" : JSON.stringify(result.value)).toBe(expected);
  });

  const errors = rows("What comparisons give").filter((row) => row[1] === "error");
  const ofMissing = errors.filter(([text]) => text.includes("missing"));

  test.each(errors.filter((row) => !ofMissing.includes(row)))("%s is false in a filter, with a warning", (text) => {
    expect(outcome(text, documented, "filter")).toMatchObject({
      value: false,
      warnings: [{ message: expect.any(String) }],
    });
  });

  test.each(ofMissing)("%s is false in a filter, without a word", (text) => {
    expect(outcome(text, documented, "filter")).toEqual({ value: false, warnings: [] });
  });

  function rows(section: string): [string, string][] {
    const body = page.split(`## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
    const found = [...body.matchAll(/^\| `(.*)` \| (.*) \|$/gm)].map(([, text = "", result = ""]): [string, string] => [
      text.replaceAll("\\|", "|"),
      result,
    ]);
    expect(found.length).toBeGreaterThan(10);
    return found;
  }
});

describe("language 9.3", () => {
  const scope = createScope([
    {
      values: {
        env: { CI: "1" },
        steps: { build: { output: "all fine", ok: true } },
        NODE_ENV: "test",
        tests_passed: "true",
      },
    },
  ]);

  test.each([
    ["V14", "${steps.build.output} contains 'fine'", true],
    ["V14", "${env.CI} == 1", true],
    ["V14", "${NODE_ENV} == 'test' and steps.build.ok", true],
    ["V14", "${tests_passed}", "true"],
    ["V14", "true", true],
    ["V14", "'${NODE_ENV}' == 'test' && !${missing}", true],
  ])("%s: when %s", (_, text, expected) => {
    expect(valueOf(text, scope, "when")).toEqual(expected);
  });

  test.each([
    ["V15", "priority == 5", true],
    ["V15", "priority != 5", false],
    ["V16", "contains(name, 'x')", true],
    ["V16", "contains(name, x)", true],
    ["V17", "length(tags) == 3", true],
    ["V17", "length(tags, 3)", true],
    ["V17", "length(tags) > 2", true],
    ["V18", "priority in [1, 5]", true],
    ["V18", "status in [open, 'closed']", true],
    ["V19", "path matches '\\.rs$' && has_issues == true", true],
    ["V19", "matches(path, '^(src|lib)/.*, .*')", false],
    ["V20", "is_null(missing)", true],
    ["V20", "is_null(nothing) && is_not_null(name)", true],
    ["V21", "title == 'a || b (c) >= d'", true],
    ["V21", "!(title == 'x && y') && (priority > 1)", true],
    ["V22", "item.priority == 5 && item.path ends_with '.rs'", true],
    ["V22", "item.loc.lines[0] == 7", true],
    ["compat", "File.score >= 10 OR Function.unified_score.final_score >= 10", true],
    ["compat", "status == open", true],
    ["compat", "severity == 'high' || severity == 'critical'", false],
  ])("%s: filter %s", (_, text, expected) => {
    const item = {
      priority: 5,
      name: "axb",
      tags: ["a", "b", "c"],
      status: "open",
      path: "src/main.rs",
      has_issues: true,
      nothing: null,
      title: "a || b (c) >= d",
      loc: { lines: [7] },
      Function: { unified_score: { final_score: 11 } },
    };
    expect(valueOf(text, createItemScope(item, scope), "filter")).toBe(expected);
  });
});

describe("evaluation", () => {
  const item = { scores: [{ v: 1 }, { v: 3 }, {}], a: 2, b: 2, item: "own", empty: "", none: null };
  const scope = createItemScope(item, createScope([{ values: { LIMIT: 2 } }]));

  test.each<[string, Json]>([
    ["scores[*].v", [1, 3]],
    ["avg(scores[*].v) >= 2", true],
    ["a == b", true],
    ["a >= ${LIMIT}", true],
    ["item.item == 'own'", true],
    ["exists(a) && !exists(c)", true],
    ["exists(none)", true],
    ["${empty.exists}", true],
    ["${c.exists} || ${c:-7} == 7", true],
    ["${scores|length}", 3],
    ["$LIMIT + 1", 3],
    ["not a == 3", true],
    ["!a == 3", false],
    ["not (a == 2) or a == 2 and b == 2", true],
    ["constructor == null && __proto__ == null && a.constructor == null", true],
    ["a.toString == null", true],
    ["'it\\'s \\u0041\\n' == \"it's A\\n\"", true],
    ["a in[1,2]", true],
    ["-a + 3", 1],
    ["NOT (A == 2) AND TRUE", true],
  ])("%s is %j", (text, expected) => {
    expect(valueOf(text, scope, "filter")).toEqual(expected);
  });

  test("the right side of || is not evaluated when the left side decides", () => {
    expect(outcome("a == 2 || 'x' > 1", scope, "when")).toMatchObject({ value: true });
    expect(outcome("a == 3 && 'x' > 1", scope, "when")).toMatchObject({ value: false });
  });

  test("a bare word is a missing variable in when, not a text", () => {
    expect(outcome("'open' == open", createScope([]), "when")).toMatchObject({ value: false });
  });

  test("a type error in when is located at the operator", () => {
    expect(outcome("${count} > 0", createScope([]), "when")).toEqual({
      problem: {
        message: '">" cannot order a missing value and a number',
        offset: 9,
        length: 1,
        help: "give a default, as in ${name:-0}, or ask exists(name) first",
      },
    });
  });

  test("a text longer than 64 KiB is not searched by a regular expression", () => {
    const long = createScope([{ values: { long: "a".repeat(65 * 1024) } }]);
    expect(outcome("long matches 'b'", long, "when")).toMatchObject({
      problem: { message: expect.stringContaining("65536") },
    });
    expect(valueOf("long contains 'b'", long, "when")).toBe(false);
  });

  test("a regular expression from a variable is compiled when it is used", () => {
    const own = createScope([{ values: { good: "^a+$", bad: "(a", name: "aa" } }]);
    expect(valueOf("name matches ${good}", own, "when")).toBe(true);
    expect(outcome("name matches ${bad}", own, "when")).toMatchObject({
      problem: { message: expect.stringContaining("missing closing )") },
    });
  });
});

describe("syntax errors", () => {
  test.each([
    ["", "the expression is empty", 0, 1],
    ["a &", '"&" is not an operator', 2, 1],
    ["a && ", "the expression ends where a value is needed", 5, 1],
    ["a b", '"b" is not expected here', 2, 1],
    ["(a", "this bracket is not closed", 0, 1],
    ["a)", '")" is not expected here', 1, 1],
    ["'abc", "this text is not closed", 0, 4],
    ["a == == b", '"==" is not expected here: a value is needed', 5, 2],
    ["1 < 2 < 3", "comparisons cannot be chained", 6, 1],
    ["${a", "this is not a variable", 0, 3],
    ["${#a} > 1", "this is not a variable", 0, 5],
    ["5abc", '"5abc" is neither a number nor a name', 0, 4],
    ["a ; b", '";" has no meaning here', 2, 1],
    ["lenght(a)", 'there is no function "lenght"', 0, 6],
    ["a matches '('", "the regular expression /(/ cannot be used: missing closing ): `(`", 2, 7],
    ["${item.x|jsn} == 1", '"|jsn" after item.x is neither a default (:-text) nor a filter (|name)', 0, 13],
    ["contains(a)", "contains(...) takes two values, here are 1", 0, 8],
  ])("%j is refused: %s", (text, message, offset, length) => {
    const parsed = parseExpression(text);
    expect(parsed.ok ? null : parsed.problem).toMatchObject({ message, offset, length });
  });

  test("a misspelled function gets a suggestion", () => {
    expect(parseExpression("lenght(a)")).toMatchObject({ problem: { help: 'did you mean "length"?' } });
  });

  test("too long and too deep expressions are refused", () => {
    expect(parseExpression("a".repeat(10_001))).toMatchObject({ ok: false });
    expect(parseExpression(`${"(".repeat(200)}1${")".repeat(200)}`)).toMatchObject({ ok: false });
    expect(parseExpression("!".repeat(5000) + "a")).toMatchObject({ ok: false });
    expect(parseExpression(`1${"+1".repeat(4000)}`)).toMatchObject({ ok: false });
  });

  test("a thousand alternatives are no depth", () => {
    const text = Array.from({ length: 900 }, (_, index) => `a==${index}`).join("||");
    expect(valueOf(text, createScope([{ values: { a: 899 } }]), "when")).toBe(true);
  });
});

describe("properties", () => {
  const operand = fc.constantFrom("a", "b", "1", "2.5", "'x'", "true", "null", "${a}", "[1, 2]", "missing");
  const expression = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      operand,
      fc.tuple(fc.constantFrom("!", "not "), tie("node")).map(([sign, inner]) => `${sign}(${inner})`),
      fc
        .tuple(tie("node"), fc.constantFrom("&&", "||", "==", "!=", "<", "+", "*", "in", "contains"), tie("node"))
        .map(([left, sign, right]) => `(${left}) ${sign} (${right})`),
    ),
  })).node;
  const scope = createScope([{ values: { a: 1, b: "x" } }]);

  test("redundant parentheses change nothing", () => {
    fc.assert(
      fc.property(expression, (text) => {
        const plain = outcome(text, scope, "filter");
        const wrapped = outcome(`((${text}))`, scope, "filter");
        const operands = outcome(text.replace(/\b(a|b|missing)\b(?!\})/g, "($1)"), scope, "filter");
        expect("value" in plain && plain.value).toEqual("value" in wrapped && wrapped.value);
        expect("value" in plain && plain.value).toEqual("value" in operands && operands.value);
      }),
    );
  });

  test("a filter never fails and when never throws", () => {
    fc.assert(
      fc.property(expression, (text) => {
        expect(outcome(text, scope, "filter")).toHaveProperty("value");
        outcome(text, scope, "when");
      }),
    );
  });

  test("parsing never throws, and a problem lies inside the text", () => {
    const noise = fc.string({
      unit: fc.constantFrom(...Array.from("ab1.'\"\\${}[]()|&!=<>+-*/%, \u0000é😀"), "in ", "not "),
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), noise), (text) => {
        const parsed = parseExpression(text);
        if (parsed.ok) return;
        expect(parsed.problem.offset).toBeGreaterThanOrEqual(0);
        expect(parsed.problem.offset).toBeLessThanOrEqual(text.length);
        expect(parsed.problem.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});

function outcome(text: string, scope: ReturnType<typeof createScope>, mode: "when" | "filter") {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { problem: parsed.problem };
  const evaluated = evaluate(parsed.expression, scope, mode);
  return evaluated.ok ? { value: evaluated.value, warnings: evaluated.warnings } : { problem: evaluated.problem };
}

function valueOf(text: string, scope: ReturnType<typeof createScope>, mode: "when" | "filter"): Json {
  const result = outcome(text, scope, mode);
  if ("problem" in result) throw new Error(JSON.stringify(result.problem));
  return result.value;
}
