import { expect, test } from "vitest";
import type { OutputCapture } from "../../workflow/model.ts";
import { captureOutputs } from "./output-captures.ts";

const PLAIN: OutputCapture = {
  name: "value",
  source: "stdout",
  maxBytes: 1024,
  pattern: null,
  multiline: "preserve",
  jsonPath: null,
  default: null,
};

function captured(capture: Partial<OutputCapture>, output: string, stderr = ""): unknown {
  const { values, problems } = captureOutputs([{ ...PLAIN, ...capture }], { output, stderr });
  return problems.length > 0 ? problems : values["value"];
}

test.each<[string, Partial<OutputCapture>, string, unknown]>([
  ["the text without its last newline", {}, "a\nb\n", "a\nb"],
  ["the first group of a pattern", { pattern: "v(\\d+)\\.(\\d+)" }, "found v12.3", "12"],
  ["all that a pattern matches where it has no group", { pattern: "v\\d+" }, "found v12.3", "v12"],
  ["its lines joined", { multiline: "join" }, "a\nb\n", "a b"],
  ["its first line", { multiline: "first_line" }, "a\r\nb\n", "a"],
  ["its last line", { multiline: "last_line" }, "a\nb\n", "b"],
  ["its lines as a list", { multiline: "array" }, "a\nb\n", ["a", "b"]],
  ["what a path finds, with its type", { jsonPath: "a.b[1]" }, '{"a":{"b":[1,2]}}', 2],
  ["all that a path finds", { jsonPath: "$.a[*]" }, '{"a":[1,2]}', [1, 2]],
  ["the default where a path finds nothing", { jsonPath: "$.c", default: "none" }, '{"a":1}', "none"],
  ["the default where a pattern finds nothing", { pattern: "x", default: "none" }, "a", "none"],
])("5.2: a captured output is %s", (_, capture, output, expected) => {
  expect(captured(capture, output)).toEqual(expected);
});

test("5.2: the source is what the file says", () => {
  expect(captured({ source: "stderr" }, "out\n", "err\n")).toBe("err");
  expect(captured({ source: "combined" }, "out\n", "err\n")).toBe("out\nerr");
  expect(captured({ source: "both" }, "out\n", "err\n")).toBe("stdout:\nout\nstderr:\nerr");
});

test("5.2: a text that is too long ends with its last whole line", () => {
  expect(captured({ maxBytes: 8 }, "aaa\nbbb\nccc\n")).toBe("aaa\nbbb");
});

test("5.2: a line that is too long ends with its last whole character", () => {
  expect(captured({ maxBytes: 5 }, "\u00e4\u00e4\u00e4\u00e4")).toBe("\u00e4\u00e4");
  expect(captured({ maxBytes: 6 }, "a\u{1f600}\u{1f600}")).toBe("a\u{1f600}");
});

test("5.2: what cannot be captured is told with the reason", () => {
  expect(captured({ jsonPath: "$.a" }, "no json")).toEqual([
    '"value" could not be captured: the text is no JSON, in which $.a could be looked for',
  ]);
  expect(captured({ pattern: "x+" }, "a")).toEqual(['"value" could not be captured: nothing matches x+']);
});
