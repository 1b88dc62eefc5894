import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentResult, AgentRun } from "../cook/ports.ts";
import { openChildren } from "../system/children.ts";
import { openMasker } from "../system/masker.ts";
import { openAgents } from "./registry.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prodigy-scripted-"));
  await build({
    stdin: {
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
      contents: `
        import { scriptedMain } from "./scripted-main.ts";
        process.exitCode = await scriptedMain({
          argv: process.argv.slice(2), directory: process.cwd(), env: process.env,
          stdin: process.stdin, stdout: process.stdout, stderr: process.stderr,
        });`,
    },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    outfile: join(folder, "agent.mjs"),
    banner: {
      js: 'import { createRequire as createRequire$ } from "node:module"; const require = createRequire$(import.meta.url);',
    },
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function rig(script: string, env: Readonly<Record<string, string>> = {}) {
  const root = await mkdtemp(join(folder, "run-"));
  const directory = join(root, "tree");
  execFileSync("git", ["init", "-q", "-b", "main", directory]);
  await writeFile(join(root, "script.yml"), script);
  const masker = openMasker();
  const agents = openAgents({
    storageRoot: root,
    masker,
    children: openChildren({ file: join(root, "children"), session: `session-${randomUUID()}` }),
    scriptedCommand: [process.execPath, join(folder, "agent.mjs")],
    substitute: "scripted",
    graceMs: 500,
  });
  const seen: string[] = [];
  const waiting: { readonly text: string; readonly go: () => void }[] = [];
  let number = 0;
  const run = (
    prompt: string,
    options: Partial<AgentRun> & { readonly signal?: AbortSignal } = {},
  ): Promise<AgentResult> => {
    number++;
    return agents.run(
      {
        lane: "main",
        agent: "claude",
        prompt,
        settings: {
          model: null,
          maxTurns: null,
          maxBudgetUsd: null,
          effort: null,
          systemPrompt: null,
          onInterrupt: null,
        },
        sessionId: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
        resume: false,
        directory,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: root,
          GIT_CONFIG_NOSYSTEM: "1",
          PRODIGY_SCRIPT: join(root, "script.yml"),
          ...env,
        },
        timeoutMs: null,
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
        ...options,
      },
      options.signal ?? new AbortController().signal,
    );
  };
  return {
    agents,
    masker,
    seen,
    run,
    did: (text: string) => new Promise<void>((go) => void waiting.push({ text, go })),
    read: (name: string) => readFile(join(directory, name), "utf8"),
    log: (name: string) => readFile(join(root, "logs", name), "utf8"),
    has: (name: string) => existsSync(join(directory, name)),
    git: (...args: string[]) => execFileSync("git", args, { cwd: directory, encoding: "utf8" }).trim(),
  };
}

test("a script writes, edits, runs, commits and says what it did", async () => {
  const it = await rig(`
rules:
  - when: { command: fix }
    steps:
      - say: Looking at {{1}}.
      - write: { path: "src/{{1}}", content: "one\\n" }
        usage: { input: 100, output: 20, cost: 0.01 }
      - append: { path: "src/{{1}}", content: "two\\n" }
      - edit: { path: "src/{{1}}", from: two, to: three }
      - shell: wc -l src/{{1}}
      - commit: "fix {{args}}"
      - say: Fixed {{1}}.
        usage: { input: 200, output: 5, cost: 0.02 }
`);
  const result = await it.run("/fix a.txt now");
  expect(result).toMatchObject({
    ended: "exited",
    ok: true,
    exitCode: 0,
    text: "Fixed a.txt.",
    fault: null,
    denied: [],
  });
  expect(result.usage).toMatchObject({ costUsd: 0.03, inputTokens: 300, outputTokens: 25 });
  expect(await it.read("src/a.txt")).toBe("one\nthree\n");
  expect(it.git("log", "--format=%s")).toBe("fix a.txt now");
  expect(it.seen).toEqual([
    "Looking at a.txt.",
    "Write: src/a.txt",
    "Edit: src/a.txt",
    "Edit: src/a.txt",
    "Bash: wc -l src/a.txt",
    'Bash: git commit -m "fix a.txt now"',
    "Fixed a.txt.",
  ]);
  expect(await it.log("1.stdout")).toContain("Looking at a.txt.\n> Write: src/a.txt\n");
  expect(await it.agents.usageFromLog("claude", "logs/1.jsonl")).toEqual(result.usage);
});

test("rules are tried in order, by command, by text and by pattern, and then the fallback", async () => {
  const it = await rig(`
rules:
  - { when: { command: go }, steps: [{ say: command }] }
  - { when: { matches: "^add (?<what>\\\\w+)" }, steps: [{ say: "pattern {{what}}" }] }
  - { when: please, steps: [{ say: contains }] }
fallback: [{ say: fallback }]
`);
  const texts = await Promise.all(
    ["/go", "/gone", "add this", "oh please", "else"].map(async (prompt) => (await it.run(prompt)).text),
  );
  expect(texts).toEqual(["command", "fallback", "pattern this", "contains", "fallback"]);
});

test("a failure happens as often as it says, over all attempts, and then gives way", async () => {
  const it = await rig("rules: [{ steps: [{ fail: overloaded, times: 2 }, { say: fine }] }]");
  const results = [await it.run("go"), await it.run("go"), await it.run("go")];
  expect(results.map((result) => result.fault?.kind ?? "ok")).toEqual(["overloaded", "overloaded", "ok"]);
  expect(results.map((result) => result.ok)).toEqual([false, false, true]);
});

test("each kind of failure becomes the fault that the real agent's would", async () => {
  const kinds = ["limit", "overloaded", "auth", "budget", "turns", "error", "crash", "killed", "silent"];
  const it = await rig(
    `rules: [${kinds.map((kind) => `{ when: "do ${kind}", steps: [{ fail: { kind: ${kind}, message: "said so" } }] }`).join(", ")}]`,
  );
  const faults: string[] = [];
  for (const kind of kinds) faults.push((await it.run(`do ${kind}`)).fault?.kind ?? "none");
  expect(faults).toEqual(["limit", "overloaded", "auth", "budget", "agent", "agent", "agent", "signal", "agent"]);
});

test("a used-up quota says when it comes back", async () => {
  const it = await rig("rules: [{ steps: [{ fail: { kind: limit, resetsInMs: 600000 } }] }]");
  const before = Date.now();
  const { resetsAt } = await it.run("go");
  expect(resetsAt).toBeGreaterThanOrEqual(before + 600_000);
  expect(resetsAt).toBeLessThan(Date.now() + 602_000);
});

test("a stopped run is continued where it was, and does nothing twice", async () => {
  const it = await rig(`
rules:
  - steps:
      - append: { path: log, content: "once\\n" }
      - { hang: true, times: 1 }
      - append: { path: log, content: "twice\\n" }
      - say: done
`);
  const stop = new AbortController();
  const first = it.run("go", { sessionId: "11111111-1111-4111-8111-111111111111", signal: stop.signal });
  await it.did("Bash: hang");
  stop.abort();
  expect(await first).toMatchObject({ ended: "stopped", ok: false, fault: { kind: "interrupted" } });
  const second = await it.run("go on", { sessionId: "11111111-1111-4111-8111-111111111111", resume: true });
  expect(second).toMatchObject({ ok: true, text: "done", couldNotResume: false });
  expect(await it.read("log")).toBe("once\ntwice\n");
});

test("what a killed run had used is read from its log, and its cost is unknown", async () => {
  const it = await rig("rules: [{ steps: [{ say: a, usage: { input: 5, output: 7, cost: 1 } }, { fail: killed }] }]");
  await it.run("go");
  expect(await it.agents.usageFromLog("claude", "logs/1.jsonl")).toMatchObject({
    costUsd: null,
    inputTokens: 5,
    outputTokens: 7,
    turns: 1,
  });
  expect(await it.agents.usageFromLog("claude", "logs/none.jsonl")).toBeNull();
});

test("a session that is not there cannot be continued, which is said", async () => {
  const it = await rig("rules: [{ steps: [{ say: a }] }]");
  expect(await it.run("go", { resume: true })).toMatchObject({ ok: false, couldNotResume: true });
});

test("an agent that hangs is ended by the limit of silence", async () => {
  const it = await rig("rules: [{ steps: [{ hang: true }] }]", { PRODIGY_AGENT_IDLE_TIMEOUT: "1" });
  expect(await it.run("go")).toMatchObject({ ended: "idle", ok: false, fault: { kind: "idle" } });
});

test("an agent that takes too long is ended by the limit of time", async () => {
  const it = await rig("rules: [{ steps: [{ hang: true }] }]");
  expect(await it.run("go", { timeoutMs: 300 })).toMatchObject({
    ended: "timeout",
    ok: false,
    fault: { kind: "timeout" },
  });
});

test("denied tools are reported, and the run is not failed for them", async () => {
  const it = await rig("rules: [{ steps: [{ deny: Bash }, { say: went on }] }]");
  expect(await it.run("go")).toMatchObject({ ok: true, denied: ["Bash"] });
});

test("secrets do not reach the event log, the readable log or the live view", async () => {
  const it = await rig('rules: [{ steps: [{ shell: "echo hunter2hunter2" }, { say: "it is hunter2hunter2" }] }]');
  it.masker.add("PASSWORD", "hunter2hunter2", { certain: true });
  const result = await it.run("go");
  expect(result.text).toBe("it is hunter2hunter2");
  expect(`${await it.log("1.jsonl")}${await it.log("1.stdout")}${it.seen.join("")}`).not.toContain("hunter2");
});

test("loops repeat their steps and number them", async () => {
  const it = await rig(
    'rules: [{ steps: [{ repeat: { times: 3, steps: [{ write: { path: "f{{n}}", content: "{{n}}" } }] } }] }]',
  );
  await it.run("go");
  expect([await it.read("f1"), await it.read("f2"), await it.read("f3")]).toEqual(["1", "2", "3"]);
});

test("a script cannot write outside its tree", async () => {
  const it = await rig("rules: [{ steps: [{ write: { path: ../outside, content: x } }] }]");
  expect(await it.run("go")).toMatchObject({ ok: false, fault: { kind: "agent" } });
  expect(it.has("../outside")).toBe(false);
});

test("a prompt that no rule fits fails, and says so", async () => {
  const it = await rig("rules: [{ when: xyz, steps: [{ say: a }] }]");
  const { fault } = await it.run("go");
  expect(fault?.message).toMatch(/^The agent scripted failed: no rule of .*script\.yml fits this prompt\.$/);
});

test("a mistake in a script is named with its place", async () => {
  const it = await rig("rules: [{ steps: [{ sing: a }] }]");
  const { fault } = await it.run("go");
  expect(fault?.message).toContain('rules[0].steps[0] has the unknown action "sing"');
});

test("without a script the agent does not start, and costs nothing", async () => {
  const it = await rig("rules: []", { PRODIGY_SCRIPT: "" });
  expect(await it.run("go")).toMatchObject({ ended: "not-started", usage: { costUsd: 0 }, fault: { kind: "input" } });
});
