import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identityOf, isAlive, ownIdentity } from "./process-identity.ts";

test("we are alive, and always the same", () => {
  expect(ownIdentity()).toEqual(ownIdentity());
  expect(isAlive(ownIdentity())).toBe("alive");
});

test("a process that ended is gone", async () => {
  const child = spawn("sleep", ["100"], { stdio: "ignore" });
  const identity = identityOf(child.pid ?? 0);
  expect(identity).not.toBeNull();
  if (identity === null) return;
  expect(isAlive(identity)).toBe("alive");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(identity)).toBe("gone");
});

test("another process with the same number is not the one that was meant", () => {
  expect(isAlive({ ...ownIdentity(), startedAt: "earlier" })).toBe("gone");
});

test("of another machine's processes nothing is known", () => {
  expect(isAlive({ ...ownIdentity(), host: "elsewhere.example" })).toBe("elsewhere");
});
