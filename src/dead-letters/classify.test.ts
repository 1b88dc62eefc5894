import { describe, expect, test } from "vitest";
import { causeOf, errorTypeOf, isEligible, needsReview, typeText } from "./classify.ts";
import type { Fault } from "./facts.ts";

const of = (kind: Fault["kind"], rest: Partial<Fault> = {}): Fault => ({
  kind,
  message: "it failed",
  exitCode: null,
  lastLines: [],
  help: null,
  at: null,
  logs: [],
  ...rest,
});

describe("the type of a failure", () => {
  test.each([
    ["timeout", "Timeout"],
    ["idle", "Timeout"],
    ["conflict", "MergeConflict"],
    ["commit-required", "CommitValidationFailed"],
    ["git", "WorktreeError"],
    ["incomplete", "ValidationFailed"],
    ["limit", "ResourceExhausted"],
    ["template", "Unknown"],
  ] as const)("check 73: it follows from the kind of the fault: %s is %s", (kind, type) => {
    expect(errorTypeOf(of(kind))).toBe(type);
  });

  test("check 73: a command's failure has its exit code", () => {
    expect(errorTypeOf(of("exit", { exitCode: 127 }))).toEqual({ CommandFailed: { exit_code: 127 } });
    expect(typeText(errorTypeOf(of("handler", { exitCode: 2 })))).toBe("CommandFailed(2)");
  });

  test("words of an item's own do not make it into something else", () => {
    expect(errorTypeOf(of("exit", { exitCode: 1, message: "merge-users: timeout in worktree validation" }))).toEqual({
      CommandFailed: { exit_code: 1 },
    });
  });

  test("what is not known is said to be so", () => {
    expect(errorTypeOf(null)).toBe("Unknown");
  });
});

describe("what may be tried again", () => {
  test.each([
    ["a time limit", of("timeout"), true],
    ["a quota", of("limit"), true],
    ["an overloaded service", of("overloaded"), true],
    ["a connection", of("exit", { exitCode: 1, lastLines: ["npm ERR! network ECONNRESET"] }), true],
    ["a rate limit that a script met", of("exit", { exitCode: 1, lastLines: ["HTTP 429: rate limited"] }), true],
    ["a command that fails", of("exit", { exitCode: 1, lastLines: ["3 failing"] }), false],
    ["a conflict", of("conflict", { message: "conflict in network.ts" }), false],
    ["a missing commit", of("commit-required"), false],
    ["an unknown failure", null, false],
  ])("check 73: %s", (_, fault, eligible) => {
    expect(isEligible(fault)).toBe(eligible);
  });

  test("check 70: a missing commit is looked at by somebody", () => {
    expect(needsReview(of("commit-required"))).toBe(true);
    expect(needsReview(of("exit", { exitCode: 1, lastLines: ["EACCES: permission denied"] }))).toBe(true);
    expect(needsReview(of("exit", { exitCode: 1, lastLines: ["3 failing"] }))).toBe(false);
    expect(needsReview(of("timeout", { lastLines: ["fatal"] }))).toBe(false);
  });
});

describe("the first cause", () => {
  test("the first line that tells of an error, and not the last one", () => {
    const lastLines = ["compiling", "src/a.ts:3: error TS2304: Cannot find name 'x'", "make: *** [build] Error 2"];
    expect(causeOf(of("exit", { lastLines }))).toBe(lastLines[1]);
  });

  test("without such a line the last one that was printed, and without any the message", () => {
    expect(causeOf(of("exit", { lastLines: ["one", "two", ""] }))).toBe("two");
    expect(causeOf(of("exit"))).toBe("it failed");
  });

  test("a time limit is the cause itself, whatever was printed before", () => {
    expect(causeOf(of("timeout", { message: "timed out after 60 s", lastLines: ["error: x"] }))).toBe(
      "timed out after 60 s",
    );
  });
});
