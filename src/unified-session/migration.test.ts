import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStorage } from "../storage/global-storage.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { ALL_SESSIONS, SessionManager } from "./manager.ts";
import { type MigrationReport, migrateProject, migrationSummary } from "./migration.ts";
import type { UnifiedSession } from "./state.ts";

const LEGACY = {
  session_id: "cook-1",
  status: "Interrupted",
  started_at: "2024-05-01T10:00:00.123456789Z",
  ended_at: "2024-05-01T11:00:00Z",
  iterations_completed: 2,
  files_changed: 5,
  errors: ["first", "second"],
  working_directory: "/app",
  worktree_name: "wt-1",
  workflow_state: { workflow_path: "flows/fix.yml" },
};

test("a session of old keeps its times, counters and errors, and its file is archived", async () => {
  await using project = await newProject({ "session_state.json": LEGACY });
  expect(await project.migrate()).toMatchObject({ migrated: ["cook-1"], failed: [] });
  expect(await project.session("cook-1")).toMatchObject({
    status: "Paused",
    started_at: LEGACY.started_at,
    updated_at: LEGACY.ended_at,
    completed_at: null,
    error: "first; second",
    metadata: {
      project_name: "app",
      started_by: "migrated",
      tags: ["migrated"],
      legacy_session_id: "cook-1",
      errors: ["first", "second"],
    },
    workflow_data: { workflow_name: "fix", iterations_completed: 2, files_changed: 5, worktree_name: "wt-1" },
  });
  expect(await project.files()).toEqual(["migrated", "migrated/session_state.json"]);
});

test("a second migration does nothing", async () => {
  await using project = await newProject({ "session_state.json": LEGACY });
  await project.migrate();
  expect(await project.migrate()).toEqual({ migrated: [], failed: [], archived: [] });
});

test("a migration that was interrupted before the file was moved goes on there", async () => {
  await using project = await newProject({ "session_state.json": LEGACY });
  await project.migrate();
  const changed = { ...(await project.session("cook-1")), status: "Completed" as const };
  await project.manager.create({ repository: "app-1", session: "cook-1" }, changed);
  await project.write("session_state.json", LEGACY);
  expect(await project.migrate()).toMatchObject({ migrated: [], failed: [] });
  expect((await project.session("cook-1")).status).toBe("Completed");
  expect(await project.files()).toEqual(["migrated", "migrated/session_state.json", "migrated/session_state.json.2"]);
});

test.each([
  ["InProgress", "Running"],
  ["Completed", "Completed"],
  ["Failed", "Failed"],
  ["Interrupted", "Paused"],
  ["Sleeping", "Running"],
])("the status %s becomes %s", async (status, expected) => {
  await using project = await newProject({ "session_1.json": { ...LEGACY, status } });
  await project.migrate();
  expect((await project.session("cook-1")).status).toBe(expected);
});

test("with one unreadable file the others are migrated, nothing is moved, and it is reported", async () => {
  await using project = await newProject({ "session_a.json": LEGACY, "session_b.json": '{"session_id":' });
  const report = await project.migrate();
  expect(report).toMatchObject({
    migrated: ["cook-1"],
    archived: [],
    failed: [{ path: join(project.directory, "session_b.json") }],
  });
  expect(migrationSummary(report)).toBe(
    "Migrated 1 session of an earlier Prodigy; 1 could not be read and nothing was moved away.",
  );
  expect(await project.files()).toEqual(["session_a.json", "session_b.json"]);
  expect(await project.migrate()).toMatchObject({ migrated: [], archived: [], failed: [{}] });
});

test.each([
  ["without a start", { ...LEGACY, started_at: undefined }],
  ["with a start that is no time", { ...LEGACY, started_at: "yesterday" }],
  ["with an id that leads out of the folder", { ...LEGACY, session_id: "../../x" }],
  ["with an id that is no text", { ...LEGACY, session_id: 7 }],
])("a session %s stays and is reported", async (_, legacy) => {
  await using project = await newProject({ "session_state.json": legacy });
  expect(await project.migrate()).toMatchObject({ migrated: [], failed: [{}] });
  expect(await project.files()).toEqual(["session_state.json"]);
});

test("counters of the wrong kind are taken as nothing", async () => {
  await using project = await newProject({
    "session_state.json": { ...LEGACY, iterations_completed: "2", errors: [1, "real"] },
  });
  await project.migrate();
  expect(await project.session("cook-1")).toMatchObject({ error: "real", workflow_data: { iterations_completed: 0 } });
});

test("a session of today with the same id is not overwritten", async () => {
  await using project = await newProject({ "session_state.json": LEGACY });
  await project.migrate();
  const mine = { ...(await project.session("cook-1")), metadata: {} };
  await project.manager.create({ repository: "app-1", session: "cook-1" }, mine);
  await project.write("session_state.json", LEGACY);
  expect(await project.migrate()).toMatchObject({ failed: [{ reason: "There is another session cook-1 already." }] });
});

test("check 34: everything else in the folder is left as it is", async () => {
  const others = {
    "config.yml": "a: 1",
    "session_notes.json": '{"note":"no session"}',
    "state.json": "{}",
    "session_x.txt": "x",
  };
  await using project = await newProject({ ...others, "session_state.json": LEGACY });
  await project.migrate();
  for (const [name, text] of Object.entries(others)) {
    expect(await readFile(join(project.directory, name), "utf8")).toBe(text);
  }
});

test("a project without the folder has nothing to migrate", async () => {
  await using project = await newProject({});
  expect(await migrateProject({ ...project.options, directory: join(project.directory, "missing") })).toEqual({
    migrated: [],
    failed: [],
    archived: [],
  });
  expect(migrationSummary(await project.migrate())).toBe(null);
});

test("session files in the folder of old are listed with the others", async () => {
  await using project = await newProject({ "session_state.json": LEGACY });
  await project.migrate();
  const { started_at } = await project.session("cook-1");
  const old = {
    ...(await project.session("cook-1")),
    id: "workflow-1",
    // Nullable fields may be absent in these files, and others may be there that nobody knows.
    completed_at: undefined,
    mapreduce_data: undefined,
    later: true,
  };
  await mkdir(join(project.home, "sessions"));
  await writeFile(join(project.home, "sessions", "workflow-1.json"), JSON.stringify(old));
  const { sessions, unreadable } = await project.manager.list(null, ALL_SESSIONS);
  expect(unreadable).toEqual([]);
  expect(sessions.find((one) => one.session.id === "workflow-1")).toMatchObject({
    place: { repository: null },
    session: { started_at, completed_at: null },
  });
});

async function newProject(files: Readonly<Record<string, unknown>>) {
  const folder = await temporaryFolder();
  const directory = join(folder.path, "app", ".prodigy");
  const home = join(folder.path, "home");
  await mkdir(directory, { recursive: true });
  const write = (name: string, content: unknown) =>
    writeFile(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  for (const [name, content] of Object.entries(files)) await write(name, content);
  const storage = await openStorage(home);
  if (!storage.ok) throw new Error(storage.fault.message);
  const manager = new SessionManager(storage.value, { now: () => 0, sleep: () => new Promise(() => {}) });
  const options = { directory, projectName: "app", repository: "app-1", sessions: manager };
  return {
    directory,
    home,
    manager,
    options,
    write,
    migrate: (): Promise<MigrationReport> => migrateProject(options),
    files: async () => (await readdir(directory, { recursive: true })).sort(),
    session: async (id: string): Promise<UnifiedSession> =>
      JSON.parse(await readFile(join(home, "state", "app-1", "sessions", `${id}.json`), "utf8")),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
