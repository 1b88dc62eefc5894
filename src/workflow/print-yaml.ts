/** Plain values -> YAML text that reads back as exactly these values, in the form that a person would write. */
import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { Node } from "yaml";
import type { Json } from "./model.ts";
import { isList } from "./path.ts";

/** What is printed. Maps keep their order, and a key of theirs may be any text. */
export type Printed = null | boolean | number | string | readonly Printed[] | PrintedMap;
export type PrintedMap = ReadonlyMap<string | number, Printed>;

/** What stands as a comment before the part at a path; null for none. */
export type Note = (path: readonly (string | number)[]) => string | null;

export function printYaml(value: Printed, note: Note = () => null): string {
  const document = new Document(null, { schema: "core" });
  document.contents = nodeOf(value, note, []);
  const text = document.toString({
    lineWidth: 0,
    flowCollectionPadding: true,
    // Broken into lines, a quoted text loses a line that holds one blank.
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
  // They stand in double quotes only, where the library leaves them as they are.
  return text.replaceAll(/[\u007F-\u009F\u2028\u2029\uFEFF]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}

/** A mapping of what is there: an entry whose value is undefined is left out. */
export function mapOf(entries: Iterable<readonly [string | number, Printed | undefined]>): PrintedMap {
  const map = new Map<string | number, Printed>();
  for (const [key, value] of entries) if (value !== undefined) map.set(key, value);
  return map;
}

/** Plain data; a record's keys keep their order. */
export function printJson(value: Json): Printed {
  if (value === null || typeof value !== "object") return value;
  return isList(value)
    ? value.map(printJson)
    : mapOf(Object.entries(value).map(([key, entry]) => [key, printJson(entry)]));
}

export function isPrintedMap(value: Printed): value is PrintedMap {
  return value instanceof Map;
}

function nodeOf(value: Printed, note: Note, path: readonly (string | number)[]): Node {
  if (typeof value === "string") return textNode(value);
  if (value === null || typeof value !== "object") return new Scalar(value);
  if (isPrintedMap(value)) {
    const map = new YAMLMap();
    for (const [key, entry] of value) {
      const below = [...path, key];
      map.items.push(new Pair(noted(keyNode(key), note(below)), nodeOf(entry, note, below)));
    }
    map.flow = map.items.length === 0;
    return map;
  }
  const list = new YAMLSeq();
  for (const [index, item] of value.entries()) {
    const below = [...path, index];
    list.items.push(noted(nodeOf(item, note, below), note(below)));
  }
  list.flow = list.items.length === 0;
  return list;
}

function noted<T extends Node>(node: T, comment: string | null): T {
  if (comment !== null) node.commentBefore = ` ${comment}`;
  return node;
}

function keyNode(key: string | number): Scalar {
  const node = typeof key === "string" ? textNode(key) : new Scalar(key);
  // A plain one would merge its value into the mapping.
  if (key === "<<") node.type = "QUOTE_DOUBLE";
  return node;
}

function textNode(text: string): Scalar<string> {
  const node = new Scalar(text);
  const type = styleOf(text);
  if (type !== null) node.type = type;
  return node;
}

/** Control characters, line ends of other systems and halves of surrogate pairs stand as escapes. */
const NEEDS_ESCAPES = /[^\P{Cc}\n\t]|[\p{Surrogate}\u2028\u2029\uFEFF]/u;
/** What a block would lose or an editor would strip: blanks at the beginning and at line ends, several newlines at the end. */
const NEEDS_QUOTES = /^\s|[^\S\n](?:\n|$)|\n\n$/u;

/** Null where the library may choose. */
function styleOf(text: string): "QUOTE_DOUBLE" | "BLOCK_LITERAL" | null {
  if (NEEDS_ESCAPES.test(text)) return "QUOTE_DOUBLE";
  if (!text.includes("\n")) return null;
  return NEEDS_QUOTES.test(text) ? "QUOTE_DOUBLE" : "BLOCK_LITERAL";
}
