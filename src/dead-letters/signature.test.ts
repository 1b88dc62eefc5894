import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fault } from "./facts.ts";
import { patternOf, signatureOf, withoutParticulars } from "./signature.ts";

const failed = (line: string, exitCode = 1): Fault => ({
  kind: "exit",
  message: `failed with exit code ${String(exitCode)}`,
  exitCode,
  lastLines: [line],
  help: null,
  at: null,
  logs: [],
});

describe("signatures", () => {
  test.each([
    ["Error: cannot read /home/a/src/x.ts:12:3", "Error: cannot read src/lib/other.ts:7"],
    ["Error: item 17 has 3 problems", "Error: item 204 has 12 problems"],
    ["request 01234567-89ab-4cde-8f01-23456789abcd failed", "request aaaaaaaa-89ab-4cde-8f01-23456789abcd failed"],
    ["commit 3f2a9bc does not build: error", "commit 0a1b2c3d4e does not build: error"],
    ["cannot find name 'foo'", "cannot find name 'bar baz'"],
    ["error at 2026-01-31T12:05:09Z", "error at 2027-11-01 08:00"],
    ["GET https://a.example/x?y=1 failed", "GET http://b.example failed"],
    ["user_42 not found", "user_7 not found"],
  ])("%s is the same as %s", (one, other) => {
    expect(patternOf(failed(one))).toBe(patternOf(failed(other)));
    expect(signatureOf(failed(one))).toBe(signatureOf(failed(other)));
  });

  test("other words and other exit codes are other failures", () => {
    expect(signatureOf(failed("cannot read it"))).not.toBe(signatureOf(failed("cannot write it")));
    expect(signatureOf(failed("cannot read it", 1))).not.toBe(signatureOf(failed("cannot read it", 2)));
  });

  test("numbers never count", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(signatureOf(failed(`error in line ${String(a)}`))).toBe(
          signatureOf(failed(`error in line ${String(b)}`)),
        );
      }),
    );
  });

  test("no number is left, and a pattern has an end", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const pattern = withoutParticulars(text);
        expect(pattern.length).toBeLessThanOrEqual(200);
        expect(/\d{2}/.test(pattern)).toBe(false);
      }),
    );
  });
});
