/** `commit_config:` and `outputs:`. */
import { glob, name, pattern, template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, bool, byKind, list, wrongType } from "./decode.ts";
import { field, mapping, required } from "./mapping.ts";
import type { AutoCommit, OutputDeclaration } from "./model.ts";
import type { MapEntry } from "./source-node.ts";
import { locateStep } from "./source.ts";

const COMMIT_CONFIG = {
  name: "commit_config",
  fields: {
    message_template: field(template, "The message.", { aliases: ["message"] }),
    message_pattern: field(pattern, "A regular expression that the message must match."),
    sign: field(bool, "Whether the commit is signed."),
    author: field(template, "The author, as `Name <address>`."),
    include_files: field(list(glob, { orOne: true }), "Only files that match are committed."),
    exclude_files: field(list(glob, { orOne: true }), "Files that match are not committed."),
    squash: field(bool, "Whether all commits of the step become one."),
  },
} as const;

/** What `auto_commit: true` alone means. */
export const PLAIN_AUTO_COMMIT: AutoCommit = {
  messageTemplate: null,
  messagePattern: null,
  sign: false,
  author: null,
  includeFiles: null,
  excludeFiles: [],
  squash: false,
};

export const commitConfig: Decoder<AutoCommit> = mapping(COMMIT_CONFIG, ({ fields }) => ({
  messageTemplate: fields.message_template?.value ?? null,
  messagePattern: fields.message_pattern?.value ?? null,
  sign: fields.sign?.value ?? false,
  author: fields.author?.value ?? null,
  includeFiles: fields.include_files?.value ?? null,
  excludeFiles: fields.exclude_files?.value ?? [],
  squash: fields.squash?.value ?? false,
}));

/** `auto_commit: true`, or directly its configuration. */
export const autoCommit: Decoder<AutoCommit | false> = byKind<AutoCommit | false>({
  expected: "true, false or a mapping",
  scalar: {
    schema: bool.schema,
    decode: (node, context) => {
      const value = bool.decode(node, context);
      return value === true ? PLAIN_AUTO_COMMIT : value;
    },
  },
  map: commitConfig,
});

const OUTPUT = {
  name: "an output",
  fields: {
    file_pattern: field(glob, "Files that the step adds or changes, and that match.", { aliases: ["pattern", "glob"] }),
  },
  needs: [["file_pattern"]],
} as const;

const filePattern: Decoder<string> = byKind({
  expected: "a mapping with `file_pattern`, or a glob",
  scalar: glob,
  map: mapping(OUTPUT, (read, context) => required(read, "file_pattern", { name: "an output", context })?.value),
});

export const outputs: Decoder<readonly OutputDeclaration[]> = {
  get schema() {
    return { type: "object", additionalProperties: filePattern.schema };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of names to `file_pattern`");
    return allOf(node.entries.map((entry) => output(entry, context)));
  },
};

function output(entry: MapEntry, context: Context): OutputDeclaration | undefined {
  const key = {
    ...entry.value,
    kind: "scalar",
    value: entry.key,
    text: entry.key,
    style: "plain",
    at: entry.keyAt,
  } as const;
  const label = name.decode(key, context);
  const found = filePattern.decode(entry.value, context);
  if (label === undefined || found === undefined) return undefined;
  return { name: label, filePattern: found, at: locateStep(context.out.source, entry.keyAt) };
}
