/**
 * One process at a time changes the list of a repository's worktrees: git's own `worktree add` reads half-written
 * entries of another and fails. The lock is a file with the pid of its holder; that of a dead process is taken over.
 */
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { isMissing } from "./head.ts";

/** Some 60 seconds. Adding a worktree without its files takes a hundredth of one. */
const TRIES = 1_200;
const WAIT_MS = 50;

/** Runs `work` while no other process of ours runs any under the same path. */
export async function withAdminLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  for (let tries = 0; !(await take(path)); tries += 1) {
    if (tries >= TRIES) throw new Error(`${path} stays locked; if no prodigy is running, remove it`);
    if (await isStale(path)) await steal(path);
    else await sleep(WAIT_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${process.pid}\n`);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const holder = Number.parseInt(await readFile(path, "utf8"), 10);
    return Number.isInteger(holder) && !isAlive(holder);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Renamed first and looked at again, so that of two thieves one gets it and nobody takes a live lock. */
async function steal(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    const before = await stat(path);
    await rename(path, aside);
    const taken = await stat(aside);
    if (taken.ino !== before.ino && !(await isStale(aside))) await rename(aside, path);
    await rm(aside, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
