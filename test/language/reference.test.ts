/** docs/workflow-reference.md is made by `WRITE_DOCS=1 npx vitest run test/language/reference.test.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FIELD_NOTES } from "../../src/workflow/field-notes.ts";
import type { Json } from "../../src/workflow/model.ts";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { headingOf, referencePage } from "../kit/reference-page.ts";

const PAGE = new URL("../../docs/workflow-reference.md", import.meta.url);

test("the reference says what the tables say", () => {
  if (process.env["WRITE_DOCS"] === "1") writeFileSync(PAGE, referencePage());
  expect(readFileSync(PAGE, "utf8")).toBe(referencePage());
});

const EXAMPLES = Object.entries(FIELD_NOTES).flatMap(([table, notes]) =>
  Object.entries(notes).map(([key, { example }]) => ({ table, key, example })),
);

test.each(EXAMPLES)("the example of $key in $table is good", ({ table, key, example }) => {
  const { diagnostics } = parseWorkflow(JSON.stringify(workflowWith(table, { [key]: example })), { file: "a.json" });
  // A key that says how something else is done has no effect alone.
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(diagnostics.filter(({ code }) => code === "deprecated-spelling")).toEqual([]);
});

test.each(Object.entries(FIELD_NOTES))("every key that is noted of %s is one of its keys", (table, notes) => {
  const page = referencePage();
  const start = page.indexOf(`\n## ${headingOf(table)}\n`);
  const section = page.slice(start, page.indexOf("\n## ", start + 1));
  for (const key of Object.keys(notes)) expect(section).toMatch(new RegExp(`^\\| \`${key}\`[ |]`, "mu"));
});

type Keys = Readonly<Record<string, Json>>;

const ACTIONS = new Set(["claude", "shell", "write_file", "foreach", "goal_seek", "analyze", "commands"]);
const AGENT_KEYS = new Set(["model", "max_turns", "max_budget", "system_prompt", "on_interrupt"]);
const ITEMS = { input: "items.json", agent_template: { shell: "true" } };

/** The smallest workflow in which these keys stand. */
function workflowWith(table: string, keys: Keys): Json {
  const [key = ""] = Object.keys(keys);
  switch (table) {
    case "a step":
      if (ACTIONS.has(key)) return [keys];
      return [{ ...(AGENT_KEYS.has(key) ? { claude: "/fix" } : { shell: "true" }), ...keys }];
    case "a workflow":
      return { commands: [{ shell: "true" }], ...keys };
    case "a MapReduce workflow":
      return { map: ITEMS, ...keys };
    case "map":
      return { map: { ...ITEMS, ...keys } };
    case "error_policy":
      return { map: ITEMS, error_policy: keys };
    case "retry":
      return [{ shell: "true", retry: keys }];
    case "validate":
      return [
        { claude: "/a", validate: ["shell", "claude", "commands"].includes(key) ? keys : { shell: "b", ...keys } },
      ];
    case "write_file":
      return [{ write_file: { path: "a", content: "{}", ...keys } }];
    case "foreach":
      return [{ foreach: { foreach: "ls", do: { shell: "true" }, ...keys } }];
    case "goal_seek":
      return [{ goal_seek: { goal: "a", claude: "/b", score: "c", ...keys } }];
    default:
      throw new Error(`nobody knows where ${table} stands`);
  }
}
