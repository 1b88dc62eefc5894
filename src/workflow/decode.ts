/**
 * Decoders: each reads one kind of value from the source tree, and carries the JSON Schema of what it accepts. Schemas are
 * made when asked for, so that tables may speak of each other and start-up does not pay for them.
 *
 * `undefined` means that the value is wrong and that this has been reported; `null` is a value like any other.
 */
import type { Diagnostics, Problem } from "./diagnostics.ts";
import { MAX_DURATION_MS, parseDuration } from "./duration.ts";
import type { AgentSettings, EnvironmentValue, Json, Parameter, RetryPolicy, Step } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { nearest } from "./problem.ts";
import { respelled } from "./rewrite.ts";
import type { MapNode, ScalarNode, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";
import { describeNode, toJson } from "./source-node.ts";

export type JsonSchema = { readonly [key: string]: Json };

export interface Decoder<T> {
  readonly schema: JsonSchema;
  readonly decode: (node: SourceNode, context: Context) => T | undefined;
}

/** How steps are read at one place of the file. */
export interface StepsPlace {
  /** What a step is that is only a text and does not begin with `/`. */
  readonly bareText: "agent" | "shell";
  /** Whether `retry_defaults` reach these steps: they are work, and not the handling or checking of other work. */
  readonly isWork: boolean;
}

/** What decoders need besides the node. Steps nest in nearly everything, so the way to them is handed down here. */
export interface Context {
  readonly out: Diagnostics;
  readonly decodeSteps: (node: SourceNode, place: StepsPlace) => readonly Step[] | undefined;
  /** Every spelling of every key of a step. */
  readonly stepKeys: ReadonlySet<string>;
  readonly retryDefaults: RetryPolicy | null;
  /** What the file says for all its steps, where it is not the first one: nobody else knows it when they run. */
  readonly stepDefaults: StepDefaults;
  /** Reads the steps that a step calls; what is wrong with them has been reported. */
  readonly callee: (wanted: CalleeName) => Callee | undefined;
  /** An entry of the file's `workflows:`, which from now on counts as used. */
  readonly named: (name: string) => MapNode | undefined;
  /** Whether a step has named it. */
  readonly isNamed: (name: string) => boolean;
}

export interface StepDefaults {
  readonly env: readonly EnvironmentValue[];
  readonly agent: AgentSettings;
}

/** Which steps of another file are meant. */
export type CalleeName = {
  readonly kind: "use" | "source";
  readonly text: string;
  readonly at: Range;
};

/** Steps that a step can call. */
export interface Callee {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly steps: readonly Step[];
}

export function report(context: Context, problem: Problem): undefined {
  context.out.report(problem);
  return undefined;
}

/** Reports that something else was expected here. */
export function wrongType(node: SourceNode, context: Context, expected: string): undefined {
  if (node.kind === "broken") return undefined;
  const help = node.kind === "scalar" && node.text.includes("${") ? "a variable cannot stand here" : null;
  const message = `expected ${expected}, found ${describeNode(node)}`;
  return report(context, { code: "wrong-type", at: node.at, message, help });
}

/** A scalar that says something; numbers and booleans count as the text that is written. */
export function scalarOf(node: SourceNode, context: Context, expected: string): ScalarNode | undefined {
  if (node.kind !== "scalar") return wrongType(node, context, expected);
  if (node.value === null) {
    return report(context, { code: "empty-value", at: node.at, message: `${expected} is missing here` });
  }
  return node;
}

/** Any text, the empty one included. */
export const anyText: Decoder<string> = {
  schema: { type: ["string", "number", "boolean"] },
  decode: (node, context) => scalarOf(node, context, "a text")?.text,
};

/** A text with something in it. */
export const text: Decoder<string> = {
  // Something besides white space.
  schema: { type: ["string", "number", "boolean"], pattern: "\\S" },
  decode: (node, context) => {
    const scalar = scalarOf(node, context, "a text");
    if (scalar === undefined) return undefined;
    if (scalar.text.trim() !== "") return scalar.text;
    return report(context, { code: "empty-value", at: scalar.at, message: "this text is empty" });
  },
};

export const bool: Decoder<boolean> = {
  schema: { type: "boolean" },
  decode: (node, context) => {
    if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
    if (node.kind === "scalar" && /^(yes|no|on|off|true|false)$/iu.test(node.text)) {
      const message = `expected true or false, found the text "${node.text}"`;
      return report(context, { code: "wrong-type", at: node.at, message, help: "write true or false, without quotes" });
    }
    return wrongType(node, context, "true or false");
  },
};

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A number within bounds. */
export function number(bounds: Bounds): Decoder<number> {
  return {
    schema: { type: "number", minimum: bounds.min, maximum: bounds.max },
    decode: (node, context) => bounded(node, context, { ...bounds, expected: "a number" }),
  };
}

/** A whole number within bounds. */
export function integer(bounds: Bounds): Decoder<number> {
  return {
    schema: { type: "integer", minimum: bounds.min, maximum: bounds.max },
    decode: (node, context) => {
      const value = bounded(node, context, { ...bounds, expected: "a whole number" });
      if (value === undefined || Number.isInteger(value)) return value;
      return report(context, { code: "wrong-type", at: node.at, message: `expected a whole number, found ${value}` });
    },
  };
}

function bounded(
  node: SourceNode,
  context: Context,
  bounds: Bounds & { readonly expected: string },
): number | undefined {
  if (node.kind !== "scalar" || typeof node.value !== "number") {
    const quoted = node.kind === "scalar" && /^\d+(\.\d+)?$/u.test(node.text.trim());
    if (!quoted) return wrongType(node, context, bounds.expected);
    const message = `expected ${bounds.expected}, found the text "${node.text}"`;
    return report(context, { code: "wrong-type", at: node.at, message, help: "remove the quotes" });
  }
  if (node.value >= bounds.min && node.value <= bounds.max) return node.value;
  const limits =
    bounds.max === Number.MAX_SAFE_INTEGER ? `at least ${bounds.min}` : `from ${bounds.min} to ${bounds.max}`;
  return report(context, {
    code: "out-of-range",
    at: node.at,
    message: `${node.text} is out of range: it must be ${limits}`,
  });
}

/** How many times something may be done. */
export const count: Decoder<number> = integer({ min: 1, max: 10_000 });

/** Milliseconds, from a text such as `1h30m` or a number of seconds. */
export const duration: Decoder<number> = {
  schema: { type: ["number", "string"] },
  decode: (node, context) => {
    const scalar = scalarOf(node, context, "a duration");
    if (scalar === undefined) return undefined;
    const ms = typeof scalar.value === "boolean" ? null : parseDuration(scalar.text);
    if (ms !== null) return ms;
    const help = `write seconds as a number, or a text such as 90s, 10m or 1h30m; at most ${MAX_DURATION_MS / 86_400_000} days`;
    return report(context, {
      code: "invalid-duration",
      at: scalar.at,
      message: `"${scalar.text}" is not a duration`,
      help,
    });
  },
};

/** A time limit; 0 means that there is none. */
export const timeLimit: Decoder<number | null> = {
  schema: duration.schema,
  decode: (node, context) => {
    const ms = duration.decode(node, context);
    return ms === 0 ? null : ms;
  },
};

/** Plain data of any form. */
export const json: Decoder<Json> = { schema: {}, decode: (node) => toJson(node) };

/** One of some words; CamelCase, kebab-case and snake_case are the same. */
export function word<const T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): Decoder<T> {
  return {
    schema: wordSchema([...words, ...Object.keys(synonyms)]),
    decode: (node, context) => {
      const scalar = scalarOf(node, context, `one of ${words.join(", ")}`);
      if (scalar === undefined) return undefined;
      const wanted = snakeCase(scalar.text);
      const found = words.find((candidate) => snakeCase(candidate) === wanted);
      const synonym = Object.hasOwn(synonyms, wanted) ? synonyms[wanted] : undefined;
      if (found !== undefined) warnAboutCase(scalar, found, context);
      if (found !== undefined || synonym !== undefined) return found ?? synonym;
      const message = `"${scalar.text}" is not one of ${words.join(", ")}`;
      const near = nearest(wanted, [...words, ...Object.keys(synonyms)]);
      const help = near === null ? null : `did you mean "${near}"?`;
      return report(context, { code: "unknown-value", at: scalar.at, message, help });
    },
  };
}

/** The words for completion, and a pattern for the other ways of writing them. */
export function wordSchema(words: readonly string[]): JsonSchema {
  const values = words.flatMap((one) => (one === "true" || one === "false" ? [one, one === "true"] : [one]));
  const ways = words.map((one) => one.split("_").map(anyCase).join("[-_]?"));
  return { anyOf: [{ enum: values }, { type: "string", pattern: `^\\s*(?:${ways.join("|")})\\s*$` }] };
}

/** `word`, `WORD` and `Word`. */
function anyCase(part: string): string {
  const upper = part.toUpperCase();
  return `(?:[${part.charAt(0)}${upper.charAt(0)}]${part.slice(1)}|${upper})`;
}

function warnAboutCase(scalar: ScalarNode, word: string, context: Context): void {
  if (typeof scalar.value !== "string" || scalar.text.trim() === word) return;
  const message = `"${scalar.text}" is an old spelling`;
  const edits = scalar.style === "block" ? null : [respelled(context.out.source.text, scalar.at, word)];
  reportOld(context, "word", { at: scalar.at, message, help: `write "${word}"`, edits });
}

export function snakeCase(name: string): string {
  return name
    .trim()
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** A list; with `orOne`, a single value stands for a list of one. */
export function list<T>(
  item: Decoder<T>,
  options: { readonly orOne: boolean } = { orOne: false },
): Decoder<readonly T[]> {
  return {
    get schema() {
      const array: JsonSchema = { type: "array", items: item.schema };
      return options.orOne ? { anyOf: [array, item.schema] } : array;
    },
    decode: (node, context) => {
      if (node.kind !== "list" && !options.orOne) return wrongType(node, context, "a list");
      const items = node.kind === "list" ? node.items : [node];
      return allOf(items.map((child) => item.decode(child, context)));
    },
  };
}

/** The values, unless one of them is wrong. */
export function allOf<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  const good = values.filter((value) => value !== undefined);
  return good.length === values.length ? good : undefined;
}

/** The same decoder, with its value changed. */
export function map<A, B>(decoder: Decoder<A>, change: (value: A) => B): Decoder<B> {
  return {
    get schema() {
      return decoder.schema;
    },
    decode: (node, context) => {
      const value = decoder.decode(node, context);
      return value === undefined ? undefined : change(value);
    },
  };
}

/** One decoder for each kind of node. */
export function byKind<T>(kinds: {
  readonly expected: string;
  readonly scalar?: Decoder<T>;
  readonly list?: Decoder<T>;
  readonly map?: Decoder<T>;
}): Decoder<T> {
  return {
    get schema() {
      const list = kinds.list === undefined ? undefined : ofType("array", kinds.list.schema);
      const mapping = kinds.map === undefined ? undefined : ofType("object", kinds.map.schema);
      return { anyOf: [kinds.scalar?.schema, list, mapping].filter((schema) => schema !== undefined) };
    },
    decode: (node, context) => {
      if (node.kind === "broken") return undefined;
      const decoder = kinds[node.kind];
      return decoder === undefined ? wrongType(node, context, kinds.expected) : decoder.decode(node, context);
    },
  };
}

/** A decoder may take more than it is asked for: one of steps takes a text as well as a list. */
function ofType(type: "array" | "object", schema: JsonSchema): JsonSchema {
  return schema["type"] === type ? schema : { allOf: [{ type }, schema] };
}

/** Steps: a list, one step, or a text. */
export function steps(place: StepsPlace): Decoder<readonly Step[]> {
  return {
    schema: { $ref: "#/$defs/steps" },
    decode: (node, context) => context.decodeSteps(node, place),
  };
}

/** Steps that do the work itself. */
export const WORK: StepsPlace = { bareText: "agent", isWork: true };
export const workSteps: Decoder<readonly Step[]> = steps(WORK);

/** Steps that look after other steps: handlers and checks. A bare text is a command for the shell there. */
export const CARE: StepsPlace = { bareText: "shell", isWork: false };
export const careSteps: Decoder<readonly Step[]> = steps(CARE);

/** Work that follows on other work. */
export const followUpSteps: Decoder<readonly Step[]> = steps({ bareText: "shell", isWork: true });

/** As `careSteps`, where the earlier language read a bare text as the name of an agent command. */
export const legacyCareSteps: Decoder<readonly Step[]> = steps({ bareText: "agent", isWork: false });

/** A text as the value of `claude:` or `shell:`, where that key stands for a whole step. */
export function actionText(action: "claude" | "shell", place: StepsPlace): Decoder<readonly Step[]> {
  return {
    schema: text.schema,
    decode: (node, context) => {
      const scalar = scalarOf(node, context, "a text");
      if (scalar === undefined) return undefined;
      const step: SourceNode = { ...scalar, kind: "map", entries: [{ key: action, keyAt: scalar.at, value: scalar }] };
      return context.decodeSteps(step, place);
    },
  };
}
