/** A JSON object whose fields nobody has checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** Null when the line is not a JSON object. */
export function parseFields(line: string): Fields | null {
  if (!line.trimStart().startsWith("{")) return null;
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    // Programs also print plain text; a line that is not JSON is not an event.
    return null;
  }
}

export function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).flatMap((entry) => (typeof entry === "string" ? [entry] : []));
}
