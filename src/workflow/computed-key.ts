/** The text between the braces; `Computed` is what it says. */
export type ComputedKey = string;

export type Computed =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "cmd"; readonly script: string }
  | { readonly kind: "date"; readonly format: string }
  | { readonly kind: "uuid" }
  /** What an `env:` command printed, and whether one of `env_files:` is there: nothing names these in braces. */
  | { readonly kind: "env-cmd"; readonly script: string }
  | { readonly kind: "env-file"; readonly path: string };

/** What a key says; null where it is none. */
export function parseComputed(key: ComputedKey): Computed | null {
  if (key === "uuid") return { kind: "uuid" };
  const [, kind, rest = ""] = /^(file|cmd|date|env-cmd|env-file):(.*)$/s.exec(key) ?? [];
  switch (kind) {
    case "file":
      return { kind, path: unquoted(rest.trim()) };
    case "cmd":
      return { kind, script: rest.trim() };
    case "env-cmd":
      return { kind, script: rest };
    case "env-file":
      return { kind, path: rest };
    case "date":
      return { kind, format: unquoted(rest.trim()) };
    case undefined:
    default:
      return null;
  }
}

function unquoted(text: string): string {
  const [, quote, inner] = /^(["'])(.*)\1$/s.exec(text) ?? [];
  return quote === undefined ? text : (inner ?? text);
}
