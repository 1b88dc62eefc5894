/**
 * Sessions that an earlier Prodigy left in the storage root become sessions of today, the first time anybody looks at
 * their repository. Its files stay where they are: they are still what a person or the earlier program looks at, and a
 * session of today only points to them.
 */
import { dirname, join } from "node:path";
import { ensureDirectory, readJson, replaceJson } from "../storage/atomic.ts";
import { openStorage } from "../storage/global-storage.ts";
import { repositoryPaths } from "../storage/layout.ts";
import { decodeSession } from "../unified-session/decode.ts";
import { type ManagerClock, SessionManager } from "../unified-session/manager.ts";
import type { SessionStatus, UnifiedSession } from "../unified-session/state.ts";
import type { Repository } from "../worktree/repository.ts";
import { objectOf, listOf } from "./fields.ts";
import { earlierBranches, earlierIds, type Ownership, ownership } from "./find.ts";
import type { Places } from "./places.ts";
import { type EarlierRecord, readEarlier, type Unreadable } from "./read.ts";

export interface Adoption {
  readonly places: Places;
  readonly repository: Repository;
  readonly key: string;
  readonly clock: ManagerClock;
  /** Takes secrets out of what is written. */
  readonly mask: (text: string) => string;
}

/** Returns what a person should know, or null. Costs a look into a few folders once all has been taken over. */
export async function adoptEarlierSessions(adoption: Adoption): Promise<string | null> {
  const { places, key } = adoption;
  const ids = await earlierIds(places);
  if (ids.length === 0) return null;
  const marker = join(dirname(repositoryPaths(places.root, key).sessions), "earlier.json");
  const known = await readJson(marker);
  const seen = new Set(known.ok ? listOf(objectOf(known.value)?.["seen"]).map(String) : []);
  const fresh = ids.filter((id) => !seen.has(id));
  if (fresh.length === 0) return null;
  const told = await adoptAll(adoption, fresh);
  if ("fault" in told) return told.fault;
  await ensureDirectory(dirname(marker));
  await replaceJson(marker, { version: 1, seen: [...seen, ...fresh] }, { durable: true });
  return summary(told);
}

interface Adopted {
  readonly adopted: number;
  readonly problems: readonly Unreadable[];
}

async function adoptAll(
  { places, repository, key, clock, mask }: Adoption,
  ids: readonly string[],
): Promise<Adopted | { readonly fault: string }> {
  const storage = await openStorage(places.root);
  if (!storage.ok) return { fault: storage.fault.message };
  await using sessions = new SessionManager(storage.value, clock);
  const branches = await earlierBranches(repository);
  const problems: Unreadable[] = [];
  let adopted = 0;
  for (const session of ids) {
    const record = await readEarlier(places, session);
    const owned = await ownership(places, repository, { record, branches });
    if (owned === null) continue;
    problems.push(...record.problems);
    const stored = await storedSession(join(places.root, "sessions", `${session}.json`), problems);
    const found = sessionFrom(record, owned, stored);
    if (found === null) continue;
    const value = { ...found, error: found.error === null ? null : mask(found.error) };
    const place = { repository: key, session };
    const present = await sessions.load(place);
    // One that was already taken over from the project's own folder says more than nothing, and stays.
    if (present.ok && present.value !== null) continue;
    const created = await sessions.create(place, value);
    if (!created.ok) return { fault: created.fault.message };
    adopted += 1;
  }
  return { adopted, problems };
}

async function storedSession(file: string, problems: Unreadable[]): Promise<UnifiedSession | null> {
  const json = await readJson(file);
  if (json.ok && json.value === null) return null;
  const session = json.ok ? decodeSession(json.value) : { problem: json.fault.message };
  if (!("problem" in session)) return session;
  problems.push({ file, reason: session.problem });
  return null;
}

const STATUS_OF: ReadonlyMap<string, SessionStatus> = new Map([
  ["Completed", "Completed"],
  ["Failed", "Failed"],
  ["Paused", "Paused"],
  ["Interrupted", "Paused"],
]);

/** Null when nothing is left that could tell what it was. */
function sessionFrom(record: EarlierRecord, owned: Ownership, stored: UnifiedSession | null): UnifiedSession | null {
  const { session, note, job } = record;
  const checkpoint = record.checkpoints[0]?.value ?? null;
  const at = checkpoint?.at ?? job?.value.at ?? record.deadLetters[0]?.value.lastAt ?? null;
  if (stored === null && at === null) return null;
  const time = new Date(at ?? 0).toISOString();
  const reached = STATUS_OF.get(checkpoint?.status ?? "") ?? null;
  const status =
    stored === null || stored.status === "Running" ? (reached ?? stored?.status ?? "Paused") : stored.status;
  const done = (checkpoint?.completed ?? []).filter(({ success }) => success).map(({ index }) => index);
  return {
    id: session,
    session_type: job === null ? (stored?.session_type ?? "Workflow") : "MapReduce",
    status,
    started_at: stored?.started_at ?? time,
    updated_at: stored?.updated_at ?? time,
    completed_at: stored?.completed_at ?? null,
    // Its variables may hold secrets in clear; they stay in its own file.
    metadata: {
      started_by: "migrated",
      tags: ["migrated"],
      legacy_session_id: session,
      workflow_file: checkpoint?.workflowPath ?? null,
      branch: owned.branch,
      target_branch: note?.value.target ?? null,
      worktree: owned.worktree,
      dead_letters: record.deadLetters.length,
    },
    checkpoints: [],
    timings: stored?.timings ?? {},
    error: stored?.error ?? checkpoint?.error ?? null,
    workflow_data: {
      workflow_id: session,
      workflow_name:
        workflowName(checkpoint?.workflowPath ?? null) ?? stored?.workflow_data?.workflow_name ?? "unknown",
      current_step: checkpoint?.currentStep ?? 0,
      total_steps: checkpoint?.totalSteps ?? 0,
      completed_steps: done,
      variables: {},
      iterations_completed: stored?.workflow_data?.iterations_completed ?? 0,
      files_changed: stored?.workflow_data?.files_changed ?? 0,
      worktree_name: note?.value.worktree ?? null,
    },
    mapreduce_data: null,
  };
}

/** The file's name: the recorded one was always "default". */
function workflowName(path: string | null): string | null {
  const file = path?.split(/[/\\]/).at(-1) ?? "";
  return file.replace(/\.(?:ya?ml|json)$/, "") || null;
}

function summary({ adopted, problems }: Adopted): string | null {
  const [first] = problems;
  const unread =
    first === undefined
      ? ""
      : `${String(problems.length)} of their files cannot be read and stay as they are, such as ${first.file}: ${first.reason}.`;
  if (adopted === 0) return unread === "" ? null : unread;
  const found = `Found ${String(adopted)} ${adopted === 1 ? "session" : "sessions"} of an earlier Prodigy; prodigy sessions show ID tells what can be done.`;
  return unread === "" ? found : `${found} ${unread}`;
}
