import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { parseWorkflow } from "./parse.ts";

const NEW: readonly string[] = [
  "unused-capture",
  "item-outside-loop",
  "unknown-variable",
  "after-failure",
  "needs-terminal",
];

function found(text: string): readonly string[] {
  const { diagnostics } = parseWorkflow(text, { file: "a.yml" });
  return diagnostics.filter(({ code }) => NEW.includes(code)).map(({ code, at }) => `${at.line} ${code}`);
}

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ["a captured name that nothing uses", "- shell: a\n  capture: count\n", ["1 unused-capture"]],
  ["a captured name in a text", "- shell: a\n  capture: count\n- shell: echo ${count}\n", []],
  ["a captured name in a condition", "- shell: a\n  capture: count\n- shell: b\n  when: count > 3\n", []],
  [
    "a captured name as a variable of the process",
    "- shell: a\n  capture: count\n- shell: echo $PRODIGY_VAR_COUNT\n",
    [],
  ],
  ["an item outside of a loop", '- shell: "echo ${item.path}"\n', ["1 item-outside-loop"]],
  ["an item in a loop", '- foreach: [a]\n  do: [{shell: "echo ${item}"}]\n', []],
  ["a shell variable that is called item", '- shell: "for item in *; do echo ${item}; done"\n', []],
  ["a misspelt field", '- shell: a\n- shell: "echo ${shell.ouput}"\n', ["2 unknown-variable"]],
  ["a step after a failure", '- shell: "echo no; exit 1"\n- shell: b\n', ["2 after-failure"]],
  ["a step after a failure that is tolerated", '- shell: "exit 1"\n  allow_failure: true\n- shell: b\n', []],
  ["a step after a failure on one way", '- shell: "test -f a && exit 0; exit 1"\n- shell: b\n', []],
  ["an editor", "- shell: vim notes.md\n", ["1 needs-terminal"]],
  ["an editor without a terminal", "- shell: vim -es -c wq notes.md\n- shell: echo vim a; cat <<X\n", []],
  [
    "words in quotes, comments and here-documents",
    "- shell: |\n    echo 'a; vim b' # ; nano c\n    cat <<EOF\n    top\n    EOF\n",
    [],
  ],
  [
    "an interactive git",
    "- shell: git rebase -i HEAD~2\n- shell: git add -p\n",
    ["1 needs-terminal", "2 needs-terminal"],
  ],
  ["an interactive git with an editor of its own", "- shell: GIT_SEQUENCE_EDITOR=true git rebase -i HEAD~2\n", []],
  ["a question", "- shell: read -p 'Go on?' answer\n- shell: yes | read -p x y\n", ["1 needs-terminal"]],
];

test.each(CASES)("%s", (_, text, expected) => expect(found(text)).toEqual(expected));

/** The files of the earlier program that have such warnings, each of them true. */
const KNOWN: Readonly<Record<string, readonly string[]>> = { "capture-conditional-flow.yml": ["21 unused-capture"] };

const FILES = ["../../test/workflows/", "../../test/workflows/compat/"].flatMap((path) => {
  const folder = new URL(path, import.meta.url);
  return readdirSync(folder)
    .filter((file) => /\.ya?ml$/u.test(file))
    .map((file) => [file, new URL(file, folder)] as const);
});

test.each(FILES)("%s has no other warnings of these", (file, url) =>
  expect(found(readFileSync(url, "utf8"))).toEqual(KNOWN[file] ?? []),
);
