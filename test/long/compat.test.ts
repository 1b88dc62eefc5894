import { expect, test } from "vitest";
import { compatRig } from "../kit/compat.ts";

/** What each file leaves on the branch that it was started from: files, and what is in them. */
const FILES: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
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
  [
    "compat/book-docs-drift.yml",
    [],
    {
      "book/src/intro.md": "fixed\ncompleted\n",
      "book/src/usage.md": "fixed\ncompleted\n",
      "book/src/retry.md": "fixed\ncompleted\n",
      "book/fixed.md": "fixed\n",
    },
  ],
  ["compat/capture-output-custom-vars.yml", [], {}],
  [
    "compat/debtmap-reduce.yml",
    [],
    {
      "src/tests-fixed.txt": "fixed\n",
      "debt-report.txt":
        "\\\n  --before .prodigy/debtmap-before.json \\\n  --after .prodigy/debtmap-after.json \\\n  --map-results-file .prodigy/map-results.json \\\n  --successful 2 \\\n  --failed 0 \\\n  --total 2\n",
    },
  ],
  [
    "compat/fix-files-mapreduce.yml",
    [],
    { "src/main.rs": "fn main() {}\n// fixed, was 15\n", "src/lib.rs": "pub fn nothing() {}\n" },
  ],
  ["compat/mapreduce-command-input.yml", [], {}],
  [
    "compat/mapreduce-env-example.yml",
    [],
    {
      "processed/'item1'.txt": "'item1' --project example-project --config config.yml\n",
    },
  ],
  ["compat/minimal-mapreduce.yml", [], { "output-item-one.txt": "Processed by agent: item-one\nItem ID: 1\n" }],
  ["compat/test-mapreduce-context.yml", [], {}],
  ["compat/workflow-syntax-drift.yml", [], { "docs/workflow-syntax.md": "mended\n" }],
];

test.each(FILES)("%s runs to its end", async (file, args, files) => {
  await using rig = await compatRig();
  const { code, stdout, stderr } = rig.runFile(file, args);
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  expect(Object.fromEntries(Object.keys(files).map((path) => [path, rig.read(path)]))).toEqual(files);
  expect(rig.git("status", "--porcelain", "--", ".", ":!.prodigy")).toBe("");
});

test("mapreduce-example.yml fixes its items; that it merges branches that no longer exist is told at its place", async () => {
  await using rig = await compatRig();
  const { code, stdout, stderr } = rig.runFile("compat/mapreduce-example.yml");
  expect(code, stdout).toBe(1);
  expect(stdout).toContain("Processing 2 items with max 10 parallel agents");
  expect(stderr).toContain("mapreduce-example.yml:34:5: warning[agent-branches]");
  expect(stderr).toContain("prodigy-agent-* - not something we can merge");
});
