/** The order of a new session: what is asked for, checked against the workflow, with what is known at its start. */
import type { Json, Workflow } from "../workflow/model.ts";
import { nearest } from "../workflow/problem.ts";
import type { SessionOrder } from "./decision/event.ts";
import { fault } from "./decision/fault.ts";
import { resolveParameters } from "./parameters.ts";
import type { Outcome } from "./ports.ts";

export interface Request {
  readonly workflow: Workflow;
  readonly workflowFile: string | null;
  readonly inputs: readonly string[];
  readonly parameters: Readonly<Record<string, Json>>;
  readonly profile: string | null;
  readonly maxIterations: number;
  readonly keepGoing: boolean;
  readonly dryRun: boolean;
}

export type Circumstances = Pick<SessionOrder, "session" | "repository" | "base" | "target" | "parent" | "versions">;

export function newOrder(request: Request, circumstances: Circumstances): Outcome<SessionOrder> {
  const parameters = resolveParameters(request.workflow.parameters, request.parameters);
  if (!parameters.ok) return parameters;
  const { profile, workflow } = request;
  if (profile !== null && !Object.hasOwn(workflow.environment.profiles, profile)) {
    const known = Object.keys(workflow.environment.profiles);
    const near = nearest(profile, known);
    const all = known.length === 0 ? "it has no profiles" : `its profiles are: ${known.join(", ")}`;
    const help = near === null ? all : `did you mean "${near}"? ${all}`;
    return { ok: false, fault: fault("input", `the workflow has no profile "${profile}"`, { help }) };
  }
  return {
    ok: true,
    value: {
      ...request,
      ...circumstances,
      parameters: parameters.value,
      branch: `prodigy-${circumstances.session}`,
    },
  };
}
