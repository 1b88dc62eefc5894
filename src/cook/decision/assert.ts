/** Throws when something that must hold does not: a bug of ours, which only `main` catches. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}
