/** `env:`, `profiles:`, `secrets:` and `env_files:`. */
import { anyTemplate, expression, template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, anyText, bool, list, report, text, word, wrongType } from "./decode.ts";
import type { Mapping, Table } from "./mapping.ts";
import { field, readMapping, tableSchema } from "./mapping.ts";
import type { EnvironmentValue, Secret } from "./model.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import { locateStep } from "./source.ts";

const VALUE = {
  name: "an env value",
  fields: {
    value: field(anyTemplate, "The value, for a mapping with `secret: true`."),
    command: field(template, "A shell command whose trimmed output is the value."),
    cache: field(bool, "Whether the command runs only once."),
    condition: field(expression, "An expression that chooses between `when_true` and `when_false`."),
    when_true: field(anyTemplate, "The value where the condition is true."),
    when_false: field(anyTemplate, "The value where it is false."),
    secret: field(bool, "Whether the value is masked like an entry of `secrets:`."),
  },
} as const satisfies Table<Record<string, ReturnType<typeof field<unknown>>>>;

/** The names and values of an environment. */
export const environment: Decoder<readonly EnvironmentValue[]> = {
  get schema() {
    return { type: "object", additionalProperties: { anyOf: [anyText.schema, tableSchema(VALUE)] } };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of names to values");
    return allOf(node.entries.map((entry) => environmentValue(entry, context)));
  },
};

/** Names of profiles, each with its values. */
export const profiles: Decoder<Readonly<Record<string, readonly EnvironmentValue[]>>> = {
  get schema() {
    return { type: "object", additionalProperties: environment.schema };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of profiles");
    const entries = allOf(node.entries.map((entry) => profile(entry, context)));
    return entries === undefined ? undefined : Object.fromEntries(entries);
  },
};

/** Paths of files with `NAME=value` lines. */
export const environmentFiles: Decoder<readonly string[]> = list(template, { orOne: true });

const SECRET = {
  name: "a secret",
  fields: {
    provider: field(
      word(["env", "file", "command"], { cmd: "command", environment: "env" }),
      "Where the secret comes from.",
    ),
    key: field(text, "The variable, the path or the command, for the provider."),
    version: field(text, "Has no effect."),
    env: field(text, "The variable that holds the secret."),
    file: field(text, "The path of the file that holds the secret."),
    command: field(text, "The command that prints the secret.", { aliases: ["cmd"] }),
    value: field(template, "The secret itself; better a reference than a value."),
  },
} as const;

/** Names of secrets and where they come from. */
export const secrets: Decoder<readonly Secret[]> = {
  get schema() {
    return { type: "object", additionalProperties: { anyOf: [text.schema, tableSchema(SECRET)] } };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of names to secrets");
    return allOf(node.entries.map((entry) => secret(entry, context)));
  },
};

function profile(entry: MapEntry, context: Context): readonly [string, readonly EnvironmentValue[]] | undefined {
  const { value: node } = entry;
  if (node.kind !== "map") return wrongType(node, context, "a mapping of names to values");
  // A profile's description stands among its values.
  const values = allOf(
    node.entries.filter(({ key }) => key !== "description").map((value) => environmentValue(value, context)),
  );
  return values === undefined ? undefined : [entry.key, values];
}

function environmentValue(entry: MapEntry, context: Context): EnvironmentValue | undefined {
  if (!checkName(entry, context)) return undefined;
  const { value: node } = entry;
  const at = locateStep(context.out.source, entry.keyAt);
  if (node.kind === "scalar") {
    if (node.value === null) {
      const help = 'write `""` for an empty value';
      return report(context, { code: "empty-value", at: entry.keyAt, message: `"${entry.key}" has no value`, help });
    }
    const value = anyTemplate.decode(node, context);
    return value === undefined
      ? undefined
      : { name: entry.key, value: { kind: "text", template: value }, secret: false, at };
  }
  if (node.kind !== "map")
    return wrongType(node, context, "a text, or a mapping with `command`, `condition` or `value`");
  const read = readMapping(node, VALUE, context);
  const value = read === undefined ? undefined : dynamicValue(read, context);
  return value === undefined ? undefined : { name: entry.key, value, secret: read?.fields.secret?.value ?? false, at };
}

function dynamicValue(
  read: Mapping<(typeof VALUE)["fields"]>,
  context: Context,
): EnvironmentValue["value"] | undefined {
  const { value, command, cache, condition, when_true, when_false } = read.fields;
  const forms = ["value", "command", "condition"].filter((key) => read.given.has(key));
  if (forms.length !== 1) {
    const code = forms.length === 0 ? "missing-key" : "conflicting-keys";
    return report(context, {
      code,
      at: read.at,
      message: "an env value has exactly one of value, command and condition",
    });
  }
  if (value !== null) return { kind: "text", template: value.value };
  if (command !== null) return { kind: "command", script: command.value, cache: cache?.value ?? false };
  if (!read.given.has("when_true")) {
    return report(context, { code: "missing-key", at: read.at, message: 'a conditional env value needs "when_true:"' });
  }
  if (condition === null || when_true === null) return undefined;
  return {
    kind: "conditional",
    condition: condition.value,
    whenTrue: when_true.value,
    whenFalse: when_false?.value ?? "",
  };
}

function secret(entry: MapEntry, context: Context): Secret | undefined {
  if (!checkName(entry, context)) return undefined;
  const source = entry.value.kind === "map" ? describedSecret(entry.value, context) : shortSecret(entry.value, context);
  return source === undefined
    ? undefined
    : { name: entry.key, source, at: locateStep(context.out.source, entry.keyAt) };
}

/** `NAME`, `$NAME`, `${NAME}`, `env:NAME`, `${env:NAME}` and `${env.NAME}` are all one reference. */
const ENV_REFERENCE = /^(?:\$\{\s*(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)\s*\}|\$?(?:env:)?([A-Za-z_][A-Za-z0-9_]*))$/u;
const SOURCE_REFERENCE = /^(?:\$\{\s*)?(file|cmd|command):\s*(.+?)(?:\s*\})?$/su;

function shortSecret(node: SourceNode, context: Context): Secret["source"] | undefined {
  const written = text.decode(node, context)?.trim();
  if (written === undefined) return undefined;
  const [, braced, plain] = ENV_REFERENCE.exec(written) ?? [];
  const variable = braced ?? plain;
  if (variable !== undefined) return { kind: "env", variable };
  const [, kind, rest = ""] = SOURCE_REFERENCE.exec(written) ?? [];
  if (kind === "file") return { kind: "file", path: rest };
  if (kind !== undefined) return { kind: "command", script: rest };
  return literalSecret(node, context);
}

function describedSecret(node: SourceNode, context: Context): Secret["source"] | undefined {
  const read = readMapping(node, SECRET, context);
  if (read === undefined) return undefined;
  const { provider, key, env, file, command, value, version } = read.fields;
  if (version !== null)
    report(context, { code: "no-effect", at: version.keyAt, message: '"version" has no effect on a secret' });
  const forms = ["provider", "env", "file", "command", "value"].filter((form) => read.given.has(form));
  if (forms.length !== 1 || read.given.has("provider") !== read.given.has("key")) {
    const help = "write `{provider: env, key: NAME}`, or one of env, file, command and value";
    return report(context, { code: "missing-key", at: read.at, message: "a secret has exactly one source", help });
  }
  if (env !== null) return { kind: "env", variable: env.value };
  if (file !== null) return { kind: "file", path: file.value };
  if (command !== null) return { kind: "command", script: command.value };
  if (value !== null) return literalSecret(value.node, context);
  if (provider === null || key === null) return undefined;
  switch (provider.value) {
    case "env":
      return { kind: "env", variable: key.value };
    case "file":
      return { kind: "file", path: key.value };
    case "command":
      return { kind: "command", script: key.value };
  }
}

function literalSecret(node: SourceNode, context: Context): Secret["source"] | undefined {
  const value = template.decode(node, context);
  if (value === undefined) return undefined;
  if (!value.includes("$")) {
    const help = "write the name of a variable, `file:PATH` or `cmd:COMMAND`";
    report(context, {
      code: "secret-in-file",
      at: node.at,
      message: "the secret itself stands in the workflow file",
      help,
    });
  }
  return { kind: "value", template: value };
}

function checkName(entry: MapEntry, context: Context): boolean {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/u.test(entry.key)) return true;
  const help = "use letters, digits and `_`, beginning with a letter";
  report(context, {
    code: "invalid-name",
    at: entry.keyAt,
    message: `"${entry.key}" cannot be the name of a variable`,
    help,
  });
  return false;
}
