import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readJournal } from "./journal-follow.ts";
import { formatEvent, formatHeader, formatMark } from "./journal-line.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { repairJournal, verifyJournal } from "./verify.ts";

test("a whole journal, or none, is good and is left alone by a repair", async () => {
  await using folder = await temporaryFolder();
  expect(await verifyJournal(folder.path)).toEqual({ ok: true, value: { kind: "good", events: 0 } });
  await writeFile(join(folder.path, "events-0.jsonl"), header + event(1) + formatMark(1));
  expect(await verifyJournal(folder.path)).toEqual({ ok: true, value: { kind: "good", events: 1 } });
  expect(await repairJournal(folder.path)).toEqual({ ok: true, value: { events: 1, aside: [] } });
});

test("a torn end is told from damage", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "events-0.jsonl"), `${header}${event(1)}${formatMark(1)}{"n":2`);
  expect(await verifyJournal(folder.path)).toMatchObject({
    ok: true,
    value: { kind: "torn", events: 1, at: { line: 4 } },
  });
});

test("a repair keeps what is good before the damage, and every byte of the rest aside", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events-0.jsonl");
  const later = join(folder.path, "events-1.jsonl");
  const bad = `${event(2).replace("message 2", "massage 2")}${event(3)}${formatMark(3)}`;
  const last = header + event(4) + formatMark(4);
  await writeFile(path, header + event(1) + bad);
  await writeFile(later, last);
  expect(await verifyJournal(folder.path)).toMatchObject({
    ok: true,
    value: { kind: "damaged", events: 1, at: { path, line: 3 } },
  });
  const cut = `${path}.${(header + event(1)).length}.cut`;
  expect(await repairJournal(folder.path)).toEqual({ ok: true, value: { events: 1, aside: [cut, `${later}.cut`] } });
  expect(await readFile(cut, "utf8")).toBe(bad);
  expect(await readFile(`${later}.cut`, "utf8")).toBe(last);
  expect(await readJournal(folder.path)).toMatchObject({ ok: true, value: [{ seq: 1 }] });
  expect(await verifyJournal(folder.path)).toEqual({ ok: true, value: { kind: "good", events: 1 } });
});

test("a repair of two writers' files keeps the first one's", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "events-0.jsonl"), header + event(1) + event(2) + formatMark(2));
  await writeFile(join(folder.path, "events-1.jsonl"), header + event(2) + formatMark(2));
  expect(await repairJournal(folder.path)).toMatchObject({ ok: true, value: { events: 2 } });
  expect(await readJournal(folder.path)).toMatchObject({ ok: true, value: [{ seq: 1 }, { seq: 2 }] });
  expect((await readdir(folder.path)).filter((name) => name.endsWith(".cut"))).toHaveLength(1);
});

const header = formatHeader(1, "prodigy 0.1.0");

function event(seq: number): string {
  return formatEvent(
    seq,
    1,
    JSON.stringify({ type: "warned", lane: null, path: null, message: `message ${seq}`, at: 1 }),
  );
}
