/**
 * What other processes ask of a live session. Only the holder of the session's lock may write to its journal, so they put
 * a file into its inbox instead: made beside and moved in, one for each request, taken in the order of their names.
 */
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import type { InboxPort, InboxRequest } from "../cook/ports.ts";
import type { Json } from "../workflow/model.ts";
import { ensureDirectory, FILE_MODE, parseJson } from "./atomic.ts";
import { systemCode } from "./fault.ts";
import { watchDirectory } from "./watch.ts";

/** What another process may ask for. */
export type Request = Extract<InboxRequest, { readonly kind: "stop" | "pause" | "retry-items" }>;

export function openInbox(directory: string): InboxPort {
  return { next: (signal) => nextRequest(directory, signal) };
}

/** Leaves a request for the session's process. It stays there until that takes it, or `clearInbox` does. */
export async function dropRequest(directory: string, request: Request, now: number): Promise<void> {
  await ensureDirectory(directory);
  const unique = randomUUID();
  const temporary = join(directory, `.${unique}.tmp`);
  await writeFile(temporary, `${JSON.stringify(request)}\n`, { mode: FILE_MODE, flag: "wx" });
  await rename(temporary, join(directory, `${String(now).padStart(15, "0")}-${unique}.json`));
}

/** Forgets requests to a process that is gone: who resumes a stopped session does not want it stopped again. */
export async function clearInbox(directory: string): Promise<number> {
  const names = await requestNames(directory);
  for (const name of names) await rm(join(directory, name), { force: true });
  return names.length;
}

async function nextRequest(directory: string, signal: AbortSignal): Promise<Request | null> {
  await ensureDirectory(directory);
  while (!signal.aborted) {
    using change = watchDirectory(directory, signal);
    const request = await takeFirst(directory);
    if (request !== null) return request;
    await change.happened;
  }
  return null;
}

async function takeFirst(directory: string): Promise<Request | null> {
  for (const name of await requestNames(directory)) {
    const path = join(directory, name);
    const request = parseRequest(await readFile(path, "utf8"));
    if (request === null) {
      // Kept for whoever wonders why nothing happened, under a name that is not looked at again.
      await rename(path, `${path}.bad`);
      continue;
    }
    await rm(path, { force: true });
    return request;
  }
  return null;
}

function parseRequest(text: string): Request | null {
  let value: Json;
  try {
    value = parseJson(text);
  } catch {
    // Not written by `dropRequest`; there is nothing to obey in it.
    return null;
  }
  if (value === null || typeof value !== "object" || !("kind" in value)) return null;
  const items = "items" in value ? value["items"] : null;
  if (value["kind"] === "retry-items" && Array.isArray(items))
    return { kind: "retry-items", items: items.filter((item) => typeof item === "string") };
  return value["kind"] === "stop" || value["kind"] === "pause" ? { kind: value["kind"] } : null;
}

async function requestNames(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
