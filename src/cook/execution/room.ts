/** What every effect has at hand. */
import type { StepContext } from "../decision/command.ts";
import type { Fault, LaneId, StepPath } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import { assert } from "../decision/assert.ts";
import type { Lane, Session } from "../decision/state.ts";
import type { LiveSink, Ports } from "../ports.ts";
import type { Step } from "../../workflow/model.ts";
import { type Scope, scopeOver } from "../../workflow/scope.ts";
import { interpolate, type Rendered } from "../../workflow/template.ts";
import { environmentFor } from "./environment.ts";
import type { EnvironmentCache } from "./environment-value.ts";
import { type Place, scopeOf } from "./scope.ts";

export interface Room {
  readonly ports: Ports;
  readonly live: LiveSink;
  readonly cache: EnvironmentCache;
  readonly session: Session;
  readonly signal: AbortSignal;
  /** Why nothing can be set up here: a value that is needed could not be computed. */
  readonly refusal: Refusal | null;
}

/** A step with everything that it sees. */
export interface Setting {
  readonly place: Place;
  /** For scripts: names of the environment are left to the shell. */
  readonly scope: Scope;
  /** For prompts and files, which no shell reads: names of the environment are variables too. */
  readonly fullScope: Scope;
  readonly env: Readonly<Record<string, string>>;
  /** Where the step works. */
  readonly directory: string;
  readonly root: string;
}

export function laneIn(session: Session, id: LaneId): Lane {
  const lane = session.lanes.get(id);
  assert(lane !== undefined, `command for unknown lane ${id}`);
  return lane;
}

interface Subject {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly step: Step;
  readonly context: StepContext;
}

export function placeOf(subject: Subject, session: Session): Place {
  const { path, step, context } = subject;
  return { session, lane: laneIn(session, subject.lane), path, step, context };
}

/** A fault that ends the attempt before it has begun. */
export class Refusal {
  readonly fault: Fault;
  constructor(reason: Fault) {
    this.fault = reason;
  }
}

/** `stopped` where a command that makes a value of the environment was ended with everything else: nothing has failed. */
export async function settingOf(subject: Subject, room: Room): Promise<Setting | Refusal | "stopped"> {
  const { ports, session } = room;
  if (room.refusal !== null) return room.refusal;
  const place = placeOf(subject, session);
  const early = await scopeOf(place, ports);
  const scopeOfEnvironment = await scopeOf(place, ports, "environment");
  const environment = await environmentFor({
    place,
    scope: scopeOfEnvironment,
    ports,
    cache: room.cache,
    signal: room.signal,
  });
  if (!environment.ok) return environment.fault.kind === "interrupted" ? "stopped" : new Refusal(environment.fault);
  // In a worker that resumes, a secret that a command prints is known only now, and what was captured waits for it.
  const scope = bringsSecrets(place) ? await scopeOf(place, ports) : early;
  const env = environment.value;
  const withEnv = scopeOver(scope, { values: { env } });
  const fullScope = scopeOver(scope, { values: { ...declaredNames(place, env), env } });
  const root = place.lane.directory ?? session.order.repository.path;
  const directory = directoryOf(subject.step, fullScope, root);
  if (directory instanceof Refusal) return directory;
  return { place, scope: withEnv, fullScope, env, directory, root };
}

/** Whether a step's environment may hold secrets that were not known before it was made. */
function bringsSecrets({ session, step }: Place): boolean {
  const { secrets, values, files } = session.order.workflow.environment;
  const isDynamic = [...values, ...step.env].some(({ secret, value }) => secret || value.kind === "command");
  return secrets.length > 0 || files.length > 0 || isDynamic;
}

/** Environment names that the workflow itself sets; the user's own environment is not a set of variables. */
function declaredNames(
  { session, step }: Place,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { environment } = session.order.workflow;
  const profiles = Object.values(environment.profiles).flat();
  const names = [...environment.values, ...environment.secrets, ...profiles, ...step.env].map(({ name }) => name);
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function directoryOf(step: Step, scope: Scope, root: string): string | Refusal {
  if (step.workingDir === null) return root;
  const rendered = render(step.workingDir, { fullScope: scope }, step);
  if (rendered instanceof Refusal) return rendered;
  return rendered.startsWith("/") ? rendered : `${root}/${rendered}`;
}

/** Fills a template that no shell reads. */
export function render(template: string, { fullScope }: Pick<Setting, "fullScope">, step: Step): string | Refusal {
  return filled(interpolate(template, fullScope, { target: "prompt" }), step);
}

/** What of a text stayed as it was: a name that was probably misspelled is not to reach an agent without a word. */
export function leftIn(template: string, { fullScope }: Pick<Setting, "fullScope">): readonly string[] {
  const rendered = interpolate(template, fullScope, { target: "prompt" });
  return rendered.ok ? rendered.left : [];
}

/** Fills a script: what is the shell's stays as it is. */
export function renderScript(template: string, { scope }: Pick<Setting, "scope">, step: Step): string | Refusal {
  return filled(interpolate(template, scope, { target: "script" }), step);
}

function filled(rendered: Rendered, step: Step): string | Refusal {
  if (rendered.ok) {
    const [, name] = UNKNOWN_SECRET.exec(rendered.text) ?? [];
    return name === undefined ? rendered.text : new Refusal(unknownSecret(name, step));
  }
  const [first] = rendered.problems;
  const problems = rendered.problems.map(({ message }) => message).join("; ");
  const help = first?.help ?? "give it a default as in ${name:-default}";
  return new Refusal(
    fault("template", `step "${step.label}" uses a variable that has no value: ${problems}`, { at: step.at, help }),
  );
}

/** A captured secret whose variable this process does not have. What only looked like a token may be left as it is. */
const UNKNOWN_SECRET = /\{\{secret:(?!detected-|!)([^{}|]+)(?:\|[^{}]*)?\}\}/;

function unknownSecret(name: string, step: Step): Fault {
  const help = `set ${name} in the environment and resume the session`;
  const message = `step "${step.label}" uses a captured value with the secret ${name}, which this environment does not have`;
  return fault("environment", message, { at: step.at, help });
}
