/** Gets the secrets that a workflow declares. They are never recorded: each worker gets them itself. */
import type { Secret } from "../../workflow/model.ts";
import type { Fault } from "../decision/event.ts";
import type { Outcome } from "../ports.ts";
import { MAX_ENV_FILE_BYTES, pathIn } from "./environment-file.ts";
import {
  fromCommand,
  refused,
  rendered,
  type EnvironmentRequest,
  type ValueRequest,
  type Variables,
  withEnvironment,
} from "./environment-value.ts";

export async function withSecret(secret: Secret, request: EnvironmentRequest, env: Variables): Promise<Fault | null> {
  const value = await secretValue(secret, { ...request, env });
  if (!value.ok) return value.fault;
  request.ports.masker.add(secret.name, value.value, { certain: true });
  env[secret.name] = value.value;
  return null;
}

const MISSING = "set it, or give the secret another source";

async function secretValue({ source, name, at }: Secret, request: ValueRequest): Promise<Outcome<string>> {
  const { host } = request.ports;
  switch (source.kind) {
    case "env": {
      const value = host.env[source.variable];
      if (value !== undefined) return { ok: true, value };
      const message = `secret ${name} comes from the environment variable ${source.variable}, which is not set`;
      return refused(message, { at, help: MISSING });
    }
    case "file": {
      const root = request.place.session.order.repository.path;
      const read = await host.readText(pathIn(root, source.path, host), MAX_ENV_FILE_BYTES);
      if (!read.ok) return { ok: false, fault: { ...read.fault, at } };
      if (read.value !== null) return { ok: true, value: read.value.trim() };
      const message = `secret ${name} comes from the file ${source.path}, which is not there`;
      return refused(message, { at, help: MISSING });
    }
    case "value":
      return rendered(source.template, withEnvironment(request.scope, request.env), { name, at });
    case "command":
      return fromCommand({ script: source.script, cache: true, name: `secret ${name}`, secret: true }, { at }, request);
    case "provider": {
      const { provider, key, version } = source;
      const program = providerProgram(provider);
      const words = [key, ...(version === null ? [] : [version])].map(quoted).join(" ");
      const script = `command -v ${program} >/dev/null || exit 127\nexec ${program} ${words}`;
      const missing = missingProvider(name, provider);
      return fromCommand({ script, cache: true, name: `secret ${name}`, secret: true, missing }, { at }, request);
    }
  }
}

/** Who is asked for the secrets of a provider: called with the key and the version, it prints the secret. */
export function providerProgram(provider: string): string {
  return `prodigy-secret-${provider}`;
}

export function missingProvider(name: string, provider: string): { readonly message: string; readonly help: string } {
  const program = providerProgram(provider);
  const command = INSTEAD[provider] ?? "a command that prints the secret";
  return {
    message: `secret ${name} comes from the provider "${provider}", which is not installed: there is no program ${program} in PATH`,
    help: `install ${program}, or write {provider: command, key: "${command}"}`,
  };
}

const INSTEAD: Readonly<Record<string, string>> = {
  vault: "vault kv get -field=FIELD PATH",
  aws: "aws secretsmanager get-secret-value --secret-id ID --query SecretString --output text",
};

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
