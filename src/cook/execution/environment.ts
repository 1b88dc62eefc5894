/**
 * A child's environment: the process environment, env files, `env:`, the profile, secrets, the step's own `env:`; later
 * wins. The same for shells and agents, in every phase.
 */
import type { Environment } from "../../workflow/model.ts";
import { toEnvironment } from "../../workflow/scope.ts";
import { looksSecret } from "../../workflow/secret-names.ts";
import type { Fault } from "../decision/event.ts";
import type { Outcome } from "../ports.ts";
import { readEnvironmentFile } from "./environment-file.ts";
import { withSecret } from "./environment-secret.ts";
import { type EnvironmentRequest, type Variables, withValues } from "./environment-value.ts";
import { laneEnvironment, laneFacts } from "./lane-facts.ts";

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

export async function environmentFor(request: EnvironmentRequest): Promise<Outcome<Readonly<Variables>>> {
  const { place, ports } = request;
  const { environment } = place.session.order.workflow;
  const env: Variables = place.step.clearEnv || !environment.inherit ? minimal(ports.host.env) : { ...ports.host.env };
  const own: Part = () => withValues(place.step.env, request, env);
  const parts = place.step.clearEnv
    ? [own]
    : [
        ...commonParts(request, env),
        ...environment.secrets.map((secret) => () => withSecret(secret, request, env)),
        own,
      ];
  const problem = await inOrder(parts);
  if (problem !== null) return { ok: false, fault: problem };
  registerSecretNames(env, environment, request);
  const lane = laneEnvironment(await laneFacts(place.lane, { host: ports.host, text: JSON.stringify(place.step) }));
  return { ok: true, value: { ...env, ...standard(request), ...lane } };
}

type Part = () => Promise<Fault | null>;

function commonParts(request: EnvironmentRequest, env: Variables): readonly Part[] {
  const { workflow, profile } = request.place.session.order;
  const { environment } = workflow;
  const chosen = profile === null ? [] : (environment.profiles[profile] ?? []);
  return [
    ...environment.files.map((file) => async () => {
      const read = await readEnvironmentFile(file, request, env);
      if (!read.ok) return read.fault;
      Object.assign(env, read.value?.values);
      registerSecretNames(read.value?.values ?? {}, environment, request);
      return null;
    }),
    () => withValues(environment.values, request, env),
    () => withValues(chosen, request, env),
  ];
}

async function inOrder(parts: readonly Part[]): Promise<Fault | null> {
  for (const part of parts) {
    const problem = await part();
    if (problem !== null) return problem;
  }
  return null;
}

function minimal(env: Readonly<Variables>): Variables {
  return Object.fromEntries(ALWAYS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
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
