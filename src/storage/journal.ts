/**
 * The writing end of a session's journal: open -> append, append, ... -> closed, or broken.
 *
 * `append` writes at once, in the order of the calls, so that whatever it returned survives the death of this process. A
 * durable one also waits for the disk; all that wait share one sync (group commit). After each sync a mark is written:
 * it proves that what stands before it had reached the disk (see `journal-scan.ts`).
 *
 * A write that fails (a full disk) is taken back and may be tried again. A sync that fails breaks the journal for good:
 * nobody knows what the disk has, and a second sync would say that all is well.
 */
import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Event, type Recorded, SCHEMA_VERSION } from "../cook/decision/event.ts";
import type { JournalPort, Outcome } from "../cook/ports.ts";
import { ensureDirectory, FILE_MODE, syncDirectory } from "./atomic.ts";
import { externalise } from "./blob.ts";
import { fileFault, ok, reason, systemCode } from "./fault.ts";
import { formatEvent, formatHeader, formatMark } from "./journal-line.ts";
import { type JournalEnd, type Problem, scanJournal } from "./journal-scan.ts";

/** The two calls that reach the disk, apart, so that tests can let them fail. */
export interface JournalDisk {
  /** Returns how many bytes it wrote. */
  write(file: number, bytes: Uint8Array): number;
  sync(file: number): Promise<void>;
}

export interface JournalOptions {
  readonly directory: string;
  /** Who writes, as `prodigy 0.1.0`: an older Prodigy names it as the one to install. */
  readonly writer: string;
  readonly pid: number;
  readonly now: () => number;
  readonly disk?: JournalDisk;
}

/**
 * Reads all there is, cuts what was torn, and opens the journal for writing. The caller holds the session's lock.
 * `replay` gets every event in order; what it made of them is void when the outcome is a fault.
 */
export async function openJournal(
  options: JournalOptions,
  replay: (event: Recorded) => void,
): Promise<Outcome<Journal>> {
  const end = await scanJournal(options.directory, (event) => replay(event));
  if (!end.ok) return end;
  try {
    await ensureDirectory(options.directory);
    for (const torn of end.value.torn) await cutFile(torn);
    await settle(end.value);
    return ok(new Journal(options, end.value.lastSeq));
  } catch (error) {
    return fileFault(`Could not open the journal in ${options.directory}: ${reason(error)}`);
  }
}

/** Cuts a file before a bad line. The bytes go to a file beside it, which is the value: a repair must not lose anything. */
export async function cutFile(torn: Problem): Promise<string> {
  const kept = `${torn.path}.${torn.offset}.cut`;
  await using file = await open(torn.path, "r+");
  const { size } = await file.stat();
  await using aside = await open(kept, "w", FILE_MODE);
  const chunk = Buffer.alloc(1024 * 1024);
  for (let position = torn.offset; position < size; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    await aside.writeFile(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  await aside.sync();
  syncDirectory(dirname(torn.path));
  await truncate(torn.path, torn.offset);
  await file.sync();
  return kept;
}

export class Journal implements JournalPort {
  readonly #options: JournalOptions;
  readonly #disk: JournalDisk;
  #file: number | null = null;
  #size = 0;
  #lastSeq: number;
  #directorySynced = false;
  /** The sync that has not begun yet, if one is due: it covers everything that is written before it begins. */
  #nextSync: Promise<void> | null = null;
  #lastSync: Promise<void> = Promise.resolve();
  #broken: Error | null = null;

  constructor(options: JournalOptions, lastSeq: number) {
    this.#options = options;
    this.#disk = options.disk ?? realDisk;
    this.#lastSeq = lastSeq;
  }

  /** Number of the last event; 0 when there is none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Rejects when the disk does not take the events; then none of them is in the journal. */
  async append(events: readonly Event[], options: { readonly durable: boolean }): Promise<readonly Recorded[]> {
    if (this.#broken !== null) throw this.#broken;
    const recorded = this.#write(events);
    if (options.durable) await this.#synced();
    return recorded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    try {
      if (this.#broken === null && file !== null) await this.#synced();
    } finally {
      this.#broken = new Error("the journal is closed");
      this.#file = null;
      if (file !== null) closeSync(file);
    }
  }

  #write(events: readonly Event[]): readonly Recorded[] {
    const recorded = events.map((event, index) => ({ ...event, seq: this.#lastSeq + index + 1 }));
    const blobs = join(this.#options.directory, "blobs");
    const lines = events.map((event, index) =>
      formatEvent(this.#lastSeq + index + 1, SCHEMA_VERSION, externalise(event, blobs)),
    );
    this.#writeText(lines.join(""));
    this.#lastSeq += events.length;
    return recorded;
  }

  #writeText(text: string): void {
    this.#file ??= openNew(this.#options);
    const bytes = Buffer.from(this.#size === 0 ? formatHeader(SCHEMA_VERSION, this.#options.writer) + text : text);
    try {
      for (let done = 0; done < bytes.length; ) done += this.#disk.write(this.#file, bytes.subarray(done));
      this.#size += bytes.length;
    } catch (error) {
      this.#takeBack(this.#file, error);
      throw new Error(`could not write to the journal: ${reason(error)}`, { cause: error });
    }
  }

  /** A half-written line in the middle would make the whole journal unreadable. */
  #takeBack(file: number, error: unknown): void {
    try {
      ftruncateSync(file, this.#size);
    } catch {
      this.#broken = new Error(`the journal ends in a torn line: ${reason(error)}`, { cause: error });
    }
  }

  #synced(): Promise<void> {
    if (this.#nextSync === null) {
      this.#nextSync = this.#lastSync.then(() => this.#sync());
      this.#lastSync = this.#nextSync;
    }
    return this.#nextSync;
  }

  async #sync(): Promise<void> {
    this.#nextSync = null;
    if (this.#broken !== null) throw this.#broken;
    if (this.#file === null) return;
    const covered = this.#lastSeq;
    try {
      await this.#disk.sync(this.#file);
      if (!this.#directorySynced) syncDirectory(this.#options.directory);
      this.#directorySynced = true;
    } catch (error) {
      this.#broken = new Error(`the disk did not take the journal: ${reason(error)}`, { cause: error });
      throw this.#broken;
    }
    try {
      this.#writeText(formatMark(covered));
    } catch {
      // The events are safe without it; a mark only helps to tell damage from a torn end.
    }
  }
}

const syncFile = promisify(fdatasync);

const realDisk: JournalDisk = {
  write: (file, bytes) => writeSync(file, bytes),
  sync: (file) => syncFile(file),
};

/**
 * What an earlier process wrote is in the kernel's memory at least. It must be on the disk before a later event is, or a
 * power loss could leave a gap.
 */
async function settle(end: JournalEnd): Promise<void> {
  for (const path of end.files) {
    await using file = await open(path, "r+");
    await file.sync();
  }
}

/** One file a process: two that write by mistake spoil no line of each other. */
function openNew(options: JournalOptions): number {
  const time = new Date(options.now()).toISOString().replaceAll(":", "-");
  for (let count = 0; ; count += 1) {
    const name = `events-${time}-${options.pid}${count === 0 ? "" : `-${count}`}.jsonl`;
    try {
      return openSync(join(options.directory, name), "ax", FILE_MODE);
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
    }
  }
}
