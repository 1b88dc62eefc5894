/**
 * One writer a session. A lock is a folder with one file for each time it was taken, numbered: `1.lock`, `2.lock`, ...
 * The file with the highest number counts; it names its holder and is either `held` or `released`.
 *
 *     free, or its holder is gone -> somebody links the next number -> held -> released
 *
 * A link to a name that exists fails, so of many that find the same holder gone exactly one gets the next number, and
 * nobody ever removes a file that might have become another's in the meantime. Whoever was late to link an old number
 * finds a higher one beside it and gives up. Old numbers are removed by the next holder.
 *
 * Whether a holder lives is told by the local socket that it keeps open (the kernel closes it), by its process number and
 * start time, and, from another machine, only by its lease, which it renews.
 */
import { link, readdir, rm, statfs, writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import type { Outcome } from "../cook/ports.ts";
import { ensureDirectory, FILE_MODE, parseJson, readText, replaceFile } from "./atomic.ts";
import { fileFault, ok, reason, systemCode } from "./fault.ts";
import { answers, listen } from "./lock-socket.ts";

/** A holder on another machine, or from before a restart, counts as gone when its lease is this old. */
export const LEASE_MS = 60_000;
const RENEW_MS = 10_000;

/** Taking turns with others that take over at the same moment; more rounds than there can be sensible rivals. */
const MAX_ROUNDS = 100;

/** What `src/system/process-identity.ts` knows. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
  readonly bootId: string;
  readonly host: string;
}

export interface LockOptions {
  /** The lock's own folder. */
  readonly directory: string;
  readonly session: string;
  readonly self: ProcessIdentity;
  readonly isAlive: (identity: ProcessIdentity) => "alive" | "gone" | "elsewhere";
  readonly now: () => number;
  /** A short path (sockets allow no long ones); null does without sockets. */
  readonly socketDirectory: string | null;
  /** Network file systems break the promises that the lock and the journal rest on. */
  readonly allowNetwork: boolean;
}

export interface LockRecord extends ProcessIdentity {
  readonly session: string;
  readonly state: "held" | "released";
  readonly acquiredAt: number;
  readonly renewedAt: number;
  readonly socket: string | null;
}

/** Takes the lock, or says who holds it. */
export async function acquireLock(options: LockOptions): Promise<Outcome<SessionLock>> {
  try {
    await ensureDirectory(options.directory);
    if (!options.allowNetwork && (await onNetwork(options.directory))) {
      return fileFault(
        `${options.directory} is on a network file system, where neither locks nor the journal can be relied on.`,
        "Set PRODIGY_HOME to a folder on a local disk.",
      );
    }
    return await takeLock(options);
  } catch (error) {
    return fileFault(`Could not lock session ${options.session}: ${reason(error)}`);
  }
}

/** The holder of a session's lock, if a living process holds it. Takes nothing. */
export async function lockHolder(
  options: Pick<LockOptions, "directory" | "self" | "isAlive" | "now">,
): Promise<LockRecord | null> {
  const top = await highest(options.directory);
  const record = top === 0 ? null : await readRecord(options.directory, top);
  return record !== null && (await holds(record, options)) ? record : null;
}

export class SessionLock {
  readonly #options: LockOptions;
  readonly #number: number;
  readonly #record: LockRecord;
  readonly #server: Server | null;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();

  constructor(
    options: LockOptions,
    number: number,
    held: { readonly record: LockRecord; readonly server: Server | null },
  ) {
    this.#options = options;
    this.#number = number;
    this.#record = held.record;
    this.#server = held.server;
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then(() => this.#renew());
    }, RENEW_MS).unref();
  }

  /** Aborted when another process has taken the lock over, because we seemed to be gone. Then nothing may be written. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    try {
      await this.#write({ ...this.#record, state: "released", renewedAt: this.#options.now() });
    } catch {
      // A full disk, for instance. Without its socket and its process the lock is free all the same.
    }
    await closeServer(this.#server);
  }

  async #renew(): Promise<void> {
    try {
      if ((await highest(this.#options.directory)) !== this.#number) this.#lost.abort();
      else await this.#write({ ...this.#record, renewedAt: this.#options.now() });
    } catch {
      // A full disk, for instance. The lease grows old, which counts only on other machines; the next renewal may work.
    }
  }

  async #write(record: LockRecord): Promise<void> {
    await replaceFile(lockPath(this.#options.directory, this.#number), recordText(record), { durable: false });
  }
}

async function takeLock(options: LockOptions): Promise<Outcome<SessionLock>> {
  const socket = await listen(options.socketDirectory);
  const acquiredAt = options.now();
  const { pid, startedAt, bootId, host } = options.self;
  const record: LockRecord = {
    session: options.session,
    state: "held",
    pid,
    startedAt,
    bootId,
    host,
    acquiredAt,
    renewedAt: acquiredAt,
    socket: socket?.path ?? null,
  };
  let taken: Outcome<number> | null = null;
  try {
    taken = await takeNumber(options, record);
  } finally {
    if (taken === null || !taken.ok) await closeServer(socket?.server ?? null);
  }
  if (!taken.ok) return taken;
  await removeOlder(options.directory, taken.value);
  return ok(new SessionLock(options, taken.value, { record, server: socket?.server ?? null }));
}

async function takeNumber(options: LockOptions, record: LockRecord): Promise<Outcome<number>> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const top = await highest(options.directory);
    const holder = top === 0 ? null : await readRecord(options.directory, top);
    if (holder !== null && (await holds(holder, options))) return heldFault(holder);
    if (!(await linkNumber(options.directory, top + 1, record))) continue;
    if ((await highest(options.directory)) === top + 1) return ok(top + 1);
    await rm(lockPath(options.directory, top + 1), { force: true });
  }
  return fileFault(`Too many processes want session ${options.session} at once.`, "Try again.");
}

/** False when another process has linked this number before us. */
async function linkNumber(directory: string, number: number, record: LockRecord): Promise<boolean> {
  const temporary = join(directory, `.${randomUUID()}.tmp`);
  await writeFile(temporary, recordText(record), { mode: FILE_MODE, flag: "wx" });
  try {
    await link(temporary, lockPath(directory, number));
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function holds(record: LockRecord, options: Pick<LockOptions, "self" | "isAlive" | "now">): Promise<boolean> {
  if (record.state === "released") return false;
  if (record.socket !== null && (await answers(record.socket))) return true;
  const leased = options.now() - record.renewedAt < LEASE_MS;
  switch (options.isAlive(record)) {
    case "alive":
      return true;
    case "gone":
      // Two machines of one name share nothing but a folder; the boot tells them apart, and the lease then decides.
      return record.bootId !== options.self.bootId && leased;
    case "elsewhere":
      return leased;
  }
}

function heldFault(holder: LockRecord): Outcome<never> {
  const since = new Date(holder.acquiredAt).toISOString();
  return fileFault(
    `Session ${holder.session} is already in progress: process ${holder.pid} on ${holder.host} has worked on it since ${since}.`,
    `Wait for it, or stop it with: prodigy stop ${holder.session}`,
  );
}

async function readRecord(directory: string, number: number): Promise<LockRecord | null> {
  const text = await readText(lockPath(directory, number));
  if (text === null) return null;
  try {
    return parseRecord(text);
  } catch {
    // A file is linked only when it is whole, so the machine lost its power just then, and with it the holder.
    return null;
  }
}

function parseRecord(text: string): LockRecord | null {
  const value = parseJson(text);
  if (value === null || typeof value !== "object" || !("pid" in value) || !("renewedAt" in value)) return null;
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: `recordText` wrote it, whole.
  return value as unknown as LockRecord;
}

function recordText(record: LockRecord): string {
  return `${JSON.stringify(record)}\n`;
}

async function highest(directory: string): Promise<number> {
  return Math.max(0, ...(await numbers(directory)));
}

async function removeOlder(directory: string, than: number): Promise<void> {
  for (const number of await numbers(directory)) {
    if (number < than) await rm(lockPath(directory, number), { force: true });
  }
}

async function numbers(directory: string): Promise<readonly number[]> {
  try {
    const names = await readdir(directory);
    return names.flatMap((name) => /^(\d{1,15})\.lock$/.exec(name)?.[1] ?? []).map(Number);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function lockPath(directory: string, number: number): string {
  return join(directory, `${number}.lock`);
}

async function closeServer(server: Server | null): Promise<void> {
  if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** NFS, SMB, CIFS, SMB2, AFS, Ceph and Lustre, by the numbers that the Linux kernel gives them. */
const NETWORK_TYPES: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x0bd00bd0,
]);

async function onNetwork(path: string): Promise<boolean> {
  const { type } = await statfs(path);
  return NETWORK_TYPES.has(type >>> 0);
}
