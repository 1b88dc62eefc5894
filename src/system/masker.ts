import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { MaskerPort } from "../cook/ports.ts";
import { openLiteralIndex } from "./literal-index.ts";
import { MIN_SECRET_LENGTH, secretForms } from "./secret-forms.ts";
import { findCredentials, findTokens, type Span } from "./token-patterns.ts";

/** What stands in the place of a secret. */
export const MASK = "***";

/** A masker that also says where the secrets are, which a stream needs to know. */
export interface Masker extends MaskerPort {
  /** Where secrets stand, in order, none touching another. */
  find(text: string): readonly Span[];
  /** Characters in the longest text that is searched for. */
  longest(): number;
}

/** @param isPath Says whether a value is a path that exists; such a value is no secret. */
export function openMasker(isPath: (value: string) => boolean = existingPath): Masker {
  /** From each text that is searched for to its name in a seal. */
  const literals = new Map<string, string>();
  const index = openLiteralIndex();
  const byName = new Map<string, string>();
  let longest = 0;

  const register = (name: string, value: string): void => {
    for (const { form, text } of secretForms(value)) {
      const sealed = form === "" ? plainName(name) : `${plainName(name)}|${form}`;
      if (!literals.has(text)) {
        literals.set(text, sealed);
        index.add(text);
      }
      // A value that changed: what was sealed under the name is filled in with the newest.
      byName.set(sealed, text);
      longest = Math.max(longest, text.length);
    }
    // What was sealed as a mere token, by a process that knew no variable with it.
    byName.set(tokenName(value), value);
  };
  const find = (text: string): readonly Span[] =>
    merge([...index.find(text), ...findTokens(text), ...findCredentials(text)]);

  return {
    add: (name, value, { certain }) => {
      if (value === "" || (!certain && isInnocent(value, isPath))) return;
      register(name, value);
    },
    find,
    longest: () => longest,
    mask: (text) => {
      const found = find(text);
      return found.length === 0 ? text : replace(text, found);
    },
    seal: (text) => {
      for (const { start, end } of findTokens(text)) {
        const token = text.slice(start, end);
        if (!literals.has(token)) register(tokenName(token), token);
      }
      return seal(text, index.find(text), literals);
    },
    unseal: (text) =>
      text.replace(/\{\{secret:([^{}]*)\}\}/g, (whole, name: string) =>
        name === ESCAPE ? SEAL_START : (byName.get(name) ?? whole),
      ),
  };
}

/** Replaces each span by the mask. */
export function replace(text: string, spans: readonly Span[]): string {
  let masked = "";
  let from = 0;
  for (const { start, end } of spans) {
    masked += text.slice(from, start) + MASK;
    from = end;
  }
  return masked + text.slice(from);
}

const SEAL_START = "{{secret:";
/** Stands for a `{{secret:` that the text itself had. No secret can have this name. */
const ESCAPE = "!";

function seal(text: string, found: readonly Span[], literals: ReadonlyMap<string, string>): string {
  const escape = (part: string): string => part.replaceAll(SEAL_START, `${SEAL_START}${ESCAPE}}}`);
  let sealed = "";
  let from = 0;
  for (const { start, end } of leftmostLongest(found)) {
    sealed += `${escape(text.slice(from, start))}${SEAL_START}${literals.get(text.slice(start, end)) ?? ""}}}`;
    from = end;
  }
  return sealed + escape(text.slice(from));
}

function isInnocent(value: string, isPath: (value: string) => boolean): boolean {
  const text = value.trim();
  return (
    text.length < MIN_SECRET_LENGTH ||
    /^(?:true|false|[-+]?[0-9][0-9_.,:]*(?:e[-+]?[0-9]+)?)$/i.test(text) ||
    isPath(text)
  );
}

function existingPath(value: string): boolean {
  return isAbsolute(value) && existsSync(value);
}

function tokenName(token: string): string {
  return `detected-${createHash("sha256").update(token).digest("hex").slice(0, 8)}`;
}

function plainName(name: string): string {
  const plain = name.replaceAll(/[{}|]/g, "_");
  return plain === ESCAPE ? "_" : plain;
}

/** Joins what overlaps, so that no part of a secret is left because another one shares some characters with it. */
function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && span.start < last.end)
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else merged.push(span);
  }
  return merged;
}

/** A selection without overlaps: what can be filled in again must be whole. */
function leftmostLongest(spans: readonly Span[]): readonly Span[] {
  const chosen: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.start >= (chosen.at(-1)?.end ?? 0)) chosen.push(span);
  }
  return chosen;
}
