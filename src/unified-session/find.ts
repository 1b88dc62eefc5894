/** From what a person types to a stored session. */
import { readdir } from "node:fs/promises";
import { fileFault, ok, type StorageOutcome } from "../storage/fault.ts";
import type { GlobalStorage } from "../storage/global-storage.ts";
import { lastEvent } from "../storage/journal-tail.ts";
import { repositoryPaths, safeId } from "../storage/layout.ts";
import { rebuildSession } from "./cook-adapter.ts";
import { type ManagerClock, SessionManager } from "./manager.ts";
import type { UnifiedSession } from "./state.ts";

/** A session as lists show it. */
export interface SessionEntry {
  readonly session: UnifiedSession;
  /** Null for sessions of old, which have no journal. */
  readonly repository: string | null;
  /** The process that works on it now; null when none does, whatever its file says. */
  readonly pid: number | null;
  /** Whether it can be gone on with. */
  readonly resumable: boolean;
}

export interface SessionList {
  /** The newest first. */
  readonly sessions: readonly SessionEntry[];
  /** Files that are there and cannot be read, with the reason. */
  readonly unreadable: readonly { readonly path: string; readonly problem: string }[];
}

export interface ListOptions {
  /** Null for all. */
  readonly repository: string | null;
  readonly clock: ManagerClock;
  /** Who works on a session now. */
  readonly holderOf: (repository: string, session: string) => Promise<{ readonly pid: number } | null>;
}

interface Found {
  readonly repository: string | null;
  readonly session: UnifiedSession;
}

/** All sessions. One whose file was never written is read from its journal. */
export async function listAllSessions(storage: GlobalStorage, options: ListOptions): Promise<SessionList> {
  const { repository, clock, holderOf } = options;
  await using manager = new SessionManager(storage, clock);
  const files = await storage.listSessions(repository);
  const found: Found[] = [];
  const unreadable: { readonly path: string; readonly problem: string }[] = [];
  const adopted = new Set(files.flatMap((file) => (file.repository === null ? [] : [file.session])));
  for (const file of files) {
    // What an earlier program left in one folder for all is listed where it was taken over.
    if (file.repository === null && adopted.has(file.session)) continue;
    const loaded = await manager.load({ repository: file.repository, session: file.session });
    if (!loaded.ok) unreadable.push({ path: file.path, problem: loaded.fault.message });
    else if (loaded.value !== null) found.push({ repository: file.repository, session: loaded.value });
  }
  if (repository !== null) {
    const known = new Set(files.map(({ session }) => session));
    found.push(...(await journalOnly(storage, repository, known)));
  }
  const entries = found.map(async (entry): Promise<SessionEntry> => {
    const holder = entry.repository === null ? null : await holderOf(entry.repository, entry.session.id);
    const told = holder === null ? { ...entry, session: await upToDate(storage, entry) } : entry;
    return { ...told, pid: holder?.pid ?? null, resumable: holder === null && isResumable(told) };
  });
  const sessions = await Promise.all(entries);
  return { sessions: sessions.toSorted((a, b) => compare(b.session, a.session)), unreadable };
}

const SETTLING: ReadonlySet<string> = new Set(["session-ended", "session-failed", "session-paused"]);

/** A worker that died between its last event and its file has left a file that says it runs for ever. */
async function upToDate(storage: GlobalStorage, { repository, session }: Found): Promise<UnifiedSession> {
  if (repository === null || !["Running", "Initializing"].includes(session.status)) return session;
  const last = await lastEvent(storage.paths(repository, session.id).events);
  if (last === null || !SETTLING.has(last.type)) return session;
  const events = await storage.readEvents({ repository, session: session.id });
  return (events.ok ? rebuildSession(events.value) : null) ?? session;
}

/** What decides about a session's worktree. */
export function sessionFacts(list: SessionList): ReadonlyMap<string, SessionFacts> {
  return new Map(
    list.sessions.map(({ session, pid, resumable }) => {
      const target = session.metadata["target_branch"];
      return [
        session.id,
        { live: pid !== null, ended: !resumable, target: typeof target === "string" ? target : null },
      ];
    }),
  );
}

interface SessionFacts {
  readonly live: boolean;
  readonly ended: boolean;
  readonly target: string | null;
}

/** A person who has declined the merge has not forgotten it; what nobody was asked about is still open. */
function isResumable({ repository, session }: Found): boolean {
  if (repository === null || session.status === "Cancelled") return false;
  // What an earlier program left has no journal that anybody could go on with.
  if (session.metadata["legacy_session_id"] !== undefined) return false;
  return session.status !== "Completed" || session.metadata["landing"] === "not-landed";
}

/** The one session whose id is, begins with or ends with the text. `repository` is looked in first; null is none. */
export async function findSession(
  storage: GlobalStorage,
  text: string,
  repository: string | null,
): Promise<StorageOutcome<{ readonly repository: string; readonly session: string }>> {
  const safe = safeId(text);
  if (!safe.ok) return safe;
  const here =
    repository === null ? [] : (await idsIn(storage, repository)).map((session) => ({ repository, session }));
  const [exact] = here.filter(({ session }) => session === text);
  if (exact !== undefined) return ok(exact);
  const files = await storage.listSessions(null);
  const everywhere = files.flatMap((file) =>
    file.repository === null ? [] : [{ ...file, repository: file.repository }],
  );
  const there = everywhere.find(({ session }) => session === text);
  if (there !== undefined) return ok({ repository: there.repository, session: there.session });
  const meant = here.filter(({ session }) => session.startsWith(text) || session.endsWith(text));
  const [only, second] = meant;
  if (only === undefined || text.length < MIN_PART) return notFound(text);
  if (second !== undefined)
    return ambiguous(
      text,
      meant.map(({ session }) => session),
    );
  return ok(only);
}

/** A shorter part of an id is a slip of the finger. */
const MIN_PART = 4;

async function idsIn(storage: GlobalStorage, repository: string): Promise<readonly string[]> {
  const files = await storage.listSessions(repository);
  return [...new Set([...files.map(({ session }) => session), ...(await journalNames(storage, repository))])];
}

async function journalOnly(
  storage: GlobalStorage,
  repository: string,
  known: ReadonlySet<string>,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const name of await journalNames(storage, repository)) {
    if (known.has(name)) continue;
    const events = await storage.readEvents({ repository, session: name });
    const session = events.ok ? rebuildSession(events.value) : null;
    if (session !== null) found.push({ repository, session });
  }
  return found;
}

async function journalNames(storage: GlobalStorage, repository: string): Promise<readonly string[]> {
  try {
    const names = await readdir(repositoryPaths(storage.root, repository).events);
    return names.filter((name) => safeId(name).ok);
  } catch {
    // Nothing has run in this repository yet.
    return [];
  }
}

function compare(a: UnifiedSession, b: UnifiedSession): number {
  return a.started_at < b.started_at ? -1 : a.started_at > b.started_at ? 1 : a.id < b.id ? -1 : 1;
}

function notFound(text: string): StorageOutcome<never> {
  return fileFault(`there is no session ${text}`, "list the sessions with: prodigy sessions list");
}

function ambiguous(text: string, ids: readonly string[]): StorageOutcome<never> {
  return fileFault(`${text} can mean several sessions: ${ids.slice(0, 5).join(", ")}`, "give more of the id");
}
