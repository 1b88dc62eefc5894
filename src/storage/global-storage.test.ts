import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type GlobalStorage, openStorage } from "./global-storage.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

test("what was saved is loaded, and its version changes with each writing", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(join(folder.path, "home"));
  const at = { repository: "app-1", session: "s-1" };
  expect(await storage.loadSession(at)).toEqual({ ok: true, value: null });
  const first = await storage.saveSession(at, { a: 1 }, { durable: true });
  expect(await storage.loadSession(at)).toEqual({ ok: true, value: { value: { a: 1 }, version: first } });
  const second = await storage.saveSession(at, { a: 2 }, { durable: false });
  expect(second).not.toBe(first);
  expect(await storage.sessionVersion(at)).toBe(second);
});

test("lists have the last written first, of one repository or of all, and no other files", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(folder.path);
  for (const [index, [repository, session]] of [
    ["a", "s-1"],
    ["b", "s-2"],
    ["a", "s-3"],
  ].entries()) {
    const at = { repository: String(repository), session: String(session) };
    await storage.saveSession(at, {}, { durable: false });
    await utimes(storage.paths(at.repository, at.session).state, 1000 + index, 1000 + index);
  }
  await writeFile(join(folder.path, "state", "a", "sessions", ".s-1.json.x.tmp"), "");
  await writeFile(join(folder.path, "state", "a", "sessions", "not an id.json"), "");
  await mkdir(join(folder.path, "sessions"));
  await writeFile(join(folder.path, "sessions", "workflow-1.json"), "{}");
  await utimes(join(folder.path, "sessions", "workflow-1.json"), 1, 1);
  expect((await storage.listSessions(null)).map((file) => file.session)).toEqual(["s-3", "s-2", "s-1", "workflow-1"]);
  expect((await storage.listSessions("a")).map((file) => file.session)).toEqual(["s-3", "s-1"]);
  expect(await storage.findSession("s-2")).toMatchObject([{ repository: "b", session: "s-2" }]);
  expect(await storage.findSession("s-9")).toEqual([]);
});

test("a deleted session leaves nothing but its worktrees", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(folder.path);
  const at = { repository: "a", session: "s-1" };
  const paths = storage.paths("a", "s-1");
  await storage.saveSession(at, {}, { durable: false });
  await storage.saveDeadLetters(at, []);
  for (const directory of [paths.events, paths.logs, paths.inbox, paths.lock, paths.worktree])
    await mkdir(directory, { recursive: true });
  await storage.deleteSession(at);
  await storage.deleteSession(at);
  expect(await storage.listSessions(null)).toEqual([]);
  for (const path of [paths.events, paths.logs, paths.inbox, paths.lock, dirname(paths.deadLetters)]) {
    await expect(stat(path)).rejects.toThrow("ENOENT");
  }
  expect(await readdir(join(folder.path, "trash"))).toEqual([]);
  expect((await stat(paths.worktree)).isDirectory()).toBe(true);
});

test("folders and files are their owner's only", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "home");
  const storage = await opened(root);
  await storage.saveSession({ repository: "a", session: "s" }, {}, { durable: true });
  expect((await stat(root)).mode & 0o777).toBe(0o700);
  expect((await stat(join(root, "state"))).mode & 0o777).toBe(0o700);
  expect((await stat(storage.paths("a", "s").state)).mode & 0o777).toBe(0o600);
});

test("a root that cannot be used is a fault that names the setting", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  expect(await openStorage(join(folder.path, "file", "home"))).toMatchObject({
    ok: false,
    fault: { help: "Set PRODIGY_HOME to a folder that you can write to." },
  });
});

async function opened(root: string): Promise<GlobalStorage> {
  const storage = await openStorage(root);
  if (!storage.ok) throw new Error(storage.fault.message);
  return storage.value;
}
