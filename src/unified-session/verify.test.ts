import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { recorded, testOrder } from "../../test/kit/session-events.ts";
import type { Event } from "../cook/decision/event.ts";
import { openStorage } from "../storage/global-storage.ts";
import { openJournal } from "../storage/journal.ts";
import { SessionManager } from "./manager.ts";
import { repairSession, verifySession } from "./verify.ts";

const AT = { repository: "app-1", session: "session-1" };
const EVENTS: readonly Event[] = recorded(
  { type: "session-started", order: testOrder() } as Omit<Event, "at">,
  { type: "session-opened", worker: { pid: 1, startedAt: "", host: "h" }, autoLand: false } as Omit<Event, "at">,
).map(({ type, ...event }) => ({ ...event, type }) as Event);

test("a session's file is compared with its journal and computed anew from it", async () => {
  await using home = await newHome();
  expect(await home.verify()).toEqual({ ok: true, value: "no journal" });
  expect(await home.repair()).toEqual({ ok: true, value: null });
  await home.journal();
  expect(await home.verify()).toEqual({ ok: true, value: "missing" });
  expect(await home.repair()).toMatchObject({ ok: true, value: { status: "Running" } });
  expect(await home.verify()).toEqual({ ok: true, value: "equal" });
});

test.each([
  ["torn", '{"id":'],
  ["of another kind", "[]"],
])("a file that is %s is found and computed anew", async (_, text) => {
  await using home = await newHome();
  await home.journal();
  await home.repair();
  await writeFile(home.paths.state, text);
  expect(await home.verify()).toEqual({ ok: true, value: "differs" });
  await home.repair();
  expect(await home.verify()).toEqual({ ok: true, value: "equal" });
});

test("a file that says something else than the journal is found", async () => {
  await using home = await newHome();
  await home.journal();
  await home.repair();
  await home.manager.update(AT, [{ kind: "status", status: "Completed" }]);
  expect(await home.verify()).toEqual({ ok: true, value: "differs" });
});

test("a session whose file was lost is whole again", async () => {
  await using home = await newHome();
  await home.journal();
  await home.repair();
  await rm(home.paths.state);
  expect(await home.verify()).toEqual({ ok: true, value: "missing" });
});

async function newHome() {
  const folder = await temporaryFolder();
  const storage = await openStorage(folder.path);
  if (!storage.ok) throw new Error(storage.fault.message);
  const manager = new SessionManager(storage.value, { now: () => 0, sleep: () => new Promise(() => {}) });
  const options = { storage: storage.value, sessions: manager, shown: <T>(event: T): T => event };
  const paths = storage.value.paths(AT.repository, AT.session);
  return {
    paths,
    manager,
    journal: async () => {
      const place = { directory: paths.events, writer: "prodigy 0.1.0", pid: 1, now: () => 0 };
      const journal = await openJournal(place, () => {});
      if (!journal.ok) throw new Error(journal.fault.message);
      await using opened = journal.value;
      await opened.append(EVENTS, { durable: true });
    },
    verify: () => verifySession(options, AT),
    repair: () => repairSession(options, AT),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
