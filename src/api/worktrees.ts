/** Worktrees that sessions have left, and what was kept aside. */
import { type Ground, maskerOf, openHistory } from "../compose.ts";
import { isOrder, mapped, masked } from "../cook/masking.ts";
import type { Outcome } from "../cook/ports.ts";
import { readJournal } from "../storage/journal-follow.ts";
import { sessionPaths } from "../storage/layout.ts";
import { sessionFacts } from "../unified-session/find.ts";
import { type Cleaned, type WorktreeInfo, type WorktreeManager, worktreeManager } from "../worktree/manager.ts";
import { openSalvageRoom, type SalvageRoom } from "../worktree/salvage-room.ts";
import { listSessions } from "./sessions.ts";
import { groundOf, type Where } from "./where.ts";

/** The worktrees that sessions of the repository have left. */
export async function listWorktrees(options: Where): Promise<Outcome<readonly WorktreeInfo[]>> {
  const manager = await managerOf(options, () => undefined);
  return manager.ok ? manager.value.list() : manager;
}

/** Removes worktrees of which it is proved that nothing is lost by it, and says why it keeps the others. */
export async function cleanWorktrees(
  options: Where & {
    readonly sessions: readonly string[] | "all";
    /** Whether also those of sessions that could go on; what is not committed is kept aside. */
    readonly force: boolean;
    readonly dryRun: boolean;
    readonly notice?: (message: string) => void;
  },
): Promise<Outcome<readonly Cleaned[]>> {
  const manager = await managerOf(options, options.notice ?? (() => undefined));
  return manager.ok ? manager.value.clean(options) : manager;
}

/** What was kept aside in the repository. */
export async function openSalvage(options: Where): Promise<Outcome<SalvageRoom>> {
  const ground = await groundOf(options);
  if (!ground.ok) return ground;
  const opened = await openSalvageRoom(ground.value);
  if (!opened.ok) return opened;
  // Files that were kept aside may hold what the session knew as a secret. Restoring gives them as they are.
  const show = async (name: string): ReturnType<SalvageRoom["show"]> => {
    const found = await opened.value.show(name);
    if (!found.ok) return found;
    const masker = await sessionMasker(ground.value, found.value.entry.session);
    return { ok: true, value: mapped(found.value, (text) => masked(text, masker)) };
  };
  return { ok: true, value: { ...opened.value, show } };
}

/** A masker that knows what a session has declared, as far as this environment has it. */
async function sessionMasker(ground: Ground, session: string): Promise<ReturnType<typeof maskerOf>> {
  const masker = maskerOf(ground.env);
  const events = await readJournal(sessionPaths(ground.root, ground.key, session).events);
  if (events.ok) await openHistory(ground, events.value.filter(isOrder), masker);
  return masker;
}

async function managerOf(where: Where, warn: (message: string) => void): Promise<Outcome<WorktreeManager>> {
  const ground = await groundOf(where);
  if (!ground.ok) return ground;
  const listed = await listSessions(where);
  if (!listed.ok) return listed;
  const facts = sessionFacts(listed.value);
  return { ok: true, value: worktreeManager({ ...ground.value, warn, session: (id) => facts.get(id) ?? null }) };
}
