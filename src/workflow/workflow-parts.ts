/** What every kind of workflow has besides its steps. */
import { NO_AGENT_SETTINGS } from "./agent-settings.ts";
import type { Context } from "./decode.ts";
import type { Mapping } from "./mapping.ts";
import type { Workflow } from "./model.ts";
import { withDefaults } from "./parameters.ts";
import { resolveLimit } from "./phase.ts";
import type { COMMON_FIELDS } from "./workflow-table.ts";

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
