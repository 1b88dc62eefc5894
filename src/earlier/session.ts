/** One session of an earlier Prodigy with all that is known of it. */
import { hostname } from "node:os";
import type { GlobalStorage, SessionPlace } from "../storage/global-storage.ts";
import { identityOf } from "../system/process-identity.ts";
import { decodeSession } from "../unified-session/decode.ts";
import type { UnifiedSession } from "../unified-session/state.ts";
import type { Repository } from "../worktree/repository.ts";
import { earlierBranches, ownership } from "./find.ts";
import type { ResumeLock } from "./notes.ts";
import type { Places } from "./places.ts";
import { type EarlierRecord, readEarlier } from "./read.ts";

export interface EarlierSession {
  readonly session: UnifiedSession;
  readonly record: EarlierRecord;
  /** Where its worktree is, if it is still there. */
  readonly worktree: string | null;
  /** Its branch, if it is still there. */
  readonly branch: string | null;
  /** A process of the earlier program that goes on with it at this moment. */
  readonly holder: ResumeLock | null;
  /** The session of today that goes on with it. */
  readonly continuedAs: string | null;
}

/** Null when the session is not one of an earlier Prodigy. */
export async function earlierSession(
  storage: GlobalStorage,
  place: SessionPlace,
  { places, repository }: { readonly places: Places; readonly repository: Repository },
): Promise<EarlierSession | null> {
  const stored = await storage.loadSession(place);
  if (!stored.ok || stored.value === null) return null;
  const session = decodeSession(stored.value.value);
  if ("problem" in session || session.metadata["legacy_session_id"] === undefined) return null;
  const [record, branches] = await Promise.all([readEarlier(places, session.id), earlierBranches(repository)]);
  const owned = await ownership(places, repository, { record, branches });
  const continued = session.metadata["continued_as"];
  return {
    session,
    record,
    worktree: owned?.worktree ?? null,
    branch: owned?.branch ?? null,
    holder: record.lock !== null && isHeld(record.lock.value) ? record.lock.value : null,
    continuedAs: typeof continued === "string" ? continued : null,
  };
}

/** Its lock has no start time, so a later process with that number cannot be told from the holder. */
function isHeld({ pid, host }: ResumeLock): boolean {
  return host === hostname() && identityOf(pid) !== null;
}
