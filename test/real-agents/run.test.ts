// `prodigy run` with the real `claude`: what a user sees. The model is scripted, see test/fake-model/README.md.
import { expect, test } from "vitest";
import { IMPATIENT, newPlace, stable, SUBSCRIBER, until } from "./place.ts";

async function scenario(name: string): Promise<unknown> {
  const module = (await import(`../fake-model/scenarios/${name}.mjs`)) as { readonly scenario: unknown };
  return module.scenario;
}

test("an agent writes and commits with its tools, and its commit lands", async () => {
  await using it = await newPlace({
    scenario: await scenario("commit"),
    steps: '  - claude: "Please commit a.txt"\n    commit_required: true\n  - shell: "git show HEAD:a.txt"\n',
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toContain("Executing step 1/2: claude: Please commit a.txt");
  expect(ended.stdout).toContain("steps    2 ok\n  commits  1 (1 file, +1 -0), merged into main\n");
  expect(ended.stdout).toMatch(/cost {5}\$0\.0\d+ \(4500 tokens in, 350 out\)/);
  expect(it.rig.git("log", "--format=%s")).toBe("add a.txt\nwork\nfirst");
  expect(it.rig.read("a.txt")).toBe("hello\n");
  expect(it.status()).toBe("Completed");
  const detail = await it.detail();
  expect(detail).toMatchObject({ status: "ended", commits: 1, agentRuns: 1, unknownCosts: 0 });
  expect(detail.usage).toMatchObject({ inputTokens: 4500, outputTokens: 350, cacheReadTokens: 1500, turns: 3 });
  expect(detail.usage["costUsd"]).toBeGreaterThan(0);
  expect(it.asks().map(({ turn, model }) => [turn, model])).toEqual([
    [0, "claude-sonnet-5-5"],
    [1, "claude-sonnet-5-5"],
    [2, "claude-sonnet-5-5"],
  ]);
  const events = await it.events();
  const started = events.find((event) => event.type === "attempt-started");
  expect(it.asks().every(({ session }) => session === started?.agentSession)).toBe(true);
  expect(events.find((event) => event.type === "attempt-ended")?.commits.map(({ message }) => message)).toEqual([
    "add a.txt",
  ]);
  expect(it.log("Please-commit-a-txt.stdout")).toContain("> Bash: git add a.txt");
  expect(it.log("Please-commit-a-txt.jsonl")).toContain('"type":"result"');
});

test("a tool's failing command is the agent's business; a commit that is missing is ours", async () => {
  await using it = await newPlace({
    scenario: await scenario("failing-command"),
    steps:
      '  - claude: "try"\n  - claude: "try harder"\n    commit_required: true\n  - shell: "echo never > never.txt"\n',
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(1);
  expect(stable(ended.stderr, it)).toBe(
    [
      'Session failed: step "claude: try harder" must create a commit (commit_required), but HEAD did not move',
      '  workflow.yml:6:5  - claude: "try harder"',
      "  help: let the step commit, set auto_commit: true, or drop commit_required",
      "resume with: prodigy resume ID",
      "",
    ].join("\n"),
  );
  expect(it.log("claude-try.stdout")).toContain("  failed: Exit code 3 boom");
  expect(it.status()).toBe("Failed");
  expect((await it.detail()).steps).toMatchObject({ ok: 1, failed: 1 });
});

test("rate limited, then fine: the run takes a little longer, and says why", async () => {
  await using it = await newPlace({ scenario: await scenario("rate-limited-then-fine"), steps: '  - claude: "go"\n' });
  const ended = await it.prodigy("run", "workflow.yml", "-y", "-v");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout.match(/waiting \d+ s, the service answered 429/g)).toHaveLength(2);
  expect(ended.stdout).toContain("Fine now.");
  expect(it.asks().map(({ status }) => status)).toEqual([429, 429, 200]);
  expect(it.status()).toBe("Completed");
});

test("overloaded for ever: the run fails, and a resume goes on with the same session, paying nothing again", async () => {
  const work = { write: { path: "a.txt", content: "a\n" } };
  const commit = { sh: "git add a.txt && git commit -qm 'add a'" };
  await using it = await newPlace({
    scenario: { rules: [{ name: "work", steps: [work, commit, { fail: "overloaded", times: "forever" }] }] },
    steps: '  - claude: "go"\n    commit_required: true\n',
    env: IMPATIENT,
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(1);
  expect(stable(ended.stderr, it)).toBe(
    [
      "Session failed: The service of the agent claude answered 529: API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment. If it persists, check your inference gateway (GATEWAY).",
      '  workflow.yml:5:5  - claude: "go"',
      "  log: LOGS/ID/main/000001-claude-go.jsonl",
      "  log: LOGS/ID/main/000001-claude-go.stderr",
      "  help: It usually passes: resume later.",
      "resume with: prodigy resume ID",
      "",
    ].join("\n"),
  );
  expect(it.status()).toBe("Failed");
  const before = it.asks().length;
  it.script({ rules: [], fallback: { text: "All there." } });
  const resumed = await it.prodigy("resume", "-y");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(resumed.stdout).toContain("going on with the agent's interrupted session");
  expect(it.asks()).toHaveLength(before + 1);
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(1);
  expect(it.rig.git("log", "--format=%s")).toBe("add a\nwork\nfirst");
  expect(await it.detail()).toMatchObject({ commits: 1, steps: { ok: 1, failed: 0 } });
});

test("invalid output: a broken stream is asked for again, an unknown tool is answered, and no answer at all fails", async () => {
  await using it = await newPlace({
    scenario: await scenario("invalid-output"),
    steps:
      '  - claude: "broken-stream"\n  - claude: "unknown-tool"\n  - claude: "not-json"\n    capture: data\n    capture_format: json\n',
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y", "-v");
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain("Recovered.");
  expect(ended.stdout).toContain("No such tool available: NoSuchTool");
  expect(ended.stderr).toContain(
    'could not be captured as data: the output is not JSON: "This is {not json, as asked for."',
  );
  expect(ended.stderr).toContain('workflow.yml:7:5  - claude: "not-json"');
  expect((await it.detail()).steps).toMatchObject({ ok: 2, failed: 1 });
});

test("a service that only sends rubbish fails the step with its own words", async () => {
  await using it = await newPlace({
    scenario: { rules: [{ name: "rubbish", steps: [{ garbage: true, times: "forever" }] }] },
    steps: '  - claude: "go"\n',
    env: IMPATIENT,
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain("Session failed: The service of the agent claude could not be used: API Error: ");
});

test("a slow stream is waited for, one that stops is ended in time, and the logs grow while it runs", async () => {
  await using it = await newPlace({
    scenario: {
      rules: [
        {
          name: "hang",
          when: { prompt: "hang" },
          steps: [
            { text: "First I look.", sh: "echo looking" },
            { text: "This never arrives.", hang: "mid" },
          ],
        },
        { name: "slow", steps: [{ text: "A slow answer that does arrive.", chunkSize: 4, chunkDelayMs: 100 }] },
      ],
    },
    steps: '  - claude: "dribble"\n  - claude: "hang"\n    timeout: 5\n',
  });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => it.log("claude-hang.stdout").includes("> Bash: echo looking"));
  expect(it.log("claude-hang.stdout")).toContain("First I look.\n");
  expect(it.log("claude-hang.jsonl")).toContain('"tool_use"');
  expect(it.log("claude-dribble.stdout")).toContain("A slow answer that does arrive.");
  expect(it.processes()).not.toEqual([]);
  const ended = await running.ended;
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(
    'Session failed: The agent claude did not finish within 5 s and was ended.\n  workflow.yml:6:5  - claude: "hang"\n',
  );
  expect(it.processes()).toEqual([]);
  const detail = await it.detail();
  expect(detail.fault).toMatchObject({ kind: "timeout" });
  // The answered turn is counted, and what was cut off has an unknown price.
  expect(detail).toMatchObject({ agentRuns: 2, unknownCosts: 1 });
});

test("a used-up quota pauses the session until its moment; a resume goes on with the same agent session", async () => {
  const work = [{ write: { path: "a.txt", content: "a\n" } }, { sh: "git add a.txt && git commit -qm 'add a'" }];
  await using it = await newPlace({
    scenario: { rules: [{ name: "work", steps: [...work, { fail: "usageLimit", times: "forever" }] }] },
    steps: '  - claude: "go"\n    commit_required: true\n    on_failure:\n      shell: "touch handled"\n',
    env: SUBSCRIBER,
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(4);
  expect(stable(ended.stderr, it)).toMatch(
    /^Session paused: the agent's quota is used up; it comes back at \d{4}-\d\d-\d\d \d\d:\d\d\nresume with: prodigy resume ID\n$/,
  );
  expect(ended.stdout).not.toContain("handler");
  expect(it.status()).toBe("Paused");
  const { pause } = await it.detail();
  expect(pause).toMatchObject({ kind: "limit" });
  expect(pause?.resetsAt).toBeGreaterThan(Date.now() + 3_600_000);
  const before = it.asks().length;
  it.script({ rules: [], fallback: { text: "Went on." } });
  expect(await it.prodigy("resume", "-y")).toMatchObject({ code: 0, stderr: "" });
  expect(it.asks()).toHaveLength(before + 1);
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(1);
  expect(it.rig.git("log", "--format=%s")).toBe("add a\nwork\nfirst");
  expect(await it.detail()).toMatchObject({ commits: 1, steps: { ok: 1 } });
});

test("no credit pauses without a moment", async () => {
  await using it = await newPlace({ scenario: await scenario("usage-limit"), steps: '  - claude: "credit"\n' });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(4);
  expect(ended.stdout).toContain("The agent claude has no credit left: Credit balance is too low.");
  expect((await it.detail()).pause).toEqual({ kind: "limit", resetsAt: null });
});

test("an agent repairs what a test found broken, and the test is run again", async () => {
  const repair = [
    { write: { path: "ok.txt", content: "{{what}}\n" } },
    { sh: "git add ok.txt && git commit -qm 'repair it'" },
    { text: "Repaired." },
  ];
  await using it = await newPlace({
    scenario: {
      rules: [{ name: "repair", when: { prompt: /Please make it (?<what>\w+), for (?<why>.*)/ }, steps: repair }],
    },
    steps:
      "  - shell: \"grep -q good ok.txt || { echo 'ok.txt is not good'; exit 1; }\"\n" +
      '    on_failure:\n      claude: "/fix-it good ${shell.output}"\n      commit_required: true\n      max_attempts: 2\n',
    files: { ".claude/commands/fix-it.md": "Please make it $0, for $ARGUMENTS\n" },
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toContain("handler: claude: /fix-it good ok.txt is not good");
  expect(ended.stdout).toContain("again: shell: grep -q good ok.txt");
  expect(it.asks().map(({ rule, turn }) => [rule, turn])).toEqual([
    ["repair", 0],
    ["repair", 1],
    ["repair", 2],
  ]);
  expect(it.rig.read("ok.txt")).toBe("good\n");
  expect(it.rig.git("log", "-1", "--format=%s")).toBe("repair it");
  expect((await it.detail()).steps).toMatchObject({ ok: 1, recovered: 0, failed: 0 });
});

test("two agents at once work in worktrees of their own, and both land", async () => {
  const steps = [
    { write: { path: "{{name}}.txt", content: "{{name}}\n" }, usage: { input: 1000, output: 100 } },
    { sh: "git add {{name}}.txt && git commit -qm '{{name}}'", usage: { input: 1000, output: 100 } },
    { text: "Done.", usage: { input: 1000, output: 100 } },
  ];
  await using it = await newPlace({
    scenario: { rules: [{ name: "write", when: { prompt: /write (?<name>\w+)/ }, steps }] },
    steps:
      '  - foreach: ["red", "blue"]\n    parallel: 2\n    do:\n      - claude: "write ${item}"\n        commit_required: true\n',
  });
  expect(await it.prodigy("run", "workflow.yml", "-y")).toMatchObject({ code: 0, stderr: "" });
  expect([it.rig.read("red.txt"), it.rig.read("blue.txt")]).toEqual(["red\n", "blue\n"]);
  expect(it.rig.git("worktree", "list").split("\n")).toHaveLength(1);
  expect(it.rig.git("log", "--no-merges", "--format=%s").split("\n").toSorted()).toEqual([
    "blue",
    "first",
    "red",
    "work",
  ]);
  const detail = await it.detail();
  expect(detail).toMatchObject({ agentRuns: 2, unknownCosts: 0 });
  expect(detail.usage).toMatchObject({ inputTokens: 6000, outputTokens: 600, turns: 6 });
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(2);
});
