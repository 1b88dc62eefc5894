/** The promises about what single steps can do, row by row, through the built command line. */
import { expect, test } from "vitest";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { newRig, type Ended, type Rig } from "../kit/rig.ts";

/** Runs a workflow; agents are played by the script, where there is one. */
function run(rig: Rig, text: string, how: { script?: string; args?: readonly string[]; env?: object } = {}): Ended {
  rig.write("../w.yml", text);
  if (how.script !== undefined) rig.write("../agent.yml", how.script);
  const agent = how.script === undefined ? {} : { PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: `${rig.root}/agent.yml` };
  return rig.prodigy(["run", "../w.yml", "-v", "-y", ...(how.args ?? [])], { ...agent, ...how.env });
}

/** What the steps printed, where all goes well. */
function printed(ended: Ended): readonly string[] {
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  return ended.stdout.split("\n").flatMap((line) => /^ {2}\| (.*)$/.exec(line)?.[1] ?? []);
}

test("9.2 S5: an analyze step collects facts that later steps use", async () => {
  await using rig = await newRig();
  rig.write("src/a.ts", "export {};\n");
  rig.commitAll("source");
  const text = `- analyze: { max_cache_age: 300, force_refresh: true, save: true }
- shell: "test -s .prodigy/context/analysis.json && echo analysed"
- shell: "echo '\${analysis|json}' > a.json; head -c 1 a.json"
`;
  expect(printed(run(rig, text)).slice(-2)).toEqual(["analysed", "{"]);
});

test("9.2 S8: outputs of an agent's step are found by its id, whether it committed them or not", async () => {
  await using rig = await newRig();
  const script = `rules:
  - when: { command: spec }
    steps:
      - write: { path: specs/1-name.md, content: x }
      - commit: add the spec
  - when: { command: notes }
    steps:
      - write: { path: notes/a.txt, content: x }
      - write: { path: notes/b.txt, content: x }
`;
  const text = `- claude: "/spec"
  id: coverage
  commit_required: true
  outputs: { spec: { file_pattern: "*.md" } }
- claude: "/notes"
  id: noted
  outputs: { all: { file_pattern: "notes/*.txt" } }
- shell: "echo \${coverage.spec} \${steps.coverage.outputs.spec} \${noted.all[1]}"
`;
  expect(printed(run(rig, text, { script })).at(-1)).toBe("specs/1-name.md specs/1-name.md notes/b.txt");
});

test("9.2 S10: an old command gets its arguments, filled in", async () => {
  await using rig = await newRig();
  const script =
    'rules: [{ when: { command: prodigy-implement-spec }, steps: [{ say: "got {{args}}" }, { write: { path: a, content: b } }, { commit: c }] }]';
  const text = '- "prodigy-implement-spec $ARG --fast"\n- shell: "echo ${claude.output}"\n';
  expect(printed(run(rig, text, { script, args: ["--args", "65"] })).at(-1)).toBe("got 65 --fast");
});

test("9.2 S11: commit_required: false counts for known old commands, too", async () => {
  await using rig = await newRig();
  const script = "fallback: [{ say: nothing to do }]";
  expect(run(rig, "- { name: prodigy-code-review, commit_required: false }\n", { script }).code).toBe(0);
  expect(run(rig, "- { name: prodigy-code-review }\n", { script })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("must create a commit"),
  });
});

test("9.2 S12: the handler of an agent's step runs when the agent fails, and the agent again after it", async () => {
  await using rig = await newRig();
  const script = `rules:
  - when: { command: build }
    steps: [{ fail: error, times: 1 }, { say: built }]
  - when: { command: repair }
    steps: [{ say: "repairing {{args}}" }]
`;
  const text = `- claude: "/build"
  on_failure: { claude: "/repair \${error.exit_code}", retry_original: true }
- shell: "echo \${claude.output}"
`;
  const lines = printed(run(rig, text, { script }));
  expect(lines.some((line) => /^repairing \d+$/.test(line))).toBe(true);
  expect(lines.at(-1)).toBe("built");
});

test("9.2 S13: a missing commit is a failure that the handler sees, after the command's own failure", async () => {
  await using rig = await newRig();
  const commit = "git commit -q --allow-empty -m done";
  const text = `- shell: "echo working"
  commit_required: true
  on_failure: { shell: "echo 'because \${error.message}'; ${commit}" }
- shell: "echo failing; exit 7"
  commit_required: true
  on_failure: { shell: "echo 'code \${error.exit_code}'; ${commit}", fail_workflow: false, max_attempts: 1 }
`;
  const lines = printed(run(rig, text));
  expect(lines.find((line) => line.startsWith("because "))).toContain("must create a commit");
  expect(lines).toContain("code 7");
});

test("9.2 S14: PRODIGY_NO_COMMIT_VALIDATION=true asks for no commit anywhere, also where a run without it had failed", async () => {
  await using rig = await newRig();
  const waived = { PRODIGY_NO_COMMIT_VALIDATION: "true" };
  const text = `- { shell: "echo one", commit_required: true }
- shell: "echo two"
  validate:
    shell: "test -f x"
    format: exit_code
    on_incomplete: { shell: "touch x", commit_required: true }
`;
  expect(run(rig, text).code).toBe(1);
  const resumed = rig.prodigy(["resume", "-v", "-y"], waived);
  expect(printed(resumed)).toContain("two");
  expect(resumed.stdout).toContain("No step must commit: PRODIGY_NO_COMMIT_VALIDATION is set");
  expect(printed(run(rig, text, { env: waived }))).toContain("one");
  expect(run(rig, text, { env: { PRODIGY_NO_COMMIT_VALIDATION: "false" } }).code).toBe(1);
});

test("9.2 S15: handlers, validations and later steps see what the step changed", async () => {
  await using rig = await newRig();
  const text = `- shell: "echo a > a.txt; git add .; git commit -qm one; echo b > b.txt"
  validate: { shell: "echo checked \${step.files_added} \${step.commits|length}", format: exit_code }
  on_success: { shell: "echo success \${step.files_added} \${step.insertions}" }
- shell: "echo later \${git.step.commits|length}"
`;
  const lines = printed(run(rig, text));
  expect(lines).toContain("success a.txt b.txt 2");
  expect(lines).toContain("checked a.txt b.txt 1");
});

test("9.2 S16: values are written as JSON, as lines or with commas, and lists of files by a glob", async () => {
  await using rig = await newRig();
  const text = `- shell: "touch a.md b.md c.txt; git add .; git commit -qm files"
  on_success:
    - shell: "echo '\${step.files_added:json}'"
    - shell: "echo '\${step.files_added:lines}'"
    - shell: "echo '\${step.files_added:csv}'"
    - shell: "echo '\${step.files_added:*.md}'"
`;
  expect(printed(run(rig, text))).toEqual([
    '["a.md","b.md","c.txt"]',
    "a.md",
    "b.md",
    "c.txt",
    "a.md,b.md,c.txt",
    "a.md b.md",
  ]);
});

test("9.2 S19: a result that does not fit expected_schema is not complete; that prompt asks nobody is told", async () => {
  await using rig = await newRig();
  const text = `- shell: "true"
  validate:
    shell: 'echo ''{"completion_percentage": 100, "files": 3}'''
    expected_schema: { type: object, required: [files], properties: { files: { type: array } } }
    on_incomplete: { shell: "true", prompt: "Go on?" }
`;
  const { code, stderr } = run(rig, text);
  expect(code).toBe(1);
  expect(stderr).toContain('does not fit expected_schema: # Property "files"');
  expect(stderr).toMatch(/w\.yml:5:\d+: warning\[no-effect\]: "prompt" has no effect: nobody is asked during a run/);
});

test("9.2 S21: each of several --args is an input with its number, and -n counts for each", async () => {
  await using rig = await newRig();
  const text = `- shell: "echo $ARG is \${INDEX} of \${TOTAL}, pass \${ITERATION}; git commit -q --allow-empty -m x"\n`;
  expect(printed(run(rig, text, { args: ["--args", "a", "--args", "b c", "-n", "2"] }))).toEqual([
    "a is 0 of 2, pass 1",
    "a is 0 of 2, pass 2",
    "b c is 1 of 2, pass 1",
    "b c is 1 of 2, pass 2",
  ]);
});

test("9.2 S24: squash makes one commit of this step's commits, and leaves those before it alone", async () => {
  await using rig = await newRig();
  const commit = (name: string): string => `echo x > ${name}; git add .; git commit -qm ${name}`;
  const text = `- shell: "${commit("mine")}"
- shell: "${commit("one")}; ${commit("two")}; echo x > three"
  auto_commit: true
  commit_config: { squash: true, message_template: "together" }
- shell: "${commit("after")}"
`;
  expect(run(rig, text).code).toBe(0);
  expect(rig.git("log", "--format=%s", "--no-merges").split("\n")).toEqual(["after", "together", "mine", "first"]);
  expect(rig.git("show", "--format=", "--name-only", "HEAD~1").split("\n").toSorted()).toEqual(["one", "three", "two"]);
});

test("9.2 S26: a resume goes on with everything that the steps say", async () => {
  await using rig = await newRig();
  const text = `name: whole
env: { COLOR: red }
commands:
  - { shell: "echo 42", capture: answer, capture_format: number }
  - shell: "test -f ../../../../go || exit 1"
  - { shell: "echo never", when: "\${answer} != 42" }
  - shell: "echo $COLOR $SIZE \${answer}; echo x > done.txt; git add .; git commit -qm done"
    env: { SIZE: big }
    commit_required: true
    capture: said
  - { shell: "echo try; test -f again || { touch again; exit 1; }", retry: { attempts: 2, initial_delay: 1ms } }
  - { shell: "echo broken; test -f mended", on_failure: { shell: "echo 'saw \${shell.output}'; touch mended" } }
  - shell: "true"
    validate: { shell: 'echo ''{"completion_percentage": 50}''', threshold: 40 }
  - foreach: { foreach: [a, b], do: [{ shell: "echo \${item} \${said}" }] }
merge: [{ shell: "echo landing; git -C $PRODIGY_REPO status > ../../../../merged" }]
`;
  const go = text.replaceAll("../../../../", `${rig.root}/`).replace("$PRODIGY_REPO", rig.repo);
  expect(run(rig, go).code).toBe(1);
  rig.write("../go", "");
  const lines = printed(rig.prodigy(["resume", "-v", "-y"]));
  expect(lines).toEqual([
    "red big 42",
    "try",
    "try",
    "broken",
    "saw broken",
    "broken",
    '{"completion_percentage": 50}',
    "a red big 42",
    "b red big 42",
    "landing",
  ]);
  expect(rig.read("done.txt")).toBe("x\n");
});

test("9.2 S27: max_iterations in the file counts where -n is not given; config says what to write instead", async () => {
  await using rig = await newRig();
  const text = `max_iterations: 3
commands: [{ shell: "echo pass \${ITERATION}; git commit -q --allow-empty -m x" }]
`;
  expect(printed(run(rig, text))).toEqual(["pass 1", "pass 2", "pass 3"]);
  expect(printed(run(rig, text, { args: ["-n", "1"] }))).toEqual(["pass 1"]);
  const { code, stderr } = run(rig, 'config: { max_iterations: 3 }\ncommands: [{ shell: "true" }]\n');
  expect(code).toBe(2);
  expect(stderr).toContain('w.yml:1:1: error[unknown-key]: a workflow has no "config"');
  const map = "max_iterations: 2\nmap: { input: a.json, agent_template: [{ shell: b }] }\n";
  expect(parseWorkflow(map, { file: "w.yml" }).diagnostics.map(({ message }) => message)).toContain(
    "a MapReduce workflow goes over its items once",
  );
});

test("9.2 S28: description, output, allow_failure, continue_on_error, temporary and clear_env mean something or say that they do not", async () => {
  await using rig = await newRig();
  const text = `- { shell: "exit 3", allow_failure: true, description: tolerated }
- { shell: "exit 4", continue_on_error: true }
- shell: "echo [$ONLY] [$OTHER]"
  clear_env: true
  temporary: true
  output: notes.md
  env: { ONLY: this }
`;
  const ended = run(rig, text, { env: { OTHER: "that" } });
  expect(printed(ended)).toEqual(["[this] []"]);
  expect(ended.stderr).toContain('"temporary" has no effect');
  expect(ended.stderr).toContain('"output" has no effect');
});

test("9.5 X1: exec keeps its retries and its time limit", async () => {
  await using rig = await newRig();
  const retried = rig.prodigy(["exec", "shell: echo try; test -f x || { touch x; exit 1; }", "--retry", "2"]);
  expect(retried.code).toBe(0);
  expect(rig.prodigy(["exec", "shell: sleep 30", "--timeout", "1"])).toMatchObject({ code: 1 });
});

test("9.5 X2: goal_seek repeats its steps until the score is reached", async () => {
  await using rig = await newRig();
  const text = `- goal_seek:
    goal: three lines
    shell: "echo x >> lines; echo at $(wc -l < lines)"
    validate: "echo score: $(( $(wc -l < lines) * 34 ))"
    threshold: 100
    max_attempts: 5
`;
  expect(printed(run(rig, text)).filter((line) => line.startsWith("at "))).toEqual(["at 1", "at 2", "at 3"]);
});
