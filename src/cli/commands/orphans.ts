import { listOrphans, removeOrphans } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural, printable } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault } from "../workflow-file.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy worktree clean-orphaned [JOB]` */
export const cleanOrphaned: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [job] = args;
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const listed = await listOrphans(where);
  if (!listed.ok) return refuse(invocation, listed.fault);
  for (const { file, problem } of listed.value)
    if (problem !== null) shell.stderr.write(`Warning: ${file} cannot be used: ${problem}\n`);
  const usable = listed.value.filter(({ problem }) => problem === null);
  const meant = usable.filter((registry) => job === undefined || registry.job === job);
  const [registry, second] = meant;
  if (registry === undefined) {
    if (job !== undefined)
      return refuse(invocation, { ...inputFault(`there are no orphaned worktrees of a job ${job}`), kind: "file" });
    if (json) printJson(shell.stdout, { job: null, dryRun: values.flag("dry-run"), worktrees: [] });
    else shell.stdout.write("No orphaned worktrees.\n");
    return EXIT_CODES.done;
  }
  if (second !== undefined)
    throw new UsageError(`missing required argument: one of the jobs ${meant.map((one) => one.job).join(", ")}`);
  if (!json)
    for (const { path, item, error } of registry.orphans)
      shell.stdout.write(
        `${printable(path)}${item === null ? "" : ` (${printable(item)})`}: ${printable(error ?? "unknown")}\n`,
      );
  const dryRun = values.flag("dry-run");
  if (!dryRun && !values.flag("force")) {
    const question = `Remove ${plural(registry.orphans.length, "worktree")}?`;
    if ((await shell.confirm(question, shell.stop)) !== "yes")
      return refuse(invocation, inputFault("nothing was removed", "-f answers the question"));
  }
  const cleaned = dryRun ? { ok: true as const, value: [] } : await removeOrphans({ ...where, registry });
  if (!cleaned.ok) return refuse(invocation, cleaned.fault);
  if (json) printJson(shell.stdout, { job: registry.job, dryRun, worktrees: cleaned.value });
  else if (dryRun) shell.stdout.write(`[DRY RUN] Would remove ${plural(registry.orphans.length, "worktree")}\n`);
  else {
    for (const { path, reason, cleaned: gone, salvage } of cleaned.value) {
      if (!gone) shell.stdout.write(`Kept ${printable(path)}: ${printable(reason)}\n`);
      if (salvage !== null) shell.stdout.write(`What no branch held is kept: prodigy salvage show ${salvage}\n`);
    }
    shell.stdout.write(`Cleaned ${plural(cleaned.value.filter((one) => one.cleaned).length, "worktree")}\n`);
  }
  return cleaned.value.every((one) => one.cleaned) ? EXIT_CODES.done : EXIT_CODES.failed;
};
