/** Computes `${file:...}`, `${cmd:...}`, `${date:...}` and `${uuid}` for a step that is about to use them. */
import { type Computed, parseComputed } from "../../workflow/computed-key.ts";
import { computedIn, environmentCommand } from "../../workflow/computed.ts";
import { formatDate } from "../../workflow/date-format.ts";
import type { EnvironmentValue, Json, Step, Workflow } from "../../workflow/model.ts";
import { type Scope, scopeOver } from "../../workflow/scope.ts";
import { assert } from "../decision/assert.ts";
import type { Compute } from "../decision/command.ts";
import { valuesAt } from "../decision/compute.ts";
import type { Fault } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import { withoutLastNewline } from "./captures.ts";
import { readEnvironmentFile, remarksOn } from "./environment-file.ts";
import { type EnvironmentRequest, fromCommand } from "./environment-value.ts";
import { lastLines } from "./result.ts";
import { Refusal, render, renderScript, type Room, type Setting, settingOf } from "./room.ts";

export interface ComputedValue {
  readonly key: string;
  readonly value: Json;
}

/** They are not steps, and a run must not wait for ever for a value. */
const COMMAND_TIMEOUT_MS = 60_000;
/** What is named in a text becomes part of it: a page, a list, no data set. */
const MAX_VALUE_BYTES = 1024 * 1024;

export async function computeValues(
  command: Compute,
  room: Room,
): Promise<readonly ComputedValue[] | Refusal | "stopped"> {
  const setting = await settingWithout(command, room);
  if (setting === "stopped" || setting instanceof Refusal) return setting;
  const values: ComputedValue[] = [];
  for (const key of command.keys) {
    const computed = parseComputed(key);
    assert(computed !== null, `${key} is to be computed`);
    const before = Object.fromEntries(values.map((known) => [known.key, known.value]));
    const value = await valueOf(computed, { key, command, room, setting: withValues(setting, before) });
    if (value === "stopped" || value instanceof Refusal) return value;
    values.push({ key, value: value.value });
  }
  return values;
}

/** The step's setting, without those values of the environment that wait for what is being computed. */
async function settingWithout(command: Compute, room: Room): Promise<Setting | Refusal | "stopped"> {
  const { target, keys } = command;
  const { ofSession, ofStep } = valuesAt(room.session, target);
  const known = { ...ofSession, ...ofStep };
  const isUnknown = (key: string): boolean => keys.includes(key) || !Object.hasOwn(known, key);
  const waits = (text: string): boolean => computedIn(text).some(isUnknown);
  const { order } = room.session;
  const isPending = (entry: EnvironmentValue): boolean => {
    const key = environmentCommand(entry, order.workflow.environment);
    return key !== null && isUnknown(key);
  };
  const workflow = keys.some((key) => parseComputed(key)?.kind === "env-cmd")
    ? upTo(order.workflow, order.profile, isPending)
    : withoutWaiting(order.workflow, waits, isPending);
  const session = { ...room.session, order: { ...order, workflow } };
  return settingOf({ ...target, step: stepWithout(target.step, waits) }, { ...room, session });
}

/** What a command of `env:` may see: the values before it, as the file has them. */
function upTo(workflow: Workflow, profile: string | null, isPending: (entry: EnvironmentValue) => boolean): Workflow {
  const { environment } = workflow;
  const until = (values: readonly EnvironmentValue[]): readonly EnvironmentValue[] => {
    const end = values.findIndex(isPending);
    return end === -1 ? values : values.slice(0, end);
  };
  const isInValues = environment.values.some(isPending);
  const chosen = profile === null || isInValues ? [] : until(environment.profiles[profile] ?? []);
  return {
    ...workflow,
    environment: {
      ...environment,
      values: until(environment.values),
      profiles: profile === null ? {} : { [profile]: chosen },
      secrets: [],
    },
  };
}

function withoutWaiting(
  workflow: Workflow,
  waits: (text: string) => boolean,
  isPending: (entry: EnvironmentValue) => boolean,
): Workflow {
  const { environment } = workflow;
  const ready = (values: readonly EnvironmentValue[]): readonly EnvironmentValue[] =>
    readyOf(values, waits).filter((entry) => !isPending(entry));
  return {
    ...workflow,
    environment: {
      ...environment,
      values: ready(environment.values),
      profiles: Object.fromEntries(
        Object.entries(environment.profiles).map(([name, values]) => [name, ready(values)] as const),
      ),
      secrets: environment.secrets.filter((secret) => !waits(JSON.stringify(secret.source))),
    },
  };
}

function stepWithout(step: Step, waits: (text: string) => boolean): Step {
  const { env, workingDir } = step;
  return {
    ...step,
    env: readyOf(env, waits),
    workingDir: workingDir !== null && waits(workingDir) ? null : workingDir,
  };
}

function readyOf(values: readonly EnvironmentValue[], waits: (text: string) => boolean): readonly EnvironmentValue[] {
  return values.filter(({ value }) => !Object.values(value).some((text) => typeof text === "string" && waits(text)));
}

function withValues(setting: Setting, values: Readonly<Record<string, Json>>): Setting {
  const over = (scope: Scope): Scope => scopeOver(scope, { values });
  return { ...setting, scope: over(setting.scope), fullScope: over(setting.fullScope) };
}

interface Computing {
  readonly key: string;
  readonly command: Compute;
  readonly room: Room;
  readonly setting: Setting;
}

type Valued = { readonly value: Json } | Refusal;

async function valueOf(computed: Computed, computing: Computing): Promise<Valued | "stopped"> {
  const { ports } = computing.room;
  switch (computed.kind) {
    case "uuid":
      return { value: ports.random.uuid() };
    case "date": {
      const format = render(computed.format, computing.setting, computing.command.target.step);
      if (format instanceof Refusal) return format;
      const formatted = formatDate(format, ports.clock.now());
      return formatted.ok ? { value: formatted.text } : refused(computing, { message: formatted.message });
    }
    case "file":
      return fileText(computed.path, computing);
    case "cmd":
      return commandText(computed.script, computing);
    case "env-cmd":
      return environmentText(computed.script, computing);
    case "env-file":
      return { value: await fileRemarks(computed.path, computing) };
  }
}

async function environmentText(script: string, computing: Computing): Promise<Valued | "stopped"> {
  const { room, setting, command } = computing;
  const { environment } = room.session.order.workflow;
  const profile = room.session.order.profile;
  const chosen = profile === null ? [] : (environment.profiles[profile] ?? []);
  const entry = [...environment.values, ...chosen].find(
    (one) => environmentCommand(one, environment) === computing.key,
  );
  assert(entry !== undefined, `a value of the environment has the command ${script}`);
  const request = { ...requestIn(setting, room), env: { ...setting.env } };
  const text = await fromCommand({ script, cache: false, name: `env ${entry.name}`, secret: false }, entry, request);
  if (text.ok) return { value: text.value };
  return text.fault.kind === "interrupted"
    ? "stopped"
    : new Refusal({ ...text.fault, at: text.fault.at ?? command.target.step.at });
}

/** What is to be told of an env file, once. */
async function fileRemarks(path: string, { room, setting }: Computing): Promise<readonly string[]> {
  const file = room.session.order.workflow.environment.files.find((one) => one.path === path);
  if (file === undefined) return [];
  const read = await readEnvironmentFile(file, requestIn(setting, room), {});
  // What cannot be read fails the step by itself.
  return read.ok ? remarksOn(file, read.value) : [];
}

function requestIn({ place, scope }: Setting, { ports, cache, signal }: Room): EnvironmentRequest {
  return { place, scope, ports, cache, signal };
}

async function fileText(template: string, computing: Computing): Promise<Valued> {
  const { room, setting, command } = computing;
  const path = render(template, setting, command.target.step);
  if (path instanceof Refusal) return path;
  const { root, directory } = setting;
  const allowOutside = room.session.order.workflow.settings.allowPathsOutside;
  const read = await room.ports.files.read({ root, directory, path, allowOutside, maxBytes: MAX_VALUE_BYTES });
  if (!read.ok) return refused(computing, read.fault);
  if (read.value !== null) return { value: withoutLastNewline(read.value) };
  if (hasDefaultEverywhere(computing)) return { value: null };
  return refused(computing, {
    message: `there is no file ${path}`,
    help: "give it a default, as in ${file:PATH:-none}",
  });
}

/** A file that need not be there is one that nothing names without a default. */
function hasDefaultEverywhere({ key, command, room }: Computing): boolean {
  const texts = JSON.stringify([command.target.step, room.session.order.workflow.environment]);
  const written = JSON.stringify(`\${${key}`).slice(1, -1);
  return !texts.includes(`${written}}`) && !texts.includes(`${written}|`);
}

async function commandText(template: string, computing: Computing): Promise<Valued | "stopped"> {
  const { room, setting, command } = computing;
  const { ports, session, signal } = room;
  const { step, lane, context } = command.target;
  const script = renderScript(template, setting, step);
  if (script instanceof Refusal) return script;
  const left = context.deadline === null ? COMMAND_TIMEOUT_MS : context.deadline - ports.clock.now();
  if (left <= 0) return refused(computing, { message: "the time limit around the step is over" });
  const logs = ports.logs.name({ lane, sequence: session.starts, label: `value of ${step.label}` });
  const output = { stdoutLog: logs.stdout, stderrLog: logs.stderr, onLine: () => undefined };
  const { directory, env } = setting;
  const timeoutMs = Math.min(COMMAND_TIMEOUT_MS, left);
  const run = await ports.commands.run({ lane, script, directory, env, timeoutMs, output }, signal);
  if (run.ended === "stopped") return "stopped";
  if (run.ended === "exited" && run.exitCode === 0 && run.stdout.length <= MAX_VALUE_BYTES)
    return { value: withoutLastNewline(run.stdout) };
  const lines = lastLines(run.stderr.trim() === "" ? run.stdout : run.stderr);
  return refused(computing, {
    message: run.exitCode === 0 ? `it printed more than ${MAX_VALUE_BYTES} bytes` : whyFailed(run, timeoutMs),
    exitCode: run.exitCode === 0 ? null : run.exitCode,
    lastLines: lines,
    logs: [logs.stdout, logs.stderr],
  });
}

function whyFailed(
  {
    ended,
    exitCode,
    signal,
    problem,
  }: { ended: string; exitCode: number | null; signal: string | null; problem: string | null },
  timeoutMs: number,
): string {
  if (ended === "timeout") return `the command did not end within ${Math.round(timeoutMs / 1000)} s`;
  if (ended === "not-started") return `the command could not be started: ${problem ?? "unknown"}`;
  return `the command failed (${exitCode === null ? `signal ${signal ?? "unknown"}` : `exit code ${exitCode}`})`;
}

function refused({ key, command }: Computing, reason: Pick<Fault, "message"> & Partial<Fault>): Refusal {
  const { step } = command.target;
  const { message, ...details } = reason;
  return new Refusal({
    ...fault("template", `step "${step.label}" could not compute ${shownKey(key)}: ${message}`, { at: step.at }),
    ...details,
    kind: "template",
    at: step.at,
  });
}

/** A script of many lines must not fill a message. */
function shownKey(key: string): string {
  const [line = ""] = key.split("\n", 1);
  const short = line.slice(0, MAX_SHOWN_KEY);
  return `\${${short}${short === key ? "" : "…"}}`;
}

const MAX_SHOWN_KEY = 80;
