import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChildren } from "./children.ts";
import { endLeftovers } from "./leftovers.ts";
import { identityOf } from "./process-identity.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const newSession = (): string => `session-${randomUUID()}`;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prodigy-leftovers-"));
  await build({
    stdin: {
      resolveDir: here,
      contents: `
        import { openChildren } from "./children.ts";
        import { openMasker } from "./masker.ts";
        import { openCommands } from "./processes.ts";
        const [root, session, script, die] = process.argv.slice(2);
        const children = openChildren({ file: root + "/children", session });
        const run = openCommands({ storageRoot: root, masker: openMasker(), children }).run;
        if (die === "at-record") {
          const record = children.record;
          children.record = (pid) => { record(pid); process.kill(process.pid, "SIGKILL"); };
        }
        run({ lane: "main", script, directory: root, env: { PATH: process.env.PATH }, timeoutMs: null, output: {
          stdoutLog: "out", stderrLog: "err",
          onLine: (_, line) => { if (line === "die") process.kill(process.pid, "SIGKILL"); },
        } }, new AbortController().signal);
      `,
    },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    outfile: join(folder, "worker.mjs"),
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a worker that is killed in the middle of a command. */
async function killedWorker(script: string, die: "at-record" | "when-told" = "when-told") {
  const root = await mkdtemp(join(folder, "run-"));
  // A name of its own: whoever runs these tests beside us has processes that ours must not end.
  const session = newSession();
  const worker: ChildProcess = spawn(process.execPath, [join(folder, "worker.mjs"), root, session, script, die], {
    stdio: "ignore",
  });
  const ended: readonly unknown[] = await once(worker, "exit");
  expect(ended[1]).toBe("SIGKILL");
  return { root, children: openChildren({ file: join(root, "children"), session }) };
}

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

async function gone(pid: number): Promise<void> {
  while (identityOf(pid) !== null) await new Promise((resolve) => void setImmediate(resolve));
}

test("a child whose worker died before letting it go does nothing and goes away", async () => {
  const { root, children } = await killedWorker("echo acted > acted", "at-record");
  const [record] = children.recorded();
  expect(record).toBeDefined();
  await gone(record?.pid ?? 0);
  expect(await read(join(root, "acted"))).toBe("");
});

test("what a killed worker left running is ended, and counted", async () => {
  const { root, children } = await killedWorker("echo $$ >> pids; sleep 100 & echo $! >> pids; echo die; wait");
  const pids = (await read(join(root, "pids"))).trim().split("\n").map(Number);
  expect(pids.map((pid) => identityOf(pid) !== null)).toEqual([true, true]);
  expect(await endLeftovers(children)).toBe(2);
  expect(pids.map((pid) => identityOf(pid))).toEqual([null, null]);
  expect(await endLeftovers(children)).toBe(0);
  expect(children.recorded()).toEqual([]);
});

test.runIf(process.platform === "linux")(
  "what left its process group and its parent is found by its environment",
  async () => {
    const { root, children } = await killedWorker(
      "setsid sh -c 'echo $$ > away.tmp; mv away.tmp away; exec sleep 100' > /dev/null 2>&1 & while [ ! -f away ]; do sleep 0.02; done; echo die; exit 0",
    );
    const pid = Number(await read(join(root, "away")));
    expect(identityOf(pid)).not.toBeNull();
    await endLeftovers(children);
    expect(identityOf(pid)).toBeNull();
  },
);

test("a process that got a dead child's number is left alone", async () => {
  const root = await mkdtemp(join(folder, "run-"));
  const stranger = spawn("sleep", ["100"], { stdio: "ignore", detached: true });
  const file = join(root, "children");
  await writeFile(file, `${JSON.stringify({ pid: stranger.pid, startedAt: "another-boot/1" })}\n`);
  expect(await endLeftovers(openChildren({ file, session: newSession() }))).toBe(0);
  expect(identityOf(stranger.pid ?? 0)).not.toBeNull();
  stranger.kill("SIGKILL");
});

test("we ourselves and those above us are spared, even when they carry the session's marker", async () => {
  const root = await mkdtemp(join(folder, "run-"));
  const file = join(root, "children");
  const own = identityOf(process.pid);
  const parent = identityOf(process.ppid);
  await writeFile(
    file,
    [own, parent].map((who) => `${JSON.stringify({ pid: who?.pid, startedAt: who?.startedAt })}\n`).join(""),
  );
  await endLeftovers(openChildren({ file, session: newSession() }));
  expect(identityOf(process.ppid)).toEqual(parent);
});

test("a torn last record is no reason to fail", async () => {
  const root = await mkdtemp(join(folder, "run-"));
  const file = join(root, "children");
  await writeFile(file, '{"pid":12');
  expect(await endLeftovers(openChildren({ file, session: newSession() }))).toBe(0);
});

test("processes of another session, such as one inside an agent of ours, are left to their own", async () => {
  const root = await mkdtemp(join(folder, "run-"));
  const env = { PATH: process.env["PATH"] ?? "", PRODIGY_SESSION: newSession() };
  const nested = spawn("sleep", ["100"], { stdio: "ignore", detached: true, env });
  expect(await endLeftovers(openChildren({ file: join(root, "children"), session: newSession() }))).toBe(0);
  expect(identityOf(nested.pid ?? 0)).not.toBeNull();
  nested.kill("SIGKILL");
});
