/** What every kind of workflow has besides its steps. */
import { NO_AGENT_SETTINGS } from "./agent-settings.ts";
import { namedWorkflows } from "./call.ts";
import { makeMap } from "./compose-merge.ts";
import type { Context } from "./decode.ts";
import { allOf, WORK } from "./decode.ts";
import type { Mapping } from "./mapping.ts";
import { required } from "./mapping.ts";
import type { Step, Workflow } from "./model.ts";
import { withDefaults } from "./parameters.ts";
import { resolveLimit } from "./phase.ts";
import type { COMMON_FIELDS, WORKFLOW } from "./workflow-table.ts";

type CommonFields = Mapping<typeof COMMON_FIELDS>["fields"];

export function workflowParts(fields: CommonFields, name: string, context: Context): Omit<Workflow, "mode" | "steps"> {
  const merge = fields.merge?.value ?? null;
  const values = fields.env?.value ?? [];
  return {
    name: fields.name?.value.trim() ?? name,
    description: fields.description?.value ?? null,
    merge: merge === null ? null : { steps: merge.steps, timeoutMs: resolveLimit(merge.timeout, values, context) },
    environment: {
      inherit: fields.inherit?.value ?? true,
      files: fields.env_files?.value ?? [],
      values,
      profiles: fields.profiles?.value ?? {},
      secrets: fields.secrets?.value ?? [],
      notSecret: fields.not_secret?.value ?? [],
    },
    parameters: withDefaults(fields.parameters?.value ?? [], fields.defaults?.value ?? []),
    agent: fields.agent?.value ?? NO_AGENT_SETTINGS,
    settings: { allowPathsOutside: fields.allow_paths_outside?.value ?? [], maxIterations: null },
  };
}

/** The steps of a workflow: its `commands:`, and after them what `workflows:` has and no step names. */
export function stepsOfWorkflow(
  read: Mapping<(typeof WORKFLOW)["fields"]>,
  context: Context,
): readonly Step[] | undefined {
  const { commands, workflows } = read.fields;
  const entries = workflows?.value ?? [];
  if (
    workflows === null &&
    !read.given.has("workflows") &&
    required(read, "commands", { name: "a workflow", context }) === null
  )
    return undefined;
  if (commands === null && read.given.has("commands")) return undefined;
  const unnamed = [...namedWorkflows(entries)].filter(([name]) => !context.isNamed(name));
  const after = unnamed.map(([, node]) =>
    context.decodeSteps(makeMap(node, [{ key: "workflow", keyAt: node.at, value: node }]), WORK),
  );
  const steps = allOf(after);
  return steps === undefined ? undefined : [...(commands?.value ?? []), ...steps.flat()];
}

/** The file's name without folders and ending. */
export function nameOf(file: string): string {
  const base = file.split(/[/\\]/u).at(-1) ?? file;
  return base.replace(/\.(?:ya?ml|json)$/iu, "") || "workflow";
}
