import {
  type Cleaned,
  cleanWorktrees,
  listSessions,
  listWorktrees,
  mergeWorktree,
  type Outcome,
  type WorktreeInfo,
} from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural, table } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault } from "../workflow-file.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy worktree list` */
export const list: Run = async (invocation) => {
  const { shell, json } = invocation;
  const listed = await listWorktrees(whereOf(invocation));
  if (!listed.ok) return refuse(invocation, listed.fault);
  if (json) printJson(shell.stdout, listed.value);
  else if (listed.value.length === 0) shell.stdout.write("No active worktrees.\n");
  else shell.stdout.write(worktreeTable(listed.value));
  return EXIT_CODES.done;
};

/** `prodigy worktree merge ID` */
export const merge: Run = async (invocation) => {
  const { args, values, shell } = invocation;
  const [named] = args;
  if (named === undefined && !values.flag("all")) {
    throw new UsageError("missing required argument: a session's ID, or --all for every finished session");
  }
  const sessions = named === undefined ? await mergeable(invocation) : { ok: true as const, value: [named] };
  if (!sessions.ok) return refuse(invocation, sessions.fault);
  let worst: number = EXIT_CODES.done;
  for (const session of sessions.value) {
    const code = await watchSession(invocation, {
      begin: (watching) => mergeWorktree({ ...watching, ...whereOf(invocation), session }),
    });
    if (code !== EXIT_CODES.done) worst = code;
  }
  if (sessions.value.length === 0 && !invocation.json) shell.stdout.write("Nothing to merge.\n");
  return worst;
};

/** `prodigy worktree clean` */
export const clean: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [named] = args;
  const age = values.duration("older-than");
  if (named === undefined && !values.flag("all") && age === null) {
    throw new UsageError("missing required argument: a session's ID, or --all, or --older-than AGE");
  }
  const sessions = await cleanable(invocation, named, age);
  if (!sessions.ok) return refuse(invocation, sessions.fault);
  const dryRun = values.flag("dry-run");
  const cleaned = await cleanWorktrees({
    ...whereOf(invocation),
    sessions: sessions.value,
    force: values.flag("force"),
    dryRun,
    notice: (message) => shell.stderr.write(`Warning: ${message}\n`),
  });
  if (!cleaned.ok) return refuse(invocation, cleaned.fault);
  if (json) printJson(shell.stdout, cleaned.value);
  else tellCleaned(invocation, cleaned.value, dryRun);
  return EXIT_CODES.done;
};

function whereOf(invocation: Invocation): { readonly env: Readonly<Record<string, string>>; readonly path: string } {
  return { env: invocation.shell.env, path: repositoryPath(invocation) };
}

async function mergeable(invocation: Invocation): Promise<Outcome<readonly string[]>> {
  const listed = await listSessions(whereOf(invocation));
  if (!listed.ok) return listed;
  // The oldest first: later sessions may build on what earlier ones landed.
  const open = listed.value.sessions.filter(({ session, pid }) => {
    const landing = session.metadata["landing"];
    return pid === null && session.status === "Completed" && (landing === "not-landed" || landing === "declined");
  });
  return { ok: true, value: open.map(({ session }) => session.id).toReversed() };
}

async function cleanable(
  invocation: Invocation,
  named: string | undefined,
  age: number | null,
): Promise<Outcome<readonly string[] | "all">> {
  const worktrees = await listWorktrees(whereOf(invocation));
  if (!worktrees.ok) return worktrees;
  const ids = new Set(worktrees.value.map(({ session }) => session));
  if (named !== undefined) {
    const meant = [...ids].filter(
      (id) => id === named || (named.length > 3 && (id.startsWith(named) || id.endsWith(named))),
    );
    if (meant.length === 1) return { ok: true, value: meant };
    const help = "list them with: prodigy worktree list";
    return { ok: false, fault: { ...inputFault(`there is no worktree of a session ${named}`, help), kind: "file" } };
  }
  if (age === null) return { ok: true, value: "all" };
  const listed = await listSessions(whereOf(invocation));
  if (!listed.ok) return listed;
  const old = listed.value.sessions.filter(
    ({ session }) => ids.has(session.id) && invocation.shell.now() - Date.parse(session.updated_at) > age,
  );
  return { ok: true, value: old.map(({ session }) => session.id) };
}

function worktreeTable(worktrees: readonly WorktreeInfo[]): string {
  const rows = worktrees.map((worktree) => [
    worktree.lane === "main" ? worktree.session : `${worktree.session} ${laneOf(worktree)}`,
    worktree.live ? "running" : worktree.ended ? "ended" : "resumable",
    worktree.unlanded === null ? "unknown" : plural(worktree.unlanded, "commit"),
    plural(worktree.uncommitted.length, "file"),
    worktree.there ? worktree.directory : `${worktree.directory} (missing)`,
  ]);
  return table([["SESSION", "STATUS", "NOT MERGED", "NOT COMMITTED", "DIRECTORY"], ...rows]);
}

function laneOf({ lane, holder }: WorktreeInfo): string {
  if (holder === null) return `${lane} (free)`;
  return holder === lane ? lane : `${lane} (${holder})`;
}

function tellCleaned({ shell }: Invocation, cleaned: readonly Cleaned[], dryRun: boolean): void {
  for (const { worktree, removed, reason } of cleaned) {
    const would = dryRun && reason === "would be removed";
    const word = removed ? "Removed" : would ? "[DRY RUN] Would remove" : "Kept";
    const detail = removed || would ? (reason === "removed" || would ? "" : ` (${reason})`) : `: ${reason}`;
    shell.stdout.write(`${word} ${worktree.directory}${detail}\n`);
  }
  if (cleaned.length === 0) shell.stdout.write("No worktrees to remove.\n");
}
