import { expect, test } from "vitest";
import { parseEnvFile } from "./env-file.ts";

test.each([
  ["A=1\nB = two words \n", { A: "1", B: "two words" }],
  ["export A=1\n  export\tB=2", { A: "1", B: "2" }],
  ["# a comment\n\n  # another\nA=1 # behind it\nB=#fff\nC= # nothing", { A: "1", B: "#fff", C: "" }],
  [`A="1 # 2" # three\nB='x "y" \\n'`, { A: "1 # 2", B: 'x "y" \\n' }],
  [`A="a\\tb\\n\\"c\\" \\\\ \\$D"`, { A: 'a\tb\n"c" \\ $D' }],
  [`A="first\nsecond"\nB='x\ny'\nC=3`, { A: "first\nsecond", B: "x\ny", C: "3" }],
  ['KEY="one\\\ntwo"', { KEY: "onetwo" }],
  ["A=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["\uFEFFA=1", { A: "1" }],
  ["A=1\nA=2", { A: "2" }],
  ["URL=https://x.test/?a=b&c=d", { URL: "https://x.test/?a=b&c=d" }],
  ["A=$HOME/${B}", { A: "$HOME/${B}" }],
  ["A='it'\\''s", {}],
])("the env file %j holds %j", (text, values) => {
  expect(parseEnvFile(text).values).toEqual(values);
});

test("what is wrong in an env file is told by line, without its text", () => {
  const { values, problems } = parseEnvFile(`A=1\nB="x\ny"\nsecret words\nC="open\nD='x' y\nE=2`);
  expect(values).toEqual({ A: "1", B: "x\ny", E: "2" });
  expect(problems).toEqual([
    { line: 4, message: "is not a NAME=value line" },
    { line: 5, message: 'has a value whose " is never closed' },
    { line: 6, message: "has text after the closing quote" },
  ]);
});
