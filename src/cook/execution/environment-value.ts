/** Values of `env:`: texts, conditions and what commands print. */
import { evaluate, parseExpression, truthy } from "../../workflow/expression.ts";
import type { EnvironmentValue, SourceLocation } from "../../workflow/model.ts";
import { type Scope, scopeOver } from "../../workflow/scope.ts";
import { looksSecret } from "../../workflow/secret-names.ts";
import { interpolate } from "../../workflow/template.ts";
import { environmentCommand } from "../../workflow/computed.ts";
import { valuesAt } from "../decision/compute.ts";
import type { Fault } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import type { Outcome, Ports } from "../ports.ts";
import type { Place } from "./scope.ts";

type EnvPorts = Pick<Ports, "host" | "masker" | "commands" | "logs">;
export type Variables = Record<string, string>;

/** Remembers what commands said whose words must not be kept on the disk, for as long as this worker lives. */
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

/** Puts the values of one layer into the environment; each sees those before it. */
export async function withValues(
  entries: readonly EnvironmentValue[],
  request: EnvironmentRequest,
  env: Variables,
): Promise<Fault | null> {
  for (const entry of entries) {
    const text = await valueOf(entry, { ...request, env });
    if (!text.ok) return text.fault;
    env[entry.name] = text.value;
    if (isSecret(entry, request)) request.ports.masker.add(entry.name, text.value, { certain: entry.secret });
  }
  return null;
}

/** Everything that a value may be made from. */
export type ValueRequest = EnvironmentRequest & { readonly env: Variables };

function isSecret({ name, secret }: EnvironmentValue, { place }: EnvironmentRequest): boolean {
  return secret || (looksSecret(name) && !place.session.order.workflow.environment.notSecret.includes(name));
}

async function valueOf(entry: EnvironmentValue, request: ValueRequest): Promise<Outcome<string>> {
  const scope = withEnvironment(request.scope, request.env);
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
    case "command": {
      const { script, cache } = entry.value;
      const command = { script, cache, name: `env ${entry.name}`, secret: isSecret(entry, request) };
      const { environment } = request.place.session.order.workflow;
      const key = environmentCommand(entry, environment);
      const known = key === null ? undefined : recorded(key, request);
      return known === undefined ? fromCommand(command, entry, request) : { ok: true, value: known };
    }
  }
}

/** What the journal has. With a secret in it that this process does not know, it is worth nothing. */
function recorded(key: string, { place }: EnvironmentRequest): string | undefined {
  const value = valuesAt(place.session, { lane: place.lane.id, path: place.path }).ofSession[key];
  return typeof value === "string" && !value.includes("{{secret:") ? value : undefined;
}

/** The variables of the run, and below them the environment as far as it is made. */
export function withEnvironment(scope: Scope, env: Readonly<Variables>): Scope {
  return scopeOver(scope, { values: { ...env, env } });
}

export function rendered(
  template: string,
  scope: Scope,
  { name, at }: { readonly name: string; readonly at: SourceLocation },
): Outcome<string> {
  // No shell reads them, so `$1` can only be meant as the first argument.
  const result = interpolate(template, scope, { target: "prompt", positional: true });
  if (result.ok) return { ok: true, value: result.text };
  return refused(`the value of ${name} could not be filled in: ${result.problems[0]?.message ?? "unknown"}`, { at });
}

export function refused(
  message: string,
  { at, help = null }: { readonly at: SourceLocation; readonly help?: string | null },
): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: fault("environment", message, { at, help }) };
}

export interface CommandValue {
  readonly script: string;
  readonly cache: boolean;
  readonly name: string;
  readonly secret: boolean;
  /** What to say where the command itself is not there (exit code 127). */
  readonly missing?: { readonly message: string; readonly help: string };
}

/** Commands that make values have a minute; they are not steps. */
const VALUE_COMMAND_TIMEOUT_MS = 60_000;

export async function fromCommand(
  value: CommandValue,
  { at }: { readonly at: SourceLocation },
  request: ValueRequest,
): Promise<Outcome<string>> {
  const { place, ports, cache, signal, env } = request;
  const known = value.cache ? cache.commands.get(value.script) : undefined;
  if (known !== undefined) return { ok: true, value: known };
  const logs = ports.logs.name({ lane: place.lane.id, sequence: place.session.starts, label: value.name });
  const run = await ports.commands.run(
    {
      lane: place.lane.id,
      unlogged: value.secret,
      script: value.script,
      directory: place.lane.directory ?? place.session.order.repository.path,
      env,
      timeoutMs: VALUE_COMMAND_TIMEOUT_MS,
      output: { stdoutLog: logs.stdout, stderrLog: logs.stderr, onLine: () => undefined },
    },
    signal,
  );
  if (run.ended === "stopped") return { ok: false, fault: fault("interrupted", `${value.name} was stopped`, { at }) };
  if (run.exitCode !== 0) {
    // What it printed before it failed may well be the secret.
    if (value.secret) ports.masker.add(value.name, run.stdout.trim(), { certain: false });
    if (run.exitCode === 127 && value.missing !== undefined)
      return refused(value.missing.message, { at, help: value.missing.help });
    const lastLines = ports.masker.mask(run.stderr.trim()).split("\n").slice(-5);
    const how = run.ended === "timeout" ? "took more than a minute" : `failed (exit code ${String(run.exitCode)})`;
    return { ok: false, fault: fault("environment", `the command for ${value.name} ${how}`, { at, lastLines }) };
  }
  const text = run.stdout.trim();
  if (value.cache) cache.commands.set(value.script, text);
  return { ok: true, value: text };
}
