/** `handler: {name, attributes}` of the earlier language: the two that are steps of ours, under other names. */
import { template } from "./checked-text.ts";
import type { Decoder } from "./decode.ts";
import { report, text, timeLimit } from "./decode.ts";
import { stepEnvironment } from "./environment.ts";
import type { Found } from "./mapping.ts";
import { field, mapping, readMapping, required, tableSchema } from "./mapping.ts";
import type { AgentAction, EnvironmentValue, ShellAction } from "./model.ts";
import type { SourceNode } from "./source-node.ts";
import { NO_AGENT_SETTINGS } from "./agent-settings.ts";

export interface HandlerValue {
  readonly action: AgentAction | ShellAction;
  readonly timeoutMs: number | null;
  readonly workingDir: string | null;
  readonly env: readonly EnvironmentValue[];
}

const ATTRIBUTES = {
  command: field(template, "The script of a `shell` handler."),
  prompt: field(template, "The prompt of a `claude` handler."),
  model: field(text, "The agent's model."),
  system: field(template, "What is added to the agent's system prompt."),
  timeout: field(timeLimit, "The limit."),
  working_dir: field(template, "Where it runs."),
  env: field(stepEnvironment, "Variables for it."),
} as const;

/** Read when the handler's name is known. */
const attributes: Decoder<SourceNode> = {
  get schema() {
    return tableSchema({ name: "the handler", fields: ATTRIBUTES, needs: [["command", "prompt"]] });
  },
  decode: (node) => node,
};

const handlerName: Decoder<string> = { schema: { enum: ["shell", "claude"] }, decode: text.decode };

const HANDLER = {
  name: "handler",
  fields: {
    name: field(handlerName, "The handler's name."),
    attributes: field(attributes, "What it needs.", { nullable: true }),
  },
  needs: [["name"], ["attributes"]],
} as const;

export const handler: Decoder<HandlerValue> = mapping(HANDLER, (read, context) => {
  const named = required(read, "name", { name: "handler", context });
  if (named === null) return undefined;
  if (named.value !== "shell" && named.value !== "claude") {
    const help = "write a `shell:` or a `claude:` step";
    const message = `the handler "${named.value}" is not supported`;
    return report(context, { code: "not-supported-yet", at: named.node.at, message, help });
  }
  const given = required(read, "attributes", { name: "handler", context });
  if (given === null) return undefined;
  const attributes = readMapping(given.value, { name: `the ${named.value} handler`, fields: ATTRIBUTES }, context);
  if (attributes === undefined) return undefined;
  const { command, prompt, model, system, timeout, working_dir, env } = attributes.fields;
  const key = named.value === "shell" ? "command" : "prompt";
  required(attributes, key, { name: `the ${named.value} handler`, context });
  const main: Found<string> | null = key === "command" ? command : prompt;
  if (main === null) return undefined;
  const settings = { ...NO_AGENT_SETTINGS, model: model?.value ?? null, systemPrompt: system?.value ?? null };
  return {
    action:
      key === "command"
        ? { kind: "shell", script: main.value }
        : { kind: "agent", agent: "claude", prompt: main.value, settings },
    timeoutMs: timeout?.value ?? null,
    workingDir: working_dir?.value ?? null,
    env: env?.value ?? [],
  };
});
