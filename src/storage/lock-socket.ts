import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { DIRECTORY_MODE } from "./atomic.ts";

/** The kernel's limit is 104 bytes on macOS and 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 100;

/** A living process answers at once. Whoever does not is asked by other means. */
const ANSWER_MS = 1_000;

/** Where locks keep their sockets: a short path that belongs to this user alone. */
export function defaultSocketDirectory(): string {
  return join(tmpdir(), `prodigy-${userInfo().uid}`);
}

/**
 * Opens a socket that stays open as long as this process lives. Null where that is not possible or not safe: the lock
 * then rests on process numbers alone.
 */
export async function listen(
  directory: string | null,
): Promise<{ readonly path: string; readonly server: Server } | null> {
  if (directory === null) return null;
  const path = join(directory, `${randomBytes(8).toString("hex")}.sock`);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES || !(await isOurs(directory))) return null;
  const server = createServer((socket) => socket.destroy());
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(path, () => resolve(true));
  });
  if (!listening) return null;
  server.on("error", () => {
    // Too many open files, for instance: a connection that cannot be accepted has still found us alive.
  });
  server.unref();
  return { path, server };
}

/** Whether a process listens there. A socket file whose process is gone is removed. */
export async function answers(path: string): Promise<boolean> {
  const answer = await new Promise<"yes" | "no" | "nobody">((resolve) => {
    const socket = connect(path);
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("no answer")));
    socket.once("connect", () => {
      socket.destroy();
      resolve("yes");
    });
    socket.once("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED" ? "nobody" : "no"));
  });
  if (answer === "nobody" && (await isSocket(path))) await rm(path, { force: true });
  return answer === "yes";
}

/** Connecting to a plain file is refused as well, and that is not ours to remove. */
async function isSocket(path: string): Promise<boolean> {
  return (await lstat(path)).isSocket();
}

/** In a folder that others can write to, somebody might have put another's name, or a link, in our place. */
async function isOurs(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    const found = await lstat(directory);
    if (!found.isDirectory() || found.uid !== userInfo().uid) return false;
    await chmod(directory, DIRECTORY_MODE);
    return true;
  } catch {
    // No place for sockets here; null says so.
    return false;
  }
}
