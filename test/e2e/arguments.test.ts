import { describe, expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

describe("what is typed", () => {
  test("check 1: without arguments it prints help with the commands", async () => {
    await using rig = await newRig();
    const { code, stdout, stderr } = rig.prodigy([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Usage: prodigy");
    for (const name of ["run", "resume", "exec", "validate", "sessions", "events", "worktree"])
      expect(stdout).toMatch(new RegExp(`^  ${name}[ |]`, "m"));
  });

  test("check 2: --help of a command exits 0, and resume's speaks of sessions, checkpoints and force", async () => {
    await using rig = await newRig();
    expect(rig.prodigy(["--help"]).code).toBe(0);
    expect(rig.prodigy(["exec", "--help"]).code).toBe(0);
    const { code, stdout } = rig.prodigy(["resume", "--help"]);
    expect(code).toBe(0);
    for (const word of [/session/, /checkpoint/, /force/]) expect(stdout).toMatch(word);
  });

  test.each(["--version", "-V"])("check 3: %s prints name and version", async (flag) => {
    await using rig = await newRig();
    expect(rig.prodigy([flag])).toEqual({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^prodigy \d+\.\d+\.\d+\n$/),
    });
  });

  test.each([
    ["check 4: an unknown command", ["nonexistent-command"], "unrecognised command 'nonexistent-command'"],
    ["check 4: a misspelt command gets a suggestion", ["runn"], "(Did you mean run?)"],
    ["check 4: version, as other programs have it", ["version"], "(Did you mean --version?)"],
    ["check 5: exec without a command", ["exec"], "missing required argument 'COMMAND'"],
    [
      "check 6: a time limit that is none",
      ["exec", "shell: echo x", "--timeout", "not-a-number"],
      "invalid value 'not-a-number'",
    ],
    ["check 10: one option twice", ["exec", "true", "--timeout", "1", "--timeout", "2"], "invalid value '2'"],
    ["check 45: worktree create", ["worktree", "create"], "unrecognised command 'create'"],
    [
      "check 55: an unknown option of resume",
      ["resume", "x", "--invalid-flag"],
      "unrecognised option '--invalid-flag'",
    ],
    ["a misspelt option gets a suggestion", ["run", "x.yml", "--dry-rnu"], "(Did you mean --dry-run?)"],
    ["a number that is none", ["run", "x.yml", "-n", "0"], "invalid value '0' for '--max-iterations <N>'"],
    ["one argument too many", ["run", "x.yml", "y.yml"], "unrecognised argument"],
    ["a group without its command", ["worktree"], "missing required argument"],
  ])("%s exits 2 and says so", async (_, args, words) => {
    await using rig = await newRig();
    const { code, stdout, stderr } = rig.prodigy(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(words);
  });

  test("check 7: a workflow file that is not there exits 2 and names the path", async () => {
    await using rig = await newRig();
    const { code, stderr } = rig.prodigy(["run", "/nonexistent/workflow.yaml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("failed to read /nonexistent/workflow.yaml");
  });

  test("check 8: each --args is an input of its own", async () => {
    await using rig = await newRig();
    rig.write("wf.yml", '- shell: "echo value=$ARG"\n');
    const { code, stdout } = rig.prodigy(["run", "wf.yml", "-v", "--args", "A", "--args", "B"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Input 1\/2: A[^]*value=A[^]*Input 2\/2: B[^]*value=B/);
  });

  test.each(["-y", "--yes"])("check 9: %s answers the merge question", async (flag) => {
    await using rig = await newRig();
    rig.write("../wf.yml", '- shell: "echo x > x.txt; git add -A; git commit -qm x"\n');
    expect(rig.prodigy(["run", "../wf.yml", flag]).code).toBe(0);
    expect(rig.read("x.txt")).toBe("x\n");
  });

  test("check 11: -v is counted, before and after the command", async () => {
    await using rig = await newRig();
    rig.write("../wf.yml", '- shell: "echo spoken"\n');
    expect(rig.prodigy(["run", "../wf.yml"]).stdout).not.toContain("| spoken");
    expect(rig.prodigy(["-v", "run", "../wf.yml"]).stdout).toContain("| spoken");
    expect(rig.prodigy(["-v", "run", "../wf.yml"]).stdout).not.toContain("attempt-started");
    expect(rig.prodigy(["run", "../wf.yml", "-vv"]).stdout).toContain("attempt-started");
    expect(rig.prodigy(["-v", "run", "../wf.yml", "-v"]).stdout).toContain("attempt-started");
  });

  test("check 35: a broken workflow exits 2 with line and column, and nothing is touched", async () => {
    await using rig = await newRig();
    rig.write("../wf.yml", 'name: x\ncommands:\n  - shel: "npm test"\n  - shell: [\n');
    const { code, stdout, stderr } = rig.prodigy(["run", "../wf.yml"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/wf\.yml:\d+:\d+: error\[/);
    expect(rig.sessions()).toEqual([]);
    expect(rig.git("branch", "--list")).toBe("* main");
  });

  test("check 36: a parameter without = is named; numbers are numbers; the command line wins over the file", async () => {
    await using rig = await newRig();
    rig.write(
      "../wf.yml",
      'parameters:\n  n: {type: number, required: true}\n  word: {default: none}\ncommands:\n  - shell: "echo n=${n} word=${word}"\n',
    );
    rig.write("../p.json", '{"n": 1, "word": "file"}');
    expect(rig.prodigy(["run", "../wf.yml", "--param", "n"]).stderr).toContain(
      "invalid value 'n' for '--param': KEY=VALUE",
    );
    expect(rig.prodigy(["run", "../wf.yml"])).toMatchObject({ code: 2, stderr: expect.stringContaining('"n"') });
    expect(rig.prodigy(["run", "../wf.yml", "--param", "n=five"])).toMatchObject({ code: 2 });
    const { code, stdout } = rig.prodigy(["run", "../wf.yml", "-v", "--param-file", "../p.json", "--param", "n=5"]);
    expect(code).toBe(0);
    expect(stdout).toContain("| n=5 word=file");
  });

  test("--map gives one input for each file, its name up to the first dash, and no match at all exits 2", async () => {
    await using rig = await newRig();
    rig.write("specs/66-b.md", "b");
    rig.write("specs/65-a-long-name.md", "a");
    rig.commitAll("specs");
    rig.write("../wf.yml", '- shell: "echo value=$ARG"\n');
    const { code, stdout } = rig.prodigy(["run", "../wf.yml", "-v", "--map", "specs/*.md", "--args", "Z"]);
    expect(code).toBe(0);
    expect(stdout.match(/\| value=\w+$/gm)).toEqual(["| value=65", "| value=66", "| value=Z"]);
    expect(rig.prodigy(["run", "../wf.yml", "--map", "none/*.md"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no file in"),
    });
  });
});

describe("validate", () => {
  test("shows every problem of every file and exits 2; good files exit 0", async () => {
    await using rig = await newRig();
    rig.write("good.yml", '- shell: "true"\n');
    rig.write("bad.yml", "- shel: x\n- claud: y\n");
    expect(rig.prodigy(["validate", "good.yml"])).toMatchObject({ code: 0, stdout: "good.yml: valid, 1 step\n" });
    const { code, stderr } = rig.prodigy(["validate", "good.yml", "bad.yml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("bad.yml:1:3");
    expect(stderr).toContain("bad.yml:2:3");
    const json: unknown = JSON.parse(rig.prodigy(["validate", "--json", "good.yml", "bad.yml"]).stdout);
    expect(json).toMatchObject([
      { file: "good.yml", valid: true, diagnostics: [] },
      { file: "bad.yml", valid: false },
    ]);
  });
});

describe("the repository", () => {
  test("a folder without one, and one without a commit, exit 2 and say what to do", async () => {
    await using rig = await newRig();
    rig.write("../wf.yml", '- shell: "true"\n');
    rig.write("../plain/file", "");
    const none = rig.prodigy(["run", "../wf.yml", "-p", "../plain"]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("is not in a git repository") });
    rig.git("init", "-q", "../empty");
    const empty = rig.prodigy(["run", "../wf.yml", "-p", "../empty"]);
    expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining("no commit yet") });
    expect(rig.sessions()).toEqual([]);
  });

  test("a step that will commit stops before it runs when git knows no user", async () => {
    await using rig = await newRig();
    rig.git("config", "--unset", "user.name");
    rig.git("config", "--unset", "user.email");
    rig.write("../wf.yml", '- shell: "touch ran"\n  commit_required: true\n');
    const { code, stderr } = rig.prodigy(["run", "../wf.yml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("git config --global user.name");
    expect(rig.sessions()).toEqual([]);
  });
});
