/** Every key of `map:`. */
import { glob } from "./checked-text.ts";
import { autoCommit, commitConfig } from "./commit.ts";
import { countTemplate, durationTemplate } from "./counted.ts";
import type { Decoder } from "./decode.ts";
import { byKind, integer, list, map, report, word, workSteps } from "./decode.ts";
import { POLICY_FIELDS, errorPolicy } from "./item-policy.ts";
import { INPUT_FORMS, mapInput } from "./map-input.ts";
import { SELECT_FIELDS } from "./map-select.ts";
import { timeoutConfig } from "./map-timeout.ts";
import type { Fields, Mapping, Refusal, Table } from "./mapping.ts";
import { field, mapping, required } from "./mapping.ts";
import type { MapAction, Step, WorktreeSettings } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { phase } from "./phase.ts";
import { withoutKey } from "./rewrite.ts";

const MAX_PARALLEL = 1_000;
/** More agents at once than a machine or an account usually bears. */
const MANY = 50;

const maxParallel: Decoder<string> = {
  schema: countTemplate({ min: 1, max: MAX_PARALLEL }).schema,
  decode: (node, context) => {
    const value = countTemplate({ min: 1, max: MAX_PARALLEL }).decode(node, context);
    if (value !== undefined && Number(value) > MANY) {
      const message = `${value} agents at once are more than most machines and accounts bear`;
      report(context, { code: "many-at-once", at: node.at, message, help: `${MANY} or fewer are usual` });
    }
    return value;
  },
};

type Verify = NonNullable<MapAction["verify"]>;

const VERIFY = {
  name: "verify",
  fields: {
    commands: field(workSteps, "The steps that must pass.", { aliases: ["steps"] }),
    batch: field(
      integer({ min: 1, max: 10_000 }),
      "After how many merged items they run; without it, whenever none waits.",
    ),
  },
  needs: [["commands"]],
} as const;

/** Checks repeat work that was paid for, so that `retry_defaults` do not reach them. */
const verify: Decoder<Verify> = phase(
  (found) => ({ steps: found, batch: null }),
  mapping(VERIFY, (read, context): Verify | undefined => {
    const found = required(read, "commands", { name: "verify", context });
    return found === null ? undefined : { steps: found.value, batch: read.fields.batch?.value ?? null };
  }),
);

/** `always` and `on_commit` are the same: what has no commits has nothing to merge. */
const merge: Decoder<boolean> = byKind({
  expected: "always, on_commit or never",
  scalar: map(word(["always", "on_commit", "never"], { true: "always", false: "never" }), (when) => when !== "never"),
});

const globs: Decoder<readonly string[]> = list(glob, { orOne: true });

const WORKTREE_FIELDS = {
  setup: field(workSteps, "Steps that run once in each new worktree."),
  keep: field(globs, "Ignored files that stay between items."),
  copy: field(globs, "Files that are copied from the session's worktree."),
} as const;

const worktree: Decoder<Partial<WorktreeSettings>> = mapping(
  { name: "worktree", fields: WORKTREE_FIELDS },
  ({ fields }) => ({
    ...(fields.setup === null ? {} : { setup: fields.setup.value }),
    ...(fields.keep === null ? {} : { keep: fields.keep.value }),
    ...(fields.copy === null ? {} : { copy: fields.copy.value }),
  }),
);

/** Its steps stood below `commands:` once. */
const agentTemplate: Decoder<readonly Step[]> = {
  schema: workSteps.schema,
  decode: (node, context) => {
    const [only] = node.kind === "map" && node.entries.length === 1 ? node.entries : [];
    if (only !== undefined && (only.key === "commands" || only.key === "steps") && only.value.kind !== "scalar") {
      const help = "write the steps directly below `agent_template:`";
      const edits = withoutKey(context.out.source.text, only);
      reportOld(context, "agent_template", { at: only.keyAt, help, edits });
    }
    return workSteps.decode(node, context);
  },
};

function refusal(message: string, help: string): Refusal {
  return { code: "unknown-key", message, help };
}

export const MAP = {
  name: "map",
  fields: {
    input: field(mapInput, "Where the items come from: a JSON file, a command, a list, or a mapping that says which."),
    ...INPUT_FORMS,
    ...SELECT_FIELDS,
    agent_template: field(agentTemplate, "The steps for each item.", { aliases: ["commands", "steps"] }),
    max_parallel: field(maxParallel, "How many items at once."),
    agent_timeout_secs: field(durationTemplate, "The limit for an item.", {
      aliases: ["agent_timeout"],
      deprecated: ["timeout_per_agent"],
    }),
    timeout_config: field(timeoutConfig, "Limits for an item and its steps."),
    error_policy: field(errorPolicy, "Same as `error_policy` beside the map."),
    ...POLICY_FIELDS,
    retry_on_failure: field(integer({ min: 0, max: 1_000 }), "Older form of `retry_config`: how many times more."),
    verify: field(verify, "Steps that must pass on the combined tree."),
    merge: field(merge, "Whether an item's commits are merged."),
    auto_commit: field(autoCommit, "Whether what an item left uncommitted is committed."),
    commit_config: field(commitConfig, "How it is committed."),
    conflict_policy: field(word(["report", "serialize"]), "What happens when items touch the same files."),
    worktree: field(worktree, "How the items' worktrees are made and cleaned."),
    setup_worktree: field(workSteps, "Same as `worktree.setup`."),
    keep: field(globs, "Same as `worktree.keep`."),
    copy: field(globs, "Same as `worktree.copy`."),
  },
  refused: {
    batch_size: refusal('"batch_size" never had an effect: items run one by one', "write `max_parallel:`"),
    group_by: refusal('"group_by" never had an effect', "write `sort_by:`, or group the items in `setup:`"),
    setup: refusal('"setup" stands beside "map:", not inside it', "move it one level up, or write `setup_worktree:`"),
    reduce: refusal('"reduce" stands beside "map:", not inside it', "move it one level up"),
    timeout: refusal('unknown key "timeout" in map', "write `agent_timeout_secs:` for the limit of an item"),
  },
  needs: [["agent_template"], ["input", ...Object.keys(INPUT_FORMS)]],
} as const satisfies Table<Fields>;

export type MapRead = Mapping<(typeof MAP)["fields"]>;
