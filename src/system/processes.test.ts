import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CommandResult } from "../cook/ports.ts";
import { openChildren } from "./children.ts";
import { identityOf } from "./process-identity.ts";
import { openCommands } from "./processes.ts";
import { openMasker } from "./masker.ts";

async function rig() {
  const root = await mkdtemp(join(tmpdir(), "prodigy-commands-"));
  const masker = openMasker();
  const children = openChildren({ file: join(root, "children"), session: `session-${randomUUID()}` });
  const commands = openCommands({ storageRoot: root, masker, children, graceMs: 300 });
  const lines: string[] = [];
  const waiting: { readonly text: string; readonly go: () => void }[] = [];
  const run = (
    script: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly directory?: string } = {},
  ): Promise<CommandResult> =>
    commands.run(
      {
        lane: "main",
        script,
        directory: options.directory ?? root,
        env: { PATH: process.env["PATH"] ?? "", NODE: process.execPath },
        timeoutMs: options.timeoutMs ?? null,
        output: {
          stdoutLog: "logs/out",
          stderrLog: "logs/err",
          onLine: (stream, line) => {
            lines.push(`${stream}: ${line}`);
            for (const { text, go } of waiting) if (line.includes(text)) go();
          },
        },
      },
      options.signal ?? new AbortController().signal,
    );
  return {
    root,
    masker,
    children,
    lines,
    run,
    said: (text: string) => new Promise<void>((go) => waiting.push({ text, go })),
    log: (name: "out" | "err") => readFile(join(root, "logs", name), "utf8"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

const pidsIn = (text: string): readonly number[] => [...text.matchAll(/pid=(\d+)/g)].map((match) => Number(match[1]));
const living = (text: string): readonly number[] => pidsIn(text).filter((pid) => identityOf(pid) !== null);

test("a command's output, exit code and logs are kept", async () => {
  await using it = await rig();
  const result = await it.run("echo out; echo err >&2; exit 3");
  expect(result).toMatchObject({
    exitCode: 3,
    signal: null,
    ended: "exited",
    stdout: "out\n",
    stderr: "err\n",
    truncated: false,
    problem: null,
  });
  expect(await it.log("out")).toBe("out\n");
  expect(await it.log("err")).toBe("err\n");
  expect(it.lines.toSorted()).toEqual(["stderr: err", "stdout: out"]);
});

test("a command finds nothing to read and does not wait for it", async () => {
  await using it = await rig();
  expect((await it.run("cat; echo done")).stdout).toBe("done\n");
});

test("what the launcher needs is not seen by the command", async () => {
  await using it = await rig();
  const result = await it.run('echo "${go-unset}"; (: <&3) 2>/dev/null && echo open || echo closed');
  expect(result.stdout).toBe("unset\nclosed\n");
});

test("a command that ran out of time is ended with all that it started", async () => {
  await using it = await rig();
  const result = await it.run("sleep 100 & echo pid=$!; (sleep 101 & echo pid=$!; wait) & wait", { timeoutMs: 300 });
  expect(result).toMatchObject({ ended: "timeout", exitCode: null, signal: "SIGTERM" });
  expect(pidsIn(result.stdout)).toHaveLength(2);
  expect(living(result.stdout)).toEqual([]);
});

test("a command that ignores TERM is killed after the grace", async () => {
  await using it = await rig();
  const stop = new AbortController();
  const running = it.run('trap "" TERM; echo ready; while :; do sleep 0.05; done', { signal: stop.signal });
  await it.said("ready");
  stop.abort();
  expect(await running).toMatchObject({ ended: "stopped", signal: "SIGKILL" });
});

test("a command that was stopped may still say something", async () => {
  await using it = await rig();
  const stop = new AbortController();
  const running = it.run('trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.05; done', {
    signal: stop.signal,
  });
  await it.said("ready");
  stop.abort();
  expect(await running).toMatchObject({ ended: "stopped", exitCode: 9, stdout: "ready\nbye\n" });
});

test("a stop before the start starts nothing", async () => {
  await using it = await rig();
  expect(await it.run("touch here", { signal: AbortSignal.abort() })).toMatchObject({
    ended: "stopped",
    exitCode: null,
  });
  expect(existsSync(join(it.root, "here"))).toBe(false);
});

test("background children end with the command", async () => {
  await using it = await rig();
  const result = await it.run("sleep 100 & echo pid=$!; exit 0");
  expect(result).toMatchObject({ ended: "exited", exitCode: 0 });
  expect(living(result.stdout)).toEqual([]);
});

test.runIf(process.platform === "linux")("a daemon that holds the pipe does not hold us", async () => {
  await using it = await rig();
  const result = await it.run(
    "setsid sh -c 'echo pid=$$; : > away; exec sleep 100' & while [ ! -f away ]; do sleep 0.02; done",
  );
  expect(result).toMatchObject({ ended: "exited", exitCode: 0 });
  const [daemon = 0] = pidsIn(result.stdout);
  expect(identityOf(daemon)).not.toBeNull();
  process.kill(daemon, "SIGKILL");
});

test.runIf(process.platform === "linux")("a stop also reaches what has left the process group", async () => {
  await using it = await rig();
  const stop = new AbortController();
  // The first keeps its parent; the second is nobody's child any more.
  const running = it.run(
    "setsid sleep 100 & echo pid=$!; (setsid sh -c 'echo pid=$$; exec sleep 101' &) ; echo ready; wait",
    { signal: stop.signal },
  );
  await it.said("ready");
  await new Promise<void>((resolve) => {
    const check = (): void => (pidsIn(it.lines.join("\n")).length === 2 ? resolve() : void setImmediate(check));
    check();
  });
  stop.abort();
  const result = await running;
  expect(pidsIn(result.stdout)).toHaveLength(2);
  expect(living(result.stdout)).toEqual([]);
});

test("secrets do not reach the logs or the screen, but the captured text is whole", async () => {
  await using it = await rig();
  it.masker.add("TOKEN", "hunter2hunter2", { certain: true });
  const result = await it.run("printf hunter2; sleep 0.05; echo hunter2; echo more");
  expect(result.stdout).toBe("hunter2hunter2\nmore\n");
  expect(await it.log("out")).toBe("***\nmore\n");
  expect(it.lines).toEqual(["stdout: ***", "stdout: more"]);
});

test("characters that are cut between two writes stay whole", async () => {
  await using it = await rig();
  expect((await it.run("printf '\\303'; sleep 0.05; printf '\\244\\n'")).stdout).toBe("ä\n");
});

test("output beyond the limit is cut in memory and whole in the log", async () => {
  await using it = await rig();
  const result = await it.run('"$NODE" -e \'process.stdout.write("x".repeat(17 * 1024 * 1024))\'');
  expect(result.truncated).toBe(true);
  expect(result.stdout.length).toBe(16 * 1024 * 1024);
  expect((await it.log("out")).length).toBe(17 * 1024 * 1024);
});

test("a script that is too long for an argument runs all the same", async () => {
  await using it = await rig();
  const result = await it.run(`: '${"x".repeat(300_000)}'\necho long`);
  expect(result).toMatchObject({ exitCode: 0, stdout: "long\n" });
});

test("a directory that is not there is said to be the problem", async () => {
  await using it = await rig();
  const directory = join(it.root, "missing");
  const result = await it.run("true", { directory });
  expect(result).toMatchObject({
    ended: "not-started",
    exitCode: null,
    problem: `its directory ${directory} cannot be used: no such file or directory`,
  });
});

test("a script that cannot be an argument is a result and not a crash", async () => {
  await using it = await rig();
  expect(await it.run("echo \0")).toMatchObject({ ended: "not-started", exitCode: null });
});

test("each child is written down, and nobody is left in the list of the living", async () => {
  await using it = await rig();
  await it.run("echo one");
  await it.run("echo two");
  expect(it.children.recorded()).toHaveLength(2);
  expect(it.children.live()).toEqual([]);
});

test("killing everything at once ends a command that would not listen", async () => {
  await using it = await rig();
  const running = it.run('trap "" TERM; echo ready; while :; do sleep 0.05; done');
  await it.said("ready");
  it.children.killAll();
  expect(await running).toMatchObject({ ended: "exited", signal: "SIGKILL" });
});

test("a log keeps what an earlier attempt wrote", async () => {
  await using it = await rig();
  await it.run("echo one");
  await it.run("echo two");
  expect(await it.log("out")).toBe("one\ntwo\n");
});

test("a command whose log cannot be opened does not start, and says so", async () => {
  await using it = await rig();
  await writeFile(join(it.root, "logs"), "a file");
  expect(await it.run("echo one")).toMatchObject({
    ended: "not-started",
    problem: "its log cannot be written: file already exists",
  });
});
