/**
 * The one way to replace a file as a whole: a reader, and a machine that loses its power, sees the old content or the
 * new, never a part. Everything is private to the user, because outputs of agents and commands are inside.
 */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomUUID } from "node:crypto";
import type { Outcome } from "../cook/ports.ts";
import type { Json } from "../workflow/model.ts";
import { fileFault, ok, reason, systemCode } from "./fault.ts";

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Writes a file whole. Without `durable` it is still atomic, but a power loss may bring the old content back. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly durable: boolean; readonly mode?: number },
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx", options.mode ?? FILE_MODE);
    try {
      await handle.writeFile(content);
      if (options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (options.durable) syncDirectory(dirname(path));
}

/** `replaceFile` for people's eyes as well: indented, with a line end. */
export async function replaceJson(
  path: string,
  value: unknown,
  options: { readonly durable: boolean; readonly mode?: number },
): Promise<void> {
  await replaceFile(path, `${JSON.stringify(value, null, 2)}\n`, options);
}

/** Null when there is no such file. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Null when there is no such file; a fault when it cannot be read or is no JSON. */
export async function readJson(path: string): Promise<Outcome<Json>> {
  try {
    const text = await readText(path);
    return ok(text === null ? null : parseJson(text));
  } catch (error) {
    return fileFault(`Could not read ${path}: ${reason(error)}`);
  }
}

/** JSON text gives JSON values and nothing else. */
export function parseJson(text: string): Json {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: JSON.parse gives nothing but JSON values.
  return JSON.parse(text) as Json;
}

/** Makes a private directory, and the entries that lead to it durable. */
export async function ensureDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}

/** After this the names in a directory survive a power loss. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
