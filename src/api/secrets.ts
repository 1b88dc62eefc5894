/** What may be shown of a workflow that has not run. */
import { resolve } from "node:path";
import { maskerOf } from "../compose.ts";
import { mapped, masked } from "../cook/masking.ts";
import { registerSecrets } from "../cook/secrets.ts";
import { definedEnv, readText } from "../system/host.ts";
import type { Workflow } from "../workflow/model.ts";
import type { Where } from "./where.ts";

/** A copy of what is to be shown of a workflow, without the secrets that it and the environment declare. */
export async function hideSecrets<T>(value: T, about: Where & { readonly workflow: Workflow | null }): Promise<T> {
  const env = definedEnv(about.env);
  const { workflow } = about;
  const masker = maskerOf(env, workflow?.environment.notSecret);
  if (workflow !== null)
    await registerSecrets(
      { workflow, parameters: {}, directory: resolve(about.path ?? ".") },
      { host: { env, readText }, masker },
    );
  return mapped(value, (text) => masked(text, masker));
}
