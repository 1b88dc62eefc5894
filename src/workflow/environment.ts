/** `env:`, `profiles:` and `env_files:`. */
import { anyTemplate, expression, template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, anyText, bool, byKind, list, report, wrongType } from "./decode.ts";
import type { Mapping, Table } from "./mapping.ts";
import { field, mapping, readMapping, required, tableSchema } from "./mapping.ts";
import type { EnvironmentFile, EnvironmentValue } from "./model.ts";
import type { MapEntry } from "./source-node.ts";
import { locateStep } from "./source.ts";

const VALUE = {
  name: "an env value",
  fields: {
    value: field(anyTemplate, "The value, for a mapping with `secret: true`."),
    command: field(template, "A shell command whose trimmed output is the value."),
    cache: field(bool, "`false`: the command runs again for every step. Otherwise it runs once for the whole session."),
    condition: field(expression, "An expression that chooses between `when_true` and `when_false`."),
    when_true: field(anyTemplate, "The value where the condition is true."),
    when_false: field(anyTemplate, "The value where it is false."),
    secret: field(bool, "Whether the value is masked like an entry of `secrets:`."),
  },
  needs: [["value", "command", "condition"]],
  rules: { dependentRequired: { condition: ["when_true"] } },
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

/** The `env:` of one step, which is made anew for each of its attempts. */
export const stepEnvironment: Decoder<readonly EnvironmentValue[]> = {
  get schema() {
    return environment.schema;
  },
  decode: (node, context) => {
    for (const { value } of node.kind === "map" ? node.entries : []) {
      const cache = value.kind === "map" ? value.entries.find(({ key }) => key === "cache") : undefined;
      if (cache === undefined || (cache.value.kind === "scalar" && cache.value.value === false)) continue;
      const message = '"cache" has no effect in a step: its commands run for each attempt';
      const help = "move the value to the `env:` of the workflow to have one value for the whole session";
      report(context, { code: "no-effect", at: cache.keyAt, message, help });
    }
    return environment.decode(node, context)?.map(everyTime);
  },
};

function everyTime(entry: EnvironmentValue): EnvironmentValue {
  return entry.value.kind === "command" ? { ...entry, value: { ...entry.value, cache: false } } : entry;
}

/** Names of profiles, each with its values. */
export const profiles: Decoder<Readonly<Record<string, readonly EnvironmentValue[]>>> = {
  get schema() {
    const profile = { ...environment.schema, properties: { description: {} } };
    return { type: "object", additionalProperties: profile };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of profiles");
    const entries = allOf(node.entries.map((entry) => profile(entry, context)));
    return entries === undefined ? undefined : Object.fromEntries(entries);
  },
};

const ENV_FILE = {
  name: "an env file",
  fields: {
    path: field(template, "Where it lies: in the worktree, else in your repository.", { aliases: ["file"] }),
    optional: field(bool, "Whether it may be missing without a word."),
    required: field(bool, "Whether the run stops at once where it is missing."),
  },
  needs: [["path"]],
} as const;

const environmentFile: Decoder<EnvironmentFile> = byKind<EnvironmentFile>({
  expected: "a path, or a mapping with `path`",
  scalar: {
    schema: template.schema,
    decode: (node, context) => {
      const path = template.decode(node, context);
      return path === undefined ? undefined : { path, missing: "warn", at: locateStep(context.out.source, node.at) };
    },
  },
  map: mapping(ENV_FILE, (read, context) => {
    const path = required(read, "path", { name: "an env file", context });
    if (path === null) return undefined;
    const { optional, required: needed } = read.fields;
    if (optional?.value === true && needed?.value === true) {
      const message = "an env file cannot be both optional and required";
      return report(context, { code: "conflicting-keys", at: needed.keyAt, message });
    }
    const isOptional = optional?.value === true || needed?.value === false;
    const missing = isOptional ? "ignore" : needed?.value === true || optional?.value === false ? "fail" : "warn";
    return { path: path.value, missing, at: locateStep(context.out.source, path.node.at) };
  }),
});

/** Files with `NAME=value` lines. */
export const environmentFiles: Decoder<readonly EnvironmentFile[]> = list(environmentFile, { orOne: true });

function profile(entry: MapEntry, context: Context): readonly [string, readonly EnvironmentValue[]] | undefined {
  const { value: node } = entry;
  if (node.kind !== "map") return wrongType(node, context, "a mapping of names to values");
  // A profile's description stands among its values.
  const [inner] = node.entries.filter(({ key }) => key === "env");
  // `{env: {...}}` is how the workflow itself has its values; a variable `env` would be a text.
  if (inner?.value.kind === "map" && node.entries.every(({ key }) => key === "env" || key === "description"))
    return profile({ ...inner, key: entry.key }, context);
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
  if (command !== null) return { kind: "command", script: command.value, cache: cache?.value ?? true };
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

/** Whether the key can be the name of a variable. */
export function checkName(entry: MapEntry, context: Context): boolean {
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
