/**
 * A child's environment: the process environment, env files, `env:`, the profile, secrets, the step's own `env:`; later
 * wins. The same for shells and agents, in every phase.
 */
import type { Environment, EnvironmentValue, Secret } from "../../workflow/model.ts";
import { evaluate, parseExpression, truthy } from "../../workflow/expression.ts";
import { type Scope, scopeOver, toEnvironment } from "../../workflow/scope.ts";
import { looksSecret } from "../../workflow/secret-names.ts";
import { interpolate } from "../../workflow/template.ts";
import type { Fault } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import type { Outcome, Ports } from "../ports.ts";
import type { Place } from "./scope.ts";

type EnvPorts = Pick<Ports, "host" | "masker" | "commands" | "logs">;
type Variables = Record<string, string>;

/** Remembers what `env:` commands said, for as long as this worker lives. */
export interface EnvironmentCache {
  readonly commands: Map<string, string>;
}

export interface EnvironmentRequest {
  readonly place: Place;
  readonly scope: Scope;
  readonly ports: EnvPorts;
  readonly cache: EnvironmentCache;
  readonly signal: AbortSignal;
}

/** What every child gets even if the process environment is not inherited. */
const ALWAYS = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "TMPDIR",
  "TERM",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "PRODIGY_HOME",
  "PRODIGY_WORKTREE_DIR",
];
/** An env file larger than this is not one. */
const MAX_ENV_FILE_BYTES = 1024 * 1024;

export async function environmentFor(request: EnvironmentRequest): Promise<Outcome<Readonly<Variables>>> {
  const { place, ports } = request;
  const { environment } = place.session.order.workflow;
  const env: Variables = place.step.clearEnv || !environment.inherit ? minimal(ports.host.env) : { ...ports.host.env };
  const parts = place.step.clearEnv ? [() => values(place.step.env, request, env)] : layers(environment, request, env);
  for (const part of parts) {
    const problem = await part();
    if (problem !== null) return { ok: false, fault: problem };
  }
  registerSecretNames(env, environment, request);
  return { ok: true, value: { ...env, ...standard(request) } };
}

function minimal(env: Readonly<Variables>): Variables {
  return Object.fromEntries(ALWAYS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function layers(
  environment: Environment,
  request: EnvironmentRequest,
  env: Variables,
): readonly (() => Promise<Fault | null>)[] {
  const { profile } = request.place.session.order;
  const chosen = profile === null ? [] : (environment.profiles[profile] ?? []);
  return [
    ...environment.files.map((file) => () => envFile(file, request, env)),
    () => values(environment.values, request, env),
    () => values(chosen, request, env),
    ...environment.secrets.map((secret) => () => withSecret(secret, request, env)),
    () => values(request.place.step.env, request, env),
  ];
}

async function envFile(file: string, { place, ports }: EnvironmentRequest, env: Variables): Promise<Fault | null> {
  const roots = [place.lane.directory, place.session.order.repository.path];
  for (const root of roots) {
    if (root === null) continue;
    const read = await ports.host.readText(pathIn(root, file, ports.host), MAX_ENV_FILE_BYTES);
    if (!read.ok) return read.fault;
    if (read.value === null) continue;
    const found = parseEnvFile(read.value);
    Object.assign(env, found);
    registerSecretNames(found, place.session.order.workflow.environment, { ports });
    return null;
  }
  return null; // A missing env file is allowed: developers and CI have different ones.
}

/** Secrets lie in home folders more often than in repositories, and no shell fills in the `~` here. */
function pathIn(root: string, path: string, { env }: Pick<Ports["host"], "env">): string {
  const home = env["HOME"];
  const full = home === undefined ? path : path.replace(/^~(?=\/)/, home);
  return full.startsWith("/") ? full : `${root}/${full}`;
}

/** `KEY=value` lines; `export`, comments, quotes and escapes in double quotes are understood. */
export function parseEnvFile(text: string): Readonly<Variables> {
  const env: Variables = {};
  const entry =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|'([^']*)'|([^\r\n]*))/gm;
  for (const [, name, double, single, bare] of text.matchAll(entry)) {
    if (name === undefined) continue;
    env[name] = double === undefined ? (single ?? (bare ?? "").replace(/\s+#.*$/, "").trim()) : unescape(double);
  }
  return env;
}

function unescape(text: string): string {
  return text.replace(/\\([^])/g, (_, character: string) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

async function values(
  entries: readonly EnvironmentValue[],
  request: EnvironmentRequest,
  env: Variables,
): Promise<Fault | null> {
  for (const entry of entries) {
    const text = await valueOf(entry, request, env);
    if (!text.ok) return text.fault;
    env[entry.name] = text.value;
    if (isSecret(entry, request)) request.ports.masker.add(entry.name, text.value, { certain: entry.secret });
  }
  return null;
}

function isSecret({ name, secret }: EnvironmentValue, { place }: EnvironmentRequest): boolean {
  return secret || (looksSecret(name) && !place.session.order.workflow.environment.notSecret.includes(name));
}

/** Values see the environment as it stands so far, as `env.NAME` and by name. */
function withEnv(scope: Scope, env: Variables): Scope {
  return scopeOver(scope, { values: { ...env, env } });
}

async function valueOf(entry: EnvironmentValue, request: EnvironmentRequest, env: Variables): Promise<Outcome<string>> {
  const scope = withEnv(request.scope, env);
  switch (entry.value.kind) {
    case "text":
      return rendered(entry.value.template, scope, entry);
    case "conditional": {
      const parsed = parseExpression(entry.value.condition);
      const result = parsed.ok ? evaluate(parsed.expression, scope, "when") : parsed;
      if (!result.ok)
        return refused(`the condition of env ${entry.name} could not be evaluated: ${result.problem.message}`, entry);
      return rendered(truthy(result.value) ? entry.value.whenTrue : entry.value.whenFalse, scope, entry);
    }
    case "command":
      return fromCommand({ ...entry.value, name: `env ${entry.name}`, secret: isSecret(entry, request) }, entry, {
        ...request,
        env,
      });
  }
}

function rendered(template: string, scope: Scope, { name, at }: EnvironmentValue | Secret): Outcome<string> {
  // No shell reads them, so `$1` can only be meant as the first argument.
  const result = interpolate(template, scope, { target: "prompt", positional: true });
  if (result.ok) return { ok: true, value: result.text };
  return refused(`the value of ${name} could not be filled in: ${result.problems[0]?.message ?? "unknown"}`, { at });
}

function refused(
  message: string,
  { at }: { readonly at: EnvironmentValue["at"] },
): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: fault("environment", message, { at }) };
}

interface CommandValue {
  readonly script: string;
  readonly cache: boolean;
  readonly name: string;
  readonly secret: boolean;
}

/** Commands that make values have a minute; they are not steps. */
const VALUE_COMMAND_TIMEOUT_MS = 60_000;

async function fromCommand(
  value: CommandValue,
  { at }: { readonly at: EnvironmentValue["at"] },
  request: EnvironmentRequest & { readonly env: Variables },
): Promise<Outcome<string>> {
  const { place, ports, cache, signal } = request;
  const known = value.cache ? cache.commands.get(value.script) : undefined;
  if (known !== undefined) return { ok: true, value: known };
  const logs = ports.logs.name({ lane: place.lane.id, sequence: place.session.starts, label: value.name });
  const output = { stdoutLog: logs.stdout, stderrLog: logs.stderr, onLine: () => undefined };
  const directory = place.lane.directory ?? place.session.order.repository.path;
  const run = await ports.commands.run(
    {
      lane: place.lane.id,
      unlogged: value.secret,
      script: value.script,
      directory,
      env: request.env,
      timeoutMs: VALUE_COMMAND_TIMEOUT_MS,
      output,
    },
    signal,
  );
  if (run.ended === "stopped") return { ok: false, fault: fault("interrupted", `${value.name} was stopped`, { at }) };
  if (run.exitCode !== 0) {
    // What it printed before it failed may well be the secret.
    if (value.secret) ports.masker.add(value.name, run.stdout.trim(), { certain: false });
    const lastLines = ports.masker.mask(run.stderr.trim()).split("\n").slice(-5);
    return {
      ok: false,
      fault: fault("environment", `the command for ${value.name} failed (exit code ${String(run.exitCode)})`, {
        at,
        lastLines,
      }),
    };
  }
  const text = run.stdout.trim();
  if (value.cache) cache.commands.set(value.script, text);
  return { ok: true, value: text };
}

async function withSecret(secret: Secret, request: EnvironmentRequest, env: Variables): Promise<Fault | null> {
  const value = await secretValue(secret, request, env);
  if (!value.ok) return value.fault;
  request.ports.masker.add(secret.name, value.value, { certain: true });
  env[secret.name] = value.value;
  return null;
}

async function secretValue(secret: Secret, request: EnvironmentRequest, env: Variables): Promise<Outcome<string>> {
  const { source, name, at } = secret;
  switch (source.kind) {
    case "env": {
      const value = request.ports.host.env[source.variable];
      return value === undefined
        ? missing(`secret ${name} comes from the environment variable ${source.variable}, which is not set`, at)
        : { ok: true, value };
    }
    case "file": {
      const root = request.place.session.order.repository.path;
      const { host } = request.ports;
      const read = await host.readText(pathIn(root, source.path, host), MAX_ENV_FILE_BYTES);
      if (!read.ok) return read;
      return read.value === null
        ? missing(`secret ${name} comes from the file ${source.path}, which is not there`, at)
        : { ok: true, value: read.value.trim() };
    }
    case "value":
      return rendered(source.template, withEnv(request.scope, env), secret);
    case "command":
      return fromCommand({ script: source.script, cache: true, name: `secret ${name}`, secret: true }, secret, {
        ...request,
        env,
      });
  }
}

function missing(message: string, at: Secret["at"]): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: fault("environment", message, { at, help: "set it, or give the secret another source" }) };
}

/** Values whose names look secret are masked too, unless the workflow says that they are none. */
function registerSecretNames(
  env: Readonly<Variables>,
  { notSecret }: Environment,
  { ports }: Pick<EnvironmentRequest, "ports">,
): void {
  for (const [name, value] of Object.entries(env)) {
    if (looksSecret(name) && !notSecret.includes(name)) ports.masker.add(name, value, { certain: false });
  }
}

function standard({ place, scope }: EnvironmentRequest): Readonly<Variables> {
  const { locals } = place.context;
  const value = locals["ARG"];
  return {
    ...toEnvironment(scope),
    PRODIGY_AUTOMATION: "true",
    PRODIGY_WORKTREE: place.session.order.session,
    ...(typeof value === "string" ? { PRODIGY_ARG: value } : {}),
    ...(place.context.own ? {} : { PRODIGY_VALIDATION: "true" }),
  };
}
