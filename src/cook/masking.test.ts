import { expect, test } from "vitest";
import { testOrder } from "../../test/kit/session-events.ts";
import { openMasker } from "../system/masker.ts";
import type { Event } from "./decision/event.ts";
import { maskedFault, maskedJournal, opened, shown } from "./masking.ts";

const SECRET = "s3cr3t-of-the-deployment";

function masker() {
  const made = openMasker();
  made.add("DEPLOY_TOKEN", SECRET, { certain: true });
  return made;
}

test("an order is sealed on the disk, stays as it is in memory, and is opened again on resume", async () => {
  const written: Event[] = [];
  const known = masker();
  const journal = maskedJournal(
    {
      append: async (events) => {
        written.push(...events);
        return events.map((event, index) => ({ ...event, seq: index + 1 }));
      },
    },
    known,
  );
  const order = { ...testOrder(), inputs: [`deploy with ${SECRET}`, "a literal {{secret:NAME}}"] };
  const [back] = await journal.append([{ type: "session-started", order, at: 1 }], { durable: true });
  expect(JSON.stringify(written)).not.toContain(SECRET);
  expect(back).toEqual({ type: "session-started", order, at: 1, seq: 1 });
  const [stored] = written;
  expect(stored && opened({ ...stored, seq: 1 }, known)).toMatchObject({ order });
});

test("what is shown names no secret, sealed or not", () => {
  const message = `token ${SECRET} and {{secret:OTHER}}`;
  expect(shown({ type: "warned", lane: null, path: null, message, at: 0, seq: 1 }, masker())).toMatchObject({
    message: "token *** and ***",
  });
});

test("warnings, faults, labels and commit messages are masked before they are written", async () => {
  const journal = maskedJournal({ append: async (events) => events.map((event) => ({ ...event, seq: 1 })) }, masker());
  const fault = {
    kind: "git" as const,
    message: SECRET,
    exitCode: 1,
    lastLines: [SECRET],
    help: null,
    at: null,
    logs: [],
  };
  const events: Event[] = [
    { type: "warned", lane: null, path: null, message: SECRET, at: 0 },
    { type: "session-failed", fault, path: null, at: 0 },
    { type: "landing-refused", fault, at: 0 },
    { type: "lane-failed", lane: "main", fault, at: 0 },
    {
      type: "input-ended",
      input: 0,
      value: SECRET,
      outcome: { status: "ok", exitCode: 0, output: "", fault: null, durationMs: 0 },
      salvage: null,
      at: 0,
    },
  ];
  expect(JSON.stringify(await journal.append(events, { durable: false }))).not.toContain(SECRET);
});

test("paths stay what they are: the engine works with them", async () => {
  const journal = maskedJournal({ append: async (events) => events.map((event) => ({ ...event, seq: 1 })) }, masker());
  const prepared: Event = {
    type: "lane-prepared",
    lane: "main",
    directory: `/x/${SECRET}`,
    tree: { head: "h", snapshot: null },
    salvage: null,
    at: 0,
  };
  expect(await journal.append([prepared], { durable: false })).toEqual([{ ...prepared, seq: 1 }]);
});

test("a secret that is a word of the journal itself does not make an event into another", async () => {
  const known = openMasker();
  for (const word of ["main", "warned", "exit"]) known.add("STAGE", word, { certain: true });
  const journal = maskedJournal({ append: async (events) => events.map((event) => ({ ...event, seq: 1 })) }, known);
  const [back] = await journal.append(
    [{ type: "warned", lane: "main", path: null, message: "main is warned of an exit", at: 0 }],
    { durable: false },
  );
  expect(back).toMatchObject({ type: "warned", lane: "main", message: "*** is *** of an ***" });
});

test("the last lines of a failure are masked before they are cut", () => {
  const line = `${"x".repeat(490)}${SECRET}`;
  const { lastLines } = maskedFault(
    { kind: "exit", message: "m", exitCode: 1, lastLines: [line], help: null, at: null, logs: [] },
    masker(),
  );
  expect(lastLines).toEqual([`${"x".repeat(490)}***`]);
});

test("the paths of a conflict are sealed on the disk and true in memory", async () => {
  const written: Event[] = [];
  const known = masker();
  const journal = maskedJournal(
    {
      append: async (events) => {
        written.push(...events);
        return events.map((event) => ({ ...event, seq: 1 }));
      },
    },
    known,
  );
  const conflict: Event = { type: "landing-conflicted", paths: [`of-${SECRET}.txt`], at: 0 };
  expect(await journal.append([conflict], { durable: true })).toEqual([{ ...conflict, seq: 1 }]);
  const [stored] = written;
  expect(JSON.stringify(stored)).not.toContain(SECRET);
  expect(stored && opened({ ...stored, seq: 1 }, known)).toEqual({ ...conflict, seq: 1 });
});
