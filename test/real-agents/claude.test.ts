// Our runner and adapter with the real program, against a model that is scripted. See test/fake-model/README.md.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";
import { openAgents } from "../../src/agents/registry.ts";
import type { AgentResult, AgentRun } from "../../src/cook/ports.ts";
import { openChildren } from "../../src/system/children.ts";
import { openMasker } from "../../src/system/masker.ts";
import { carriers, processTable } from "../../src/system/process-table.ts";
import { claudeEnv, findClaude, makeWorkspace } from "../fake-model/harness.mjs";
import { startFake } from "../fake-model/server.mjs";

let bin = "";
const undo: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  const found = findClaude(fileURLToPath(new URL(".", import.meta.url)));
  if (found === null) throw new Error("The program is not installed: npm --prefix test/real-agents ci installs it.");
  bin = found;
});

afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

type RunOptions = Partial<Omit<AgentRun, "settings">> & {
  readonly settings?: Partial<AgentRun["settings"]>;
  readonly signal?: AbortSignal;
};

async function rig(scenario: unknown, env: Readonly<Record<string, string | undefined>> = {}) {
  const fake = await startFake({ scenario });
  const place = makeWorkspace("real-claude");
  undo.push(
    () => fake.stop() as Promise<void>,
    () => place.remove(),
  );
  const masker = openMasker();
  const children = openChildren({ file: join(place.root, "children"), session: `session-${crypto.randomUUID()}` });
  const agents = openAgents({
    storageRoot: place.root,
    masker,
    children,
    scriptedCommand: [],
    substitute: null,
    graceMs: 3000,
  });
  const whole = { ...claudeEnv(fake.url, place), PRODIGY_CLAUDE_BIN: bin, ...env };
  const childEnv = Object.fromEntries(Object.entries(whole).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  const seen: string[] = [];
  const waiting: { readonly text: string; readonly go: () => void }[] = [];
  let number = 0;
  const run = (prompt: string, options: RunOptions = {}): Promise<AgentResult> => {
    number++;
    const { settings, signal, ...rest } = options;
    return agents.run(
      {
        lane: "main",
        agent: "claude",
        prompt,
        settings: {
          model: "claude-sonnet-5-5",
          maxTurns: null,
          maxBudgetUsd: null,
          effort: null,
          systemPrompt: null,
          onInterrupt: null,
          ...settings,
        },
        sessionId: crypto.randomUUID(),
        resume: false,
        directory: place.repo,
        env: childEnv,
        timeoutMs: 60_000,
        output: {
          stdoutLog: `logs/${number}.stdout`,
          stderrLog: `logs/${number}.stderr`,
          eventLog: `logs/${number}.jsonl`,
          onLine: () => undefined,
          onActivity: (text) => {
            seen.push(text);
            for (const { text: wanted, go } of waiting) if (text.includes(wanted)) go();
          },
        },
        ...rest,
      },
      signal ?? new AbortController().signal,
    );
  };
  return {
    fake,
    place,
    children,
    agents,
    masker,
    seen,
    run,
    did: (text: string) => new Promise<void>((go) => void waiting.push({ text, go })),
    log: (name: string) => readFile(join(place.root, "logs", name), "utf8"),
  };
}

async function scenario(name: string): Promise<unknown> {
  const module = (await import(`../fake-model/scenarios/${name}.mjs`)) as { readonly scenario: unknown };
  return module.scenario;
}

const fewRetries = { CLAUDE_CODE_MAX_RETRIES: "1" };

test("it writes and commits with its tools, and the live view and the logs show it", async () => {
  const it = await rig(await scenario("commit"));
  const result = await it.run("Please commit a.txt");
  expect(result).toMatchObject({
    ended: "exited",
    ok: true,
    exitCode: 0,
    text: "Committed a.txt.",
    fault: null,
    denied: [],
  });
  expect(it.place.read("a.txt")).toBe("hello\n");
  expect(it.place.git("log", "-1", "--format=%s")).toBe("add a.txt");
  expect(it.seen.some((text) => text.startsWith("Bash: git add a.txt"))).toBe(true);
  expect(await it.log("1.stdout")).toContain("Committed a.txt.\n");
  expect(result.usage).toMatchObject({
    inputTokens: 4500,
    outputTokens: 350,
    cacheReadTokens: 1500,
    cacheWriteTokens: 500,
    turns: 3,
  });
  expect(result.usage.costUsd).toBeGreaterThan(0);
  expect(await it.agents.usageFromLog("claude", "logs/1.jsonl")).toEqual(result.usage);
});

test("a failing command is not a failing run", async () => {
  const it = await rig(await scenario("failing-command"));
  const result = await it.run("go");
  expect(result.ok).toBe(true);
  expect(result.text).toContain("Exit code 3");
  expect(await it.log("1.stdout")).toContain("  failed: Exit code 3 boom");
});

test("rate limited, then fine: one run that takes a little longer", async () => {
  const it = await rig(await scenario("rate-limited-then-fine"));
  const result = await it.run("go");
  expect(result).toMatchObject({ ok: true, text: "Fine now." });
  expect(it.seen.filter((text) => text.includes("the service answered 429"))).toHaveLength(2);
});

test("a service that is overloaded for ever is said to be", async () => {
  const it = await rig(await scenario("overloaded-forever"), fewRetries);
  const result = await it.run("go");
  expect(result).toMatchObject({ ok: false, exitCode: 1, fault: { kind: "overloaded" }, resetsAt: null });
  expect(result.usage.costUsd).toBe(0);
});

test("an unusable stream is asked for again by the program itself", async () => {
  const it = await rig(await scenario("invalid-output"));
  expect(await it.run("broken-stream")).toMatchObject({ ok: true, text: "Recovered." });
  expect((await it.run("unknown-tool")).text).toContain("No such tool available");
});

test("a stream that stops is ended by our limit of time, and nothing is left of the process", async () => {
  const it = await rig(await scenario("slow-stream"));
  const result = await it.run("hang", { timeoutMs: 4000 });
  expect(result).toMatchObject({ ended: "timeout", ok: false, fault: { kind: "timeout" } });
  expect(carriers(processTable(), it.children.marker)).toEqual([]);
  expect(await it.run("dribble")).toMatchObject({ ok: true, text: "A slow answer that does arrive." });
});

test("a used-up subscription pauses, with the moment of its return", async () => {
  const it = await rig(await scenario("usage-limit"), {
    ANTHROPIC_API_KEY: undefined,
    CLAUDE_CODE_OAUTH_TOKEN: "fake-oauth-token",
  });
  const result = await it.run("go");
  expect(result).toMatchObject({ ok: false, fault: { kind: "limit" } });
  expect(result.resetsAt).toBeGreaterThan(Date.now() + 3_600_000);
});

test("no credit is a limit without a moment", async () => {
  const it = await rig(await scenario("usage-limit"));
  expect(await it.run("credit")).toMatchObject({ ok: false, fault: { kind: "limit" }, resetsAt: null });
});

test("a key that is refused is a matter of logging in", async () => {
  const it = await rig({ rules: [{ name: "auth", steps: [{ fail: "auth", times: "forever" }] }] }, fewRetries);
  expect(await it.run("go")).toMatchObject({ ok: false, fault: { kind: "auth" } });
  const none = await rig({ rules: [] }, { ANTHROPIC_API_KEY: undefined });
  expect(await none.run("go")).toMatchObject({ ok: false, fault: { kind: "auth" } });
});

test("a stopped run is continued, and remembers what it did", async () => {
  const it = await rig({
    rules: [
      { name: "again", when: { prompt: "interrupted" }, steps: [{ text: "Went on." }] },
      {
        name: "first",
        steps: [{ write: { path: "a.txt", content: "half" } }, { sh: 'node -e "setTimeout(() => {}, 60000)"' }],
      },
    ],
  });
  const stop = new AbortController();
  const sessionId = crypto.randomUUID();
  const running = it.run("begin", { sessionId, signal: stop.signal });
  await it.did("Bash: node");
  stop.abort();
  const first = await running;
  expect(first).toMatchObject({ ended: "stopped", ok: false, fault: { kind: "interrupted" } });
  expect(first.usage.costUsd).toBeNull();
  const second = await it.run("begin", { sessionId, resume: true });
  expect(second).toMatchObject({ ok: true, text: "Went on.", couldNotResume: false });
  // What was paid before the stop is not counted a second time.
  expect(second.usage.turns).toBe(1);
  expect(it.place.read("a.txt")).toBe("half");
});

test("what a continued session costs is only what is new", async () => {
  const it = await rig(await scenario("plain"));
  const sessionId = crypto.randomUUID();
  const first = await it.run("one", { sessionId });
  const second = await it.run("two", { sessionId, resume: true });
  expect(first.usage.costUsd).toBeGreaterThan(0);
  expect(second.usage.costUsd).toBeCloseTo(first.usage.costUsd ?? 0, 6);
});

test("a session that is not there cannot be continued", async () => {
  const it = await rig(await scenario("plain"));
  const result = await it.run("go", { resume: true });
  expect(result).toMatchObject({ ok: false, couldNotResume: true });
});

test("an unknown command is not started, with the names that are near", async () => {
  const it = await rig(await scenario("plain"));
  await mkdir(join(it.place.repo, ".claude", "commands", "ns"), { recursive: true });
  await writeFile(join(it.place.repo, ".claude", "commands", "prodigy-review.md"), "Review $ARGUMENTS\n");
  await writeFile(join(it.place.repo, ".claude", "commands", "ns", "deep.md"), "Deep $ARGUMENTS\n");
  const unknown = await it.run("/prodigy-reveiw a b");
  expect(unknown).toMatchObject({ ended: "not-started", ok: false, fault: { kind: "agent" } });
  expect(it.fake.asks()).toEqual([]);
  expect(unknown.fault?.message).toBe(
    "The agent claude was not started: it knows no command /prodigy-reveiw, and would take the prompt for plain text.",
  );
  expect(unknown.fault?.help).toContain("Did you mean /prodigy-review?");
  expect(await it.run("/prodigy-review a b")).toMatchObject({ ok: true });
  expect(await it.run("/ns:deep a b")).toMatchObject({ ok: true });
  // Its own commands, also by their second names.
  expect(await it.run("/code-review")).toMatchObject({ ok: true });
  expect(await it.run("/review")).toMatchObject({ ok: true });
  expect(await it.run("/path/to/file is broken")).toMatchObject({ ok: true });
});

test("long prompts and prompts that begin with a dash arrive whole", async () => {
  const it = await rig({
    rules: [
      { name: "dash", when: { prompt: "--looks like an option" }, steps: [{ text: "dash" }] },
      { name: "long", when: { prompt: "THE-END" }, steps: [{ text: "long" }] },
    ],
  });
  expect((await it.run("--looks like an option")).text).toBe("dash");
  expect((await it.run(`${"word ".repeat(40_000)}THE-END`)).text).toBe("long");
});

test("budget and turns are limits of the step", async () => {
  const it = await rig(await scenario("cost"));
  expect(await it.run("go", { settings: { maxBudgetUsd: 0.0001 } })).toMatchObject({
    ok: false,
    fault: { kind: "budget" },
  });
  expect(await it.run("go", { settings: { maxTurns: 1 } })).toMatchObject({ ok: false, fault: { kind: "agent" } });
});

test("a denied tool is reported", async () => {
  const it = await rig({ rules: [{ name: "deny", steps: [{ sh: "echo x" }, { text: "went on" }] }] });
  await mkdir(join(it.place.repo, ".claude"), { recursive: true });
  await writeFile(
    join(it.place.repo, ".claude", "settings.json"),
    JSON.stringify({ permissions: { deny: ["Bash(echo:*)"] } }),
  );
  const result = await it.run("go");
  expect(result.denied).toEqual(["Bash"]);
});

test("a secret that the agent prints is in no log", async () => {
  const it = await rig(
    { rules: [{ name: "leak", steps: [{ sh: "printenv DEPLOY_KEY" }, { text: "It is {{lastResult}}" }] }] },
    { DEPLOY_KEY: "hunter2-hunter2" },
  );
  it.masker.add("DEPLOY_KEY", "hunter2-hunter2", { certain: true });
  const result = await it.run("go");
  expect(result.text).toContain("hunter2-hunter2");
  expect(`${await it.log("1.jsonl")}${await it.log("1.stdout")}${it.seen.join("\n")}`).not.toContain("hunter2");
});
