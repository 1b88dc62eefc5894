import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { acquireLock, LEASE_MS, type LockOptions, type LockRecord, lockHolder } from "./lock.ts";
import { temporaryFolder } from "../../test/kit/folder.ts";

const NOW = 1_700_000_000_000;

test("a held lock is refused with who holds it, since when, and what to do", async () => {
  await using folder = await temporaryFolder();
  await using lock = await taken(options(folder.path));
  expect(lock.lost.aborted).toBe(false);
  expect(await acquireLock(options(folder.path))).toMatchObject({
    ok: false,
    fault: {
      message:
        "Session s-1 is already in progress: process 11 on here has worked on it since 2023-11-14T22:13:20.000Z.",
      help: "Wait for it, or stop it with: prodigy stop s-1",
    },
  });
});

test("a released lock can be taken again, and leaves one file", async () => {
  await using folder = await temporaryFolder();
  for (let round = 0; round < 3; round += 1) {
    await using _lock = await taken(options(folder.path));
  }
  expect((await readdir(join(folder.path, "lock"))).filter((name) => !name.startsWith("."))).toEqual(["3.lock"]);
  expect(await lockHolder(options(folder.path))).toBe(null);
});

test("locks of two sessions do not know of each other", async () => {
  await using folder = await temporaryFolder();
  await using _one = await taken(options(folder.path));
  await using two = await taken({ ...options(folder.path), directory: join(folder.path, "other") });
  expect(two.lost.aborted).toBe(false);
});

test("the open socket alone keeps a lock, whatever the process table says", async () => {
  await using folder = await temporaryFolder();
  await using _lock = await taken({ ...options(folder.path), socketDirectory: join(folder.path, "s") });
  const elsewhere: LockOptions = { ...options(folder.path), isAlive: () => "gone" };
  expect((await acquireLock(elsewhere)).ok).toBe(false);
});

test("without a socket a living process keeps the lock", async () => {
  await using folder = await temporaryFolder();
  await using _lock = await taken(options(folder.path));
  expect((await acquireLock(options(folder.path))).ok).toBe(false);
});

test("the lock of a process that is gone is taken at once", async () => {
  await using folder = await temporaryFolder();
  await leave(folder.path, {});
  await using lock = await taken({ ...options(folder.path), isAlive: () => "gone" });
  expect(lock.lost.aborted).toBe(false);
});

test("a holder on another machine is believed as long as its lease is fresh", async () => {
  await using folder = await temporaryFolder();
  await leave(folder.path, { host: "there" });
  const asked = { ...options(folder.path), isAlive: () => "elsewhere" as const };
  expect((await acquireLock({ ...asked, now: () => NOW + LEASE_MS - 1 })).ok).toBe(false);
  await using _lock = await taken({ ...asked, now: () => NOW + LEASE_MS });
});

test("a holder of another boot is believed as long as its lease is fresh, because another machine may have our name", async () => {
  await using folder = await temporaryFolder();
  await leave(folder.path, { bootId: "boot-0" });
  const asked = { ...options(folder.path), isAlive: () => "gone" as const };
  expect((await acquireLock({ ...asked, now: () => NOW + LEASE_MS - 1 })).ok).toBe(false);
  await using _lock = await taken({ ...asked, now: () => NOW + LEASE_MS });
});

test.each(["", "{", "null", '{"pid":'])("a lock file that a power loss left as %j holds nothing", async (text) => {
  await using folder = await temporaryFolder();
  await leave(folder.path, {});
  await writeFile(join(folder.path, "lock", "4.lock"), text);
  await using _lock = await taken(options(folder.path));
  expect((await readdir(join(folder.path, "lock"))).filter((name) => name.endsWith(".lock"))).toEqual(["5.lock"]);
});

test("of twenty that find the holder gone at the same moment exactly one gets the lock", async () => {
  for (let round = 0; round < 10; round += 1) {
    await using folder = await temporaryFolder();
    await leave(folder.path, { pid: 99 });
    const isAlive = (identity: { readonly pid: number }) => (identity.pid === 99 ? "gone" : "alive");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => acquireLock({ ...options(folder.path), isAlive })),
    );
    const winners = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
    expect(winners).toHaveLength(1);
    for (const winner of winners) await winner[Symbol.asyncDispose]();
  }
});

test("of several processes that race for the lock of a killed one exactly one gets it", async () => {
  await using folder = await temporaryFolder();
  const script = childScript(folder.path);
  const first = child(script, folder.path);
  expect(await firstLine(first)).toBe("locked");
  expect(await acquireLock({ ...options(folder.path), isAlive: byPid })).toMatchObject({
    ok: false,
    fault: { message: expect.stringContaining(`process ${first.pid} `) },
  });
  first.kill("SIGKILL");
  await once(first, "exit");
  const rivals = Array.from({ length: 4 }, () => child(script, folder.path));
  const answers = await Promise.all(rivals.map(firstLine));
  expect(answers.toSorted()).toEqual(["locked", "refused", "refused", "refused"]);
  for (const rival of rivals) rival.kill("SIGKILL");
  for (const rival of rivals) if (rival.exitCode === null && rival.signalCode === null) await once(rival, "exit");
}, 30_000);

test("the lock and its socket are readable by their owner only", async () => {
  await using folder = await temporaryFolder();
  await using _lock = await taken({ ...options(folder.path), socketDirectory: join(folder.path, "s") });
  expect((await stat(join(folder.path, "lock"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder.path, "lock", "1.lock"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder.path, "s"))).mode & 0o777).toBe(0o700);
});

test("a folder too deep for a socket does without it", async () => {
  await using folder = await temporaryFolder();
  await using _lock = await taken({ ...options(folder.path), socketDirectory: join(folder.path, "deep".repeat(30)) });
  const record: LockRecord = JSON.parse(await readFile(join(folder.path, "lock", "1.lock"), "utf8"));
  expect(record.socket).toBe(null);
});

function options(root: string): LockOptions {
  return {
    directory: join(root, "lock"),
    session: "s-1",
    self: { pid: 11, startedAt: "boot-1+5", bootId: "boot-1", host: "here" },
    isAlive: () => "alive",
    now: () => NOW,
    socketDirectory: null,
    allowNetwork: false,
  };
}

async function taken(from: LockOptions) {
  const lock = await acquireLock(from);
  if (!lock.ok) throw new Error(lock.fault.message);
  return lock.value;
}

/** Leaves a lock file as a process that died would. */
async function leave(root: string, change: Partial<LockRecord>): Promise<void> {
  {
    await using _lock = await taken(options(root));
  }
  const path = join(root, "lock", "1.lock");
  const record: LockRecord = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...record, state: "held", ...change }));
}

function byPid(identity: { readonly pid: number }): "alive" | "gone" {
  try {
    process.kill(identity.pid, 0);
    return "alive";
  } catch {
    return "gone";
  }
}

/** A process that takes the lock, says how it went, and stays. Node 20 runs no TypeScript, so it is bundled first. */
function childScript(root: string): string {
  const outfile = join(root, "child.mjs");
  const contents = `
    import { acquireLock } from "./lock.ts";
    const isAlive = (identity) => {
      try { process.kill(identity.pid, 0); return "alive"; } catch { return "gone"; }
    };
    const root = process.argv[2];
    const self = { pid: process.pid, startedAt: "?", bootId: "boot-1", host: "here" };
    const lock = await acquireLock({
      directory: root + "/lock", session: "s-1", self, isAlive, now: () => Date.now(), socketDirectory: root + "/s", allowNetwork: false,
    });
    console.log(lock.ok ? "locked" : "refused");
    setInterval(() => {}, 1000);
  `;
  const stdin = { contents, resolveDir: import.meta.dirname, loader: "ts" as const };
  buildSync({ stdin, outfile, bundle: true, platform: "node", format: "esm", target: "node20" });
  return outfile;
}

function child(script: string, root: string): ChildProcess {
  return spawn(process.execPath, [script, root], { stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine(from: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of from.stdout ?? []) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return text.trim();
}
