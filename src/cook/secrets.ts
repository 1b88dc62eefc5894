/**
 * The secrets that are known before the first step: what a workflow declares may stand in its own text, in parameters
 * and inputs, and those are the first thing that is written. What a command prints is known only when it has run.
 */
import type { EnvironmentValue, Json, Secret, Workflow } from "../workflow/model.ts";
import { isRecord } from "../workflow/path.ts";
import { looksSecret } from "../workflow/secret-names.ts";
import { parseWorkflow } from "../workflow/parse.ts";
import type { WorkflowFiles } from "../workflow/workflow-files.ts";
import type { Recorded, SessionOrder } from "./decision/event.ts";
import { parseEnvFile } from "../workflow/env-file.ts";
import { pathIn } from "./execution/environment-file.ts";
import { isOrder, mapped, opened } from "./masking.ts";
import { everyStep } from "./needs.ts";
import type { HostPort, MaskerPort } from "./ports.ts";

/** What of an order decides which texts are secret. */
export type Declared = Pick<SessionOrder, "workflow" | "parameters"> & {
  /** What relative paths start from. */
  readonly directory: string;
};

/** An env file or a secret larger than this is neither. */
const MAX_SECRET_FILE_BYTES = 1024 * 1024;

export interface Known {
  readonly host: Pick<HostPort, "env" | "readText">;
  readonly masker: MaskerPort;
  /** How files that a workflow file includes are read. @default they are not */
  readonly filesOf?: (file: string) => WorkflowFiles;
}

export async function registerSecrets(declared: Declared, { host, masker }: Known): Promise<void> {
  const { workflow, parameters, directory } = declared;
  const { environment } = workflow;
  const add = (name: string, value: string, certain: boolean): void => {
    if (certain || (looksSecret(name) && !environment.notSecret.includes(name))) masker.add(name, value, { certain });
  };
  const read = async (path: string): Promise<string> => {
    const text = await host.readText(pathIn(directory, path, host), MAX_SECRET_FILE_BYTES);
    // What cannot be read now is told when a step needs it.
    return text.ok ? (text.value ?? "") : "";
  };
  for (const file of environment.files.map(({ path }) => path).filter(isLiteral)) {
    for (const [name, value] of Object.entries(parseEnvFile(await read(file)).values)) add(name, value, false);
  }
  for (const secret of environment.secrets) add(secret.name, (await secretText(secret, host.env, read)) ?? "", true);
  for (const entry of everyValue(workflow)) {
    for (const text of literals(entry)) add(entry.name, text, entry.secret);
  }
  const defaults = workflow.parameters.map((parameter) => [parameter.name, parameter.default] as const);
  for (const [name, value] of [...defaults, ...Object.entries(parameters)]) {
    for (const [key, text] of named(name, value)) add(key, text, false);
  }
}

/** The journal of a session as the engine needs it, and the secrets that this environment does not have. */
export type Opened = Promise<{ readonly history: readonly Recorded[]; readonly missing: readonly string[] }>;

/**
 * The events of a stored session as the engine needs them. What stood in the workflow file itself is read there again:
 * nothing else has it.
 */
export async function openedHistory(stored: readonly Recorded[], known: Known): Promise<Awaited<Opened>> {
  const orders = stored.filter(isOrder);
  let file: string | null = null;
  for (const event of orders) {
    if (event.type === "session-started") {
      const { workflow, parameters, repository, workflowFile } = event.order;
      file = workflowFile;
      await registerSecrets({ workflow, parameters, directory: repository.path }, known);
    }
    if (event.type === "workflow-changed")
      await registerSecrets({ workflow: event.workflow, parameters: {}, directory: "" }, known);
  }
  if (file !== null && missingSecrets(orders, known.masker).length > 0) await registerFile(file, known);
  for (const name of missingSecrets(orders, known.masker)) {
    const value = known.host.env[name] ?? known.host.env[name.toUpperCase()];
    if (value !== undefined) known.masker.add(name, value, { certain: true });
  }
  return {
    history: stored.map((event) => opened(event, known.masker)),
    missing: missingSecrets(orders, known.masker),
  };
}

async function registerFile(file: string, known: Known): Promise<void> {
  const text = await known.host.readText(file, MAX_WORKFLOW_BYTES);
  if (!text.ok || text.value === null) return;
  const files = known.filesOf?.(file);
  const { workflow } = parseWorkflow(text.value, { file, ...(files === undefined ? {} : { files }) });
  if (workflow === null) return;
  await registerSecrets({ workflow, parameters: {}, directory: "" }, known);
  // Tokens that say themselves what they are get their names when they are sealed.
  mapped(workflow, (part) => known.masker.seal(part));
}

const MAX_WORKFLOW_BYTES = 16 * 1024 * 1024;

/** Names in the seals of a stored value that nothing here can fill in. */
function missingSecrets(value: unknown, masker: MaskerPort): readonly string[] {
  const seals = [...(JSON.stringify(value) ?? "").matchAll(/\{\{secret:([^{}!][^{}]*)\}\}/g)];
  const missing = seals.filter(([seal]) => masker.unseal(seal) === seal).map(([, name = ""]) => name);
  return [...new Set(missing.map((name) => name.replace(/\|.*$/, "")))];
}

/** A text that needs nothing filled in is known before the run. */
function isLiteral(template: string): boolean {
  return !template.includes("$") && !template.includes("{{secret:");
}

async function secretText(
  { source }: Secret,
  env: HostPort["env"],
  read: (path: string) => Promise<string>,
): Promise<string | undefined> {
  switch (source.kind) {
    case "env":
      return env[source.variable];
    case "file":
      return (await read(source.path)).trim();
    case "value":
      return isLiteral(source.template) ? source.template : undefined;
    case "command":
    case "provider":
      return undefined;
  }
}

function everyValue(workflow: Workflow): readonly EnvironmentValue[] {
  const { values, profiles } = workflow.environment;
  const steps = [...everyStep([...workflow.steps, ...(workflow.merge?.steps ?? [])])];
  return [...values, ...Object.values(profiles).flat(), ...steps.flatMap((step) => step.env)];
}

function literals({ value }: EnvironmentValue): readonly string[] {
  switch (value.kind) {
    case "text":
      return [value.template].filter(isLiteral);
    case "conditional":
      return [value.whenTrue, value.whenFalse].filter(isLiteral);
    case "command":
      return [];
  }
}

/** Every text inside a parameter, under the nearest name. */
function named(name: string, value: Json): readonly (readonly [string, string])[] {
  if (typeof value === "string") return isLiteral(value) ? [[name, value]] : [];
  if (Array.isArray(value)) return value.flatMap((entry: Json) => named(name, entry));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, entry]) => named(looksSecret(name) ? name : key, entry));
}
