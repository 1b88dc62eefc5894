import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { testOrder } from "../../test/kit/session-events.ts";
import { type GlobalStorage, openStorage } from "../storage/global-storage.ts";
import { openJournal } from "../storage/journal.ts";
import { findSession, listAllSessions } from "./find.ts";
import { openLiveProjection } from "./live-projection.ts";

const CLOCK = { now: () => 1_000_000, sleep: async () => undefined };

test("a session is found by its id from anywhere, and by a part of it in its own repository", async () => {
  await using home = await stored("session-aaaa1111", "session-aaaa2222");
  const { storage } = home;
  const whole = { ok: true, value: { repository: "repo-1", session: "session-aaaa1111" } };
  expect(await findSession(storage, "session-aaaa1111", "repo-2")).toEqual(whole);
  expect(await findSession(storage, "1111", "repo-1")).toEqual(whole);
  expect(await findSession(storage, "1111", "repo-2")).toMatchObject({
    ok: false,
    fault: { message: "there is no session 1111" },
  });
  expect(await findSession(storage, "session-aaaa", "repo-1")).toMatchObject({
    ok: false,
    fault: { help: "give more of the id" },
  });
  expect(await findSession(storage, "../x", "repo-1")).toMatchObject({ ok: false });
});

test("a session whose file was never written is listed from its journal", async () => {
  await using home = await stored("session-a", "session-b");
  await rm(home.storage.paths("repo-1", "session-b").state);
  const listed = await listAllSessions(home.storage, {
    repository: "repo-1",
    clock: CLOCK,
    holderOf: async (_, session) => (session === "session-a" ? { pid: 7 } : null),
  });
  expect(listed.sessions.map(({ session, pid, resumable }) => [session.id, pid, resumable])).toEqual([
    ["session-b", null, true],
    ["session-a", 7, false],
  ]);
});

async function stored(...ids: readonly string[]): Promise<AsyncDisposable & { readonly storage: GlobalStorage }> {
  const folder = await temporaryFolder();
  const opened = await openStorage(folder.path);
  if (!opened.ok) throw new Error(opened.fault.message);
  const storage = opened.value;
  for (const id of ids) {
    const journal = await openJournal(
      { directory: storage.paths("repo-1", id).events, writer: "test", pid: 1, now: () => 1 },
      () => undefined,
    );
    if (!journal.ok) throw new Error(journal.fault.message);
    await using file = journal.value;
    await using projection = openLiveProjection(storage, { repository: "repo-1", session: id }, CLOCK);
    const events = await file.append([{ type: "session-started", order: testOrder(id), at: 1_000_000 }], {
      durable: true,
    });
    for (const event of events) projection.add(event);
  }
  return { storage, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
