import { readFile } from "node:fs/promises";
import { type Json, type Outcome, type Parameter, parseParameters } from "../index.ts";
import { inputFault, unreadable } from "./workflow-file.ts";

/** The parameters of a file and those of `--param`, which win. */
export async function readParameters(given: {
  readonly pairs: readonly string[];
  readonly file: string | null;
  readonly declared: readonly Parameter[];
}): Promise<Outcome<Readonly<Record<string, Json>>>> {
  const fromFile = given.file === null ? { ok: true as const, value: {} } : await readParameterFile(given.file);
  if (!fromFile.ok) return fromFile;
  const values: Record<string, Json> = { ...fromFile.value };
  for (const pair of given.pairs) {
    const equals = pair.indexOf("=");
    if (equals < 1) {
      return { ok: false, fault: inputFault(`invalid value '${pair}' for '--param': KEY=VALUE is needed`) };
    }
    const [name, text] = [pair.slice(0, equals), pair.slice(equals + 1)];
    const isText = given.declared.some((parameter) => parameter.name === name && parameter.type === "string");
    values[name] = isText ? text : typed(text);
  }
  return { ok: true, value: values };
}

/** A whole number, a number, a truth value, else a text. Digits that a number could not hold exactly stay a text. */
export function typed(text: string): Json {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
  return /^-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}

async function readParameterFile(file: string): Promise<Outcome<Readonly<Record<string, Json>>>> {
  try {
    return parseParameters(await readFile(file, "utf8"), file);
  } catch (error) {
    return { ok: false, fault: unreadable(file, error) };
  }
}
