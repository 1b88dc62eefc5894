import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ANALYSIS_FILE, analyzeRepository } from "./analyze.ts";
import { makeRepo, type TestRepo, value } from "./test-repo.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");
const HOUR = 3_600_000;
const MARKERS = [`TO${"DO"}`, `FIX${"ME"}`];

function analyze(
  repo: TestRepo,
  head: string,
  options: { readonly now?: number; readonly forceRefresh?: boolean; readonly save?: boolean } = {},
) {
  const request = {
    directory: repo.directory,
    head,
    maxCacheAgeMs: HOUR,
    forceRefresh: false,
    save: true,
    now: NOW,
    ...options,
  };
  return analyzeRepository(repo.git, request, new AbortController().signal);
}

test("tells languages, sizes, churn, tests and open markers of tracked files", async () => {
  await using repo = await makeRepo();
  await repo.commit("More", {
    "src/a b.ts": `// ${MARKERS[0]}: one\n// ${MARKERS[1]} two ${MARKERS[0]}\n`,
    "src/a.test.ts": "test\n",
    "package.json": '{ "scripts": { "test": "vitest run" } }\n',
  });
  const head = await repo.commit("Again", { "src/a.test.ts": "test again\n" });
  await repo.write("ignored/x.ts", `// ${MARKERS[0]}\n`);
  const { facts, cached } = value(await analyze(repo, head));
  expect(cached).toBe(false);
  expect(facts).toMatchObject({
    head,
    generated_at: "2026-01-02T03:04:05.000Z",
    files: { total: 6 },
    languages: [{ name: "TypeScript", files: 2, percent: 100 }],
    tests: { files: 1, command: "npm test", source: "package.json" },
    markers: {
      total: 3,
      by_kind: { [`${MARKERS[0]}`]: 2, [`${MARKERS[1]}`]: 1 },
      files: [{ path: "src/a b.ts", count: 3 }],
    },
    summary: expect.stringContaining("1 test files, tests run with `npm test`; 3 open markers"),
  });
  expect(facts).toHaveProperty("churn.0", { path: "src/a.test.ts", commits: 2, lines: 3 });
});

test("reads facts of the same commit again, until they are too old, asked for anew, or of another commit", async () => {
  await using repo = await makeRepo();
  const head = await repo.run("rev-parse", "HEAD");
  const first = value(await analyze(repo, head));
  expect(value(await analyze(repo, head, { now: NOW + HOUR }))).toEqual({ facts: first.facts, cached: true });
  expect(value(await analyze(repo, head, { forceRefresh: true })).cached).toBe(false);
  expect(value(await analyze(repo, head, { now: NOW + HOUR + 1 })).cached).toBe(false);
  const next = await repo.commit("Next", { "b.txt": "b\n" });
  expect(value(await analyze(repo, next)).cached).toBe(false);
});

test("writes nothing when it is not to be saved, and survives a damaged file", async () => {
  await using repo = await makeRepo();
  const head = await repo.run("rev-parse", "HEAD");
  value(await analyze(repo, head, { save: false }));
  expect(existsSync(join(repo.directory, ANALYSIS_FILE))).toBe(false);
  await repo.write(ANALYSIS_FILE, '{"head": "');
  expect(value(await analyze(repo, head)).cached).toBe(false);
});
