/** Reading JSON that another program wrote: what is missing or of another kind is null or empty, never an error. */
import type { Json } from "../workflow/model.ts";

export type JsonObject = { readonly [key: string]: Json };

export function objectOf(value: Json | undefined): JsonObject | null {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: all that JSON leaves here is an object.
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonObject) : null;
}

export function listOf(value: Json | undefined): readonly Json[] {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- Parse boundary: a list in JSON holds JSON.
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

export function countOf(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Milliseconds since the epoch. */
export function timeOf(value: Json | undefined): number | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** A length of time as the earlier program wrote it: whole seconds and nanoseconds. */
export function millisecondsOf(value: Json | undefined): number | null {
  const duration = objectOf(value);
  const seconds = countOf(duration?.["secs"]);
  return seconds === null ? null : seconds * 1000 + (countOf(duration?.["nanos"]) ?? 0) / 1e6;
}
