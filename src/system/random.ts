import { randomUUID } from "node:crypto";
import type { Random } from "../cook/ports.ts";

/** The machine's randomness. */
export function openRandom(): Random {
  return { uuid: () => randomUUID(), unit: () => Math.random() };
}
