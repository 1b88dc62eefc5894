import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAILURE_KINDS, parseScript } from "./script.ts";
import { chooseRule } from "./script-match.ts";

const guide = readFileSync(new URL("../../docs/scripted-agent.md", import.meta.url), "utf8");

test("the script in the guide is valid and does what the guide says", () => {
  const example = /```yaml script\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
  const script = parseScript(example);
  if (typeof script === "string") throw new Error(script);
  const said = (prompt: string) => chooseRule(script, prompt)?.steps.at(-1)?.action;
  expect(said("/fix a.ts")).toEqual({ kind: "say", text: "Fixed a.ts." });
  expect(said("please review b.ts")).toEqual({ kind: "say", text: "b.ts looks good." });
  expect(said("what")).toEqual({ kind: "say", text: "Nothing to do." });
});

test("the guide names every kind of failure", () => {
  const table = guide.split("| kind | what it looks like |")[1]?.split("\n## ")[0] ?? "";
  const named = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap((row) =>
    [...(row[1] ?? "").matchAll(/`(\w+)`/g)].map((match) => match[1]),
  );
  expect(new Set(named)).toEqual(new Set(FAILURE_KINDS));
});

test.each([
  ["[]", "a script is a mapping with the key `rules`"],
  ["rules: []", "`rules` is missing or empty"],
  ["rules: [{ steps: say }]", "rules[0].steps is not a list"],
  ["rules: [{ steps: [{ say: a, think: 1 }] }]", "rules[0].steps[0] must have exactly one action, and has 2"],
  ["rules: [{ steps: [{ fail: sometimes }] }]", `rules[0].steps[0].fail must be one of ${FAILURE_KINDS.join(", ")}`],
  ["rules: [{ steps: [{ write: { path: a } }] }]", "rules[0].steps[0].write.content is not a text"],
  ["rules: [{ wenn: a, steps: [] }]", 'rules[0] has the unknown key "wenn"; it may have name, when, steps'],
  [
    "rules: [{ steps: [{ say: a, usage: { inputs: 1 } }] }]",
    'rules[0].steps[0].usage has the unknown key "inputs"; it may have input, output, cacheRead, cacheWrite, cost',
  ],
])("%s is refused: %s", (text, problem) => {
  expect(parseScript(text)).toBe(problem);
});

test("JSON is a script as well", () => {
  expect(parseScript('{"rules":[{"steps":[{"say":"a"}]}]}')).toMatchObject({ rules: [{ name: "rules[0]" }] });
});
