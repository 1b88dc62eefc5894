/** What the handlers `git`, `cargo` and `file` of the earlier language run. Their attributes come by the environment, so that no value is read as code. */
import type { Context } from "./decode.ts";
import { report } from "./decode.ts";
import type { EnvironmentValue, SourceLocation } from "./model.ts";
import type { Range } from "./source.ts";

export interface HandlerAttributes {
  readonly texts: Readonly<Record<string, string | null>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly flags: Readonly<Record<string, boolean>>;
}

export interface HandlerScript {
  readonly script: string;
  readonly env: readonly EnvironmentValue[];
}

interface Place {
  readonly at: Range;
  readonly location: SourceLocation;
  readonly context: Context;
}

export function handlerScript(
  name: "git" | "cargo" | "file",
  given: HandlerAttributes,
  place: Place,
): HandlerScript | undefined {
  const words = openWords(place.location);
  switch (name) {
    case "git":
      return made(gitLines(given, words), words);
    case "cargo":
      return made([cargoLine(given, words)], words);
    case "file": {
      const lines = fileLines(given, words, place);
      return lines === undefined ? undefined : made(lines, words);
    }
  }
}

interface Words {
  /** The text as a word of the script. */
  readonly word: (text: string) => string;
  readonly env: EnvironmentValue[];
}

function openWords(at: SourceLocation): Words {
  const env: EnvironmentValue[] = [];
  const word = (template: string): string => {
    // What is plainly a word needs no variable, and can be read in the step's label.
    if (/^[\w@%+=:,./-]+$/u.test(template)) return template;
    const name = `HANDLER_${env.length + 1}`;
    env.push({ name, value: { kind: "text", template }, secret: false, at });
    return `"$${name}"`;
  };
  return { word, env };
}

function made(lines: readonly string[], { env }: Words): HandlerScript {
  return { script: lines.join("\n"), env };
}

function gitLines({ texts, lists, flags }: HandlerAttributes, { word }: Words): readonly string[] {
  const operation = texts["operation"] ?? "status";
  const files = (lists["files"] ?? []).map(word);
  const message = texts["message"] ?? null;
  const staged = flags["auto_stage"] === true && operation === "commit";
  const parts = [
    ...(lists["args"] ?? []).map(word),
    ...(message === null ? [] : ["-m", word(message)]),
    ...[texts["remote"] ?? null, texts["branch"] ?? null].flatMap((text) => (text === null ? [] : [word(text)])),
    ...(files.length === 0 || staged ? [] : ["--", ...files]),
  ];
  const add = files.length === 0 ? "git add --all" : `git add -- ${files.join(" ")}`;
  return [...(staged ? [`${add} || exit`] : []), ["git", word(operation), ...parts].join(" ")];
}

const CARGO_FLAGS = ["release", "all_features", "no_default_features", "verbose", "quiet"] as const;

function cargoLine({ texts, lists, flags }: HandlerAttributes, { word }: Words): string {
  const features = (lists["features"] ?? []).join(",");
  const named = [
    ["--package", texts["package"] ?? null],
    ["--target", texts["target"] ?? null],
    ["--features", features === "" ? null : features],
  ] as const;
  return [
    "cargo",
    word(texts["command"] ?? "build"),
    ...CARGO_FLAGS.filter((flag) => flags[flag] === true).map((flag) => `--${flag.replaceAll("_", "-")}`),
    ...named.flatMap(([option, value]) => (value === null ? [] : [option, word(value)])),
    ...(lists["args"] ?? []).map(word),
  ].join(" ");
}

const FILE_OPERATIONS = ["read", "write", "append", "delete", "copy", "move", "exists"] as const;

function fileLines({ texts, flags }: HandlerAttributes, { word }: Words, place: Place): readonly string[] | undefined {
  const operation = FILE_OPERATIONS.find((known) => known === texts["operation"]);
  if (operation === undefined) {
    const message = `the file handler has no operation "${texts["operation"] ?? ""}"`;
    return report(place.context, {
      code: "unknown-value",
      at: place.at,
      message,
      help: `it has ${FILE_OPERATIONS.join(", ")}`,
    });
  }
  const path = word(texts["path"] ?? "");
  const destination = texts["destination"] ?? null;
  if ((operation === "copy" || operation === "move") && destination === null) {
    const message = `the file handler needs "destination" to ${operation}`;
    return report(place.context, { code: "missing-key", at: place.at, message });
  }
  const target = destination === null ? path : word(destination);
  const content = word(texts["content"] ?? "");
  const make = flags["create_dirs"] === false ? [] : [`mkdir -p -- "$(dirname -- ${target})" || exit`];
  const keep =
    flags["overwrite"] === true
      ? []
      : [`if [ -e ${target} ]; then echo ${target} 'exists already, and overwrite is false' >&2; exit 1; fi`];
  switch (operation) {
    case "read":
      return [`cat -- ${path}`];
    case "write":
      return [...keep, ...make, `printf '%s' ${content} > ${target}`];
    case "append":
      return [...make, `printf '%s' ${content} >> ${target}`];
    case "delete":
      return [`rm -r -- ${path}`];
    case "copy":
      return [...keep, ...make, `cp -R -- ${path} ${target}`];
    case "move":
      return [...keep, ...make, `mv -- ${path} ${target}`];
    case "exists":
      return [`if [ -e ${path} ]; then echo true; else echo false; fi`];
  }
}
