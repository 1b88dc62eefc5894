import { isDeepStrictEqual } from "node:util";
import { ok, type StorageOutcome } from "../storage/fault.ts";
import type { GlobalStorage } from "../storage/global-storage.ts";
import { scanJournal } from "../storage/journal-scan.ts";
import { NOTHING_YET, project } from "./cook-adapter.ts";
import type { SessionManager } from "./manager.ts";
import type { UnifiedSession } from "./state.ts";

/** A session of a repository; those of old have no journal to be compared with. */
export interface JournalledPlace {
  readonly repository: string;
  readonly session: string;
}

/** How a session's file stands to its journal. The file of a session that runs may be a second behind. */
export type ProjectionHealth = "equal" | "differs" | "missing" | "no journal";

export interface VerifyOptions {
  readonly storage: GlobalStorage;
  readonly sessions: Pick<SessionManager, "load" | "create">;
  /** What a run shows of an event: its secrets are masked, in the session's file as well. */
  readonly shown: (event: RecordedEvent) => RecordedEvent;
}

type RecordedEvent = Parameters<typeof project>[1];

/** Compares a session's file with what its journal says. A journal that cannot be read is a fault. */
export async function verifySession(
  options: VerifyOptions,
  at: JournalledPlace,
): Promise<StorageOutcome<ProjectionHealth>> {
  const computed = await sessionFromJournal(options, at);
  if (!computed.ok) return computed;
  if (computed.value === null) return ok("no journal");
  const stored = await options.sessions.load(at);
  // An unreadable file is as wrong as any other content: it is computed anew.
  if (!stored.ok) return ok("differs");
  if (stored.value === null) return ok("missing");
  return ok(isDeepStrictEqual(stored.value, computed.value) ? "equal" : "differs");
}

/** Writes a session's file anew from its journal; null when there is no journal. The caller holds the session's lock. */
export async function repairSession(
  options: VerifyOptions,
  at: JournalledPlace,
): Promise<StorageOutcome<UnifiedSession | null>> {
  const computed = await sessionFromJournal(options, at);
  return computed.ok && computed.value !== null ? options.sessions.create(at, computed.value) : computed;
}

/** The journal is read one event at a time: it may be bigger than the memory. */
async function sessionFromJournal(
  options: VerifyOptions,
  at: JournalledPlace,
): Promise<StorageOutcome<UnifiedSession | null>> {
  let projection = NOTHING_YET;
  const end = await scanJournal(options.storage.paths(at.repository, at.session).events, (event) => {
    projection = project(projection, options.shown(event)).projection;
  });
  return end.ok ? ok(projection.session) : end;
}
