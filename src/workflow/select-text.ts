import { readJson } from "./json.ts";
import type { Json } from "./model.ts";
import { isList } from "./path.ts";

/**
 * What a command has printed, as data for `select`: one JSON list or object, a list of JSON lines, or a list of lines.
 *
 * Numbers and words stay text even where JSON knows them: a commit `1234567` and a file `null` are names, and `1e3`
 * would come back as 1000. For the same reason lines are JSON only if all of them are.
 */
export function dataOfText(text: string): Json {
  const whole = isOpened(text) ? readJson(text) : undefined;
  if (whole !== undefined && typeof whole === "object") return whole;
  const lines = text
    .split("\n")
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line.trim() !== "");
  const values: Json[] = [];
  for (const line of lines) {
    const value = isOpened(line) ? readJson(line) : undefined;
    if (value === undefined) return lines;
    values.push(value);
  }
  return values;
}

/** The items that a command has printed, where nothing says which part of it they are. */
export function itemsOfText(text: string): readonly Json[] {
  const data = dataOfText(text);
  return isList(data) ? data : [data];
}

function isOpened(text: string): boolean {
  return /^\s*[[{"]/.test(text);
}
