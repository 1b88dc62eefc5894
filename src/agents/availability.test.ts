import { expect, test } from "vitest";
import { missingAgent } from "./availability.ts";

test("a program that is not in PATH is told before anything is paid, with what to do", () => {
  expect(missingAgent(["claude"], at({ PATH: "/nowhere" }))).toMatchObject({
    kind: "spawn",
    message: 'The agent Claude Code is not available: there is no program "claude" in PATH.',
    help: expect.stringContaining("npm install"),
  });
});

test("the named program counts, and other agents bring their own", () => {
  expect(missingAgent(["claude"], at({ ...FOUND, IS_SANDBOX: "1" }))).toBeNull();
  expect(missingAgent(["scripted"], at({ PATH: "/nowhere" }))).toBeNull();
});

test("as root it is refused beforehand, unless the environment, or perhaps the workflow, says that this is a sandbox", () => {
  const refused = missingAgent(["claude"], at(FOUND))?.help ?? "";
  expect(refused.includes("PRODIGY_CLAUDE_AS_ROOT=sandbox")).toBe(process.getuid?.() === 0);
  expect(missingAgent(["claude"], at({ ...FOUND, PRODIGY_CLAUDE_AS_ROOT: "sandbox" }))).toBeNull();
  expect(missingAgent(["claude"], { ...at(FOUND), sets: new Set(["IS_SANDBOX"]) })).toBeNull();
  expect(missingAgent(["claude"], { ...at(FOUND), sets: null })).toBeNull();
  expect(missingAgent(["scripted"], at({}))).toBeNull();
});

const FOUND = { PATH: "/nowhere", PRODIGY_CLAUDE_BIN: process.execPath };

function at(env: Readonly<Record<string, string>>): Parameters<typeof missingAgent>[1] {
  return { env, directory: "/", sets: new Set() };
}
