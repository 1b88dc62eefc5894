import { dirname, join } from "node:path/posix";
import { expect, test } from "vitest";
import { renderDiagnostic } from "./diagnostic.ts";
import type { CallAction, Step } from "./model.ts";
import type { ParsedWorkflow } from "./parse.ts";
import { parseWorkflow } from "./parse.ts";
import { printWorkflow } from "./print.ts";
import type { WorkflowFiles } from "./workflow-files.ts";

type Files = Readonly<Record<string, string>>;

/** Files in memory; `main.yml` is the workflow, what lies in `registry/` is registered. */
function parse(files: Files): ParsedWorkflow {
  const opened = (path: string): ReturnType<WorkflowFiles["template"]> => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    return text === undefined ? { ok: false, reason: `there is no ${path}` } : { ok: true, id: path, file: path, text };
  };
  const reader: WorkflowFiles = {
    open: (paths, from) => {
      const full = paths.map((path) => join(dirname(from), path));
      return opened(full.find((path) => Object.hasOwn(files, path)) ?? full[0] ?? "");
    },
    template: (name) => opened(`registry/${name}.yml`),
  };
  return parseWorkflow(files["main.yml"] ?? "", { file: "main.yml", files: reader });
}

function problems(files: Files): readonly string[] {
  return parse(files).diagnostics.map((diagnostic) => renderDiagnostic(diagnostic));
}

function steps(files: Files): readonly Step[] {
  const parsed = parse(files);
  expect(parsed.diagnostics.map((diagnostic) => renderDiagnostic(diagnostic))).toEqual([]);
  return parsed.workflow?.steps ?? [];
}

function call(step: Step | undefined): CallAction | undefined {
  return step?.action.kind === "call" ? step.action : undefined;
}

const LIB =
  "parameters: [{name: who, default: all}]\ncommands: [{id: greet, shell: 'echo ${who}'}, {name: leave, shell: bye}]\n";

test("9.5 C11: an import with an alias adds nothing, and its steps run where `use:` names them", () => {
  const found = steps({
    "main.yml":
      "imports: [{path: lib/lib.yml, alias: lib}]\ncommands: [{use: lib.greet, with: {who: you}}, {use: lib}, {use: lib.1}]\n",
    "lib/lib.yml": LIB,
  });

  expect(found.map(({ label }) => label)).toEqual(["use: lib.greet", "use: lib", "use: lib.1"]);
  expect(found.map((step) => call(step)?.steps.map(({ label }) => label))).toEqual([
    ["shell: echo ${who}"],
    ["shell: echo ${who}", "leave"],
    ["leave"],
  ]);
  expect(call(found[0])).toMatchObject({ given: { who: "you" }, isolated: false, outputs: [] });
  expect(call(found[0])?.steps[0]?.at).toMatchObject({ file: "lib/lib.yml", line: 2 });
});

test("9.5 C11: an alias or a step that is not there is told where it is named", () => {
  const main = (use: string): string => `imports: [{path: lib.yml, alias: lib}]\ncommands:\n  - use: ${use}\n`;

  expect(problems({ "main.yml": main("lip.greet"), "lib.yml": LIB })).toEqual([
    expect.stringContaining('main.yml:3:10: error[unknown-value]: no import of this file has the alias "lip"'),
  ]);
  expect(problems({ "main.yml": main("lib.wave"), "lib.yml": LIB })).toEqual([
    expect.stringContaining('main.yml:3:10: error[unknown-value]: the imported file has no step "wave"'),
  ]);
});

test("`use:` takes a template of the registry or a file; values are checked where they stand", () => {
  const t =
    "parameters: {required: [{name: n, type: number, validation: 'value < 10'}]}\ncommands: [{shell: 'echo ${n}'}]\n";
  const main = (value: string): string => `commands:\n  - use: t\n    with: {${value}}\n`;

  expect(call(steps({ "main.yml": main("n: 5"), "registry/t.yml": t })[0])?.given).toEqual({ n: 5 });
  expect(call(steps({ "main.yml": main("n: '${count}'"), "registry/t.yml": t })[0])?.given).toEqual({ n: "${count}" });
  expect(call(steps({ "main.yml": "commands: [{use: t.yml, with: {n: 1}}]\n", "t.yml": t })[0])?.name).toBe("t.yml");
  expect(problems({ "main.yml": main("n: 12"), "registry/t.yml": t })[0]).toContain(
    'main.yml:3:15: error[wrong-type]: the parameter "n" is 12, which its validation does not allow: value < 10',
  );
  expect(problems({ "main.yml": main("m: 1"), "registry/t.yml": t })).toEqual(
    [
      expect.stringContaining('main.yml:3:12: error[unknown-key]: "t" has no parameter "m"'),
      expect.stringContaining('main.yml:2:10: error[missing-key]: "t" needs the parameter "n"'),
    ].toReversed(),
  );
});

test("9.5 C9: a step `workflow:` runs the steps of another file with its env and agent, and sees nothing else", () => {
  const [step] = steps({
    "main.yml":
      "commands:\n  - workflow: {source: sub/child.yml, with: {a: 1}, inputs: {b: found}, outputs: [c], timeout: 5, continue_on_error: true}\n",
    "sub/child.yml":
      "name: child\nenv: {LEVEL: full}\nagent: {model: small}\nparameters: [{name: a, default: 0}]\ncommands: [{shell: 'echo $LEVEL', capture: c}, {claude: /go, model: big}, {claude: /on}, {workflow: deeper.yml}]\n",
    "sub/deeper.yml": "commands: [{shell: deep}]\n",
  });

  expect(step).toMatchObject({ label: "workflow: child", timeoutMs: 5_000, onFailure: { kind: "tolerate" } });
  expect(call(step)).toMatchObject({ given: { a: 1, b: "${found}" }, isolated: true, outputs: ["c"] });
  expect(call(step)?.steps).toMatchObject([
    { env: [{ name: "LEVEL" }], action: { kind: "shell" } },
    { action: { settings: { model: "big" } } },
    { action: { settings: { model: "small" } } },
    { action: { kind: "call", steps: [{ env: [], label: "shell: deep" }] } },
  ]);
});

test("9.5 C9: `workflows:` are named by steps; the others run after all steps", () => {
  const found = steps({
    "main.yml":
      "workflows:\n  one: {source: c.yml, timeout: {secs: 2, nanos: 0}}\n  two: c.yml\ncommands: [{workflow: two}, {shell: own}, {workflow: {name: two, outputs: x}}]\n",
    "c.yml": "commands: [{shell: a, capture: x}]\n",
  });

  expect(found.map(({ label }) => label)).toEqual(["workflow: two", "shell: own", "workflow: two", "workflow: one"]);
  expect(call(found[2])?.outputs).toEqual(["x"]);
  expect(found[3]?.timeoutMs).toBe(2_000);
  expect(steps({ "main.yml": "workflows: {one: c.yml}\n", "c.yml": "commands: [{shell: a}]\n" })).toHaveLength(1);
  expect(
    problems({ "main.yml": "workflows: {one: c.yml}\ncommands: [{workflow: own}]\n", "c.yml": "[{shell: a}]\n" }),
  ).toEqual([
    expect.stringContaining('main.yml:2:23: error[unknown-value]: there is no workflow "own" in `workflows:`'),
  ]);
});

test("9.5 C9: what a called workflow cannot have is refused where it says so", () => {
  const main = "commands: [{workflow: c.yml}]\n";

  expect(problems({ "main.yml": main, "c.yml": "secrets: {T: {env: T}}\ncommands: [{shell: a}]\n" })).toEqual([
    expect.stringContaining('c.yml:1:1: error[not-supported-yet]: "secrets" of a workflow that is called'),
  ]);
  expect(problems({ "main.yml": main, "c.yml": "map: {input: a, agent_template: [{shell: a}]}\n" })).toEqual([
    expect.stringContaining("main.yml:1:23: error[not-supported-yet]: c.yml is a MapReduce workflow"),
  ]);
  expect(problems({ "main.yml": main, "c.yml": "commands: [{shell: a}]\nmerge: [{shell: b}]\n" })).toEqual([
    expect.stringContaining('c.yml:2:1: warning[no-effect]: "merge" has no effect in a workflow that is called'),
  ]);
  expect(
    problems({ "main.yml": "commands: [{workflow: {source: c.yml, working_dir: x}}]\n", "c.yml": "[{shell: a}]\n" }),
  ).toEqual([expect.stringContaining('main.yml:1:39: error[not-supported-yet]: "working_dir" of a sub-workflow')]);
  expect(
    problems({ "main.yml": "workflows: {a: {source: c.yml, parallel: true}}\n", "c.yml": "[{shell: a}]\n" }),
  ).toEqual([expect.stringContaining('main.yml:1:32: warning[no-effect]: "parallel" has no effect')]);
});

test("9.5 C9: workflows that call each other are a circle, and are shown as one", () => {
  expect(
    problems({
      "main.yml": "commands: [{workflow: a.yml}]\n",
      "a.yml": "commands: [{workflow: b.yml}]\n",
      "b.yml": "commands: [{use: a.yml}]\n",
    }),
  ).toEqual([
    expect.stringContaining(
      "b.yml:1:18: error[import-cycle]: files include each other in a circle: a.yml -> b.yml -> a.yml",
    ),
  ]);
  // The file was read before anybody called it.
  expect(
    problems({
      "main.yml": "imports: [{path: a.yml, selective: [x]}]\ncommands: [{workflow: b.yml}]\n",
      "a.yml": "commands: [{id: x, shell: x}, {workflow: b.yml}]\n",
      "b.yml": "commands: [{workflow: a.yml}]\n",
    }),
  ).toEqual([expect.stringContaining("error[import-cycle]")]);
});

test("a call is printed with its steps, and reads back as the same", () => {
  const { workflow } = parse({
    "main.yml":
      "imports: [{path: lib.yml, alias: lib}]\ncommands: [{use: lib.greet, with: {who: '${x}'}}, {workflow: {source: lib.yml, inputs: {y: x.z}, outputs: [q], continue_on_error: true}}]\n",
    "lib.yml": LIB,
  });
  const printed = workflow === null ? "" : printWorkflow(workflow);
  const again = parseWorkflow(printed, { file: "main.yml" });
  const bare = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === "at" ? undefined : part)));

  expect(again.diagnostics).toEqual([]);
  expect(bare(again.workflow)).toEqual(bare(workflow));
});
