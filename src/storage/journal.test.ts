import { appendFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { fdatasync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Event, Recorded } from "../cook/decision/event.ts";
import { formatEvent, formatHeader, formatMark } from "./journal-line.ts";
import { type Journal, type JournalDisk, openJournal } from "./journal.ts";
import { readJournal } from "./journal-follow.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

const DURABLE = { durable: true };
const QUICK = { durable: false };

test("what was appended is read again, numbered from 1 and in order", async () => {
  await using folder = await temporaryFolder();
  {
    await using journal = await opened(folder.path);
    const recorded = await journal.append([warned("one"), warned("zwei – 二")], DURABLE);
    expect(recorded.map((event) => event.seq)).toEqual([1, 2]);
    await journal.append([warned("three")], QUICK);
  }
  expect(await messages(folder.path)).toEqual(["one", "zwei – 二", "three"]);
});

test("an event that was appended is there before the journal is closed, durable or not", async () => {
  await using folder = await temporaryFolder();
  await using journal = await opened(folder.path);
  const quick = journal.append([warned("quick")], QUICK);
  expect(await messages(folder.path)).toEqual(["quick"]);
  await quick;
});

test("each process writes a file of its own and goes on with the numbers", async () => {
  await using folder = await temporaryFolder();
  for (const text of ["a", "b", "c"]) {
    await using journal = await opened(folder.path);
    await journal.append([warned(text)], DURABLE);
  }
  expect(await eventFiles(folder.path)).toHaveLength(3);
  expect(await messages(folder.path)).toEqual(["a", "b", "c"]);
});

test("files are ordered by their events, also when the clock went back", async () => {
  await using folder = await temporaryFolder();
  for (const now of [3_000, 2_000, 1_000]) {
    await using journal = await opened(folder.path, { now: () => now });
    await journal.append([warned(String(now))], DURABLE);
  }
  expect(await messages(folder.path)).toEqual(["3000", "2000", "1000"]);
});

test("opening a journal without writing leaves no file", async () => {
  await using folder = await temporaryFolder();
  {
    await using _journal = await opened(folder.path);
  }
  expect(await eventFiles(folder.path)).toEqual([]);
});

test("fifty appenders at once keep the order of their calls and share syncs", async () => {
  await using folder = await temporaryFolder();
  let syncs = 0;
  const disk: JournalDisk = { ...plainDisk, sync: (file) => ((syncs += 1), plainDisk.sync(file)) };
  await using journal = await opened(folder.path, { disk });
  const order: string[] = [];
  await Promise.all(
    Array.from({ length: 50 }, async (_, writer) => {
      for (let index = 0; index < 20; index += 1) {
        order.push(`${writer}-${index}`);
        await journal.append([warned(`${writer}-${index}`)], DURABLE);
      }
    }),
  );
  expect(await messages(folder.path)).toEqual(order);
  expect(syncs).toBeLessThan(100);
});

test("a durable append returns only when a sync that began after its write has ended", async () => {
  await using folder = await temporaryFolder();
  const syncs: { readonly finish: () => void }[] = [];
  const disk: JournalDisk = {
    ...plainDisk,
    sync: () => new Promise((resolve) => syncs.push({ finish: () => resolve() })),
  };
  const journal = await opened(folder.path, { disk });
  const done: string[] = [];
  const first = journal.append([warned("first")], DURABLE).then(() => done.push("first"));
  await until(() => syncs.length === 1);
  const second = journal.append([warned("second")], DURABLE).then(() => done.push("second"));
  syncs[0]?.finish();
  await first;
  await until(() => syncs.length === 2);
  expect(done).toEqual(["first"]);
  syncs[1]?.finish();
  await second;
  const closing = journal[Symbol.asyncDispose]();
  await until(() => syncs.length === 3);
  syncs[2]?.finish();
  await closing;
});

test("a journal that was torn at any byte of its last batch opens with all that was promised before", async () => {
  await using folder = await temporaryFolder();
  {
    await using journal = await opened(folder.path);
    await journal.append([warned("kept")], DURABLE);
  }
  const [name] = await eventFiles(folder.path);
  const path = join(folder.path, String(name));
  const promised = await readFile(path);
  const batch = Buffer.from(
    formatEvent(2, 1, JSON.stringify(warned("torn – 二"))) + formatEvent(3, 1, JSON.stringify(warned("too"))),
  );
  for (let cut = 0; cut <= batch.length; cut += 1) {
    for (const filler of [Buffer.alloc(0), Buffer.alloc(40)]) {
      await writeFile(path, Buffer.concat([promised, batch.subarray(0, cut), filler]));
      const whole = batch.subarray(0, cut).filter((byte) => byte === 10).length;
      const expected = ["kept", "torn – 二", "too"].slice(0, 1 + whole);
      expect(await messages(folder.path)).toEqual(expected);
      const replayed: Recorded[] = [];
      const journal = await openJournal(options(folder.path), (event) => void replayed.push(event));
      if (!journal.ok) throw new Error(journal.fault.message);
      await journal.value[Symbol.asyncDispose]();
      expect(replayed.map(messageOf)).toEqual(expected);
      expect(
        (await readFile(path)).equals(
          Buffer.concat([promised, batch.subarray(0, batch.subarray(0, cut).lastIndexOf(10) + 1)]),
        ),
      ).toBe(true);
    }
  }
});

test("writing goes on after a torn end was cut, and the cut bytes are kept beside it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const good = formatHeader(1, "prodigy 0.1.0") + formatEvent(1, 1, JSON.stringify(warned("a"))) + formatMark(1);
  await writeFile(path, `${good}{"n":2,"v":1,"c":"00`);
  {
    await using journal = await opened(folder.path);
    await journal.append([warned("b")], DURABLE);
  }
  expect(await messages(folder.path)).toEqual(["a", "b"]);
  expect(await readFile(path, "utf8")).toBe(good);
  expect(await readFile(`${path}.${good.length}.cut`, "utf8")).toBe('{"n":2,"v":1,"c":"00');
});

test("a reader never cuts", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const text = `${formatEvent(1, 1, JSON.stringify(warned("a")))}{"n":2,"v"`;
  await writeFile(path, text);
  expect(await messages(folder.path)).toEqual(["a"]);
  expect(await readFile(path, "utf8")).toBe(text);
});

test("a bad line before the last mark is an error that names the place and what to do, and nothing is changed", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const lines = [1, 2, 3].map((seq) => formatEvent(seq, 1, JSON.stringify(warned(`message ${seq}`))));
  const text = formatHeader(1, "prodigy 0.1.0") + lines.join("").replace("message 2", "massage 2") + formatMark(3);
  await writeFile(path, text);
  const outcome = await openJournal(options(folder.path), () => {});
  expect(outcome).toMatchObject({
    ok: false,
    fault: {
      message: `The journal is damaged at ${path}:3: the line is not as it was written.`,
      help: expect.stringContaining("prodigy storage verify --repair"),
    },
  });
  expect(await readFile(path, "utf8")).toBe(text);
  expect((await readJournal(folder.path)).ok).toBe(false);
});

test("a bad line whose place no mark vouches for is cut with what follows it", async () => {
  await using folder = await temporaryFolder();
  const lines = [1, 2, 3].map((seq) => formatEvent(seq, 1, JSON.stringify(warned(`message ${seq}`))));
  // The mark was written late: it vouches for event 1 only.
  await writeFile(
    join(folder.path, "events-0.jsonl"),
    lines.join("").replace("message 2", "massage 2") + formatMark(1),
  );
  expect(await messages(folder.path)).toEqual(["message 1"]);
});

test("a bad line in a file that has a successor is an error", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "events-0.jsonl"), `${formatEvent(1, 1, JSON.stringify(warned("a")))}garbage\n`);
  await writeFile(join(folder.path, "events-1.jsonl"), formatEvent(2, 1, JSON.stringify(warned("b"))));
  expect((await readJournal(folder.path)).ok).toBe(false);
});

test("two writers that had no lock are found out by their numbers", async () => {
  await using folder = await temporaryFolder();
  const one = await opened(folder.path, { pid: 1 });
  const two = await opened(folder.path, { pid: 2 });
  await one.append([warned("one")], DURABLE);
  await two.append([warned("two")], DURABLE);
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  expect(await readJournal(folder.path)).toMatchObject({
    ok: false,
    fault: { message: expect.stringContaining("event 1 stands there a second time") },
  });
});

test("a missing file is found out by the numbers", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "events-1.jsonl"), formatEvent(2, 1, JSON.stringify(warned("b"))) + formatMark(2));
  expect(await readJournal(folder.path)).toMatchObject({
    ok: false,
    fault: { message: expect.stringContaining("event 1 is missing; 2 follows") },
  });
});

test("a journal of a newer form is refused with the version to install", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "events-0.jsonl"), formatHeader(9, "prodigy 7.2.0") + formatEvent(1, 9, "{}"));
  expect(await openJournal(options(folder.path), () => {})).toMatchObject({
    ok: false,
    fault: {
      message: expect.stringContaining("is a journal of form 9; this Prodigy reads forms up to 1."),
      help: "Nothing was changed. Install prodigy 7.2.0 or a later one, and try again.",
    },
  });
});

test("a full disk takes nothing back that was promised, and the next append works", async () => {
  await using folder = await temporaryFolder();
  let room = 10_000;
  const disk: JournalDisk = {
    ...plainDisk,
    write: (file, bytes) => {
      if (room === 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      const written = plainDisk.write(file, bytes.subarray(0, room));
      room -= written;
      return written;
    },
  };
  {
    await using journal = await opened(folder.path, { disk });
    await journal.append([warned("before")], DURABLE);
    room = 30;
    await expect(journal.append([warned("too much")], DURABLE)).rejects.toThrow("no space left");
    room = 10_000;
    const [after] = await journal.append([warned("after")], DURABLE);
    expect(after?.seq).toBe(2);
  }
  expect(await messages(folder.path)).toEqual(["before", "after"]);
});

test("after a sync that failed nothing is promised any more", async () => {
  await using folder = await temporaryFolder();
  let works = true;
  const disk: JournalDisk = {
    ...plainDisk,
    sync: (file) => (works ? plainDisk.sync(file) : Promise.reject(new Error("EIO: i/o error"))),
  };
  await using journal = await opened(folder.path, { disk });
  await journal.append([warned("safe")], DURABLE);
  works = false;
  await expect(journal.append([warned("unsure")], DURABLE)).rejects.toThrow("the disk did not take the journal: EIO");
  works = true;
  await expect(journal.append([warned("never")], DURABLE)).rejects.toThrow("the disk did not take the journal: EIO");
});

test("a long text is kept in a file by its content and filled in again", async () => {
  await using folder = await temporaryFolder();
  const long = "é".repeat(40_000);
  {
    await using journal = await opened(folder.path);
    await journal.append([warned(long), warned(long)], DURABLE);
  }
  expect(await messages(folder.path)).toEqual([long, long]);
  expect(await readdir(join(folder.path, "blobs"))).toHaveLength(1);
  const [name] = await eventFiles(folder.path);
  expect((await stat(join(folder.path, String(name)))).size).toBeLessThan(2_000);
});

test("a blob that is gone or changed is an error that names the event's line", async () => {
  await using folder = await temporaryFolder();
  {
    await using journal = await opened(folder.path);
    await journal.append([warned("x".repeat(70_000))], DURABLE);
  }
  const [blob] = await readdir(join(folder.path, "blobs"));
  await truncate(join(folder.path, "blobs", String(blob)), 10);
  const outcome = await readJournal(folder.path);
  expect(outcome).toMatchObject({
    ok: false,
    fault: { message: expect.stringMatching(/events-.*\.jsonl:2: .*does not hold what it held/) },
  });
});

test("any JSON comes back as it was, whatever its keys and texts are", async () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const tricky = fc.constantFrom({ $blob: "x" }, { $$blob: { $blob: 1 } }, "\ud800", "\ud800".repeat(70_000), {
    k: "y".repeat(70_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(value, tricky), { maxLength: 4 }), async (items) => {
      await using folder = await temporaryFolder();
      {
        await using journal = await opened(folder.path);
        await journal.append([{ type: "items-planned", lane: "main", path: "p", items, at: 1 } as Event], QUICK);
      }
      const read = await readJournal(folder.path);
      const [event] = read.ok ? read.value : [];
      expect(event).toEqual({
        type: "items-planned",
        lane: "main",
        path: "p",
        items: JSON.parse(JSON.stringify(items)),
        at: 1,
        seq: 1,
      });
    }),
    { numRuns: 40 },
  );
});

test("no change of one byte in a marked journal goes unnoticed", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const text = Buffer.from(
    [1, 2].map((seq) => formatEvent(seq, 1, JSON.stringify(warned(`m${seq}`)))).join("") + formatMark(2),
  );
  // Without the line end before the last mark there is no mark.
  const events = text.length - formatMark(2).length - 1;
  for (let index = 0; index < events; index += 1) {
    const changed = Buffer.from(text);
    changed[index] = changed[index] === 0x31 ? 0x39 : 0x31;
    await writeFile(path, changed);
    expect((await readJournal(folder.path)).ok, `byte ${index}`).toBe(false);
  }
});

test("everything is readable by its owner only", async () => {
  await using folder = await temporaryFolder();
  const directory = join(folder.path, "a", "b");
  {
    await using journal = await opened(directory);
    await journal.append([warned("x".repeat(70_000))], DURABLE);
  }
  const [name] = await eventFiles(directory);
  expect((await stat(join(folder.path, "a"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, "blobs"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, String(name)))).mode & 0o777).toBe(0o600);
});

test("other files in the folder are no part of the journal", async () => {
  await using folder = await temporaryFolder();
  await appendFile(join(folder.path, "events-0.jsonl.5.cut"), "garbage");
  await appendFile(join(folder.path, "notes.txt"), "garbage");
  expect(await messages(folder.path)).toEqual([]);
});

const syncFile = promisify(fdatasync);
const plainDisk: JournalDisk = { write: (file, bytes) => writeSync(file, bytes), sync: (file) => syncFile(file) };

interface Extra {
  readonly disk?: JournalDisk;
  readonly now?: () => number;
  readonly pid?: number;
}

function options(directory: string, extra: Extra = {}) {
  return { directory, writer: "prodigy 0.1.0", pid: 7, now: () => 1_700_000_000_000, ...extra };
}

async function opened(directory: string, extra: Extra = {}): Promise<Journal> {
  const journal = await openJournal(options(directory, extra), () => {});
  if (!journal.ok) throw new Error(journal.fault.message);
  return journal.value;
}

function warned(message: string): Event {
  return { type: "warned", lane: null, path: null, message, at: 1 };
}

function messageOf(event: Recorded): string {
  return event.type === "warned" ? event.message : event.type;
}

async function messages(directory: string): Promise<readonly string[]> {
  const read = await readJournal(directory);
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.map(messageOf);
}

async function eventFiles(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith(".jsonl"));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
