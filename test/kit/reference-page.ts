/** docs/workflow-reference.md, made from the tables that the parser reads with. */
import { stringify } from "yaml";
import type { JsonSchema } from "../../src/workflow/decode.ts";
import { workflowJsonSchema } from "../../src/workflow/json-schema.ts";
import type { Json } from "../../src/workflow/model.ts";
import { BEYOND_SCHEMA } from "./schema-agreement.ts";

const INTRODUCTION = `# Workflow reference

Every key of the language, made from the tables that the parser and \`prodigy schema\` are made from; [workflow.md](workflow.md)
and [mapreduce.md](mapreduce.md) explain how they work together. A key that takes steps takes a list, one step, or a text.
`;

export function referencePage(): string {
  const tables = new Map<string, JsonSchema>();
  collect(workflowJsonSchema(), tables);
  const ofStep = new Set(Object.keys(record(tables.get("a step")?.["properties"])));
  const sections = [...tables].map(([title, table]) =>
    title === HANDLER ? section(title, table, (key) => !ofStep.has(key)) : section(title, table, () => true),
  );
  const codes = [...BEYOND_SCHEMA.keys()].toSorted().map((code) => `* \`${code}\``);
  const ending = `## What the schema cannot know

An editor that checks a file by \`prodigy schema\` finds the same problems as \`prodigy validate\`, but for some of these
codes: keys that exclude each other, texts in a language of their own, and what stands in other parts or other files.

${codes.join("\n")}
`;
  return `${[INTRODUCTION, ...sections, ending].join("\n")}`;
}

/** It has all keys of a step as well. */
const HANDLER = "a handler";

/** Every table in the schema, by its title, the outer ones first. */
function collect(value: Json, tables: Map<string, JsonSchema>): void {
  if (typeof value !== "object" || value === null) return;
  if (isList(value)) {
    for (const item of value) collect(item, tables);
    return;
  }
  const { title, properties } = value;
  if (typeof title === "string" && properties !== undefined && !tables.has(title)) tables.set(title, value);
  for (const [key, entry] of Object.entries(value)) if (key !== "examples" && key !== "default") collect(entry, tables);
}

function section(title: string, table: JsonSchema, isShown: (key: string) => boolean): string {
  const properties = Object.entries(record(table["properties"])).filter(([key]) => isShown(key));
  const aliases = aliasesIn(properties);
  const rows = properties.flatMap(([key, schema]) => row(key, aliases.get(key) ?? [], record(schema)));
  const intro =
    title === HANDLER ? "\nWhat stands behind `on_failure`. All keys of a step may stand there, too.\n" : "";
  return `## ${headingOf(title)}
${intro}
| Key | Type | Default | Meaning | Example |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

export function headingOf(title: string): string {
  return /^an? /u.test(title) ? `${title.slice(0, 1).toUpperCase()}${title.slice(1)}` : `\`${title}\``;
}

/** Other spellings of keys, by the first one. */
function aliasesIn(properties: readonly (readonly [string, Json])[]): ReadonlyMap<string, readonly string[]> {
  const aliases = new Map<string, readonly string[]>();
  for (const [key, schema] of properties) {
    const name = aliasOf(record(schema));
    if (name !== null) aliases.set(name, [...(aliases.get(name) ?? []), key]);
  }
  return aliases;
}

function aliasOf({ description }: JsonSchema): string | null {
  const text = typeof description === "string" ? description : "";
  return /^(?:Same as|Old spelling of) (\w+)\.$/u.exec(text)?.[1] ?? null;
}

function row(key: string, aliases: readonly string[], schema: JsonSchema): readonly string[] {
  const { description, examples, default: usual } = schema;
  if (aliasOf(schema) !== null) return [];
  const example = isList(examples ?? null) ? exampleOf(key, record(examples)["0"] ?? null) : null;
  const cells = [
    [key, ...aliases].map((spelling) => `\`${spelling}\``).join(" or "),
    typeOf(schema),
    usual === undefined ? "" : `\`${JSON.stringify(usual)}\``,
    typeof description === "string" ? description : "",
    example === null ? "" : `\`${example}\``,
  ];
  return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`];
}

/** In one line, as it would stand in a file. */
function exampleOf(key: string, value: Json): string {
  return stringify({ [key]: value }, FLOW)
    .trim()
    .replace(/^\{ (.*) \}$/u, "$1");
}

const FLOW = { collectionStyle: "flow", lineWidth: 0 } as const;

/** In a few words. */
function typeOf(schema: JsonSchema): string {
  const kinds = new Set(kindsOf(schema));
  if (kinds.has("text") && kinds.has("word")) kinds.delete("text");
  return [...kinds].join(", ") || "anything";
}

function kindsOf(schema: JsonSchema): readonly string[] {
  const { type, enum: words, $ref: to, anyOf, allOf, title } = schema;
  if (to === "#/$defs/steps" || to === "#/$defs/list" || to === "#/$defs/step") return ["steps"];
  if (to === "#/$defs/handler") return ["a handler"];
  if (words !== undefined) {
    return [...list(words)].map((word) => `\`${String(JSON.stringify(word)).replaceAll('"', "")}\``);
  }
  if (anyOf !== undefined) return list(anyOf).flatMap((one) => (isPattern(record(one)) ? [] : kindsOf(record(one))));
  if (allOf !== undefined && type === undefined)
    return list(allOf)
      .slice(0, 2)
      .flatMap((one) => kindsOf(record(one)));
  if (typeof title === "string") return [`${title} (mapping)`];
  const types = type === undefined ? [] : isList(type) ? type : [type];
  if (types.length === 3 && types.includes("boolean")) return ["text"];
  return types.flatMap((one) => (typeof one === "string" ? NAMES[one] : undefined) ?? []);
}

const NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "number",
  integer: "whole number",
  boolean: "true or false",
  array: "list",
  object: "mapping",
};

/** The other ways of writing a word. */
function isPattern({ type, pattern }: JsonSchema): boolean {
  return type === "string" && typeof pattern === "string" && pattern.startsWith("^\\s*(?:");
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function list(value: Json | undefined): readonly Json[] {
  return value !== undefined && isList(value) ? value : [];
}

function record(value: Json | undefined): JsonSchema {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
