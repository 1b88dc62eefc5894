import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentResult, AgentRun } from "../cook/ports.ts";
import { openChildren } from "../system/children.ts";
import { openMasker } from "../system/masker.ts";
import { openAgents } from "./registry.ts";
import { commandName } from "./slash-commands.ts";

/** A program that notes how it was called, says what it is told to say, and then waits if it is told to. */
const FAKE = `#!/bin/sh
case "$*" in *--input-format*) cat > "$NOTES/question"; cat "$NOTES/answer" 2>/dev/null; exit 0 ;; esac
for argument in "$@"; do printf '%s\\n' "$argument"; done > "$NOTES/argv"
env > "$NOTES/env"
cat > "$NOTES/stdin"
cat "$NOTES/says" 2>/dev/null
[ -e "$NOTES/waits" ] && exec sleep 100
exit 0
`;

const INIT = JSON.stringify({
  type: "system",
  subtype: "init",
  session_id: "s",
  slash_commands: ["review", "prodigy-fix", "/compact"],
});
const DONE = JSON.stringify({
  type: "result",
  subtype: "success",
  is_error: false,
  result: "done",
  total_cost_usd: 0.1,
  num_turns: 1,
  usage: {},
});

async function rig() {
  const root = await mkdtemp(join(tmpdir(), "prodigy-claude-"));
  const directory = join(root, "tree");
  const session = `session-${randomUUID()}`;
  await mkdir(directory);
  await writeFile(join(root, "claude"), FAKE);
  await chmod(join(root, "claude"), 0o755);
  const agents = openAgents({
    storageRoot: root,
    masker: openMasker(),
    children: openChildren({ file: join(root, "children"), session }),
    scriptedCommand: [],
    substitute: null,
    graceMs: 300,
  });
  const run = (prompt: string, options: Partial<AgentRun> = {}): Promise<AgentResult> =>
    agents.run(
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
        sessionId: "11111111-1111-4111-8111-111111111111",
        resume: false,
        directory,
        timeoutMs: null,
        output: {
          stdoutLog: "out",
          stderrLog: "err",
          eventLog: "events",
          onLine: () => undefined,
          onActivity: () => undefined,
        },
        ...options,
        env: { PATH: `${root}:/usr/bin:/bin`, NOTES: root, IS_SANDBOX: "1", ...options.env },
      },
      new AbortController().signal,
    );
  const says = (...lines: readonly string[]): Promise<void> =>
    writeFile(join(root, "says"), lines.map((line) => `${line}\n`).join(""));
  await says(INIT, DONE);
  return {
    root,
    session,
    directory,
    agents,
    run,
    says,
    answers: (line: string): Promise<void> => writeFile(join(root, "answer"), `${line}\n`),
    waits: () => writeFile(join(root, "waits"), ""),
    argv: async () => (await readFile(join(root, "argv"), "utf8")).trimEnd().split("\n"),
    note: (name: string) => readFile(join(root, name), "utf8"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test("the program is called with its session, and with nothing that was not said", async () => {
  await using it = await rig();
  expect(await it.run("do it")).toMatchObject({ ok: true, text: "done", usage: { costUsd: 0.1 } });
  expect(await it.argv()).toEqual([
    "--print",
    "do it",
    "--output-format",
    "stream-json",
    "--verbose",
    "--dangerously-skip-permissions",
    "--session-id",
    "11111111-1111-4111-8111-111111111111",
  ]);
  expect(await it.note("stdin")).toBe("");
});

test("settings become options", async () => {
  await using it = await rig();
  const settings = {
    model: "m",
    maxTurns: 5,
    maxBudgetUsd: 0.5,
    effort: "high",
    systemPrompt: "be brief",
    onInterrupt: null,
  };
  await it.run("do it", { settings });
  const argv = (await it.argv()).join(" ");
  expect(argv).toContain(
    "--model m --max-turns 5 --max-budget-usd 0.5 --effort high --append-system-prompt be brief --session-id",
  );
});

test("a continued session is told that it was interrupted", async () => {
  await using it = await rig();
  await it.run("the task", { resume: true });
  const argv = await it.argv();
  expect(argv.slice(-2)).toEqual(["--resume", "11111111-1111-4111-8111-111111111111"]);
  expect(argv.slice(1, 4).join("\n")).toMatch(/^You were interrupted .*\n\nthe task$/s);
});

test.each([
  ["begins with a dash", "-v is an option"],
  ["is long", "x".repeat(200_000)],
])("a prompt that %s goes by stdin", async (_, prompt) => {
  await using it = await rig();
  await it.run(prompt);
  expect(await it.note("stdin")).toBe(prompt);
  expect((await it.argv())[1]).toBe("--output-format");
});

test("what a surrounding agent left in the environment does not reach ours, and the rest does", async () => {
  await using it = await rig();
  await it.run("do it", {
    env: { CLAUDECODE: "1", CLAUDE_CODE_ENTRYPOINT: "cli", CLAUDE_CODE_MAX_RETRIES: "3", MINE: "yes" },
  });
  const env = await it.note("env");
  expect(env).not.toMatch(/^(?:CLAUDECODE|CLAUDE_CODE_ENTRYPOINT)=/m);
  expect(env).toMatch(/^CLAUDE_CODE_MAX_RETRIES=3$/m);
  expect(env).toMatch(/^MINE=yes$/m);
  expect(env).toMatch(/^PRODIGY_AUTOMATION=true$/m);
  expect(env).toMatch(new RegExp(`^PRODIGY_SESSION=${it.session}$`, "m"));
});

test.runIf(process.getuid?.() === 0)("as root it says what to do instead of failing in the program", async () => {
  await using it = await rig();
  const refused = await it.run("do it", { env: { IS_SANDBOX: "" } });
  expect(refused).toMatchObject({ ended: "not-started", usage: { costUsd: 0 }, fault: { kind: "spawn" } });
  expect(refused.fault?.help).toContain("PRODIGY_CLAUDE_AS_ROOT=sandbox");
  expect(await it.run("do it", { env: { IS_SANDBOX: "", PRODIGY_CLAUDE_AS_ROOT: "sandbox" } })).toMatchObject({
    ok: true,
  });
});

test("a program that is not installed is said to be missing", async () => {
  await using it = await rig();
  const { fault, ended } = await it.run("do it", { env: { PATH: "/nowhere" } });
  expect(ended).toBe("not-started");
  expect(fault).toMatchObject({
    kind: "spawn",
    message: "The agent claude was not started: there is no program claude.",
  });
  expect(fault?.help).toContain("npm install -g @anthropic-ai/claude-code");
});

test("the program may have another name", async () => {
  await using it = await rig();
  expect(
    await it.run("do it", { env: { PATH: "/usr/bin:/bin", PRODIGY_CLAUDE_BIN: join(it.root, "claude") } }),
  ).toMatchObject({ ok: true });
});

test("an agent that nobody knows is a mistake in the workflow", async () => {
  await using it = await rig();
  const { fault } = await it.run("do it", { agent: "klaus" });
  expect(fault).toMatchObject({
    kind: "input",
    message: 'The agent "klaus" is not known.',
    help: "Agents that Prodigy can run: claude, scripted.",
  });
  expect(it.agents.canResume("klaus")).toBe(false);
  expect(it.agents.canResume("claude")).toBe(true);
});

test("an unknown command ends the run at once", async () => {
  await using it = await rig();
  await it.says(INIT);
  await it.waits();
  const result = await it.run("/prodigy-fux a");
  expect(result).toMatchObject({ ended: "exited", ok: false, fault: { kind: "agent" } });
  expect(result.fault?.help).toContain("Did you mean /prodigy-fix?");
});

test("a command that the program does not know, when it is asked, never starts it", async () => {
  await using it = await rig();
  const commands = [{ name: "review", aliases: ["look"] }, { name: "prodigy-fix" }];
  await it.answers(
    JSON.stringify({ type: "control_response", response: { subtype: "success", response: { commands } } }),
  );
  const result = await it.run("/prodigy-fux a");
  expect(result).toMatchObject({ ended: "not-started", ok: false, usage: { costUsd: 0 }, fault: { kind: "agent" } });
  expect(result.fault?.message).toBe(
    "The agent claude was not started: it knows no command /prodigy-fux, and would take the prompt for plain text.",
  );
  expect(result.fault?.help).toContain("Did you mean /prodigy-fix?");
  await expect(it.argv()).rejects.toThrow("ENOENT");
  expect(JSON.parse(await it.note("question"))).toMatchObject({ request: { subtype: "initialize" } });
  for (const prompt of ["/prodigy-fix", "/look here"]) expect(await it.run(prompt)).toMatchObject({ ok: true });
});

test("a command that a file holds is not doubted, even if the program does not list it", async () => {
  await using it = await rig();
  await mkdir(join(it.directory, ".claude", "commands", "ns"), { recursive: true });
  await writeFile(join(it.directory, ".claude", "commands", "ns", "deep.md"), "x");
  await mkdir(join(it.directory, ".claude", "skills", "greeter"), { recursive: true });
  await writeFile(join(it.directory, ".claude", "skills", "greeter", "SKILL.md"), "x");
  await mkdir(join(it.root, "config", "commands"), { recursive: true });
  await writeFile(join(it.root, "config", "commands", "mine.md"), "x");
  const env = { CLAUDE_CONFIG_DIR: join(it.root, "config") };
  for (const prompt of ["/ns:deep a", "/greeter zed", "/mine", "/review", "/compact"])
    expect(await it.run(prompt, { env })).toMatchObject({ ok: true });
});

test.each([
  "/usr is full",
  "/path/to/file is broken",
  "/etc/hosts",
  "/ what",
  "no /nope here",
  "/1 is no name",
  "/a.txt is missing",
])("%j is plain text", async (prompt) => {
  await using it = await rig();
  expect(await it.run(prompt)).toMatchObject({ ok: true });
});

test("a program that does not tell its commands is not judged by them", async () => {
  await using it = await rig();
  await it.says(JSON.stringify({ type: "system", subtype: "init" }), DONE);
  expect(await it.run("/nope")).toMatchObject({ ok: true });
});

test.each([
  ["/fix", "fix"],
  ["/fix a b", "fix"],
  ["/ns:deep:er\nmore", "ns:deep:er"],
  ["/plugin:cmd.v2 x", "plugin:cmd.v2"],
  [" /fix", null],
  ["/a/b", null],
  ["fix", null],
])("the command of %j is %j", (prompt, name) => {
  expect(commandName(prompt)).toBe(name);
});
