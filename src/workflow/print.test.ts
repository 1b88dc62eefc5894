import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyModel } from "../../test/kit/any-model.ts";
import { withoutPlaces } from "../../test/kit/fuzz.ts";
import { shell, workflow } from "../../test/kit/steps.ts";
import { parseWorkflow } from "./parse.ts";
import { printWorkflow } from "./print.ts";

const FOLDERS = ["../../test/workflows/", "../../test/workflows/compat/"].map((path) => new URL(path, import.meta.url));
/** A thousand take most of a minute on a busy machine: `SOAK=full npx vitest run src/workflow/print.test.ts`. */
const RUNS = process.env["SOAK"] === "full" ? 1_000 : 150;
const FILES = FOLDERS.flatMap(filesOf);

test("there are files to print", () => expect(FILES.length).toBeGreaterThan(10));

test.each(FILES)("%s reads the same when it is printed", (_, url) => {
  const { workflow: read } = parseWorkflow(readFileSync(url, "utf8"), { file: "workflow.yml" });
  if (read === null) return;
  const printed = printWorkflow(read);
  const again = parseWorkflow(printed, { file: "workflow.yml" });

  expect(again.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(withoutPlaces(again.workflow)).toEqual(withoutPlaces(read));
  expect(printed).toBe(again.workflow === null ? "" : printWorkflow(again.workflow));
  expect(again.diagnostics.filter(({ code }) => code === "deprecated-spelling")).toEqual([]);
});

test("generated workflows read the same when they are printed", () => {
  fc.assert(
    fc.property(anyModel, (made) => {
      const again = parseWorkflow(printWorkflow(made), { file: "workflow.yml" });

      expect(again.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(withoutPlaces(again.workflow)).toEqual(withoutPlaces(made));
    }),
    // Shrinking would take minutes; the seed is printed.
    { numRuns: RUNS, endOnFailure: true },
  );
});

test.each(["a long script that begins here and ends with a blank line\n \n", "a \n b \n\n c"])(
  "the text %j stays",
  (script) => {
    const printed = printWorkflow(workflow([shell(script)]));

    const [step] = parseWorkflow(printed, { file: "workflow.yml" }).workflow?.steps ?? [];
    expect(step?.action).toEqual({ kind: "shell", script });
  },
);

function filesOf(folder: URL): readonly (readonly [string, URL])[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.(?:ya?ml|json)$/u.test(file))
      .map((file) => [file, new URL(file, folder)] as const);
  } catch {
    return []; // A folder that is not part of this tree.
  }
}
