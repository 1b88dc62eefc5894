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
 * position that the value can start at within a group of three bytes.
 */
export function secretForms(value: string): readonly SecretForm[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  const parts = lines.length === 1 ? [value] : [value, ...lines.filter((line) => line.length >= MIN_SECRET_LENGTH)];
  const forms: SecretForm[] = [];
  for (const [index, part] of parts.entries()) {
    const prefix = index === 0 ? "" : `line${index}`;
    const name = (form: string): string => [prefix, form].filter((piece) => piece !== "").join("-");
    forms.push({ form: name(""), text: part });
    forms.push({ form: name("json"), text: JSON.stringify(part).slice(1, -1) });
    forms.push({ form: name("url"), text: encode(part) });
    forms.push({ form: name("form"), text: encode(part).replaceAll("%20", "+") });
    for (const shift of [0, 1, 2]) {
      const base64 = base64Inside(part, shift);
      forms.push({ form: name(`base64-${shift}`), text: base64 });
      forms.push({ form: name(`base64url-${shift}`), text: base64.replaceAll("+", "-").replaceAll("/", "_") });
    }
  }
  const seen = new Set<string>();
  return forms.filter(({ form, text }) => {
    if (seen.has(text) || (form !== "" && text.length < MIN_SECRET_LENGTH)) return false;
    seen.add(text);
    return true;
  });
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
