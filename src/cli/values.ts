import type { OptionSpec } from "./spec.ts";
import type { Values } from "./shell.ts";

/** Something was typed that cannot be meant. Only `program.ts` catches it: exit code 2. */
export class UsageError extends Error {}

/** Checks the typed options against their kinds, and gives them by name. */
export async function valuesOf(
  options: readonly OptionSpec[],
  typed: Readonly<Record<string, unknown>>,
): Promise<Values> {
  const texts = new Map<string, string>();
  const numbers = new Map<string, number>();
  const lists = new Map<string, readonly string[]>();
  const flags = new Set<string>();
  for (const option of options) {
    const value = typed[camelCase(option.name)];
    if (value === undefined) continue;
    if (Array.isArray(value)) lists.set(option.name, value.map(String));
    else if (typeof value === "string") {
      texts.set(option.name, value);
      if (option.kind === "count") numbers.set(option.name, countOf(option, value));
      if (option.kind === "duration") numbers.set(option.name, await durationOf(option, value));
    } else if (value === true) flags.add(option.name);
  }
  const known = new Set(options.map((option) => option.name));
  const checked = (name: string): string => {
    if (!known.has(name)) throw new Error(`bug: the table has no option --${name} here`);
    return name;
  };
  return {
    flag: (name) => flags.has(checked(name)),
    text: (name) => texts.get(checked(name)) ?? null,
    number: (name) => numbers.get(checked(name)) ?? null,
    duration: (name) => numbers.get(checked(name)) ?? null,
    list: (name) => lists.get(checked(name)) ?? [],
  };
}

function countOf(option: OptionSpec, text: string): number {
  const least = option.zero === true ? 0 : 1;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    const needed = `a whole number from ${String(least)} on is needed`;
    throw new UsageError(`invalid value '${text}' for '${shown(option)}': ${needed}`);
  }
  return Number(text);
}

async function durationOf(option: OptionSpec, text: string): Promise<number> {
  const { parseDuration } = await import("../index.ts");
  const ms = parseDuration(text);
  if (ms === null) {
    throw new UsageError(
      `invalid value '${text}' for '${shown(option)}': invalid duration format; seconds are meant, or 500ms, 10m, 1h30m, 7d`,
    );
  }
  return ms;
}

function shown(option: OptionSpec): string {
  return `--${option.name} <${option.value ?? ""}>`;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
