/** `secrets:` and where each comes from. */
import { template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, anyText, bool, byKind, report, text, wrongType } from "./decode.ts";
import { checkName } from "./environment.ts";
import { field, mapping, readMapping, required, tableSchema } from "./mapping.ts";
import type { Secret } from "./model.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import { locateStep } from "./source.ts";

/** What Prodigy reads itself. Every other provider is a program of its own: see `providerProgram`. */
const OWN_PROVIDERS: Readonly<Record<string, "env" | "file" | "command">> = {
  env: "env",
  environment: "env",
  file: "file",
  command: "command",
  cmd: "command",
};

/** The name of a provider is a part of the name of a program. */
const PROVIDER_NAME = /^[a-z][a-z0-9_-]{0,63}$/u;

const CUSTOM = { name: "a provider", fields: { custom: field(text, "The provider's name.") } } as const;

/** `vault`, or the older `{custom: vault}`. */
const providerName: Decoder<string> = byKind<string>({
  expected: "the name of a provider",
  scalar: text,
  map: mapping(CUSTOM, (read, context) => required(read, "custom", { name: "a provider", context })?.value),
});

const SECRET = {
  name: "a secret",
  fields: {
    provider: field(providerName, "`env`, `file` or `command`, or NAME for the program `prodigy-secret-NAME`."),
    key: field(text, "The variable, the path, the command, or what the provider calls the secret."),
    version: field(anyText, "Which version the provider is asked for."),
    env: field(text, "The variable that holds the secret."),
    file: field(text, "The path of the file that holds the secret."),
    command: field(text, "The command that prints the secret.", { aliases: ["cmd"] }),
    value: field(template, "The secret itself; better a reference than a value."),
    secret: field(bool, "Has no effect: what stands here is a secret."),
  },
  needs: [["provider", "env", "file", "command", "value"]],
  rules: { dependentRequired: { provider: ["key"], key: ["provider"] } },
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

function secret(entry: MapEntry, context: Context): Secret | undefined {
  if (!checkName(entry, context)) return undefined;
  const source = entry.value.kind === "map" ? describedSecret(entry.value, context) : shortSecret(entry.value, context);
  return source === undefined
    ? undefined
    : { name: entry.key, source, at: locateStep(context.out.source, entry.keyAt) };
}

/** `NAME`, `$NAME`, `${NAME}`, `env:NAME`, `${env:NAME}` and `${env.NAME}` are all one reference. */
const ENV_REFERENCE = /^(?:\$\{\s*(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)\s*\}|\$?(?:env:)?([A-Za-z_][A-Za-z0-9_]*))$/u;
const SOURCE_REFERENCE = /^(?:\$\{\s*)?(file|cmd|command|vault|aws):\s*(.+?)(?:\s*\})?$/su;

function shortSecret(node: SourceNode, context: Context): Secret["source"] | undefined {
  const written = text.decode(node, context)?.trim();
  if (written === undefined) return undefined;
  const [, braced, plain] = ENV_REFERENCE.exec(written) ?? [];
  const variable = braced ?? plain;
  if (variable !== undefined) return { kind: "env", variable };
  const [, kind, rest = ""] = SOURCE_REFERENCE.exec(written) ?? [];
  return kind === undefined ? literalSecret(node, context) : provided(kind, rest, null);
}

function describedSecret(node: SourceNode, context: Context): Secret["source"] | undefined {
  const read = readMapping(node, SECRET, context);
  if (read === undefined) return undefined;
  const { provider, key, env, file, command, value, version } = read.fields;
  const isForeign = provider !== null && !Object.hasOwn(OWN_PROVIDERS, provider.value.toLowerCase());
  if (version !== null && !isForeign)
    report(context, { code: "no-effect", at: version.keyAt, message: '"version" has no effect on this secret' });
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
  const name = provider.value.trim().toLowerCase();
  if (!PROVIDER_NAME.test(name)) {
    const message = `"${provider.value}" cannot be the name of a provider`;
    return report(context, { code: "invalid-name", at: provider.node.at, message });
  }
  return provided(name, key.value, version?.value ?? null);
}

function provided(provider: string, key: string, version: string | null): Secret["source"] {
  const own = Object.hasOwn(OWN_PROVIDERS, provider) ? OWN_PROVIDERS[provider] : undefined;
  switch (own) {
    case "env":
      return { kind: "env", variable: key };
    case "file":
      return { kind: "file", path: key };
    case "command":
      return { kind: "command", script: key };
    case undefined:
    default:
      return { kind: "provider", provider, key, version };
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
