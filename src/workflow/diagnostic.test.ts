import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DIAGNOSTIC_CODES, renderDiagnostic } from "./diagnostic.ts";
import { parseWorkflow } from "./parse.ts";

test("a problem is shown with its place, its line, a caret and help", () => {
  const text = "- shell: npm ci\n- shel: npm test\n";

  const { diagnostics } = parseWorkflow(text, { file: "workflow.yml" });

  expect(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic))).toEqual([
    [
      'workflow.yml:2:3: error[unknown-key]: unknown key "shel" in a step',
      "  2 | - shel: npm test",
      "    |   ^^^^",
      '  help: did you mean "shell"?',
    ].join("\n"),
  ]);
});

test("the caret stands below its character behind wide characters and tabs", () => {
  const text = '{\n\t"commands": [{"name": "日本", "shel": "x"}]\n}';

  const { diagnostics } = parseWorkflow(text, { file: "w.json" });

  const [line, caret] = renderDiagnostic(diagnostics[0]!).split("\n").slice(1, 3);
  expect(line).toBe('  2 | \t"commands": [{"name": "日本", "shel": "x"}]');
  // Two cells for each of the two wide characters.
  expect(caret).toBe(`    | \t${" ".repeat('"commands": [{"name": "日本", '.length + 2)}^^^^^^`);
});

test("only the part of a very long line around the problem is shown", () => {
  const text = `- {name: "${"x".repeat(100_000)}", shel: y}\n`;

  const { diagnostics } = parseWorkflow(text, { file: "w.yml" });

  const shown = renderDiagnostic(diagnostics[0]!).split("\n");
  expect(diagnostics[0]?.at.column).toBe(100_014);
  expect(shown[1]?.length).toBeLessThan(200);
  expect(shown[1]?.slice(shown[2]?.indexOf("^"))).toMatch(/^shel: y/u);
});

test("control characters of the file do not reach the terminal", () => {
  const { diagnostics } = parseWorkflow("- shell: a\u001b[2J\n", { file: "w\u001b.yml" });

  expect(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)).join("\n")).not.toContain("\u001b");
});

test("each code is explained in docs/errors.md, and each explained code exists", async () => {
  const document = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const section = /<!-- workflow-codes -->(.*?)<!-- \/workflow-codes -->/su.exec(document)?.[1] ?? "";

  const explained = [...section.matchAll(/^\| `([a-z-]+)` \|/gmu)].map(([, code = ""]) => code);

  expect(explained).toHaveLength(Object.keys(DIAGNOSTIC_CODES).length);
  expect(new Set(explained)).toEqual(new Set(Object.keys(DIAGNOSTIC_CODES)));
});
