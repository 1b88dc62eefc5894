/** `handler: {name, attributes}` of the earlier language, as the steps of ours that do the same. */
import { template } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { bool, list, report, text, timeLimit, word } from "./decode.ts";
import { stepEnvironment } from "./environment.ts";
import { handlerScript } from "./handler-script.ts";
import type { Found } from "./mapping.ts";
import { field, mapping, readMapping, required } from "./mapping.ts";
import type { AgentAction, EnvironmentValue, ShellAction } from "./model.ts";
import type { SourceNode } from "./source-node.ts";
import { locateStep } from "./source.ts";
import { NO_AGENT_SETTINGS } from "./agent-settings.ts";

export interface HandlerValue {
  readonly action: AgentAction | ShellAction;
  readonly timeoutMs: number | null;
  readonly workingDir: string | null;
  readonly env: readonly EnvironmentValue[];
}

const words = list(template, { orOne: true });

const COMMON = {
  timeout: field(timeLimit, "The limit."),
  working_dir: field(template, "Where it runs."),
  env: field(stepEnvironment, "Variables for it."),
} as const;

const ATTRIBUTES = {
  shell: {
    ...COMMON,
    command: field(template, "The script."),
    shell: field(text, "The program that runs it instead of `sh`, such as `bash`."),
  },
  claude: {
    ...COMMON,
    prompt: field(template, "The prompt."),
    model: field(text, "The agent's model."),
    system: field(template, "What is added to the agent's system prompt."),
  },
  git: {
    ...COMMON,
    operation: field(template, "The command of git, such as `commit`."),
    args: field(words, "Its arguments."),
    message: field(template, "The message, for `-m`."),
    branch: field(template, "The branch."),
    remote: field(template, "The remote."),
    files: field(words, "The files."),
    auto_stage: field(bool, "Whether `commit` adds the files, or all, before."),
  },
  cargo: {
    ...COMMON,
    command: field(template, "The command of cargo, such as `test`."),
    args: field(words, "Its arguments."),
    features: field(words, "The features."),
    package: field(template, "The package."),
    target: field(template, "The target."),
    release: field(bool, "Whether it builds for release."),
    all_features: field(bool, "Whether all features are on."),
    no_default_features: field(bool, "Whether the default features are off."),
    verbose: field(bool, "Whether it tells more."),
    quiet: field(bool, "Whether it tells less."),
  },
  file: {
    ...COMMON,
    operation: field(text, "read, write, append, delete, copy, move or exists."),
    path: field(template, "The path."),
    content: field(template, "What is written."),
    destination: field(template, "Where it is copied or moved to."),
    encoding: field(word(["utf-8"], { utf8: "utf-8" }), "The encoding; utf-8 is the only one."),
    create_dirs: field(bool, "Whether the folders above are made; they are unless this is false."),
    overwrite: field(bool, "Whether what is there already is replaced."),
  },
} as const;

const ANYTHING: Decoder<SourceNode> = { schema: { type: "object" }, decode: (node) => node };
const NAMES = ["shell", "claude", "git", "cargo", "file"] as const;

const HANDLER = {
  name: "handler",
  fields: {
    name: field(word(NAMES), "The handler's name."),
    attributes: field(ANYTHING, "What it needs.", { nullable: true }),
  },
} as const;

const MAIN = {
  shell: ["command"],
  claude: ["prompt"],
  git: ["operation"],
  cargo: ["command"],
  file: ["operation", "path"],
} as const;

export const handler: Decoder<HandlerValue> = mapping(HANDLER, (read, context) => {
  const named = required(read, "name", { name: "handler", context });
  const given = required(read, "attributes", { name: "handler", context });
  if (named === null || given === null) return undefined;
  const name = named.value;
  const about = `the ${name} handler`;
  const attributes = readMapping(given.value, { name: about, fields: ATTRIBUTES[name] }, context);
  if (attributes === undefined) return undefined;
  // One table for each handler; what is read of them is looked up by its name.
  const fields: Readonly<Record<string, Found<unknown> | null>> = attributes.fields;
  const missing = MAIN[name].filter((key) => !attributes.given.has(key));
  for (const key of missing) {
    report(context, { code: "missing-key", at: given.value.at, message: `${about} needs "${key}"` });
  }
  if (missing.length > 0) return undefined;
  const { timeout, working_dir, env } = attributes.fields;
  const done = actionOf(name, fields, { node: given.value, context });
  if (done === undefined) return undefined;
  return {
    action: done.action,
    timeoutMs: timeout?.value ?? null,
    workingDir: working_dir?.value ?? null,
    env: [...done.env, ...(env?.value ?? [])],
  };
});

type Attributes = Readonly<Record<string, Found<unknown> | null>>;

function actionOf(
  name: (typeof NAMES)[number],
  fields: Attributes,
  { node, context }: { readonly node: SourceNode; readonly context: Context },
): Pick<HandlerValue, "action" | "env"> | undefined {
  const written = (key: string): string | null => {
    const value = fields[key]?.value;
    return typeof value === "string" ? value : null;
  };
  if (name === "shell") {
    const command = written("command") ?? "";
    const program = written("shell");
    return { action: { kind: "shell", script: program === null ? command : runBy(program, command) }, env: [] };
  }
  if (name === "claude") {
    const settings = { ...NO_AGENT_SETTINGS, model: written("model"), systemPrompt: written("system") };
    return { action: { kind: "agent", agent: "claude", prompt: written("prompt") ?? "", settings }, env: [] };
  }
  const keys = Object.keys(fields);
  const texts = Object.fromEntries(keys.map((key) => [key, written(key)]));
  const lists = Object.fromEntries(keys.map((key) => [key, textsIn(fields[key]?.value)]));
  const flags = Object.fromEntries(
    keys.flatMap((key) => (typeof fields[key]?.value === "boolean" ? [[key, fields[key].value]] : [])),
  );
  const place = { at: node.at, location: locateStep(context.out.source, node.at), context };
  const made = handlerScript(name, { texts, lists, flags }, place);
  return made === undefined ? undefined : { action: { kind: "shell", script: made.script }, env: made.env };
}

/** The script comes by a descriptor of its own, so that stdin stays what it is. */
function runBy(program: string, command: string): string {
  if (program === "sh") return command;
  return `exec ${program} /dev/fd/3 3<<'PRODIGY_SCRIPT'\n${command}\nPRODIGY_SCRIPT`;
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}
