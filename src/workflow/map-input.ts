/** Where the items of a map come from: `input:` in all its forms, or `file:`, `command:`, `glob:` or `items:` beside it. */
import { glob, template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { byKind, json, list, map, report, timeLimit } from "./decode.ts";
import type { Mapping } from "./mapping.ts";
import { field, mapping } from "./mapping.ts";
import type { Json, MapInput } from "./model.ts";

const items: Decoder<readonly Json[]> = list(json);
const globs: Decoder<readonly string[]> = list(glob, { orOne: true });

/** The explicit forms. They stand inside `input:`, or in its place. */
export const INPUT_FORMS = {
  file: field(template, "A JSON file with the items, relative to the worktree.", { aliases: ["path"] }),
  command: field(template, "A script that prints the items, as JSON or one a line.", { aliases: ["shell"] }),
  glob: field(globs, "Files of the worktree whose paths are the items.", { aliases: ["files"] }),
  items: field(items, "The items themselves.", { aliases: ["list"] }),
} as const;

const INPUT = {
  name: "input",
  fields: { ...INPUT_FORMS, timeout: field(timeLimit, "The limit for the command.") },
  needs: [Object.keys(INPUT_FORMS)],
} as const;

type Forms = Pick<Mapping<typeof INPUT_FORMS>, "fields" | "given" | "at">;

/** `input:`. A text is a file if it exists, and else a command. */
export const mapInput: Decoder<MapInput> = byKind<MapInput>({
  expected: "a file, a command, a list of items, or a mapping with file, command, glob or items",
  scalar: map(template, inputOfText),
  list: map(items, (found): MapInput => ({ kind: "items", items: found })),
  map: mapping(INPUT, (read, context): MapInput | undefined => {
    const forms = givenForms(read.given);
    if (forms.length !== 1) {
      const code = forms.length === 0 ? "missing-key" : "conflicting-keys";
      const message = "an input has exactly one of file, command, glob and items";
      return report(context, { code, at: read.at, message });
    }
    const { timeout } = read.fields;
    if (timeout !== null && !read.given.has("command")) {
      report(context, {
        code: "no-effect",
        at: timeout.keyAt,
        message: '"timeout" has no effect: only a command takes time',
      });
    }
    return inputOfForms(read, timeout?.value ?? null);
  }),
});

/** The forms that are given, by name. */
export function givenForms(given: ReadonlySet<string>): readonly string[] {
  return Object.keys(INPUT_FORMS).filter((name) => given.has(name));
}

/** The one form that is there and good. */
export function inputOfForms({ fields }: Forms, timeoutMs: number | null): MapInput | undefined {
  if (fields.file !== null) return { kind: "file", path: fields.file.value };
  if (fields.command !== null) return { kind: "command", script: fields.command.value, timeoutMs };
  if (fields.glob !== null) return { kind: "glob", patterns: fields.glob.value };
  return fields.items === null ? undefined : { kind: "items", items: fields.items.value };
}

/** One word with a `*` cannot be meant as a command, and files with such names are rare. */
function inputOfText(text: string): MapInput {
  const trimmed = text.trim();
  const isGlob = /^[\w./@{},*?[\]-]+$/u.test(trimmed) && trimmed.includes("*") && trimmed.includes("/");
  const isBareGlob = /^[\w.-]*\*[\w.*-]*\.[A-Za-z0-9]+$/u.test(trimmed);
  return isGlob || isBareGlob ? { kind: "glob", patterns: [trimmed] } : { kind: "auto", text };
}

/** Which of `input:` and its explicit forms says where the items come from. */
export function resolveInput(
  read: Forms & { readonly fields: { readonly input: { readonly value: MapInput } | null } },
  context: Context,
): MapInput | undefined {
  const forms = [...(read.given.has("input") ? ["input"] : []), ...givenForms(read.given)];
  if (forms.length > 1) {
    const found = forms.map((form) => `"${form}"`).join(" and ");
    const message = `a map takes its items from one place, this one names ${found}`;
    return report(context, { code: "conflicting-keys", at: read.at, message, help: "keep one of them" });
  }
  if (forms.length === 0) {
    const help = "write `input:` with a file, a command or a list, or one of `file:`, `command:`, `glob:`, `items:`";
    return report(context, { code: "missing-key", at: read.at, message: 'map needs "input:"', help });
  }
  return read.fields.input?.value ?? inputOfForms(read, null);
}
