/** `map:`, read and put together. */
import { reportOld } from "./old-spellings.ts";
import { respelled } from "./rewrite.ts";
import type { Context, Decoder } from "./decode.ts";
import { report } from "./decode.ts";
import type { PolicyFields } from "./item-policy.ts";
import { resolvePolicy } from "./item-policy.ts";
import { resolveInput } from "./map-input.ts";
import { selectionOf } from "./map-select.ts";
import { MAP } from "./map-table.ts";
import type { MapRead } from "./map-table.ts";
import { resolveTimeouts, withCommandTimeouts } from "./map-timeout.ts";
import type { Found } from "./mapping.ts";
import { readMapping, required, tableSchema } from "./mapping.ts";
import type { AutoCommit, MapAction, RetryPolicy, WorktreeSettings } from "./model.ts";
import { retriesOnly } from "./retry.ts";

const DEFAULT_MAX_PARALLEL = "10";
/** What takes long to install and depends on no item. */
const DEFAULT_KEEP = ["node_modules", ".venv", "target"];

/** The action, but for what the rest of the workflow says about it. */
export interface MapPhase {
  readonly action: Omit<MapAction, "policy" | "failWhenEmpty">;
  /** The policies that are given inside `map:`, the stronger one first. */
  readonly policies: readonly PolicyFields[];
  /** Of `retry_on_failure`. */
  readonly olderRetry: RetryPolicy | null;
}

export const mapPhase: Decoder<MapPhase> = {
  get schema() {
    return tableSchema(MAP);
  },
  decode: (node, context) => {
    const read = readMapping(node, MAP, context);
    return read === undefined ? undefined : phaseOf(read, context);
  },
};

/** The whole action, once the policies of all places are known. */
export function mapAction(
  { action, policies, olderRetry }: MapPhase,
  around: { readonly policies: readonly [PolicyFields | null, PolicyFields]; readonly failWhenEmpty: boolean },
  context: Context,
): MapAction {
  const [errorPolicy, workflow] = around.policies;
  const places = [...(errorPolicy === null ? [] : [errorPolicy]), ...policies, workflow];
  return {
    ...action,
    policy: resolvePolicy(places, { retry: olderRetry }, context),
    failWhenEmpty: around.failWhenEmpty,
  };
}

function phaseOf(read: MapRead, context: Context): MapPhase | undefined {
  const { fields } = read;
  const input = resolveInput(read, context);
  const steps = required(read, "agent_template", { name: "map", context });
  const timeouts = resolveTimeouts(fields.agent_timeout_secs, fields.timeout_config, context);
  const olderRetry = olderRetryOf(fields.retry_on_failure, context);
  if (input === undefined || steps === null) return undefined;
  return {
    action: {
      kind: "map",
      input,
      select: selectionOf(fields),
      steps: withCommandTimeouts({ steps: steps.value, node: steps.node }, timeouts.commands, context),
      maxParallel: fields.max_parallel?.value ?? DEFAULT_MAX_PARALLEL,
      timeout: timeouts.item,
      verify: fields.verify?.value ?? null,
      merge: fields.merge?.value ?? true,
      autoCommit: autoCommitOf(fields, context),
      conflicts: fields.conflict_policy?.value ?? "report",
      worktrees: worktreesOf(read, context),
    },
    policies: [...(fields.error_policy === null ? [] : [fields.error_policy.value]), fields],
    olderRetry,
  };
}

function olderRetryOf(found: Found<number> | null, context: Context): RetryPolicy | null {
  if (found === null) return null;
  const attempts = `{${quoted(found, context, "attempts")}: ${found.value + 1}}`;
  const help = `write "retry_config: {attempts: ${found.value + 1}}"`;
  const edits = [
    respelled(context.out.source.text, found.keyAt, "retry_config"),
    { at: found.node.at, text: attempts },
  ];
  reportOld(context, "retry_on_failure", { at: found.keyAt, help, edits });
  return retriesOnly(found.value, { ...context, retryDefaults: null });
}

/** In JSON a key has quotes. */
function quoted(found: Found<unknown>, context: Context, key: string): string {
  return context.out.source.text.charAt(found.keyAt.start) === '"' ? `"${key}"` : key;
}

function autoCommitOf(
  { auto_commit: wanted, commit_config: config }: MapRead["fields"],
  context: Context,
): AutoCommit | null {
  const isWanted = wanted !== null && wanted.value !== false;
  if (config === null) return isWanted ? wanted.value : null;
  if (isWanted) return config.value;
  const message = '"commit_config" has no effect without "auto_commit: true"';
  report(context, { code: "no-effect", at: config.keyAt, message });
  return null;
}

function worktreesOf({ fields }: MapRead, context: Context): WorktreeSettings {
  const inner = fields.worktree?.value ?? {};
  const flat = [fields.setup_worktree, fields.keep, fields.copy] as const;
  for (const [position, key] of (["setup", "keep", "copy"] as const).entries()) {
    const found = flat[position];
    if (found === null || found === undefined || inner[key] === undefined) continue;
    const message = `"${found.spelled}" and "worktree.${key}" are two spellings of one key`;
    report(context, { code: "duplicate-key", at: found.keyAt, message, help: `keep "worktree.${key}"` });
  }
  return {
    setup: inner.setup ?? fields.setup_worktree?.value ?? [],
    keep: inner.keep ?? fields.keep?.value ?? DEFAULT_KEEP,
    copy: inner.copy ?? fields.copy?.value ?? [],
  };
}
