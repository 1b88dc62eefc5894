import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { openGuard } from "./guard.ts";

test("the groups that it watches end with it, the stubborn ones too; one that was released is left alone", async () => {
  const [polite, stubborn, released] = [sleeper(""), sleeper("trap '' TERM; "), sleeper("")];
  await Promise.all([polite, stubborn, released].map((child) => once(child.stdout ?? child, "data")));
  const guard = openGuard();
  for (const child of [released, polite, stubborn]) guard.watch(child.pid ?? 0);
  guard.release(released.pid ?? 0);
  // The kernel closes the pipe in the same way when we are killed.
  guard[Symbol.dispose]();
  const signals = await Promise.all([polite, stubborn].map(async (child) => (await once(child, "exit"))[1] as unknown));
  expect(signals).toEqual(["SIGTERM", "SIGKILL"]);
  expect([released.exitCode, released.signalCode]).toEqual([null, null]);
  released.kill("SIGKILL");
});

function sleeper(before: string): ChildProcess {
  return spawn("sh", ["-c", `${before}echo up; while :; do sleep 1; done`], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
}
