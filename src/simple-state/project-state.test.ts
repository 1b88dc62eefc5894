import { readdir, readFile, writeFile } from "node:fs/promises";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { type ProjectOptions, readState, recordRun } from "./project-state.ts";

const never = () => new AbortController().signal;

test("a project without a file has a fresh state, and reading writes nothing", async () => {
  await using folder = await temporaryFolder();
  expect(await readState(options(folder.path))).toEqual({
    ok: true,
    value: { state: { version: "1.0", project_id: "id-1", last_run: null, total_runs: 0 }, warning: null },
  });
  expect(await readdir(folder.path)).toEqual([]);
});

test("a run is counted and has its record, both for people to read", async () => {
  await using folder = await temporaryFolder();
  const project = options(folder.path);
  await recordRun(project, run("session-01hzzzzzzzzzzzabcdefgh"), never());
  expect(await readFile(join(project.directory, "state.json"), "utf8")).toBe(
    '{\n  "version": "1.0",\n  "project_id": "id-1",\n  "last_run": "2025-01-02T03:05:00.000Z",\n  "total_runs": 1\n}\n',
  );
  expect(await readdir(join(project.directory, "history"))).toEqual(["20250102_030405_abcdefgh.json"]);
  expect((await readdir(project.directory)).toSorted()).toEqual(["history", "state.json"]);
});

test("a run that is recorded again is not counted again", async () => {
  await using folder = await temporaryFolder();
  const project = options(folder.path);
  await recordRun(project, run("s-1", { summary: "paused", completed_at: null }), never());
  const again = await recordRun(project, run("s-1", { summary: "done" }), never());
  expect(again).toMatchObject({ ok: true, value: { state: { total_runs: 1, last_run: "2025-01-02T03:05:00.000Z" } } });
  const [name] = await readdir(join(project.directory, "history"));
  expect(JSON.parse(await readFile(join(project.directory, "history", String(name)), "utf8"))).toMatchObject({
    summary: "done",
  });
});

test("of many that record at once none is lost", async () => {
  await using folder = await temporaryFolder();
  const project = options(folder.path);
  const outcomes = await Promise.all(
    Array.from({ length: 15 }, (_, index) => recordRun(project, run(`s-${index}`), never())),
  );
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
  expect(await readState(project)).toMatchObject({ ok: true, value: { state: { total_runs: 15 } } });
});

test.each(["", "{", "[]", '{"project_id":1}', '{"project_id":"a","total_runs":"1"}'])(
  "a damaged file (%j) is put aside with a warning and counting begins anew",
  async (text) => {
    await using folder = await temporaryFolder();
    const project = options(folder.path);
    mkdirSync(project.directory);
    await writeFile(join(project.directory, "state.json"), text);
    const outcome = await recordRun(project, run("s-1"), never());
    const aside = join(project.directory, "state.json.corrupted.42");
    expect(outcome).toMatchObject({
      ok: true,
      value: { state: { total_runs: 1 }, warning: expect.stringContaining(`it is now ${aside}`) },
    });
    expect(await readFile(aside, "utf8")).toBe(text);
  },
);

test("a wait for another process ends when it is aborted", async () => {
  await using folder = await temporaryFolder();
  const project = options(folder.path);
  const stop = new AbortController();
  stop.abort();
  await using _other = await held(project);
  expect((await recordRun(project, run("s-1"), stop.signal)).ok).toBe(false);
});

async function held(project: ProjectOptions) {
  const { acquireLock } = await import("../storage/lock.ts");
  const lock = await acquireLock(project.lock);
  if (!lock.ok) throw new Error(lock.fault.message);
  return lock.value;
}

function options(root: string): ProjectOptions {
  const self = { pid: 1, startedAt: "1", bootId: "b", host: "h" };
  return {
    directory: join(root, ".prodigy"),
    now: () => 42,
    uuid: () => "id-1",
    lock: {
      directory: join(root, "locks", "project"),
      session: "project state",
      self,
      isAlive: () => "alive",
      now: () => 1,
      socketDirectory: null,
      allowNetwork: true,
    },
  };
}

function run(session: string, more: object = {}) {
  return {
    session_id: session,
    started_at: "2025-01-02T03:04:05.000Z",
    completed_at: "2025-01-02T03:05:00.000Z",
    iterations: 1,
    files_changed: 2,
    summary: "done",
    ...more,
  };
}
