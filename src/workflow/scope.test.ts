import { describe, expect, test } from "vitest";
import { EVERY } from "./path.ts";
import { createItemScope, createScope, KNOWN_NAMESPACES, toEnvironment } from "./scope.ts";

describe("lookup", () => {
  test("a dotted key and a structure are reached by the same path", () => {
    const scope = createScope([{ values: { "map.results": [{ id: "a" }], shell: { output: "x" } } }]);
    expect(scope.lookup(["map", "results", 0, "id"])).toEqual({ found: true, value: "a" });
    expect(scope.lookup(["shell", "output"])).toEqual({ found: true, value: "x" });
    expect(scope.lookup(["map", "results", EVERY, "id"])).toEqual({ found: true, value: ["a"] });
  });

  test("the longest dotted key wins over a field of a structure", () => {
    const scope = createScope([{ values: { build: '{"exit_code": 7}', "build.exit_code": 0 } }]);
    expect(scope.lookup(["build", "exit_code"])).toEqual({ found: true, value: 0 });
  });

  test("a later layer overrides an earlier one, but leaves what it does not name", () => {
    const scope = createScope([{ values: { "step.name": "old", "step.id": 1 } }, { values: { "step.name": "new" } }]);
    expect(scope.lookup(["step", "name"])).toEqual({ found: true, value: "new" });
    expect(scope.lookup(["step", "id"])).toEqual({ found: true, value: 1 });
  });

  test("a later item hides an earlier item as a whole", () => {
    const scope = createScope([{ values: { item: { outer: 1 } } }, { values: { item: { inner: 2 } } }]);
    expect(scope.lookup(["item", "outer"])).toEqual({ found: false, available: ["item.inner"] });
  });

  test("only own properties exist", () => {
    const scope = createScope([{ values: { item: { a: 1 }, list: [1], text: "t" } }]);
    for (const name of ["constructor", "__proto__", "toString", "length"]) {
      expect(scope.has(name)).toBe(false);
      expect(scope.lookup([name]).found).toBe(false);
      for (const root of ["item", "list", "text"]) expect(scope.lookup([root, name]).found).toBe(false);
    }
  });

  test("an own field that is named __proto__ is data like any other", () => {
    const item: Record<string, string> = JSON.parse('{"__proto__": "mine"}');
    expect(createScope([{ values: { item } }]).lookup(["item", "__proto__"])).toEqual({ found: true, value: "mine" });
  });

  test("indexes count from the end when negative, and nothing is found outside", () => {
    const scope = createScope([{ values: { list: ["a", "b"] } }]);
    expect(scope.lookup(["list", -1])).toEqual({ found: true, value: "b" });
    expect(scope.lookup(["list", "1"])).toEqual({ found: true, value: "b" });
    for (const outside of [2, -3, "2", "x"]) expect(scope.lookup(["list", outside]).found).toBe(false);
  });

  test("a failed lookup names what is there", () => {
    const scope = createScope([{ values: { "shell.output": "", item: { name: "", "odd key": 1 } } }]);
    expect(scope.lookup(["shell", "outptu"])).toEqual({ found: false, available: ["shell.output"] });
    expect(scope.lookup(["item", "nme"])).toEqual({ found: false, available: ["item.name", 'item["odd key"]'] });
  });
});

describe("namespaces", () => {
  test("known ones, given ones, and the first segments of dotted keys", () => {
    const scope = createScope([{ values: { "pod.id": 1, "cmd:a.b": "" }, namespaces: ["coverage"] }]);
    expect(["item", "worker", "pod", "coverage"].every((name) => scope.namespaces.has(name))).toBe(true);
    expect(scope.namespaces.size).toBe(Object.keys(KNOWN_NAMESPACES).length + 2);
  });
});

describe("an item scope", () => {
  test("fields of the item come before variables, and item is the item", () => {
    const scope = createItemScope({ n: 1, item: "own" }, createScope([{ values: { n: 2, limit: 3 } }]));
    expect(scope.lookup(["n"])).toEqual({ found: true, value: 1 });
    expect(scope.lookup(["item", "n"])).toEqual({ found: true, value: 1 });
    expect(scope.lookup(["@", "n"])).toEqual({ found: true, value: 1 });
    expect(scope.lookup(["limit"])).toEqual({ found: true, value: 3 });
  });

  test("an item that is no object is reached by item alone", () => {
    const scope = createItemScope("line", createScope([{ values: { item: "outer" } }]));
    expect(scope.lookup(["item"])).toEqual({ found: true, value: "line" });
    expect(scope.lookup(["item", "x"]).found).toBe(false);
  });
});

describe("the environment of a child", () => {
  test("scalars are exported under their names, fields of structures as well", () => {
    const scope = createScope([
      {
        values: {
          ARG: "65",
          n: 5,
          ok: true,
          none: null,
          "shell.output": "o",
          item: { name: "a", deep: { b: 1 } },
          list: [1],
        },
      },
    ]);
    expect(toEnvironment(scope)).toEqual({
      PRODIGY_VAR_ARG: "65",
      PRODIGY_VAR_N: "5",
      PRODIGY_VAR_OK: "true",
      PRODIGY_VAR_NONE: "",
      PRODIGY_VAR_SHELL_OUTPUT: "o",
      PRODIGY_VAR_ITEM_NAME: "a",
    });
  });

  test("what is too large, contains NUL, is in the environment already or is secret stays out", () => {
    const scope = createScope([
      {
        values: {
          large: "é".repeat(32 * 1024),
          nul: "a\0b",
          env: { A: "1" },
          "secrets.TOKEN": "s",
          secrets: { T: "s" },
          fits: "a".repeat(65535),
        },
      },
    ]);
    expect(Object.keys(toEnvironment(scope))).toEqual(["PRODIGY_VAR_FITS"]);
  });

  test("all of them together stay below what the system can start a program with", () => {
    const large = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`V${at}`, "x".repeat(60_000)]));
    const names = Object.keys(toEnvironment(createScope([{ values: { ...large, small: "y" } }])));
    expect(names).toEqual(["V0", "V1", "V2", "V3", "SMALL"].map((name) => `PRODIGY_VAR_${name}`));
  });

  test("of two names that become one, the later layer wins, and a hidden item is not exported", () => {
    const scope = createScope([
      { values: { name: "old", item: { a: 1 }, "item.c": 3 } },
      { values: { name: "new", item: { b: 2 } } },
    ]);
    expect(toEnvironment(scope)).toEqual({ PRODIGY_VAR_NAME: "new", PRODIGY_VAR_ITEM_B: "2" });
  });
});
