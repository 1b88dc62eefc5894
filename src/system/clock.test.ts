import { expect, test } from "vitest";
import { openClock } from "./clock.ts";

test("a sleep lasts as long as asked", async () => {
  const clock = openClock();
  const started = clock.now();
  await clock.sleep(40, new AbortController().signal);
  expect(clock.now() - started).toBeGreaterThanOrEqual(39);
});

test("a sleep ends early, without an error, when it is aborted", async () => {
  const stop = new AbortController();
  const sleeping = openClock().sleep(3_600_000, stop.signal);
  stop.abort();
  await expect(sleeping).resolves.toBeUndefined();
});

test("a sleep under an aborted signal does not begin", async () => {
  await expect(openClock().sleep(3_600_000, AbortSignal.abort())).resolves.toBeUndefined();
});

test("as many may wait on one signal as there are lanes, and nobody is warned of a leak", async () => {
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", note);
  const stop = new AbortController();
  const sleeping = Array.from({ length: 30 }, () => openClock().sleep(3_600_000, stop.signal));
  await openClock().sleep(1, stop.signal);
  stop.abort();
  await Promise.all(sleeping);
  process.off("warning", note);
  expect(warnings).toEqual([]);
});
