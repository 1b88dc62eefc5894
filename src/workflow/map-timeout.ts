/** `agent_timeout_secs:` and `timeout_config:`: the limit for an item, and limits for its steps. */
import { durationTemplate } from "./counted.ts";
import type { Context, Decoder } from "./decode.ts";
import { parseDuration } from "./duration.ts";
import { allOf, bool, duration, report, timeLimit, word, wrongType } from "./decode.ts";
import type { Found } from "./mapping.ts";
import { field, mapping } from "./mapping.ts";
import type { ItemTimeout, Step } from "./model.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";

/** An entry of `command_timeouts:`, such as `claude: 300` or `shell_2: 60`. */
interface CommandTimeout {
  readonly key: string;
  readonly keyAt: Range;
  readonly kind: string;
  readonly index: number | null;
  readonly ms: number | null;
}

/** The kind that every step is of. */
const ANY = "any";
const COMMAND_KEY = /^(claude|shell|write_file|foreach|goal_seek|analyze|unknown|other)(?:_(\d{1,4}))?$/u;

const commandTimeouts: Decoder<readonly CommandTimeout[]> = {
  get schema() {
    return {
      type: "object",
      patternProperties: { [COMMAND_KEY.source]: timeLimit.schema },
      additionalProperties: false,
    };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of kinds of steps to limits");
    return allOf(node.entries.map((entry) => commandTimeout(entry, context)));
  },
};

function commandTimeout(entry: MapEntry, context: Context): CommandTimeout | undefined {
  const matched = COMMAND_KEY.exec(entry.key);
  const ms = timeLimit.decode(entry.value, context);
  if (matched === null) {
    const help = "write claude, shell or other, or one step by its place from 0, such as claude_0";
    const message = `"${entry.key}" is no kind of step`;
    return report(context, { code: "invalid-key", at: entry.keyAt, message, help });
  }
  if (ms === undefined) return undefined;
  const [, kind = "", index] = matched;
  return { key: entry.key, keyAt: entry.keyAt, kind, index: index === undefined ? null : Number(index), ms };
}

const TIMEOUT_CONFIG = {
  name: "timeout_config",
  fields: {
    agent_timeout_secs: field(durationTemplate, "The limit for an item.", { aliases: ["agent_timeout", "default"] }),
    per_command: field(timeLimit, "The limit for each step that has none of its own."),
    command_timeouts: field(commandTimeouts, "Limits for steps, by kind or by kind and place."),
    timeout_policy: field(word(["per_agent", "per_command", "hybrid"]), "Which of the limits hold."),
    timeout_action: field(
      word(["dlq", "skip", "fail", "graceful_terminate"]),
      "What becomes of an item that met its limit.",
    ),
    cleanup_grace_period_secs: field(duration, "How long a process may take to end by itself.", {
      aliases: ["cleanup_grace_period"],
    }),
    enable_monitoring: field(bool, "Has no effect: limits are always watched."),
  },
} as const;

export interface TimeoutConfig {
  readonly policy: "per_agent" | "per_command" | "hybrid" | null;
  readonly limit: Found<string | null> | null;
  readonly commands: readonly CommandTimeout[];
  readonly action: ItemTimeout["action"];
  readonly graceMs: number | null;
}

export const timeoutConfig: Decoder<TimeoutConfig> = mapping(TIMEOUT_CONFIG, ({ fields }, context) => {
  const { agent_timeout_secs: limit, command_timeouts: commands, per_command: every, enable_monitoring } = fields;
  const policy = fields.timeout_policy?.value ?? null;
  if (policy === "per_agent") {
    const reason = "`timeout_policy: per_agent` limits the item as a whole";
    for (const found of [commands, every]) warnUnused(found, reason, context);
  }
  if (enable_monitoring?.value === false) warnUnused(enable_monitoring, "limits are always watched", context);
  return {
    policy,
    limit,
    commands: policy === "per_agent" ? [] : [...(commands?.value ?? []), ...forAll(every)],
    action: fields.timeout_action?.value ?? "dlq",
    graceMs: fields.cleanup_grace_period_secs?.value ?? null,
  };
});

function forAll(every: Found<number | null> | null): readonly CommandTimeout[] {
  return every === null ? [] : [{ key: every.spelled, keyAt: every.keyAt, kind: ANY, index: null, ms: every.value }];
}

function warnUnused(found: Found<unknown> | null, reason: string, context: Context): void {
  if (found === null) return;
  report(context, { code: "no-effect", at: found.keyAt, message: `"${found.spelled}" has no effect: ${reason}` });
}

export interface Timeouts {
  readonly item: ItemTimeout;
  readonly commands: readonly CommandTimeout[];
}

/** What `agent_timeout_secs` and `timeout_config` say together. */
export function resolveTimeouts(
  secs: Found<string | null> | null,
  config: Found<TimeoutConfig> | null,
  context: Context,
): Timeouts {
  const { policy = null, limit: inner = null, commands = [], action = "dlq", graceMs = null } = config?.value ?? {};
  if (secs !== null && inner !== null && secs.value !== inner.value)
    warnUnused(secs, "timeout_config gives the limit", context);
  const limit = inner ?? secs;
  if (policy !== "per_command") return { item: { limit: limit?.value ?? null, action, graceMs }, commands };
  // With this policy each step has the limit that would else be the item's.
  return { item: { limit: null, action, graceMs }, commands: [...commands, ...ofEachStep(limit, context)] };
}

function ofEachStep(limit: Found<string | null> | null, context: Context): readonly CommandTimeout[] {
  const text = limit?.value ?? null;
  if (limit === null || text === null) return [];
  const ms = parseDuration(text);
  if (ms !== null) return forAll({ ...limit, value: ms });
  warnUnused(limit, "with `timeout_policy: per_command` it cannot be a variable", context);
  return [];
}

/** The steps with the limits that `command_timeouts` gives them. A step's own `timeout` wins. */
export function withCommandTimeouts(
  template: { readonly steps: readonly Step[]; readonly node: SourceNode },
  commands: readonly CommandTimeout[],
  context: Context,
): readonly Step[] {
  const { steps } = template;
  if (commands.length === 0) return steps;
  const nodes = stepNodes(template.node);
  for (const command of commands) warnMissingStep(command, steps, context);
  return steps.map((step, index) => {
    const node = nodes.length === steps.length ? nodes[index] : undefined;
    if (step.timeoutMs !== null || (node !== undefined && saysTimeout(node))) return step;
    const kinds = kindsOf(step);
    const mine = commands.filter(({ kind }) => kinds.includes(kind));
    const found =
      mine.find((command) => placeOf(command, steps) === index) ??
      kinds.map((kind) => mine.find((command) => command.index === null && command.kind === kind)).find(isThere);
    return found === undefined ? step : { ...step, timeoutMs: found.ms };
  });
}

/** `claude_1` is the step at this place if that is such a step, and else the second one of its kind. */
function placeOf({ kind, index }: CommandTimeout, steps: readonly Step[]): number | null {
  const step = index === null ? undefined : steps[index];
  if (index === null || (step !== undefined && kindsOf(step).includes(kind))) return index;
  const places = [...steps.keys()].filter((place) => {
    const other = steps[place];
    return other !== undefined && kindsOf(other).includes(kind);
  });
  return places[index] ?? null;
}

function warnMissingStep(command: CommandTimeout, steps: readonly Step[], context: Context): void {
  if (command.index === null) return;
  const step = steps[command.index];
  if (step !== undefined && kindsOf(step).includes(command.kind)) return;
  const found =
    step === undefined ? `there is no step ${command.index}` : `step ${command.index} is ${kindsOf(step)[0]}`;
  const message = `"${command.key}" has no effect: ${found}`;
  report(context, { code: "no-effect", at: command.keyAt, message, help: "steps of the agent template count from 0" });
}

/** The names of a step's kind, the most exact first. */
function kindsOf({ action }: Step): readonly string[] {
  if (action.kind === "agent") return ["claude", ANY];
  return action.kind === "shell" ? ["shell", ANY] : [action.kind, "unknown", "other", ANY];
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** `timeout: 0` says that there is none, which the step alone cannot tell. */
function saysTimeout(node: SourceNode): boolean {
  return node.kind === "map" && node.entries.some(({ key }) => key === "timeout");
}

function stepNodes(node: SourceNode): readonly SourceNode[] {
  if (node.kind === "list") return node.items;
  const [only] = node.kind === "map" ? node.entries : [];
  return only !== undefined && (only.key === "commands" || only.key === "steps") ? stepNodes(only.value) : [node];
}
