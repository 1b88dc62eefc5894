/** What must hold for any text whatsoever that is given to the reader of workflows, and to the small languages in it. */
import { isDeepStrictEqual } from "node:util";
import { parseEnvFile } from "../../src/workflow/env-file.ts";
import { evaluate, parseExpression } from "../../src/workflow/expression.ts";
import { formatDate } from "../../src/workflow/date-format.ts";
import { renderDiagnostic } from "../../src/workflow/diagnostic.ts";
import { parseDuration } from "../../src/workflow/duration.ts";
import { fixWorkflow } from "../../src/workflow/fix.ts";
import { globMatches } from "../../src/workflow/glob.ts";
import { parseJsonPath } from "../../src/workflow/json-path.ts";
import type { Json, Workflow } from "../../src/workflow/model.ts";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { printWorkflow } from "../../src/workflow/print.ts";
import { compileRegex } from "../../src/workflow/regex.ts";
import { createScope } from "../../src/workflow/scope.ts";
import { EVERYTHING, select } from "../../src/workflow/select.ts";
import { parseDistinctKeys, parseSortKeys } from "../../src/workflow/select-keys.ts";
import { interpolate } from "../../src/workflow/template.ts";
import type { Random } from "./mutate.ts";
import { pick, randomFrom } from "./mutate.ts";

/** Everything that one input may take, in computing and not in waiting. */
const MAX_CPU_MS = 1_000;

/** Enough to see what is wrong. */
const MAX_SHOWN = 3;

export interface Fuzz {
  readonly seed: number;
  readonly runs: number;
  readonly make: (random: Random) => string;
  readonly check: (text: string) => string | null;
}

/** What was wrong, with the seed that makes this text in the first run. */
export function fuzz({ seed, runs, make, check }: Fuzz): readonly string[] {
  const wrong: string[] = [];
  for (let run = 0; run < runs && wrong.length < MAX_SHOWN; run += 1) {
    const found = wrongWith(check, make(randomFrom(seed + run)));
    if (found !== null) wrong.push(`seed ${String(seed + run)}: ${found}`);
  }
  return wrong;
}

/** What is wrong with the answer to this text; null when all is well. A throw is wrong, too. */
function wrongWith(check: (text: string) => string | null, text: string): string | null {
  const before = process.cpuUsage();
  let wrong: string | null;
  try {
    wrong = check(text);
  } catch (error) {
    wrong = `it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const ms = process.cpuUsage(before).user / 1_000;
  if (wrong === null && ms > MAX_CPU_MS) wrong = `it took ${ms.toFixed(0)} ms of computing`;
  return wrong === null ? null : `${wrong}\n--- the input\n${JSON.stringify(text.slice(0, 20_000))}`;
}

/** Reads the text as a workflow, and what is good once more as it is printed. */
export function checkWorkflow(text: string): string | null {
  const file = text.trimStart().startsWith("{") ? "fuzz.json" : "fuzz.yml";
  const { workflow, diagnostics, fixes } = parseWorkflow(text, { file });
  const lines = text.replace(/^\uFEFF/u, "").split("\n");
  for (const diagnostic of diagnostics) {
    const { line, column, length } = diagnostic.at;
    const isInside = line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1;
    if (!isInside || length < 1) return `outside the text: ${JSON.stringify(diagnostic)}`;
    if (renderDiagnostic(diagnostic).includes("undefined")) return `no message: ${renderDiagnostic(diagnostic)}`;
  }
  if ((workflow === null) !== diagnostics.some(({ severity }) => severity === "error")) {
    return "a workflow and errors, or neither";
  }
  if (workflow === null) return null;
  return checkPrinted(workflow) ?? (fixes.length === 0 ? null : checkFixed(text, { file, workflow }));
}

function checkPrinted(workflow: Workflow): string | null {
  const printed = printWorkflow(workflow);
  const again = parseWorkflow(printed, { file: "printed.yml" });
  if (again.workflow === null) return `printed, it is refused: ${JSON.stringify(again.diagnostics)}\n${printed}`;
  return isSame(again.workflow, workflow) ? null : `printed, it is another:\n${printed}`;
}

function checkFixed(text: string, read: { readonly file: string; readonly workflow: Workflow }): string | null {
  const fixed = fixWorkflow(text, { file: read.file });
  const again = parseWorkflow(fixed, { file: read.file });
  if (again.workflow === null) return `fixed, it is refused: ${JSON.stringify(again.diagnostics)}\n${fixed}`;
  return isSame(again.workflow, read.workflow) ? null : `fixed, it is another:\n${fixed}`;
}

function isSame(one: Workflow, other: Workflow): boolean {
  return isDeepStrictEqual(withoutPlaces(one), withoutPlaces(other));
}

/** A workflow without the places of its parts, which are different in every file. */
export function withoutPlaces(workflow: Workflow | null): unknown {
  return JSON.parse(JSON.stringify(workflow, (key, value: unknown) => (key === "at" ? undefined : value)));
}

const DATA: Json = [
  { name: "a", n: 1, list: [1, [2]], odd: null },
  { name: "B", n: -0.5, list: [], odd: { "a b": true } },
];
const SCOPE = createScope([
  { values: { item: { name: "a b", n: 3, list: [1, 2] }, "map.results": DATA, ARG: "x", count: 5, blank: "" } },
]);

/** Gives the text to each of the small languages, and lets them work where they can. */
export function checkLanguages(text: string): string | null {
  for (const target of ["script", "prompt", "operand"] as const) {
    const rendered = interpolate(text, SCOPE, { target });
    if (!rendered.ok && rendered.problems.some((problem) => !isInside(problem, text))) {
      return `interpolation: outside the text: ${JSON.stringify(rendered.problems)}`;
    }
  }
  const expression = parseExpression(text);
  if (expression.ok) {
    for (const mode of ["when", "filter"] as const) evaluate(expression.expression, SCOPE, mode);
  } else if (!isInside(expression.problem, text)) {
    return `expression: outside the text: ${JSON.stringify(expression.problem)}`;
  }
  for (const parsed of [parseSortKeys(text), parseDistinctKeys(text), parseJsonPath(text)]) {
    if (!parsed.ok && !isInside(parsed.problem, text)) return `outside the text: ${JSON.stringify(parsed.problem)}`;
  }
  for (const field of ["jsonPath", "filter", "sortBy", "distinct"] as const) {
    select(DATA, { ...EVERYTHING, [field]: text });
  }
  const ms = parseDuration(text);
  if (ms !== null && !(ms >= 0)) return `a duration of ${String(ms)} ms`;
  globMatches(text, "src/a/main.rs");
  globMatches("src/**/*.rs", text);
  const regex = compileRegex(text);
  if (regex.ok) regex.regex.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
  parseEnvFile(text);
  formatDate(text, 1_764_000_000_000);
  return null;
}

interface Placed {
  readonly offset: number;
  readonly length: number;
}

function isInside({ offset, length }: Placed, text: string): boolean {
  return offset >= 0 && length >= 0 && offset <= text.length && offset + length <= Math.max(text.length, offset + 1);
}

/** Words of the small languages, of which texts are made that are nearly right. */
const WORDS = [
  ..." ()[]{}$'\"\\|.,:;!=<>+-*/%?@#&^~`\n\t0123456789".split(""),
  "${",
  "${item.name}",
  "${item.list[0]",
  "${ARG:-x}",
  "$ARG",
  "$$",
  "\\$",
  "$(pwd)",
  "map.results",
  "item",
  ".name",
  "[*]",
  "[-1]",
  "['a b']",
  "$.a",
  "$..name",
  "[?(@.n > 1)]",
  "&&",
  "||",
  "==",
  " in ",
  " and ",
  " not ",
  " matches ",
  " contains ",
  "'a'",
  '"(a+)+$"',
  "true",
  "null",
  "1e999",
  "-0",
  "length(",
  "sum(",
  "|upper",
  "|default('x')",
  "|regex_replace('(a*)*','b')",
  " DESC",
  " NULLS FIRST",
  "1h30m",
  "**/",
  "[a-",
  "{1..9999}",
  "{a,b}",
  "+(a|",
  "!(",
  "%Y",
  "A=b\n",
  "export A='",
  "é",
  "\ud83d",
  "__proto__",
] as const;

export function nearText(random: Random): string {
  return Array.from({ length: 1 + random(14) }, () => pick(random, WORDS)).join("");
}
