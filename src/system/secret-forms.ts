import { Buffer } from "node:buffer";

/** One way in which a secret can stand in a text. */
export interface SecretForm {
  /** Empty for the value itself. */
  readonly form: string;
  readonly text: string;
}

/** Shorter lines of a multi-line value stand in too many innocent texts. */
export const MIN_SECRET_LENGTH = 8;

/**
 * The value, its lines, and their encodings. In the middle of a longer text base64 has three forms, one for each
 * position that the value can start at within a group of three bytes. Where a program wraps it, its lines are known
 * only for a text that begins with the value.
 */
export function secretForms(value: string): readonly SecretForm[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  const parts = lines.length === 1 ? [value] : [value, ...lines.filter((line) => line.length >= MIN_SECRET_LENGTH)];
  const forms: SecretForm[] = [];
  for (const [index, part] of parts.entries()) {
    const prefix = index === 0 ? "" : `line${index}`;
    const name = (form: string): string => [prefix, form].filter((piece) => piece !== "").join("-");
    forms.push({ form: name(""), text: part });
    // Agents print JSON inside JSON: what a tool said, in an event, and what the tool said may be JSON as well.
    let json = part;
    for (const form of ["json", "json-json", "json-json-json"]) {
      json = insideJson(json);
      forms.push({ form: name(form), text: json });
    }
    forms.push({ form: name("ascii"), text: asciiJson(insideJson(part)) });
    forms.push({ form: name("shell"), text: part.replaceAll("'", "'\\''") });
    forms.push({ form: name("url"), text: encode(part) });
    forms.push({ form: name("form"), text: new URLSearchParams([["", part]]).toString().slice(1) });
    forms.push({ form: name("url-strict"), text: strictly(encode(part)) });
    forms.push({ form: name("hex"), text: Buffer.from(part).toString("hex") });
    for (const shift of [0, 1, 2]) {
      const base64 = base64Inside(part, shift);
      forms.push({ form: name(`base64-${shift}`), text: base64 });
      forms.push({ form: name(`base64url-${shift}`), text: base64.replaceAll("+", "-").replaceAll("/", "_") });
    }
  }
  for (const width of WRAPPED_AT) forms.push(...wrappedForms(value, width));
  const seen = new Set<string>();
  return forms.filter(({ form, text }) => {
    if (seen.has(text) || (form !== "" && text.length < MIN_SECRET_LENGTH)) return false;
    seen.add(text);
    return true;
  });
}

/** Characters in a line of `base64` and of PEM files. */
const WRAPPED_AT = [76, 64];

function wrappedForms(value: string, width: number): readonly SecretForm[] {
  // The last characters depend on what follows the value.
  const text = Buffer.from(value).toString("base64").replace(/.?=*$/, "");
  if (text.length <= width) return [];
  return Array.from({ length: Math.ceil(text.length / width) }, (_, line) => ({
    form: `wrapped${String(width)}-${String(line)}`,
    text: text.slice(line * width, (line + 1) * width),
  }));
}

function insideJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As languages write JSON that keep to ASCII. */
function asciiJson(json: string): string {
  return json.replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Some encoders spare fewer characters than JavaScript's. */
function strictly(encoded: string): string {
  return encoded.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function encode(text: string): string {
  // By way of bytes, because a lone half of a surrogate pair cannot be encoded.
  return encodeURIComponent(Buffer.from(text).toString());
}

/** The characters that depend on the value alone, whatever stands before and after it. */
function base64Inside(value: string, shift: number): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]);
  const text = bytes.toString("base64").replace(/=+$/, "");
  const spoiledAtEnd = bytes.length % 3 === 0 ? 0 : 1;
  // One byte before the value spoils two characters, two spoil three.
  const spoiledAtStart = shift === 0 ? 0 : shift + 1;
  return text.slice(spoiledAtStart, text.length - spoiledAtEnd);
}
