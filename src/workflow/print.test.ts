import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyModel } from "../../test/kit/any-model.ts";
import type { Workflow } from "./model.ts";
import { parseWorkflow } from "./parse.ts";
import { printWorkflow } from "./print.ts";

const FOLDERS = ["../../test/workflows/", "../../test/workflows/compat/"].map((path) => new URL(path, import.meta.url));
/** A thousand take most of a minute on a busy machine: `SOAK=full npx vitest run src/workflow/print.test.ts`. */
const RUNS = process.env["SOAK"] === "full" ? 1_000 : 150;
const FILES = FOLDERS.flatMap(filesOf);

/** A workflow without the places of its parts, which are different in every file. */
function withoutPlaces(workflow: Workflow | null): unknown {
  return JSON.parse(JSON.stringify(workflow, (key, value: unknown) => (key === "at" ? undefined : value)));
}

test("there are files to print", () => expect(FILES.length).toBeGreaterThan(10));

test.each(FILES)("%s reads the same when it is printed", (_, url) => {
  const { workflow } = parseWorkflow(readFileSync(url, "utf8"), { file: "workflow.yml" });
  if (workflow === null) return;
  const printed = printWorkflow(workflow);
  const again = parseWorkflow(printed, { file: "workflow.yml" });

  expect(again.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(withoutPlaces(again.workflow)).toEqual(withoutPlaces(workflow));
  expect(printed).toBe(again.workflow === null ? "" : printWorkflow(again.workflow));
  expect(again.diagnostics.filter(({ code }) => code === "deprecated-spelling")).toEqual([]);
});

test("generated workflows read the same when they are printed", () => {
  fc.assert(
    fc.property(anyModel, (workflow) => {
      const again = parseWorkflow(printWorkflow(workflow), { file: "workflow.yml" });

      expect(again.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(withoutPlaces(again.workflow)).toEqual(withoutPlaces(workflow));
    }),
    // Shrinking would take minutes; the seed is printed.
    { numRuns: RUNS, endOnFailure: true },
  );
});

function filesOf(folder: URL): readonly (readonly [string, URL])[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.(?:ya?ml|json)$/u.test(file))
      .map((file) => [file, new URL(file, folder)] as const);
  } catch {
    return []; // A folder that is not part of this tree.
  }
}
