import { expect, test } from "vitest";
import type { Json, Parameter } from "../workflow/model.ts";
import { parseParameters, resolveParameters } from "./parameters.ts";

function declared(type: Parameter["type"], rest: Partial<Parameter> = {}): Parameter {
  return { name: "p", type, description: null, required: false, default: null, validation: null, ...rest };
}

test.each<[Parameter["type"], Json, Json]>([
  ["string", "x", "x"],
  ["string", 5, "5"],
  ["number", 5, 5],
  ["boolean", true, true],
  ["array", "[1,2]", [1, 2]],
  ["array", ["a"], ["a"]],
  ["object", '{"a":1}', { a: 1 }],
  ["any", null, null],
])("%s takes %j", (type, given, value) => {
  expect(resolveParameters([declared(type)], { p: given })).toEqual({ ok: true, value: { p: value } });
});

test.each<[Parameter["type"], Json]>([
  ["string", ["x"]],
  ["number", "5x"],
  ["boolean", "yes"],
  ["array", "{}"],
  ["object", "[]"],
])("%s refuses %j by name", (type, given) => {
  const refused = resolveParameters([declared(type)], { p: given });
  expect(refused).toMatchObject({
    ok: false,
    fault: { kind: "input", message: expect.stringContaining(`"p" must be of type ${type}`) },
  });
});

test("defaults fill what was not given, what is not declared is passed on, and all that is missing is told at once", () => {
  expect(resolveParameters([declared("number", { default: 3 })], { other: 1 })).toEqual({
    ok: true,
    value: { other: 1, p: 3 },
  });
  const needed = [
    declared("any", { name: "a", required: true, description: "the first" }),
    declared("any", { name: "b", required: true }),
  ];
  expect(resolveParameters(needed, {})).toMatchObject({
    ok: false,
    fault: { message: 'the workflow needs the parameter "a" (the first); the workflow needs the parameter "b"' },
  });
});

test("a parameter file is JSON or YAML", () => {
  const value = { a: 1, b: [true, "x"] };
  expect(parseParameters('{"a": 1, "b": [true, "x"]}', "p.json")).toEqual({ ok: true, value });
  expect(parseParameters("a: 1\nb:\n  - true\n  - x\n", "p.yml")).toEqual({ ok: true, value });
  expect(parseParameters("a: [", "p.yml")).toMatchObject({
    ok: false,
    fault: { message: expect.stringContaining("p.yml:1") },
  });
});
