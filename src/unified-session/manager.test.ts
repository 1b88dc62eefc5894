import { readFile, utimes, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type GlobalStorage, openStorage } from "../storage/global-storage.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { NOTHING_YET, project, rebuildSession } from "./cook-adapter.ts";
import { ALL_SESSIONS, SessionManager, summaryOf } from "./manager.ts";
import type { SessionStatus, UnifiedSession } from "./state.ts";
import { anyJournal, recorded, testOrder } from "../../test/kit/session-events.ts";

const AT = { repository: "app-1", session: "session-1" };

test("a session is on the disk when it was created, and a second manager sees it", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(folder.path);
  await using manager = new SessionManager(storage, new TestClock());
  await manager.create(AT, session());
  expect(await new SessionManager(storage, new TestClock()).load(AT)).toEqual({ ok: true, value: session() });
});

test("changes are written at once when the status changes, else after a second at most", async () => {
  await using folder = await temporaryFolder();
  const clock = new TestClock();
  const storage = await opened(folder.path);
  await using manager = new SessionManager(storage, clock);
  await manager.create(AT, session());
  await manager.update(AT, [{ kind: "progress", current: 1, total: 3 }]);
  expect((await stored(storage)).workflow_data?.current_step).toBe(0);
  await manager.update(AT, [{ kind: "status", status: "Running" }]);
  expect(await stored(storage)).toMatchObject({ status: "Running", workflow_data: { current_step: 1 } });
  await manager.update(AT, [{ kind: "progress", current: 2, total: 3 }]);
  expect((await stored(storage)).workflow_data?.current_step).toBe(1);
  clock.advance(1000);
  await manager.update(AT, [{ kind: "metadata", values: { more: true } }]);
  expect(await stored(storage)).toMatchObject({ metadata: { more: true }, workflow_data: { current_step: 2 } });
});

test("the last change before a long silence is written without another one", async () => {
  await using folder = await temporaryFolder();
  const clock = new TestClock();
  const storage = await opened(folder.path);
  await using manager = new SessionManager(storage, clock);
  await manager.create(AT, session());
  await manager.update(AT, [{ kind: "progress", current: 1, total: 3 }]);
  clock.advance(1000);
  await expect.poll(async () => (await stored(storage)).workflow_data?.current_step, { interval: 5 }).toBe(1);
});

test("what another process has written is noticed", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(folder.path);
  await using manager = new SessionManager(storage, new TestClock());
  await manager.create(AT, session());
  await using other = new SessionManager(storage, new TestClock());
  await other.update(AT, [{ kind: "status", status: "Running" }]);
  expect(await manager.load(AT)).toMatchObject({ ok: true, value: { status: "Running" } });
  await manager.update(AT, [{ kind: "status", status: "Paused" }]);
  expect(await other.load(AT)).toMatchObject({ ok: true, value: { status: "Paused" } });
});

test("of several updates with one that is not legal none is applied", async () => {
  await using folder = await temporaryFolder();
  await using manager = new SessionManager(await opened(folder.path), new TestClock());
  await manager.create(AT, session());
  const outcome = await manager.update(AT, [
    { kind: "metadata", values: { a: 1 } },
    { kind: "status", status: "Cancelled" },
  ]);
  expect(outcome).toMatchObject({
    ok: false,
    fault: { message: "Session session-1 cannot go from Initializing to Cancelled." },
  });
  expect(await manager.load(AT)).toEqual({ ok: true, value: session() });
});

test("a session that is not there is said to be missing", async () => {
  await using folder = await temporaryFolder();
  await using manager = new SessionManager(await opened(folder.path), new TestClock());
  expect(await manager.load(AT)).toEqual({ ok: true, value: null });
  expect(await manager.update(AT, [])).toMatchObject({
    ok: false,
    fault: { message: "There is no session session-1." },
  });
});

test("a deleted session stays away, also when a writing was due", async () => {
  await using folder = await temporaryFolder();
  const clock = new TestClock();
  const storage = await opened(folder.path);
  {
    await using manager = new SessionManager(storage, clock);
    await manager.create(AT, session());
    await manager.update(AT, [{ kind: "progress", current: 1, total: 3 }]);
    await manager.delete(AT);
    clock.advance(1000);
  }
  expect(await storage.listSessions(null)).toEqual([]);
});

test("lists are filtered, the newest first, up to the limit, and name what cannot be read", async () => {
  await using folder = await temporaryFolder();
  const storage = await opened(folder.path);
  await using manager = new SessionManager(storage, new TestClock());
  const statuses: readonly SessionStatus[] = ["Paused", "Running", "Paused", "Failed"];
  for (const [index, status] of statuses.entries()) {
    const place = { repository: "app-1", session: `s-${index}` };
    await manager.create(place, { ...session(), id: place.session, status });
    await utimes(storage.paths("app-1", place.session).state, 1000 + index, 1000 + index);
  }
  await writeFile(storage.paths("app-1", "broken").state, '{"id":');
  await writeFile(storage.paths("app-1", "other").state, '{"id":"other"}');
  const ids = async (filter: Partial<typeof ALL_SESSIONS>) =>
    (await manager.list("app-1", { ...ALL_SESSIONS, ...filter })).sessions.map((one) => one.session.id);
  expect(await ids({})).toEqual(["s-3", "s-2", "s-1", "s-0"]);
  expect(await ids({ status: "Paused" })).toEqual(["s-2", "s-0"]);
  expect(await ids({ status: "Paused", limit: 1 })).toEqual(["s-2"]);
  expect(await ids({ type: "MapReduce" })).toEqual([]);
  expect(await ids({ after: 1_700_000_000_001 })).toEqual([]);
  expect(await ids({ before: 1_700_000_000_000, worktree: "none" })).toEqual([]);
  const { unreadable } = await manager.list(null, ALL_SESSIONS);
  expect(unreadable.map((one) => one.file.session).toSorted()).toEqual(["broken", "other"]);
});

test("the file that grew event by event equals the one computed from the whole journal", async () => {
  await fc.assert(
    fc.asyncProperty(anyJournal, fc.infiniteStream(fc.nat(700)), async (events, steps) => {
      await using folder = await temporaryFolder();
      const clock = new TestClock();
      const storage = await opened(folder.path);
      {
        await using manager = new SessionManager(storage, clock);
        let projection = NOTHING_YET;
        for (const event of events) {
          const next = project(projection, event);
          projection = next.projection;
          const written =
            event.type === "session-started" && projection.session !== null
              ? await manager.create(AT, projection.session)
              : await manager.update(AT, next.updates, event.at);
          expect(written.ok).toBe(true);
          clock.advance(steps.next().value ?? 0);
        }
      }
      expect(await stored(storage)).toEqual(rebuildSession(events));
    }),
    { numRuns: 25 },
  );
});

test("a summary's duration ends with the session and is never negative", () => {
  const summary = summaryOf({ ...session(), completed_at: "2023-11-14T22:13:21.500Z" }, 0);
  expect(summary.durationMs).toBe(1500);
  expect(summaryOf(session(), 0).durationMs).toBe(0);
});

/** Time passes when the test says so. */
class TestClock {
  #now = 1_700_000_000_000;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      if (signal.aborted) wake();
      signal.addEventListener("abort", () => wake());
      this.#sleepers.push({ until: this.#now + ms, wake });
    });
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.until <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.until > this.#now);
    for (const sleeper of due) sleeper.wake();
  }
}

function session(): UnifiedSession {
  const fresh = rebuildSession(recorded({ type: "session-started", order: testOrder() } as never));
  if (fresh === null) throw new Error("no session");
  return fresh;
}

async function stored(storage: GlobalStorage): Promise<UnifiedSession> {
  return JSON.parse(await readFile(storage.paths("app-1", "session-1").state, "utf8"));
}

async function opened(root: string): Promise<GlobalStorage> {
  const storage = await openStorage(root);
  if (!storage.ok) throw new Error(storage.fault.message);
  return storage.value;
}
