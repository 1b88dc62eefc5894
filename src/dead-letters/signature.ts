/** Failures of the same kind under one name: paths, ids, numbers and quoted names do not count. */
import { createHash } from "node:crypto";
import { causeOf, errorTypeOf, typeText } from "./classify.ts";
import type { Fault } from "./facts.ts";

/** 16 hexadecimal digits, stable from version to version as long as `patternOf` is. */
export function signatureOf(fault: Fault | null): string {
  return createHash("sha256").update(patternOf(fault)).digest("hex").slice(0, 16);
}

/** The type, and what is left of the first cause. */
export function patternOf(fault: Fault | null): string {
  return `${typeText(errorTypeOf(fault))}: ${withoutParticulars(causeOf(fault))}`;
}

const MAX_PATTERN = 200;

export function withoutParticulars(text: string): string {
  let result = text;
  for (const [particular, name] of PARTICULARS) result = result.replaceAll(particular, name);
  return result.replaceAll(/\s+/g, " ").trim().slice(0, MAX_PATTERN);
}

/** In this order: what is longer and more certain comes first. */
const PARTICULARS: readonly (readonly [RegExp, string])[] = [
  [/\bhttps?:\/\/[^\s"'`)]+/gi, "<url>"],
  [/"[^"\n]*"|`[^`\n]*`|(?<![A-Za-z])'[^'\n]*'/g, "<name>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\bsession-[0-9a-z]{26}\b/g, "<id>"],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  // With a slash, or with the ending of a file.
  [/(?:[A-Za-z]:)?[\w.@~+-]*(?:[/\\][\w.@~+-]+)+[/\\]?(?::\d+)*/g, "<path>"],
  [/\b[\w-]+(?:\.[\w-]+)*\.(?=[a-z])[a-z0-9]{1,4}\b(?::\d+)*/gi, "<path>"],
  [/\b(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,64}\b/gi, "<id>"],
  // An id that has digits in it, such as item-7 or user_42.
  [/\b[A-Za-z]+(?:[_-][A-Za-z]*\d+[A-Za-z]*)+\b/g, "<id>"],
  [/\b0x[0-9a-f]+\b|\d+(?:[.,]\d+)*/gi, "<n>"],
];
