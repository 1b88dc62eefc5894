/**
 * Values that are computed where they are named: `${file:PATH}`, `${cmd:COMMAND}`, `${date:FORMAT}` and `${uuid}`. The runtime
 * computes them before a step uses them, records them, and puts them into the scope under the very text in the braces.
 */
import { type ComputedKey, parseComputed } from "./computed-key.ts";
import type { Environment, EnvironmentValue, Step } from "./model.ts";
import { looksSecret } from "./secret-names.ts";
import type { Template, TemplatePart } from "./template-parse.ts";
import { parseTemplate } from "./template.ts";

/** The keys that a text names, those inside of others first. */
export function computedIn(text: string): readonly ComputedKey[] {
  if (!/\$\{\s*(?:file:|cmd:|date:|uuid|json:)/.test(text)) return [];
  const parsed = parseTemplate(text);
  return parsed.ok ? [...new Set(keysIn(parsed.template))] : [];
}

/** Whether the value of a key is the same in all steps. A command that names variables may come out otherwise in each. */
export function isConstant(key: ComputedKey): boolean {
  return !key.includes("${") || key.startsWith("env-");
}

/** Under which key the journal has what a command of `env:` printed; null for what is not recorded. */
export function environmentCommand(
  { name, value, secret }: EnvironmentValue,
  { notSecret }: Pick<Environment, "notSecret">,
): ComputedKey | null {
  if (value.kind !== "command" || !value.cache) return null;
  // The disk must not have a secret, so each worker asks for it again.
  if (secret || (looksSecret(name) && !notSecret.includes(name))) return null;
  return `env-cmd:${value.script}`;
}

function environmentKeys(environment: Environment, chosen: readonly EnvironmentValue[]): readonly ComputedKey[] {
  const commands = [...environment.values, ...chosen].flatMap((entry) => environmentCommand(entry, environment) ?? []);
  return [...environment.files.map(({ path }) => `env-file:${path}`), ...commands];
}

/** What a step names itself, apart from the steps inside of it. `condition`: only what is needed to decide on its `when`. */
export function computedOf(step: Step, extent: "condition" | "all"): readonly ComputedKey[] {
  const known = ofSteps.get(step) ?? { condition: conditionKeys(step), all: stringKeys(step) };
  ofSteps.set(step, known);
  return known[extent];
}

/** What the workflow's environment names; the profile is the chosen one. */
export function computedOfEnvironment(environment: Environment, profile: string | null): readonly ComputedKey[] {
  const known = ofEnvironments.get(environment);
  if (known?.profile === profile) return known.keys;
  const { profiles, ...rest } = environment;
  const chosen = profile === null ? undefined : profiles[profile];
  const keys = [...new Set([...stringKeys({ rest, chosen }), ...environmentKeys(environment, chosen ?? [])])];
  ofEnvironments.set(environment, { profile, keys });
  return keys;
}

interface StepKeys {
  readonly condition: readonly ComputedKey[];
  readonly all: readonly ComputedKey[];
}

// Steps do not change, and are asked about at every event.
const ofSteps = new WeakMap<Step, StepKeys>();
const ofEnvironments = new WeakMap<
  Environment,
  { readonly profile: string | null; readonly keys: readonly ComputedKey[] }
>();

function conditionKeys({ when, env, workingDir }: Step): readonly ComputedKey[] {
  return stringKeys({ when, env, workingDir });
}

/** All texts of a value count, whatever fields they stand in; steps inside are none of its business. */
function stringKeys(root: unknown): readonly ComputedKey[] {
  const keys = new Set<ComputedKey>();
  const visit = (value: unknown, name: string): void => {
    if (typeof value === "string") for (const key of keysOfField(value, name)) keys.add(key);
    if (typeof value !== "object" || value === null || (value !== root && isStep(value))) return;
    for (const [field, inner] of Object.entries(value)) if (field !== "at") visit(inner, field);
  };
  visit(root, "");
  return [...keys];
}

function keysOfField(text: string, name: string): readonly ComputedKey[] {
  const keys = computedIn(text);
  // A script that sets `uuid` means its own, and so does the label that is made of it.
  const isOwn = name === "label" || (name === "script" && SETS_UUID.test(text));
  return isOwn ? keys.filter((key) => key !== "uuid") : keys;
}

const SETS_UUID = /(?:^|[\s;&|(])(?:uuid=|(?:read|for|local|declare|typeset|export)\s[^\n;]*\buuid\b)/m;

function isStep(value: object): boolean {
  return "action" in value && "onFailure" in value;
}

function keysIn({ parts }: Template): readonly ComputedKey[] {
  return parts.flatMap(keysOfPart);
}

function keysOfPart(part: TemplatePart): readonly ComputedKey[] {
  if (part.kind !== "reference" || part.escaped) return [];
  const [key, ...below] = part.reference.parts;
  const inFallback = part.fallback === null ? [] : keysIn(part.fallback);
  if (typeof key !== "string" || (key === "uuid" && below.length > 0)) return inFallback;
  const computed = parseComputed(key);
  if (computed === null) return inFallback;
  const inner = key.includes("${") ? computedIn(key) : [];
  return [...inner, key, ...inFallback];
}
