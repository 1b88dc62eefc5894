/** What a session needs from the machine and does not find there. */
import { missingAgent } from "../agents/availability.ts";
import type { Ground } from "../compose.ts";
import type { Fault } from "../cook/decision/event.ts";
import { fault } from "../cook/decision/fault.ts";
import { missingProvider, providerProgram } from "../cook/execution/environment-secret.ts";
import { needsOf } from "../cook/needs.ts";
import { findProgram } from "../system/programs.ts";
import type { Workflow } from "../workflow/model.ts";
import { identityFault } from "../worktree/repository.ts";

/** What would stop the run later, when it has already cost something. */
export function missingNeed({ repository, env }: Ground, workflow: Workflow, agent: string | null): Fault | null {
  const needs = needsOf(workflow);
  const identity = identityFault(repository);
  if (needs.commits && !identity.ok) return identity.fault;
  if (needs.ownPath) return null;
  const provider = absentProvider(workflow, env["PATH"] ?? "", repository.topLevel);
  if (provider !== null) return provider;
  const substitute = agent ?? (env["PRODIGY_AGENT"] || null);
  const names = needs.agents.size > 0 && substitute !== null ? [substitute] : [...needs.agents];
  return missingAgent(names, { env, directory: repository.topLevel, sets: needs.sets });
}

/** A secret whose provider has no program here; every step would fail for the want of it. */
function absentProvider({ environment }: Workflow, path: string, directory: string): Fault | null {
  for (const { source, name, at } of environment.secrets) {
    if (source.kind !== "provider") continue;
    if (findProgram(providerProgram(source.provider), path, directory) !== null) continue;
    const { message, help } = missingProvider(name, source.provider);
    return fault("spawn", message, { at, help });
  }
  return null;
}
