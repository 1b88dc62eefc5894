/** That no promise is forgotten: each row has a test that is named after it, or a decision that refuses it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Tables of promises, and the number of the last row of each letter. */
const ROWS: readonly (readonly [table: string, letter: string, last: number])[] = [
  ["9.1", "P", 14],
  ["9.2", "S", 29],
  ["9.3", "V", 23],
  ["9.4", "M", 23],
  ["9.5", "R", 3],
  ["9.5", "E", 6],
  ["9.5", "C", 11],
  ["9.5", "X", 2],
];

/** Rows that a decision refuses, with the decision that says why. */
const REFUSED: Readonly<Record<string, string>> = {};

/** Rows that wait for sub-workflows and for the registry of templates. */
const NOT_YET: ReadonlySet<string> = new Set(["9.5 C3", "9.5 C8", "9.5 C9", "9.5 C11"]);

const root = fileURLToPath(new URL("../../", import.meta.url));

test("every promise has a test that is named after it, or a decision that refuses it", () => {
  const proven = new Set(["test", "src"].flatMap((folder) => testFiles(join(root, folder)).flatMap(rowsIn)));
  const all = ROWS.flatMap(([table, letter, last]) =>
    Array.from({ length: last }, (_, index) => `${table} ${letter}${index + 1}`),
  );
  expect(all.filter((row) => !proven.has(row) && REFUSED[row] === undefined && !NOT_YET.has(row))).toEqual([]);
  expect([...proven].filter((row) => !all.includes(row))).toEqual([]);
  for (const decision of Object.values(REFUSED)) expect(readFileSync(join(root, decision), "utf8")).toContain("#");
});

function testFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts") && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** `"9.2 S1, S2: ..."` at the beginning of a name speaks of two rows; `"9.3 %s: ..."` of those at the head of its cases. */
function rowsIn(file: string): readonly string[] {
  const text = readFileSync(file, "utf8");
  const names = [...text.matchAll(/["'`](9\.\d) ((?:[A-Z]\d+(?:, )?)+):/g)];
  const table = /["'`](9\.\d) %s/.exec(text)?.[1];
  const cases = table === undefined ? [] : [...text.matchAll(/^ +\["([A-Z]\d+)", /gm)];
  return [
    ...names.flatMap(([, of = "", rows = ""]) => rows.split(", ").map((row) => `${of} ${row}`)),
    ...cases.map(([, row = ""]) => `${table} ${row}`),
  ];
}
