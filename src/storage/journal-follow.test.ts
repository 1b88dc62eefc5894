import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Event, Recorded } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { openJournal } from "./journal.ts";
import { followJournal } from "./journal-follow.ts";
import { formatEvent } from "./journal-line.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

test("following gives what is there, then what comes, also from a later process", async () => {
  await using folder = await temporaryFolder();
  const stop = new AbortController();
  const following = followJournal(folder.path, 1, stop.signal);
  await write(folder.path, "one", "two");
  expect(await nextMessage(following)).toBe("one");
  expect(await nextMessage(following)).toBe("two");
  const third = nextMessage(following);
  await write(folder.path, "three");
  expect(await third).toBe("three");
  const end = following.next();
  stop.abort();
  expect(await end).toEqual({ done: true, value: undefined });
});

test("following from a number leaves out what was before", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, "one", "two", "three");
  const following = followJournal(folder.path, 3, new AbortController().signal);
  expect(await nextMessage(following)).toBe("three");
  await following.return();
});

test("following a journal that is not there yet waits for it", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "later");
  const following = followJournal(directory, 1, new AbortController().signal);
  const first = nextMessage(following);
  await write(directory, "one");
  expect(await first).toBe("one");
  await following.return();
});

test("a line that is only half there is given when it is whole", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const line = formatEvent(1, 1, JSON.stringify(warned("whole")));
  await writeFile(path, line.slice(0, 30));
  const following = followJournal(folder.path, 1, new AbortController().signal);
  const first = nextMessage(following);
  await appendFile(path, line.slice(30));
  expect(await first).toBe("whole");
  await following.return();
});

test("following ends with the fault of a text that is gone", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, "x".repeat(70_000));
  await rm(join(folder.path, "blobs"), { recursive: true });
  const following = followJournal(folder.path, 1, new AbortController().signal);
  expect(await following.next()).toMatchObject({ value: { ok: false } });
  expect(await following.next()).toMatchObject({ done: true });
});

async function write(directory: string, ...texts: readonly string[]): Promise<void> {
  const journal = await openJournal({ directory, writer: "prodigy 0.1.0", pid: 7, now: () => 1 }, () => {});
  if (!journal.ok) throw new Error(journal.fault.message);
  await using opened = journal.value;
  await opened.append(texts.map(warned), { durable: true });
}

function warned(message: string): Event {
  return { type: "warned", lane: null, path: null, message, at: 1 };
}

async function nextMessage(following: AsyncGenerator<Outcome<Recorded>, void>): Promise<string> {
  const { value } = await following.next();
  if (value === undefined || !value.ok || value.value.type !== "warned") throw new Error("no message");
  return value.value.message;
}
