import { matchAt } from "./path.ts";
import type { Problem } from "./problem.ts";
import { parseReference, type Reference } from "./reference.ts";

/** A text with its references found. */
export interface Template {
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  /** `${...}`. `escaped`: a backslash stands before it. */
  | {
      readonly kind: "reference";
      readonly raw: string;
      readonly offset: number;
      readonly reference: Reference;
      readonly fallback: Template | null;
      readonly escaped: boolean;
    }
  /** `$NAME` without braces. */
  | { readonly kind: "name"; readonly name: string; readonly escaped: boolean }
  /** `$1` or `${1}`. */
  | { readonly kind: "position"; readonly raw: string; readonly position: number };

export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly problem: Problem };

/** Finds the references in a text. */
export function parse(text: string): ParsedTemplate {
  return parseFrom({ text, base: 0, nesting: 0 });
}

/** How deep defaults may contain references with defaults. */
const MAX_NESTED_DEFAULTS = 8;
const BARE_NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const POSITION = /\{([1-9]\d?)\}|([1-9])(?!\d)/y;

/** A text, or the default in one: `base` is where it begins in the whole. */
interface Source {
  readonly text: string;
  readonly base: number;
  readonly nesting: number;
}

function parseFrom(source: Source): ParsedTemplate {
  const { text } = source;
  const parts: TemplatePart[] = [];
  let textStart = 0;
  let at = text.indexOf("$");
  while (at !== -1) {
    const next = parseDollar(source, at);
    if (next.kind === "problem") return { ok: false, problem: next.problem };
    if (next.part !== null) {
      const end = next.part.kind !== "text" && next.part.kind !== "position" && next.part.escaped ? at - 1 : at;
      if (end > textStart) parts.push({ kind: "text", text: text.slice(textStart, end) });
      parts.push(next.part);
      textStart = next.end;
    }
    at = text.indexOf("$", next.end);
  }
  if (textStart < text.length) parts.push({ kind: "text", text: text.slice(textStart) });
  return { ok: true, template: { parts } };
}

type Dollar =
  | { readonly kind: "part"; readonly part: TemplatePart | null; readonly end: number }
  | { readonly kind: "problem"; readonly problem: Problem };

/** What begins at a dollar sign; no part where it is mere text. */
function parseDollar(source: Source, at: number): Dollar {
  const { text } = source;
  if (text.charAt(at + 1) === "$") {
    // A pair is the shell's process id, or our escape when a brace follows.
    if (text.charAt(at + 2) === "{") return { kind: "part", part: { kind: "text", text: "${" }, end: at + 3 };
    return { kind: "part", part: null, end: at + 2 };
  }
  const escaped = backslashesBefore(text, at) % 2 === 1;
  const position = escaped ? null : matchAt(POSITION, text, at + 1);
  if (position !== null) {
    const raw = `$${position[0]}`;
    return {
      kind: "part",
      part: { kind: "position", raw, position: Number(position[1] ?? position[2]) },
      end: at + raw.length,
    };
  }
  if (text.charAt(at + 1) === "{") return parseBraced(source, at, escaped);
  const name = matchAt(BARE_NAME, text, at + 1)?.[0];
  if (name === undefined) return { kind: "part", part: null, end: at + 1 };
  return { kind: "part", part: { kind: "name", name, escaped }, end: at + 1 + name.length };
}

function parseBraced(source: Source, at: number, escaped: boolean): Dollar {
  const { text, base } = source;
  const parsed = parseReference(text, at + 2);
  if (parsed.kind === "foreign" || (parsed.kind === "problem" && escaped))
    return { kind: "part", part: null, end: at + 2 };
  if (parsed.kind === "problem")
    return { kind: "problem", problem: { ...parsed.problem, offset: parsed.problem.offset + base } };
  const { reference } = parsed;
  const fallback = escaped ? null : parseFallback(source, reference);
  if (fallback !== null && !fallback.ok) return { kind: "problem", problem: fallback.problem };
  const raw = text.slice(at, reference.end);
  const part: TemplatePart = {
    kind: "reference",
    raw,
    offset: base + at,
    reference,
    fallback: fallback?.template ?? null,
    escaped,
  };
  return { kind: "part", part, end: reference.end };
}

/** A default is a template of its own, so that `${a:-${b}}` works. */
function parseFallback(source: Source, { fallback }: Reference): ParsedTemplate | null {
  if (fallback === null) return null;
  if (source.nesting >= MAX_NESTED_DEFAULTS)
    return { ok: true, template: { parts: [{ kind: "text", text: fallback.text }] } };
  return parseFrom({ text: fallback.text, base: source.base + fallback.offset, nesting: source.nesting + 1 });
}

function backslashesBefore(text: string, at: number): number {
  let count = 0;
  while (text.charAt(at - 1 - count) === "\\") count++;
  return count;
}
