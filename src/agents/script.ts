import { parse } from "yaml";
import type { Fields } from "./json-fields.ts";
import { fieldsOf, listOf, numberOf, textOf, textsOf } from "./json-fields.ts";

/** What the scripted agent is to do, by prompt. */
export interface Script {
  readonly rules: readonly ScriptRule[];
}

export interface ScriptRule {
  readonly name: string;
  readonly when: ScriptMatcher;
  readonly steps: readonly ScriptStep[];
}

/** All that is given must fit; an empty one fits every prompt. */
export interface ScriptMatcher {
  readonly contains: string | null;
  readonly matches: RegExp | null;
  readonly command: string | null;
}

export interface ScriptUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cost: number;
}

export interface ScriptStep {
  readonly action: ScriptAction;
  readonly usage: ScriptUsage | null;
  /** How often a `fail` or `hang` happens before the script goes on; null for ever. */
  readonly times: number | null;
}

export type ScriptAction =
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "think"; readonly ms: number }
  | { readonly kind: "write" | "append"; readonly path: string; readonly content: string }
  | { readonly kind: "edit"; readonly path: string; readonly from: string; readonly to: string }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "shell"; readonly script: string }
  | { readonly kind: "commit"; readonly message: string; readonly files: readonly string[] }
  | { readonly kind: "deny"; readonly tool: string }
  | { readonly kind: "hang" }
  | {
      readonly kind: "fail";
      readonly as: FailureKind;
      readonly message: string | null;
      readonly exitCode: number;
      readonly resetsInMs: number;
    };

export const FAILURE_KINDS = [
  "limit",
  "overloaded",
  "auth",
  "budget",
  "turns",
  "error",
  "crash",
  "killed",
  "silent",
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Reads a script, YAML or JSON. A text says what is wrong with it. */
export function parseScript(text: string): Script | string {
  try {
    const root = fieldsOf(parse(text)) ?? fail("a script is a mapping with the key `rules`");
    const rules = listOf(root["rules"]).map((rule, index) => readRule(rule, `rules[${index}]`));
    const fallback = root["fallback"];
    const last = fallback === undefined ? [] : [readRule({ name: "fallback", steps: fallback }, "fallback")];
    if (rules.length + last.length === 0) fail("`rules` is missing or empty");
    return { rules: [...rules, ...last] };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Scripts are small and read once; their problems end the reading at the first. */
function fail(problem: string): never {
  throw new Error(problem);
}

function readRule(value: unknown, at: string): ScriptRule {
  const rule = fieldsOf(value) ?? fail(`${at} is not a mapping`);
  known(rule, ["name", "when", "steps"], at);
  return {
    name: textOf(rule["name"]) ?? at,
    when: readMatcher(rule["when"], at),
    steps: readSteps(rule["steps"], `${at}.steps`),
  };
}

function readMatcher(value: unknown, at: string): ScriptMatcher {
  if (typeof value === "string") return { contains: value, matches: null, command: null };
  const when = fieldsOf(value ?? {}) ?? fail(`${at}.when is neither a text nor a mapping`);
  known(when, ["contains", "matches", "command"], `${at}.when`);
  const pattern = textOf(when["matches"]);
  return {
    contains: textOf(when["contains"]),
    matches: pattern === null ? null : new RegExp(pattern, "s"),
    command: textOf(when["command"])?.replace(/^\//, "") ?? null,
  };
}

function readSteps(value: unknown, at: string): readonly ScriptStep[] {
  if (!Array.isArray(value)) fail(`${at} is not a list`);
  return listOf(value).flatMap((step, index) => readStep(step, `${at}[${index}]`));
}

/** A `repeat` gives its steps as often as it says. */
function readStep(value: unknown, at: string): readonly ScriptStep[] {
  const step = fieldsOf(value) ?? fail(`${at} is not a mapping`);
  const keys = Object.keys(step).filter((key) => key !== "usage" && key !== "times");
  const [key, ...others] = keys;
  if (key === undefined || others.length > 0) fail(`${at} must have exactly one action, and has ${keys.length}`);
  if (key === "repeat") return repeat(fieldsOf(step["repeat"]) ?? fail(`${at}.repeat is not a mapping`), at);
  return [
    { action: readAction(key, step[key], at), usage: readUsage(step["usage"], at), times: readTimes(step["times"]) },
  ];
}

/** A script that is repeated more often is a mistake. */
const MAX_REPEATS = 10_000;

function repeat(loop: Fields, at: string): readonly ScriptStep[] {
  known(loop, ["times", "steps"], `${at}.repeat`);
  const times = numberOf(loop["times"]) ?? fail(`${at}.repeat.times is not a number`);
  if (times > MAX_REPEATS) fail(`${at}.repeat.times is over ${MAX_REPEATS}`);
  const steps = readSteps(loop["steps"], `${at}.repeat.steps`);
  return Array.from({ length: times }, (_, index) => steps.map((step) => numbered(step, index + 1))).flat();
}

/** `{{n}}` is the number of the repetition. */
function numbered(step: ScriptStep, n: number): ScriptStep {
  return { ...step, action: mapTexts(step.action, (text) => text.replaceAll("{{n}}", String(n))) };
}

function readAction(key: string, value: unknown, at: string): ScriptAction {
  const place = `${at}.${key}`;
  const body = fieldsOf(value) ?? {};
  const text = (name: string): string => textOf(body[name]) ?? fail(`${place}.${name} is not a text`);
  const whole = (): string => textOf(value) ?? fail(`${place} is not a text`);
  switch (key) {
    case "say":
      return { kind: "say", text: whole() };
    case "think":
      return { kind: "think", ms: numberOf(value) ?? fail(`${place} is not a number of milliseconds`) };
    case "write":
    case "append":
      return { kind: key, path: text("path"), content: text("content") };
    case "edit":
      return { kind: "edit", path: text("path"), from: text("from"), to: text("to") };
    case "delete":
      return { kind: "delete", path: whole() };
    case "shell":
      return { kind: "shell", script: whole() };
    case "commit":
      return typeof value === "string"
        ? { kind: "commit", message: value, files: [] }
        : { kind: "commit", message: text("message"), files: textsOf(body["files"]) };
    case "deny":
      return { kind: "deny", tool: whole() };
    case "hang":
      return { kind: "hang" };
    case "fail":
      return readFailure(typeof value === "string" ? { kind: value } : body, place);
    default:
      return fail(`${at} has the unknown action ${JSON.stringify(key)}`);
  }
}

function readFailure(body: Fields, at: string): ScriptAction {
  known(body, ["kind", "message", "exitCode", "resetsInMs"], at);
  const as =
    FAILURE_KINDS.find((kind) => kind === body["kind"]) ?? fail(`${at} must be one of ${FAILURE_KINDS.join(", ")}`);
  return {
    kind: "fail",
    as,
    message: textOf(body["message"]),
    exitCode: numberOf(body["exitCode"]) ?? 1,
    resetsInMs: numberOf(body["resetsInMs"]) ?? 3_600_000,
  };
}

function readUsage(value: unknown, at: string): ScriptUsage | null {
  if (value === undefined) return null;
  const usage = fieldsOf(value) ?? fail(`${at}.usage is not a mapping`);
  known(usage, ["input", "output", "cacheRead", "cacheWrite", "cost"], `${at}.usage`);
  const number = (key: string): number => numberOf(usage[key]) ?? 0;
  return {
    input: number("input"),
    output: number("output"),
    cacheRead: number("cacheRead"),
    cacheWrite: number("cacheWrite"),
    cost: number("cost"),
  };
}

function readTimes(value: unknown): number | null {
  return value === "forever" ? null : (numberOf(value) ?? 1);
}

function known(fields: Fields, keys: readonly string[], at: string): void {
  const strange = Object.keys(fields).find((key) => !keys.includes(key));
  if (strange !== undefined)
    fail(`${at} has the unknown key ${JSON.stringify(strange)}; it may have ${keys.join(", ")}`);
}

/** The action with each of its texts changed. */
export function mapTexts(action: ScriptAction, change: (text: string) => string): ScriptAction {
  switch (action.kind) {
    case "say":
      return { ...action, text: change(action.text) };
    case "write":
    case "append":
      return { ...action, path: change(action.path), content: change(action.content) };
    case "edit":
      return { ...action, path: change(action.path), from: change(action.from), to: change(action.to) };
    case "delete":
      return { ...action, path: change(action.path) };
    case "shell":
      return { ...action, script: change(action.script) };
    case "commit":
      return { ...action, message: change(action.message), files: action.files.map(change) };
    case "fail":
      return { ...action, message: action.message === null ? null : change(action.message) };
    case "think":
    case "deny":
    case "hang":
      return action;
  }
}
