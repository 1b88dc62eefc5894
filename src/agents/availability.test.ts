import { expect, test } from "vitest";
import { missingAgent } from "./availability.ts";

test("a program that is not in PATH is told before anything is paid, with what to do", () => {
  expect(missingAgent(["claude"], { PATH: "/nowhere" }, "/")).toMatchObject({
    kind: "spawn",
    message: 'The agent Claude Code is not available: there is no program "claude" in PATH.',
    help: expect.stringContaining("npm install"),
  });
});

test("the named program counts, and other agents bring their own", () => {
  expect(missingAgent(["claude"], { PATH: "/nowhere", PRODIGY_CLAUDE_BIN: process.execPath }, "/")).toBeNull();
  expect(missingAgent(["scripted"], { PATH: "/nowhere" }, "/")).toBeNull();
});
