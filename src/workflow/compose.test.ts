import { dirname, join } from "node:path/posix";
import { expect, test } from "vitest";
import { renderDiagnostic } from "./diagnostic.ts";
import type { ParsedWorkflow } from "./parse.ts";
import { parseWorkflow } from "./parse.ts";
import type { WorkflowFiles } from "./workflow-files.ts";

/** Files in memory; `main.yml` is the workflow, what lies in `registry/` is registered. */
function parse(files: Readonly<Record<string, string>>): ParsedWorkflow {
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

function problems(files: Readonly<Record<string, string>>): readonly string[] {
  return parse(files).diagnostics.map((diagnostic) => renderDiagnostic(diagnostic));
}

function scripts({ workflow, diagnostics }: ParsedWorkflow): readonly string[] {
  expect(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic))).toEqual([]);
  return workflow?.steps.map(({ label }) => label) ?? [];
}

function env({ workflow }: ParsedWorkflow): Readonly<Record<string, unknown>> {
  return Object.fromEntries((workflow?.environment.values ?? []).map(({ name, value }) => [name, value]));
}

test("9.5 C1: imports add their steps behind the workflow's own, and their named parts", () => {
  const parsed = parse({
    "main.yml": "imports: [{path: lib/one.yml}]\nenv: {A: mine}\ncommands: [{shell: own}]\n",
    "lib/one.yml": "imports: [{path: two.yml}]\nenv: {A: one, B: one}\ncommands: [{shell: one}]\n",
    "lib/two.yml": "parameters: [{name: p, default: 1}]\ncommands: [{shell: two}]\n",
  });

  expect(scripts(parsed)).toEqual(["shell: own", "shell: one", "shell: two"]);
  expect(env(parsed)).toEqual({ A: { kind: "text", template: "mine" }, B: { kind: "text", template: "one" } });
  expect(parsed.workflow?.parameters.map(({ name }) => name)).toEqual(["p"]);
  expect(parsed.workflow?.steps.map(({ at }) => `${at.file}:${at.line}`)).toEqual([
    "main.yml:3",
    "lib/one.yml:3",
    "lib/two.yml:2",
  ]);
});

test("9.5 C1: only files that really include each other are a circle, shown as a path", () => {
  const found = problems({
    "main.yml": "extends: a.yml\ncommands: [{shell: own}]\n",
    "a.yml": "imports: [{path: b.yml}]\ncommands: [{shell: a}]\n",
    "b.yml": "extends: a.yml\ncommands: [{shell: b}]\n",
  });

  expect(found).toEqual([
    "b.yml:1:10: error[import-cycle]: files include each other in a circle: a.yml -> b.yml -> a.yml\n  1 | extends: a.yml\n    |          ^^^^^",
  ]);
});

test("a selective import takes steps by number, id or name, and parameters", () => {
  const lib =
    "parameters: {required: [who], optional: [{name: unused}]}\ncommands: [{shell: zero}, {shell: one, id: first}, {shell: two, name: second}]\n";
  const main = "imports: [{path: lib.yml, selective: [SELECTED]}]\ncommands: [{shell: own}]\n";
  const parsed = parse({ "main.yml": main.replace("SELECTED", "'0', second, who"), "lib.yml": lib });

  expect(scripts(parsed)).toEqual(["shell: own", "shell: zero", "second"]);
  expect(parsed.workflow?.parameters).toMatchObject([{ name: "who", required: true }]);
  expect(problems({ "main.yml": main.replace("SELECTED", "third"), "lib.yml": lib })).toEqual([
    expect.stringContaining('error[unknown-value]: the imported file has no step and no parameter "third"'),
  ]);
});

test("9.5 C2: a child keeps its env, merge and name over a base of a base", () => {
  const parsed = parse({
    "main.yml": "name: child\nextends: middle\nenv: {A: child}\nmerge: [{shell: land}]\ncommands: []\n",
    "bases/middle.yml":
      "name: middle\nextends: ../root.yml\nenv: {A: middle, B: middle}\ncommands: [{shell: middle}]\n",
    "root.yml": "name: root\nenv: {C: root}\nmerge: [{shell: other}]\nenv_files: [.env]\ncommands: [{shell: root}]\n",
  });

  expect(scripts(parsed)).toEqual(["shell: middle"]);
  expect(parsed.workflow?.name).toBe("child");
  expect(parsed.workflow?.merge?.steps.map(({ label }) => label)).toEqual(["shell: land"]);
  expect(parsed.workflow?.environment.files).toMatchObject([{ path: ".env" }]);
  expect(Object.keys(env(parsed)).toSorted()).toEqual(["A", "B", "C"]);
  expect(env(parsed)["A"]).toEqual({ kind: "text", template: "child" });
});

test("9.5 C3: a template comes from a path, a file or the registry; an address is refused with the reason", () => {
  const template = "commands: [{shell: from the template}]\n";
  const files = { "lib/t.yml": template, "registry/t.yml": template };
  const sources = [
    "{name: t, source: lib/t.yml}",
    "{source: {file: lib/t.yml}}",
    "{source: {registry: t}}",
    "t",
    "{name: t}",
  ];

  for (const source of sources) {
    expect(scripts(parse({ ...files, "main.yml": `template: ${source}\ncommands: []\n` }))).toEqual([
      "shell: from the template",
    ]);
  }
  expect(problems({ "main.yml": "template: {source: {url: 'https://example.com/t.yml'}}\n" })[0]).toContain(
    "https://example.com/t.yml is not fetched: what a workflow runs must not change behind your back",
  );
});

test("9.5 C4: a template gives its env, and its merge where the workflow has none", () => {
  const parsed = parse({
    "main.yml": "template: {source: t.yml}\nenv: {A: own}\ncommands: [{shell: own}]\n",
    "t.yml": "name: t\nenv: {A: theirs, B: theirs}\nmerge: [{shell: land}]\ncommands: [{shell: theirs}]\n",
  });

  expect(scripts(parsed)).toEqual(["shell: own", "shell: theirs"]);
  expect(parsed.workflow?.name).toBe("main");
  expect(parsed.workflow?.merge?.steps).toHaveLength(1);
  expect(env(parsed)).toMatchObject({ A: { template: "own" }, B: { template: "theirs" } });
});

test("values for a template are defaults of its parameters, and are checked where they stand", () => {
  const t =
    "parameters:\n  required: [{name: n, type: Number, validation: 'value < 10'}]\ncommands: [{shell: 'echo ${n}'}]\n";
  const main = (value: string): string => `template: {source: t.yml, with: {${value}}}\n`;

  expect(parse({ "main.yml": main("n: 5"), "t.yml": t }).workflow?.parameters).toMatchObject([
    { name: "n", type: "number", required: false, default: 5 },
  ]);
  expect(problems({ "main.yml": main("n: 12"), "t.yml": t })[0]).toContain(
    'main.yml:1:37: error[wrong-type]: the parameter "n" is 12, which its validation does not allow: value < 10',
  );
  expect(problems({ "main.yml": main("n: x"), "t.yml": t })[0]).toContain("is not of type number");
  expect(problems({ "main.yml": main("n: 5, m: 1"), "t.yml": t })[0]).toContain('the template has no parameter "m"');
});

test("9.5 C8: an override reaches nested keys, and tells where there is no such place", () => {
  const t = "env: {A: '1', B: '2'}\ncommands: [{shell: one, timeout: 5}, {shell: two}]\n";
  const main = (override: string): string => `template:\n  source: t.yml\n  override:\n    ${override}\n`;
  const parsed = parse({
    "main.yml": main("{'commands[0].timeout': 60, 'commands[1].env.X': y, env: {A: '9'}}"),
    "t.yml": t,
  });

  expect(scripts(parsed)).toEqual(["shell: one", "shell: two"]);
  expect(parsed.workflow?.steps[0]?.timeoutMs).toBe(60_000);
  expect(parsed.workflow?.steps[1]?.env).toMatchObject([{ name: "X", value: { template: "y" } }]);
  expect(env(parsed)).toMatchObject({ A: { template: "9" }, B: { template: "2" } });
  expect(problems({ "main.yml": main("{'commands[7].timeout': 60}"), "t.yml": t })[0]).toContain(
    'main.yml:4:6: error[unknown-key]: there is no place "commands[7].timeout": "commands" of the template is a list of 2',
  );
});

test("MapReduce workflows are put together in the same way, phase by phase", () => {
  const parsed = parse({
    "main.yml": "extends: base.yml\nmap: {max_parallel: 3}\n",
    "base.yml":
      "mode: mapreduce\nmap: {input: items.json, json_path: '$[*]', agent_template: [{shell: 'echo ${item}'}]}\n",
  });

  expect(parsed.diagnostics).toEqual([]);
  expect(parsed.workflow?.mode).toBe("mapreduce");
  expect(parsed.workflow?.steps[0]?.action).toMatchObject({ kind: "map", maxParallel: "3" });
});

test("a problem in another file is shown there, with its line", () => {
  expect(
    problems({ "main.yml": "imports: [{path: lib.yml}]\n", "lib.yml": "# a library\ncommands:\n  - shel: x\n" }),
  ).toEqual([
    expect.stringContaining(
      'lib.yml:3:5: error[unknown-key]: unknown key "shel" in a step\n  3 |   - shel: x\n    |     ^^^^',
    ),
  ]);
});

test("a file that is not there is told at the place that names it", () => {
  expect(problems({ "main.yml": "extends: other.yml\ncommands: [{shell: a}]\n" })).toEqual([
    'main.yml:1:10: error[unreadable-file]: failed to read the base "other.yml": there is no other.yml\n  1 | extends: other.yml\n    |          ^^^^^^^^^',
  ]);
  expect(parseWorkflow("extends: other.yml\n", { file: "w.yml" }).diagnostics[0]?.message).toBe(
    'the base "other.yml" cannot be read: only a text was given, and no way to other files',
  );
});

test("9.5 C10: defaults are values of parameters, and no environment variables", () => {
  const parsed = parse({
    "main.yml":
      "defaults: {who: world, count: 3}\nparameters: {required: [who]}\ncommands: [{shell: 'echo ${who} ${params.count}'}]\n",
  });

  expect(parsed.workflow?.parameters).toMatchObject([
    { name: "who", required: false, default: "world" },
    { name: "count", required: false, default: 3 },
  ]);
  expect(parsed.workflow?.environment.values).toEqual([]);
});

test("9.5 C6: a default must meet the parameter's own validation", () => {
  const found = problems({
    "main.yml": "parameters: [{name: n, default: 12, validation: 'value < 10'}]\ncommands: [{shell: a}]\n",
  });

  expect(found[0]).toContain('the parameter "n" is 12, which its validation does not allow: value < 10');
});
