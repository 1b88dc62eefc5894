/**
 * Journals as each released version wrote them. They are never changed again: whoever has a journal can read it for ever.
 * Until a form is released, `WRITE_GOLDEN=1 npx vitest run test/journals` writes its journal anew.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { SCHEMA_VERSION } from "../../src/cook/decision/event.ts";
import { openJournal } from "../../src/storage/journal.ts";
import { readJournal } from "../../src/storage/journal-follow.ts";
import { verifyJournal } from "../../src/storage/verify.ts";
import { rebuildSession } from "../../src/unified-session/cook-adapter.ts";
import { temporaryFolder } from "../kit/folder.ts";
import { EVERY_EVENT } from "./every-event.ts";

const here = import.meta.dirname;
const versions = (await readdir(here)).filter((name) => /^v\d+$/.test(name));

beforeAll(async () => {
  if (process.env["WRITE_GOLDEN"] === "1") await writeGolden(join(here, `v${SCHEMA_VERSION}`));
});

test.each(versions)("the journal of form %s reads as it was meant", async (version) => {
  const events = await readJournal(join(here, version));
  expect(events.ok && events.value).toEqual(await expected(version));
  expect(await verifyJournal(join(here, version))).toMatchObject({ ok: true, value: { kind: "good" } });
});

test.each(versions)("a session can be computed from the journal of form %s", async (version) => {
  const events = await readJournal(join(here, version));
  expect(rebuildSession(events.ok ? events.value : [])).toMatchObject({ id: "session-1", status: "Failed" });
});

test.each(versions)("work goes on with the journal of form %s", async (version) => {
  await using folder = await temporaryFolder();
  await copyJournal(join(here, version), folder.path);
  let count = 0;
  const opened = await openJournal(
    { directory: folder.path, writer: "prodigy 0.1.0", pid: 9, now: () => 1 },
    () => void (count += 1),
  );
  if (!opened.ok) throw new Error(opened.fault.message);
  await using journal = opened.value;
  expect(await journal.append([EVERY_EVENT.warned], { durable: true })).toMatchObject([{ seq: count + 1 }]);
  expect(await verifyJournal(folder.path)).toMatchObject({ value: { kind: "good", events: count + 1 } });
});

test("the journal of today's form has every kind of event that there is", async () => {
  const events = await readJournal(join(here, `v${SCHEMA_VERSION}`));
  expect(events.ok && events.value).toEqual(
    Object.values(EVERY_EVENT).map((event, index) => ({ ...event, seq: index + 1 })),
  );
});

async function writeGolden(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const events = Object.values(EVERY_EVENT);
  // Two processes, so that there are two files.
  for (const part of [events.slice(0, 12), events.slice(12)]) {
    const options = { directory, writer: "prodigy 0.1.0", pid: 7, now: () => 1_750_000_000_000 };
    const journal = await openJournal(options, () => {});
    if (!journal.ok) throw new Error(journal.fault.message);
    await using opened = journal.value;
    await opened.append(part, { durable: true });
  }
  const read = await readJournal(directory);
  const lines = read.ok ? read.value.map((event) => `${JSON.stringify(event)}\n`) : [];
  await writeFile(join(directory, "expected.jsonl"), lines.join(""));
}

async function expected(version: string): Promise<unknown> {
  const text = await readFile(join(here, version, "expected.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function copyJournal(from: string, to: string): Promise<void> {
  await mkdir(join(to, "blobs"));
  for (const name of await readdir(from, { recursive: true })) {
    if (name !== "blobs") await copyFile(join(from, name), join(to, name));
  }
}
