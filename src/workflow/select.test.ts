import { describe, expect, test } from "vitest";
import type { Json } from "./model.ts";
import { isRecord } from "./path.ts";
import { createScope } from "./scope.ts";
import { EVERYTHING, select, type FilledSelection } from "./select.ts";
import { dataOfText, itemsOfText } from "./select-text.ts";

const people = [
  { name: "Ada", age: 36, tags: ["a", "b"], team: { id: 1 } },
  { name: "Bob", age: 20, tags: [], team: { id: 2 } },
  { name: "Cyd", age: 36, tags: ["b"], team: { id: 1 } },
  { name: "Dan", tags: ["a", "b", "c"], team: { id: 3 } },
];

describe("json_path", () => {
  const data = { items: people, total: 4, nested: { items: [{ id: 1 }] }, one: { id: 9 } };

  test.each<[path: string, items: readonly Json[]]>([
    ["$.items[*].name", ["Ada", "Bob", "Cyd", "Dan"]],
    ["items[*].name", ["Ada", "Bob", "Cyd", "Dan"]],
    [".items[0].name", ["Ada"]],
    ["  $.items[-1].name ", ["Dan"]],
    ["$.items[1:3].name", ["Bob", "Cyd"]],
    ["$.items[::-1].name", ["Dan", "Cyd", "Bob", "Ada"]],
    ["$.items[0, 2].name", ["Ada", "Cyd"]],
    ["$.items[0]['name', 'age']", ["Ada", 36]],
    ["$..id", [1, 2, 1, 3, 1, 9]],
    ["$..team.id", [1, 2, 1, 3]],
    ["$.items[?(@.age > 30)].name", ["Ada", "Cyd"]],
    ["$.items[?@.age > 30 && @.tags[1]].name", ["Ada"]],
    ["$.items[?@.age < 30 || !@.age].name", ["Bob", "Dan"]],
    ["$.items[?@.team.id == 1].name", ["Ada", "Cyd"]],
    ["$.items[?length(@.tags) == 2].name", ["Ada"]],
    ["$.items[?match(@.name, '[AB].*')].name", ["Ada", "Bob"]],
    ["$.items[?search(@.name, 'd')].name", ["Ada", "Cyd"]],
    ["$.missing[*]", []],
    ["$.items[99]", []],
    ["$.total", [4]],
    ["$.one", [{ id: 9 }]],
  ])("%s", (jsonPath, items) => {
    expect(chosen(data, { jsonPath })).toEqual(items);
  });

  test("a path to one list means its elements", () => {
    expect(chosen(data, { jsonPath: "$.items" })).toEqual(people);
    expect(chosen(data, { jsonPath: "$.nested['items']" })).toEqual([{ id: 1 }]);
    expect(chosen(people, { jsonPath: "$" })).toEqual(people);
  });

  test("lists that a wildcard has found are items themselves, however many they are", () => {
    expect(chosen({ groups: [[1, 2]] }, { jsonPath: "$.groups[*]" })).toEqual([[1, 2]]);
    expect(chosen({ groups: [[1], [2]] }, { jsonPath: "$.groups[*]" })).toEqual([[1], [2]]);
    expect(chosen({ a: { x: [1] } }, { jsonPath: "$..x" })).toEqual([[1]]);
  });

  test.each<[data: Json, items: readonly Json[]]>([
    [
      [1, 2],
      [1, 2],
    ],
    [{ a: 1 }, [{ a: 1 }]],
    ["text", ["text"]],
    [[], []],
  ])("without one, %j gives %j", (whole, items) => {
    expect(chosen(whole, { jsonPath: null })).toEqual(items);
    expect(chosen(whole, { jsonPath: " " })).toEqual(items);
  });

  test.each([
    ["$.items[", "is not a JSONPath: unclosed bracketed selection", 7],
    ["items[?@.a = 1]", "unexpected filter selector token '='", 11],
    ["$.", "this JSONPath ends too early", 1],
    ["$.items[?upper(@.a)]", "no such function 'upper'", 9],
    ["$.items[?match(@.name, '(')]", "the regular expression /^(?:()$/ cannot be used", 0],
    [`$${"[?(".repeat(60)}`, "a JSONPath may have 100 brackets", 0],
    [`$.${"a".repeat(1000)}`, "a JSONPath may have 1000 characters, this has 1002", 0],
  ])("%s is refused", (jsonPath, message, offset) => {
    expect(select(data, { ...EVERYTHING, jsonPath })).toMatchObject({
      ok: false,
      problem: { field: "json_path", message: expect.stringContaining(message), offset },
    });
  });

  test("one that finds nothing says what there is", () => {
    expect(warnings(data, { jsonPath: "$.itms[*]" })).toEqual([
      "json_path: $.itms[*] finds nothing (the data is an object with the fields items, total, nested, one)",
    ]);
    expect(warnings([1, 2], { jsonPath: "$.items[*]" })).toEqual([
      "json_path: $.items[*] finds nothing (the data is a list of 2)",
    ]);
  });

  test("a pattern that makes other engines hang does not", () => {
    const evil = { items: [{ name: `${"a".repeat(50_000)}!` }] };
    expect(chosen(evil, { jsonPath: "$.items[?match(@.name, '(a+)+')]" })).toEqual([]);
  });

  test("data that is nested too deeply is a problem and no crash", () => {
    let deep: Json = 1;
    for (let level = 0; level < 3000; level += 1) deep = { x: deep };
    expect(select(deep, { ...EVERYTHING, jsonPath: "$..y" })).toMatchObject({
      ok: false,
      problem: { message: 'the data is nested more than 100 deep for ".."' },
    });
  });
});

describe("filter", () => {
  test.each([
    ["age > 30", "Ada Cyd"],
    ["item.age > 30", "Ada Cyd"],
    ["@.age > 30", "Ada Cyd"],
    ["!(age > 30)", "Bob Dan"],
    ["team.id == 1 && tags contains 'b'", "Ada Cyd"],
    ["length(tags) == 2", "Ada"],
    ["name in ['Bob', 'Dan']", "Bob Dan"],
    ["is_null(age)", "Dan"],
    ["_index >= 2", "Cyd Dan"],
    ["_index % 2 == 0", "Ada Cyd"],
    ["_key == 1", "Bob"],
    ["_value.name == 'Bob'", "Bob"],
    ["age >= ${limit}", "Ada Cyd"],
    ["age >= limit", "Ada Cyd"],
    ["", "Ada Bob Cyd Dan"],
  ])("%j keeps %s", (filter, names) => {
    expect(namesOf(people, { filter })).toBe(names);
  });

  test("items that are texts are `item`", () => {
    expect(chosen(["a.ts", "b.rs"], { filter: "item ends_with '.rs'" })).toEqual(["b.rs"]);
  });

  test("the key of a field is known", () => {
    const data = { modules: { core: { size: 3 }, ui: { size: 5 } } };
    expect(chosen(data, { jsonPath: "$.modules.*", filter: "_key == 'ui'" })).toEqual([{ size: 5 }]);
  });

  test("an item's own field comes before the place of the item", () => {
    expect(chosen([{ _index: 7 }, { _index: 8 }], { filter: "_index == 8" })).toEqual([{ _index: 8 }]);
  });

  test("a syntax error is located", () => {
    expect(select(people, { ...EVERYTHING, filter: "age > > 3" })).toMatchObject({
      ok: false,
      problem: { field: "filter", offset: 6, length: 1 },
    });
  });

  test("a name that no item has is a warning, unless its absence is asked for", () => {
    expect(warnings(people, { filter: "agee > 30" })).toContain('filter: no item has "agee" (did you mean "age"?)');
    expect(warnings(people, { filter: "team.idd == 1" })).toEqual(['filter: no item has "team.idd" (-)']);
    expect(warnings(people, { filter: "exists(agee) || is_null(agee) || ${agee:-0} == 1 || agee.exists" })).toEqual([]);
    expect(warnings(people, { filter: "age == 36 || name == nobody" })).toEqual([]);
  });

  test("comparisons without sense count as false, and are told once for all items", () => {
    const mixed = [{ n: 1 }, { n: "many" }, { n: "few" }, { n: 5 }];
    expect(chosen(mixed, { filter: "n > 2" })).toEqual([{ n: 5 }]);
    expect(warnings(mixed, { filter: "n > 2" })).toEqual([
      'filter: ">" cannot order a text and a number, in 2 of 4 items (only two numbers, two texts, or a number and a text that spells one have an order)',
    ]);
  });
});

describe("sort_by", () => {
  const mixed: readonly Json[] = [
    { id: 1, v: "b" },
    { id: 2, v: 10 },
    { id: 3 },
    { id: 4, v: true },
    { id: 5, v: 9 },
    { id: 6, v: null },
    { id: 7, v: "B" },
    { id: 8, v: [1, 2] },
    { id: 9, v: [3] },
    { id: 10, v: { a: 1 } },
    { id: 11, v: false },
  ];

  test.each([
    ["v", "11 4 5 2 7 1 9 8 10 3 6"],
    ["v ASC NULLS FIRST", "3 6 11 4 5 2 7 1 9 8 10"],
    ["v desc", "10 8 9 1 7 2 5 4 11 3 6"],
    ["item.v DESCENDING nulls first", "3 6 10 8 9 1 7 2 5 4 11"],
    ["id ascending", "1 2 3 4 5 6 7 8 9 10 11"],
    ["-id", "11 10 9 8 7 6 5 4 3 2 1"],
    ["id % 3, id DESC", "9 6 3 10 7 4 1 11 8 5 2"],
    ["exists(v) DESC, id", "1 2 4 5 6 7 8 9 10 11 3"],
    ["_index DESC", "11 10 9 8 7 6 5 4 3 2 1"],
  ])("%s", (sortBy, ids) => {
    expect(idsOf(mixed, { sortBy })).toBe(ids);
  });

  test("items with equal keys keep their order", () => {
    expect(namesOf(people, { sortBy: "age DESC" })).toBe("Ada Cyd Bob Dan");
    expect(namesOf(people, { sortBy: "team.id, age" })).toBe("Ada Cyd Bob Dan");
  });

  test("fields of lists, of quoted names and with hyphens are keys", () => {
    const items = [
      { id: 1, "created-at": 5, scores: [3, 1] },
      { id: 2, "created-at": 4, scores: [9, 0] },
    ];
    expect(idsOf(items, { sortBy: "created-at" })).toBe("2 1");
    expect(idsOf(items, { sortBy: "item.created-at DESC" })).toBe("1 2");
    expect(idsOf(items, { sortBy: 'item["created-at"]' })).toBe("2 1");
    expect(idsOf(items, { sortBy: "scores[0] DESC" })).toBe("2 1");
    expect(idsOf(items, { sortBy: "max(scores), id" })).toBe("1 2");
    expect(idsOf(items, { sortBy: "sum(scores[0], scores[1])" })).toBe("1 2");
  });

  test("a field may be called like a word of the language", () => {
    expect(
      idsOf(
        [
          { id: 1, desc: 2, last: 1, nulls: 1 },
          { id: 2, desc: 1, last: 0, nulls: 0 },
        ],
        { sortBy: "desc" },
      ),
    ).toBe("2 1");
    expect(
      idsOf(
        [
          { id: 1, last: 2 },
          { id: 2, last: 1 },
        ],
        { sortBy: "last ASC" },
      ),
    ).toBe("2 1");
    expect(
      idsOf(
        [
          { id: 1, nulls: 2 },
          { id: 2, nulls: 1 },
        ],
        { sortBy: "nulls" },
      ),
    ).toBe("2 1");
  });

  test.each([
    ["score, ", "a key is missing here", 7],
    ["score NULLS", "NULLS is followed by FIRST or LAST", 6],
    ["score DESC NULLS MIDDLE", "NULLS is followed by FIRST or LAST", 11],
    ["score down", '"down" is not expected here', 6],
    ["id, lenght(tags)", 'there is no function "lenght"', 4],
    ["'open", "this text is not closed", 0],
  ])("%j is refused", (sortBy, message, offset) => {
    expect(select(people, { ...EVERYTHING, sortBy })).toMatchObject({
      ok: false,
      problem: { field: "sort_by", message, offset },
    });
  });
});

describe("distinct", () => {
  test.each([
    ["age", "Ada Bob Dan"],
    ["item.age", "Ada Bob Dan"],
    ["team", "Ada Bob Dan"],
    ["age, team.id", "Ada Bob Dan"],
    ["name", "Ada Bob Cyd Dan"],
    ["length(tags)", "Ada Bob Cyd Dan"],
    ["tags contains 'a'", "Ada Bob"],
  ])("%s keeps %s", (distinct, names) => {
    expect(namesOf(people, { distinct })).toBe(names);
  });

  test("the order of an object's fields makes no difference, the type of a value does", () => {
    const items = [{ k: { a: 1, b: 2 } }, { k: { b: 2, a: 1 } }, { k: "1" }, { k: 1 }, { k: null }, {}];
    expect(chosen(items, { distinct: "k" })).toEqual([items[0], items[2], items[3], items[4]]);
    expect(chosen(["a", "b", "a"], { distinct: "item" })).toEqual(["a", "b"]);
  });
});

describe("the order of the stages", () => {
  test("json_path, filter, sort_by, distinct, offset, max_items", () => {
    const selection = {
      jsonPath: "$.items[*]",
      filter: "age || name == 'Dan'",
      sortBy: "name DESC",
      distinct: "age",
      offset: 1,
      maxItems: 1,
    };
    // Sorted before made distinct: Cyd and not Ada stands for 36. Cut at last: Dan is left out, Bob is one too many.
    expect(namesOf({ items: people }, selection)).toBe("Cyd");
    expect(select({ items: people }, selection)).toMatchObject({ found: 4, matching: 3 });
  });

  test.each([
    [{ offset: 2 }, "Cyd Dan"],
    [{ maxItems: 3 }, "Ada Bob Cyd"],
    [{ offset: 3, maxItems: 3 }, "Dan"],
    [{ offset: 9 }, ""],
    [{ maxItems: 0 }, ""],
  ])("%j gives %j", (cut, names) => {
    expect(namesOf(people, cut)).toBe(names);
  });
});

describe("what a command has printed", () => {
  test.each<[text: string, data: Json]>([
    ['[{"a": 1}, 2]\n', [{ a: 1 }, 2]],
    ['{\n  "items": [1]\n}\n', { items: [1] }],
    ['{"a": 1}\n{"a": 2}\n', [{ a: 1 }, { a: 2 }]],
    ['"x"\n\n"y z"\n', ["x", "y z"]],
    ["a.ts\r\n\n  b.ts\n", ["a.ts", "  b.ts"]],
    ["1\n2\n", ["1", "2"]],
    ["1234567\n1e3\nnull\n", ["1234567", "1e3", "null"]],
    ['{"a": 1}\nplain\n', ['{"a": 1}', "plain"]],
    ["[draft] note.md\n", ["[draft] note.md"]],
    ['"x"', ["x"]],
    ["", []],
  ])("%j", (text, data) => {
    expect(dataOfText(text)).toEqual(data);
    expect(itemsOfText(text)).toEqual(Array.isArray(data) ? data : [data]);
  });

  test("json_path applies to the value itself", () => {
    expect(chosen(dataOfText('{"items": [{"id": 1}, {"id": 2}]}'), { jsonPath: "$.items[*]" })).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
  });
});

function chosen(data: Json, selection: Partial<FilledSelection>): readonly Json[] {
  const selected = select(data, { ...EVERYTHING, ...selection }, createScope([{ values: { limit: 30 } }]));
  if (!selected.ok) throw new Error(JSON.stringify(selected.problem));
  return selected.items;
}

function namesOf(data: Json, selection: Partial<FilledSelection>): string {
  return chosen(data, selection)
    .map((item) => fieldOf(item, "name"))
    .join(" ");
}

function idsOf(data: Json, selection: Partial<FilledSelection>): string {
  return chosen(data, selection)
    .map((item) => fieldOf(item, "id"))
    .join(" ");
}

function fieldOf(item: Json, name: string): string {
  return isRecord(item) ? JSON.stringify(item[name]).replaceAll('"', "") : "?";
}

function warnings(data: Json, selection: Partial<FilledSelection>): readonly string[] {
  const selected = select(data, { ...EVERYTHING, ...selection });
  if (!selected.ok) throw new Error(JSON.stringify(selected.problem));
  return selected.warnings.map(({ field, message, help }) => `${field}: ${message} (${help ?? "-"})`);
}
