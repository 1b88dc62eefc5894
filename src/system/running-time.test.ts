import { expect, test } from "vitest";
import { startRunningTimer } from "./running-time.ts";

test("a timer that is started again begins anew", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    const first = startRunningTimer(60, () => {
      order.push("restarted");
      resolve();
    });
    startRunningTimer(30, () => {
      order.push("other");
      first.restart();
    });
  });
  expect(order).toEqual(["other", "restarted"]);
});

test("a stopped timer stays stopped, also when it is started again", async () => {
  let ended = false;
  const timer = startRunningTimer(5, () => {
    ended = true;
  });
  timer.stop();
  timer.restart();
  await new Promise<void>((resolve) => void startRunningTimer(30, resolve));
  expect(ended).toBe(false);
});
