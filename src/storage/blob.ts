/**
 * Long texts of events are kept beside the journal, in files named by the hash of their content, so that a line stays
 * short and the same output is stored once. In the event stands `{"$blob": HASH, "bytes": N}` instead.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import type { Json } from "../workflow/model.ts";
import { DIRECTORY_MODE, FILE_MODE, parseJson, syncDirectory } from "./atomic.ts";
import { fileFault, ok, reason } from "./fault.ts";

/** More than this is kept outside the journal's line. */
export const MAX_INLINE_BYTES = 64 * 1024;

/** A user's own key of this look gets one more `$`, so that it is never taken for ours. */
const RESERVED_KEY = /^\$+blob$/;

/**
 * The event's JSON text, its long strings replaced. The blobs are on the disk when this returns: a line must never
 * name a blob that a power loss took away. Synchronous because order matters and blobs are rare.
 */
export function externalise(event: unknown, directory: string): string {
  const text = JSON.stringify(event);
  if (text.length <= MAX_INLINE_BYTES / 3 && !text.includes('blob"')) return text;
  let stored = false;
  const replaced = mapJson(
    parseJson(text),
    (value) => {
      if (Buffer.byteLength(value) <= MAX_INLINE_BYTES) return value;
      const bytes = Buffer.from(value);
      // A lone surrogate has no UTF-8 form and would come back as another character.
      if (bytes.toString() !== value) return value;
      stored = true;
      return { $blob: storeBlob(bytes, directory), bytes: bytes.length };
    },
    (key) => (RESERVED_KEY.test(key) ? `$${key}` : key),
  );
  if (stored) syncDirectory(directory);
  return JSON.stringify(replaced);
}

/** The other way round. */
export function hydrate(text: string, directory: string): Outcome<Json> {
  const value = parseJson(text);
  if (!text.includes('"$')) return ok(value);
  try {
    return ok(fill(value, directory));
  } catch (error) {
    return fileFault(
      `A text that an event refers to is missing or damaged: ${reason(error)}`,
      "Put the file back from a backup.",
    );
  }
}

function storeBlob(bytes: Uint8Array, directory: string): string {
  const name = hashOf(bytes);
  const path = join(directory, name);
  if (existsSync(path)) return name;
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const temporary = join(directory, `.${name}.${randomUUID()}.tmp`);
  const file = openSync(temporary, "wx", FILE_MODE);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return name;
}

function fill(value: Json, directory: string): Json {
  if (Array.isArray(value)) return value.map((part: Json) => fill(part, directory));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (first !== undefined && first[0] === "$blob" && typeof first[1] === "string") return readBlob(first[1], directory);
  return Object.fromEntries(
    entries.map(([key, part]) => [RESERVED_KEY.test(key) ? key.slice(1) : key, fill(part, directory)]),
  );
}

function readBlob(name: string, directory: string): string {
  // The name comes from a file; nothing but a hash may become a part of a path.
  if (!/^[0-9a-f]{64}$/.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of a blob`);
  const bytes = readFileSync(join(directory, name));
  if (hashOf(bytes) !== name) throw new Error(`${join(directory, name)} does not hold what it held`);
  return bytes.toString();
}

function mapJson(value: Json, text: (value: string) => Json, key: (name: string) => string): Json {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((part: Json) => mapJson(part, text, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [key(name), mapJson(part, text, key)]));
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
