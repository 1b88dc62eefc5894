import { expect, test } from "vitest";
import { compatRig } from "../kit/compat.ts";

/** What each file leaves on the branch that it was started from: files, and what is in them. */
const SEQUENTIAL: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
  ["capture-conditional-flow.yml", [], {}],
  ["complex-build-pipeline.yml", [], { "src/tests-fixed.txt": "fixed\n", "src/clippy-fixed.txt": "fixed\n" }],
  ["coverage.yml", [], { "src/implemented.txt": "specs/1-coverage-improvements.md\n" }],
  ["documentation-maintain.yml", [], { "docs/guide.md": "guide\nupdated critical\nupdated major\nupdated all\n" }],
  ["environment-example.yml", [], {}],
  ["implement.yml", ["--args", "specs/9.md"], { "src/implemented.txt": "specs/9.md\n" }],
  ["product-enhancement-workflow.yml", [], { "specs/2-product.md": "--area cli-ux --max-enhancements 8\n" }],
  ["spec.yml", ["--args", "a feature"], { "specs/3-feature.md": "a feature\nrefined\n" }],
  ["standard-workflow.yml", [], {}],
  ["tech-debt.yml", [], { "src/implemented.txt": "specs/4-tech-debt-cleanup.md\n" }],
  ["test-sensitive-masking.yml", [], {}],
  ["test-sequential-resume.yml", [], {}],
];

test.each(SEQUENTIAL)("%s runs to its end", async (file, args, files) => {
  await using rig = await compatRig();
  const { code, stdout, stderr } = rig.runFile(file, args);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  expect(Object.fromEntries(Object.keys(files).map((path) => [path, rig.read(path)]))).toEqual(files);
  expect(rig.git("status", "--porcelain", "--", ".", ":!.prodigy")).toBe("");
});
