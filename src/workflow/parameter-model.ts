import type { Json } from "./json-value.ts";

/** A declared parameter, filled by `--param` and `--param-file`. */
export interface Parameter {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "array" | "object" | "any";
  readonly description: string | null;
  readonly required: boolean;
  readonly default: Json;
  /** An expression over `value` that must be true of every value. */
  readonly validation: string | null;
}
