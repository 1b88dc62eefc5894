/**
 * The promises of the language about variables and expressions, row by row. What a run shows is run by the built command
 * line; items of a map are looked at in the scope that their steps get.
 */
import { expect, test } from "vitest";
import { evaluate, parseExpression } from "../../src/workflow/expression.ts";
import type { Json } from "../../src/workflow/model.ts";
import { createScope } from "../../src/workflow/scope.ts";
import { EVERYTHING, type FilledSelection, select } from "../../src/workflow/select.ts";
import { dataOfText } from "../../src/workflow/select-text.ts";
import { interpolate } from "../../src/workflow/template.ts";
import { newRig } from "../kit/rig.ts";

const RESULTS: Json = [
  { item_id: "item_0", success: true, score: 7, output: '{"found": 3, "files": ["a", "b"]}' },
  { item_id: "item_1", success: false, score: 5, output: "" },
];
const map = createScope([{ values: { "map.results": RESULTS, "map.successful": 1, "map.total": 2 } }]);

test("9.3 V1: env, file, cmd, json, date and uuid are values that need no step", async () => {
  const lines = await printed(
    `- shell: "printf '7\\\\n' > VERSION; printf '{\\"a\\": [1, {\\"b\\": 2}]}' > data.json"
- shell: "echo \${env.COLOR} \${env:COLOR} \${file:VERSION} \${cmd:cat VERSION | tr 7 8} \${json:a[1].b:from:file:data.json}"
- shell: "echo \${date:%Y} \${uuid}"
- shell: "cat data.json"
  capture: data
- shell: "echo \${json:a[0]:data} \${json:$.a[1].b:from:data}"
`,
    { env: { COLOR: "red" } },
  );
  expect(lines[0]).toBe("red red 7 8 2");
  expect(lines[1]).toMatch(/^20\d\d [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(lines.at(-1)).toBe("1 2");
});

test.each<[text: string, expected: string]>([
  ["${map.results | sum('score')} ${map.results|count} ${map.results | avg:score}", "12 2 6"],
  ["${map.results[*].score | max} ${map.results|min('score')} ${map.results|median('score')}", "7 5 6"],
  ["${map.results | collect('item_id')} ${map.results|sort('score')|json}", "item_0, item_1 [5,7]"],
  [
    "${map.results | group_by('success') | json}",
    `{"true":[${JSON.stringify(RESULTS[0])}],"false":[${JSON.stringify(RESULTS[1])}]}`,
  ],
])("9.3 V2: %s is filled in", (text, expected) => {
  expect(interpolate(text, map)).toMatchObject({ ok: true, text: expected });
});

test("9.3 V2: aggregates are functions of expressions, too", () => {
  expect(
    valueOf("sum(map.results, 'score') == 12 && avg(map.results[*].score) > ${map.results|min('score')}", map),
  ).toBe(true);
  expect(valueOf("count(map.results[*].output.found) == 1 && ${map.total} == 2", map)).toBe(true);
});

test("9.3 V3: what ran last, the workflow, the step, the item and the worker have names", async () => {
  const lines = await printed(
    `name: nightly
commands:
  - shell: "echo one"
    id: first
  - shell: "echo \${last.output} \${last.exit_code} \${shell.output} \${shell.exit_code} \${shell.last_output}"
  - shell: "echo \${first.output} \${first.success} \${steps.first.exit_code}"
  - shell: "echo \${workflow.name} \${workflow.iteration} \${step.name} \${step.index} \${worker.id}"
    name: naming
  - shell: "echo \${project.name} \${git.branch} \${worktree.name}"
  - shell: "test \${session.id} = \${workflow.id} && test \${git.commit} = $(git rev-parse HEAD) && echo same"
  - shell: "touch a.txt b.txt && git add . && git commit -qm files"
  - shell: "echo \${git.added_files} \${git.modified_files|pattern:**/*.rs}\${git.added_files|glob:a*}"
  - foreach: { foreach: [x, y], do: [{ shell: "echo \${item_index} \${item_total} \${item.value} \${item_id}" }] }
`,
  );
  expect(lines.slice(0, 5)).toEqual([
    "one",
    "one 0 one 0 one",
    "one true 0",
    "nightly 1 naming 3 main",
    expect.stringMatching(/^project prodigy-(session-\w+) \1$/),
  ]);
  expect(lines).toContain("same");
  expect(lines).toContain("a.txt b.txt a.txt");
  expect(lines.slice(-2)).toEqual(["0 2 x item_0", "1 2 y item_1"]);
});

test("9.3 V4: nested fields and elements of an item are reached", () => {
  const item = { a: { b: 1 }, list: ["x", { deep: [true] }], "odd-key": { "k k": 2 } };
  expect(itemText("${item.a.b} ${item.list[0]} ${item.list[1].deep[0]} ${item.list[-1].deep|json}", item)).toBe(
    "1 x true [true]",
  );
  expect(itemText('${item["odd-key"]["k k"]} ${item.odd-key|json} ${item.a}', item)).toBe('2 {"k k":2} {"b":1}');
});

test.each<[item: Json, text: string]>([
  ["a b", "a b"],
  [7, "7"],
  [false, "false"],
  [["x", "y"], "x, y"],
])("9.3 V5: the item %j is ${item}", (item, text) => {
  expect(itemText("${item}", item)).toBe(text);
});

test("9.3 V6: a line that a command printed is text, and ${item.item} answers too", () => {
  const selected = select(dataOfText("src/a.ts\n1234567\nnull\n"), EVERYTHING);
  const items = selected.ok ? selected.items : [];
  expect(items.map((item) => itemText("${item} ${item.item}", item))).toEqual([
    "src/a.ts src/a.ts",
    "1234567 1234567",
    "null null",
  ]);
});

test("9.3 V7: results are entered by index and field, also into JSON that a step printed", () => {
  const text =
    '${map.results[0].item_id} ${map.results[-1].score} ${map.results[0].output.files[1]} ${map.results[0]["score"]}';
  expect(interpolate(text, map)).toMatchObject({ ok: true, text: "item_0 5 b 7" });
});

test("9.3 V8: a missing name of ours stops the step before it begins, with what is known there", async () => {
  await using rig = await newRig();
  rig.write("../flow.yml", `- shell: "echo hello > out.txt"\n- shell: "rm -rf \${shell.outptu}/x; echo ran"\n`);
  const { code, stdout, stderr } = rig.prodigy(["run", "../flow.yml", "-v", "-y"]);
  expect(code).toBe(1);
  expect(stderr).toContain("${shell.outptu} is not known at this point");
  expect(stderr).toContain("did you mean ${shell.output}?");
  expect(stderr).toContain("flow.yml:2");
  expect(stdout).not.toMatch(/^ *\| ran/m);
});

test("9.3 V9: $1 in a script is the script's own", async () => {
  const script = `printf 'a b\\\\n' | awk '{print $2, $1, $NF}'; set -- x y; echo $1 \${2} $#`;
  expect(await printed(`- shell: "${script}"\n`)).toEqual(["b a b", "x y 2"]);
});

test("9.3 V10: a default of the shell counts only where the shell has no such variable", async () => {
  const script = "FOO=own; echo ${FOO:-x} ${BAR:-x} ${SET:-x} ${ARG:-x} ${HOME:+home} ${FOO%n} ${#FOO}";
  const lines = await printed(`- shell: "${script}"\n`, { env: { SET: "set" }, args: ["--args", "65"] });
  expect(lines).toEqual(["own x set 65 home ow 3"]);
});

test("9.3 V11: what is escaped stays, without the escape", async () => {
  const lines = await printed(`- shell: "echo 5"
  capture: count
- shell: "echo '$\${count} $\${HOME} \\\\\${count}'"
- write_file: { path: out.txt, content: "\${count} $\${count} \\\\\${count} $$" }
- shell: "cat out.txt"
`);
  expect(lines).toEqual(["5", "${count} ${HOME} ${count}", "5 ${count} ${count} $$"]);
});

test("9.3 V12: whole numbers are printed as such, and exit codes are numbers", async () => {
  const lines = await printed(`- shell: "echo 5"
  capture: count
  capture_format: number
- shell: "echo \${count} \${count.exit_code} \${shell.exit_code}"
- shell: "echo yes"
  when: "\${count} + 1 == 6 && \${count.exit_code} == 0"
`);
  expect(lines).toEqual(["5", "5 0 0", "yes"]);
});

test("9.3 V13: a name ends where its letters end", async () => {
  const lines = await printed(
    `env: { WHO: "$ARG_1 $ARG $ARG_10 $ARGS x$ARG." }
commands:
  - shell: "echo $ARG_1 $ARG $ARG_10 x$ARG.; echo \\"$WHO\\""
`,
    { args: ["--args", "65"] },
  );
  expect(lines).toEqual(["65 65 x65.", "65 65 $ARG_10 $ARGS x65."]);
});

test("positional arguments are $1 in env, ARG_1 and args[0] elsewhere", async () => {
  const lines = await printed(
    `mode: mapreduce
env: { BOTH: "$1 and \${2}, not $3" }
map:
  input: { items: [x] }
  agent_template: [{ shell: "echo $BOTH \${ARG_2} \${args[0]} \${args|length}" }]
`,
    { args: ["--args", "one", "--args", "two"] },
  );
  expect(lines).toContain("one and two, not $3 two one 2");
});

test("9.3 V14: conditions ask for parts of texts, the environment and steps by id", async () => {
  const lines = await printed(
    `env: { LEVEL: high }
commands:
  - shell: "echo all tests passed"
    id: tests
  - { shell: "echo one", when: "\${tests.output} contains 'passed' && \${steps.tests.success}" }
  - { shell: "echo two", when: "\${LEVEL} == 'high' and env.LEVEL in ['high', 'top'] and not exists(env.NOPE)" }
  - { shell: "echo three", when: "\${tests.exit_code} != 0 || tests.output matches '^none'" }
  - { shell: "echo four", when: "length(tests.output) == 16 and \${env.COUNT} > 3" }
`,
    { env: { COUNT: "10" } },
  );
  expect(lines).toEqual(["all tests passed", "one", "two", "four"]);
});

test("9.3 V2, V3, V4, V7: an item's steps see all of it, and those of reduce all results", async () => {
  const items = [
    { id: "a", n: 3, loc: { file: "x.ts" }, tags: ["t1"] },
    { id: "b", n: 5, loc: { file: "y.ts" } },
  ];
  const lines = await printed(
    `name: sizes
mode: mapreduce
env: { RUN: "\${uuid}" }
map:
  input: { items: ${JSON.stringify(items)} }
  max_parallel: 1
  agent_template:
    - shell: "echo \${item.id} \${item.loc.file} \${item.tags[0]:-none} \${map.key} \${item_index} \${cmd:echo c-\${item.id}}"
    - shell: "echo run \${env.RUN}"
reduce:
  - shell: "echo \${map.total} \${map.success_rate} \${map.results|sum('item.n')} \${map.results[-1].item.loc.file} \${map.outputs|count}"
    when: "count(map.results) == 2 && \${map.results[0].success} && max(map.results, 'item.n') > 4"
  - shell: "echo run \${env.RUN}; test \${map.results_json|length} -gt 100"
`,
  );
  expect(lines).toContain("a x.ts t1 a 0 c-a");
  expect(lines).toContain("b y.ts none b 1 c-b");
  expect(lines).toContain("2 100 8 y.ts 2");
  const runs = lines.filter((line) => line.startsWith("run "));
  expect(runs).toHaveLength(3);
  expect(new Set(runs).size).toBe(1);
});

test("9.3 V5, V6: items that are texts or numbers are ${item} to agents' steps", async () => {
  const map = (input: string): Promise<readonly string[]> =>
    printed(
      `mode: mapreduce\nmap:\n  input: ${input}\n  max_parallel: 1\n  agent_template:\n    - shell: "echo got \${item} \${item.item} \${item_json|sh}"\n`,
    );
  expect(await map('{ items: ["a b", 7, true] }')).toEqual(['got a b a b "a b"', "got 7 7 7", "got true true true"]);
  expect(await map("{ command: \"printf 'src/a.ts\\\\n1e3\\\\n'\" }")).toEqual([
    'got src/a.ts src/a.ts "src/a.ts"',
    'got 1e3 1e3 "1e3"',
  ]);
});

const ISSUES = [
  { id: 1, name: "axb", priority: 5, path: "src/main.rs", tags: ["a", "b", "c"], title: "a || b (c) >= d" },
  { id: 2, name: "cd", priority: 2, path: "docs/x.md", tags: [], owner: null },
  { id: 3, name: "x", priority: 7.5, path: "src/rs.ts", tags: ["z"], owner: "eve" },
];

test.each([
  ["V15", "priority == 5", "1"],
  ["V15", "priority != 5", "2 3"],
  ["V15", "priority == 7.5", "3"],
  ["V16", "contains(name, 'x')", "1 3"],
  ["V16", "starts_with(path, 'src/') && ends_with(path, \".ts\")", "3"],
  ["V17", "length(tags) == 3", "1"],
  ["V17", "length(tags, 3)", "1"],
  ["V17", "length(tags) > 0 && length(name) == 1", "3"],
  ["V18", "priority in [1, 2, 5]", "1 2"],
  ["V18", "name in ['cd', x]", "2 3"],
  ["V18", "priority not in [2]", "1 3"],
  ["V19", "path matches '\\.rs$'", "1"],
  ["V19", "matches(path, '^(src|lib)/[a-z]{1,2}\\.')", "3"],
  ["V20", "is_null(owner)", "1 2"],
  ["V20", "is_null(missing) && is_not_null(owner)", "3"],
  ["V20", "owner == null && !exists(owner)", "1"],
  ["V21", "title == 'a || b (c) >= d'", "1"],
  ["V21", "name == 'a && b' || name == 'in (x)' || name == 'x'", "3"],
  ["V21", "!(priority > 3) && (name == 'cd')", "2"],
  ["V22", "item.priority > 3 && item.tags[0] == 'z'", "3"],
])("9.3 %s: the filter %s keeps %s", (_, filter, ids) => {
  expect(chosen(ISSUES, { filter })).toBe(ids);
});

test("9.3 V22: sort_by and distinct take the prefix item. as well", () => {
  expect(chosen(ISSUES, { sortBy: "item.priority DESC" })).toBe("3 1 2");
  expect(chosen(ISSUES, { sortBy: "item.owner NULLS FIRST, item.id DESC" })).toBe("2 1 3");
  expect(chosen(ISSUES, { distinct: "item.owner" })).toBe("1 3");
});

test.each([
  ["$..id", [1, 2, 3]],
  ["$.issues[-1].id", [3]],
  ["$.issues[0:2].id", [1, 2]],
  ["$.issues[::2].id", [1, 3]],
  ["$.issues[?(@.priority > 3 && @.tags[0] == 'a')].id", [1]],
  ["$.issues[?@.owner == null || search(@.path, 'ts$')].id", [2, 3]],
  ["$['issues'][1]['id', 'name']", [2, "cd"]],
])("9.3 V23: the JSONPath %s finds %j", (jsonPath, items) => {
  expect(select({ issues: ISSUES }, { ...EVERYTHING, jsonPath })).toMatchObject({ ok: true, items });
});

interface Run {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** What the scripts of a workflow print. */
async function printed(workflow: string, run: Run = {}): Promise<readonly string[]> {
  await using rig = await newRig();
  rig.write("../flow.yml", workflow);
  const { code, stdout, stderr } = rig.prodigy(["run", "../flow.yml", "-v", "-y", ...(run.args ?? [])], run.env ?? {});
  expect(code, stderr).toBe(0);
  return stdout.split("\n").flatMap((line) => /^ *\| (.*)$/.exec(line)?.slice(1) ?? []);
}

function itemText(text: string, item: Json): string {
  const rendered = interpolate(text, createScope([{ values: { item } }]));
  return rendered.ok ? rendered.text : JSON.stringify(rendered.problems);
}

function valueOf(text: string, scope: typeof map): Json {
  const parsed = parseExpression(text);
  const evaluated = parsed.ok ? evaluate(parsed.expression, scope, "when") : parsed;
  return evaluated.ok ? evaluated.value : evaluated.problem.message;
}

function chosen(items: typeof ISSUES, selection: Partial<FilledSelection>): string {
  const selected = select(items, { ...EVERYTHING, ...selection });
  if (!selected.ok) return selected.problem.message;
  return items.length === 0 ? "" : selected.items.map((item) => itemText("${item.id}", item)).join(" ");
}
