/** The commands about dead letters. */
import { AGENT, type CommandSpec, ID, type OptionSpec, PATH, YES } from "./spec.ts";

const SESSION = {
  ...ID,
  count: "optional",
  description: "a session's id; without it the newest session that has dead letters",
} as const;
const JOB: OptionSpec = { name: "job-id", value: "ID", description: "the same, as an option" };
const FILTERS: readonly OptionSpec[] = [
  { name: "eligible", description: "only those that may be tried again as they are" },
  { name: "type", value: "TYPE", description: "only those that failed in this way, such as Timeout" },
  {
    name: "filter",
    value: "EXPR",
    description: "only those for which it is true, such as \"item.priority == 'high' && failure_count < 3\"",
  },
  { name: "group", value: "SIGNATURE", description: "only those with this signature (see dlq analyze)" },
  {
    name: "since",
    value: "AGE",
    kind: "duration",
    description: "only what failed in the last so long, such as 1d",
  },
];
const YES_REMOVE: OptionSpec = { name: "yes", short: "y", description: "do not ask" };

export const DLQ_COMMANDS: CommandSpec = {
  name: "dlq",
  summary: "the dead letters of a session: items of a map that failed",
  commands: [
    {
      name: "list",
      aliases: ["ls"],
      summary: "list the items that failed, the last one first",
      args: [SESSION],
      options: [PATH, JOB, ...FILTERS, { name: "limit", value: "N", kind: "count", description: "at most so many" }],
      json: true,
      load: async () => (await import("./commands/dlq.ts")).list,
    },
    {
      name: "inspect",
      summary: "show one item with all its failed attempts",
      args: [{ name: "ITEM", description: "an item's id" }],
      options: [PATH, { ...JOB, description: SESSION.description }],
      json: true,
      load: async () => (await import("./commands/dlq.ts")).inspect,
    },
    {
      name: "analyze",
      summary: "group the items by what went wrong",
      args: [SESSION],
      options: [PATH, JOB, ...FILTERS, { name: "export", value: "FILE", description: "write it to a JSON file too" }],
      json: true,
      load: async () => (await import("./commands/dlq.ts")).analyze,
    },
    {
      name: "export",
      summary: "write the items to a file, or to stdout",
      args: [{ name: "FILE", description: "the file; without it stdout", count: "optional" }],
      options: [
        PATH,
        { ...JOB, description: SESSION.description },
        ...FILTERS,
        { name: "format", value: "FORMAT", description: "json (default) or csv" },
      ],
      json: true,
      load: async () => (await import("./commands/dlq.ts")).exportLetters,
    },
    {
      name: "retry",
      summary: "try items again, in a session of their own",
      details:
        "The agent template runs again for these items alone. What they commit goes where the session's work is: into its branch while that waits to be merged, else into the branch that it came from. Items that pass leave the queue.",
      args: [SESSION],
      options: [
        PATH,
        JOB,
        { name: "item", value: "ID", kind: "list", description: "this item (repeat it)" },
        ...FILTERS.filter(({ name }) => name !== "eligible"),
        { name: "parallel", value: "N", kind: "count", description: "at most so many at once" },
        { name: "max-retries", value: "N", kind: "count", description: "try each up to N times" },
        {
          name: "timeout",
          value: "D",
          kind: "duration",
          description: "the time limit for each: seconds, or 10m, 1h30m",
        },
        { name: "model", value: "MODEL", description: "the model of all agents" },
        { name: "prompt-append", value: "TEXT", description: "what prompts of the agent template say besides" },
        { name: "prompt-file", value: "FILE", description: "the same, from a file" },
        { name: "force", short: "f", description: "also what is not eligible" },
        {
          name: "take-over",
          description: "also what was taken up by a session that stopped and will not be resumed",
        },
        YES,
        AGENT,
      ],
      json: true,
      load: async () => (await import("./commands/dlq-retry.ts")).retry,
    },
    {
      name: "stats",
      summary: "count the items",
      args: [SESSION],
      options: [PATH, JOB],
      json: true,
      load: async () => (await import("./commands/dlq.ts")).stats,
    },
    {
      name: "purge",
      summary: "take old items out of the queue",
      details: "Nothing else ever takes an item out that has not passed. What its attempts left stays in the salvage.",
      args: [SESSION],
      options: [
        PATH,
        JOB,
        { name: "older-than-days", value: "N", kind: "count", description: "only what last failed N days ago or more" },
        YES_REMOVE,
      ],
      json: true,
      load: async () => (await import("./commands/dlq-remove.ts")).purge,
    },
    {
      name: "clear",
      summary: "take all items out of the queue",
      args: [SESSION],
      options: [PATH, JOB, YES_REMOVE],
      json: true,
      load: async () => (await import("./commands/dlq-remove.ts")).clear,
    },
  ],
};
