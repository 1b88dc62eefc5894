import type { Json } from "./model.ts";

/** Reads JSON text; undefined when it is none. */
export function readJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // oxlint-disable-next-line typescript/consistent-type-assertions -- JSON.parse gives nothing but JSON values.
    return value as Json;
  } catch {
    return undefined; // The caller knows what it means that it is none.
  }
}
