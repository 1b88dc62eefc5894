import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clearInbox, dropRequest, openInbox } from "./inbox.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

const never = new AbortController().signal;

test("requests are taken once, in the order in which they were left, also those left before anybody looked", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "inbox");
  await dropRequest(directory, { kind: "pause" }, 2);
  await dropRequest(directory, { kind: "stop" }, 10);
  const inbox = openInbox(directory);
  expect(await inbox.next(never)).toEqual({ kind: "pause" });
  expect(await inbox.next(never)).toEqual({ kind: "stop" });
  expect(await readdir(directory)).toEqual([]);
});

test("a request that comes later ends the waiting", async () => {
  await using folder = await temporaryFolder();
  const waiting = openInbox(folder.path).next(never);
  await dropRequest(folder.path, { kind: "stop" }, 1);
  expect(await waiting).toEqual({ kind: "stop" });
});

test("an aborted signal ends the waiting", async () => {
  await using folder = await temporaryFolder();
  const stop = new AbortController();
  const waiting = openInbox(folder.path).next(stop.signal);
  stop.abort();
  expect(await waiting).toBe(null);
  expect(await openInbox(folder.path).next(stop.signal)).toBe(null);
});

test("what is no request is put aside and does not stand in the way", async () => {
  await using folder = await temporaryFolder();
  for (const [index, text] of ["", "[]", '{"kind":"obey"}', "null"].entries()) {
    await writeFile(join(folder.path, `${"0".repeat(15)}-${index}.json`), text);
  }
  await dropRequest(folder.path, { kind: "stop" }, 1);
  expect(await openInbox(folder.path).next(never)).toEqual({ kind: "stop" });
  expect((await readdir(folder.path)).filter((name) => name.endsWith(".bad"))).toHaveLength(4);
});

test("requests to a process that is gone can be forgotten", async () => {
  await using folder = await temporaryFolder();
  await dropRequest(folder.path, { kind: "stop" }, 1);
  expect(await clearInbox(folder.path)).toBe(1);
  expect(await clearInbox(join(folder.path, "missing"))).toBe(0);
  expect(await readdir(folder.path)).toEqual([]);
});

test("a request is readable by its owner only", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "inbox");
  await dropRequest(directory, { kind: "stop" }, 1);
  const [name] = await readdir(directory);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, String(name)))).mode & 0o777).toBe(0o600);
});
