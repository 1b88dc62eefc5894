/** How an agent is called: keys of a step, and of the workflow's `agent:`. */
import { template } from "./checked-text.ts";
import type { Decoder } from "./decode.ts";
import { integer, number, text, word } from "./decode.ts";
import { field, mapping } from "./mapping.ts";
import type { Mapping } from "./mapping.ts";
import type { AgentSettings } from "./model.ts";

/** A budget beyond this is a slip of the pen. */
const MAX_BUDGET_USD = 1_000_000;
const MAX_TURNS = 100_000;

export const agentFields = {
  model: field(text, "The agent's model."),
  max_turns: field(integer({ min: 1, max: MAX_TURNS }), "How many turns the agent may take."),
  max_budget: field(number({ min: 0, max: MAX_BUDGET_USD }), "How many dollars it may cost.", {
    aliases: ["max_budget_usd"],
  }),
  effort: field(text, "How hard the agent thinks."),
  system_prompt: field(template, "What is added to the agent's system prompt."),
  on_interrupt: field(word(["continue", "restart"]), "What happens to an agent that was cut off."),
} as const;

export function agentSettings(fields: Mapping<typeof agentFields>["fields"]): AgentSettings {
  return {
    model: fields.model?.value ?? null,
    maxTurns: fields.max_turns?.value ?? null,
    maxBudgetUsd: fields.max_budget?.value ?? null,
    effort: fields.effort?.value ?? null,
    systemPrompt: fields.system_prompt?.value ?? null,
    onInterrupt: fields.on_interrupt?.value ?? null,
  };
}

/** The workflow's `agent:`. */
export const agentDefaults: Decoder<AgentSettings> = mapping({ name: "agent", fields: agentFields }, ({ fields }) =>
  agentSettings(fields),
);

export const NO_AGENT_SETTINGS: AgentSettings = {
  model: null,
  maxTurns: null,
  maxBudgetUsd: null,
  effort: null,
  systemPrompt: null,
  onInterrupt: null,
};

/** What is not said, from the defaults. */
export function withAgentDefaults(own: AgentSettings, defaults: AgentSettings): AgentSettings {
  return {
    model: own.model ?? defaults.model,
    maxTurns: own.maxTurns ?? defaults.maxTurns,
    maxBudgetUsd: own.maxBudgetUsd ?? defaults.maxBudgetUsd,
    effort: own.effort ?? defaults.effort,
    systemPrompt: own.systemPrompt ?? defaults.systemPrompt,
    onInterrupt: own.onInterrupt ?? defaults.onInterrupt,
  };
}
