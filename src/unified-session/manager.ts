/**
 * The way to all stored sessions. A session that this process works on is kept in memory; its file follows at once when
 * the status changes and otherwise at most once a second, because it is only a projection of the journal.
 */
import type { GlobalStorage, SessionFile, SessionPlace } from "../storage/global-storage.ts";
import type { StorageOutcome } from "../storage/fault.ts";
import { fileFault, ok, reason } from "../storage/fault.ts";
import type { Json } from "../workflow/model.ts";
import { decodeSession } from "./decode.ts";
import {
  applyUpdate,
  type SessionStatus,
  type SessionType,
  type SessionUpdate,
  timestamp,
  type UnifiedSession,
} from "./state.ts";

/** A session's file is written at most this often while its status stays the same. */
export const WRITE_INTERVAL_MS = 1_000;

export interface ManagerClock {
  now(): number;
  /** Ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What is wanted; null asks for nothing. */
export interface SessionFilter {
  readonly status: SessionStatus | null;
  readonly type: SessionType | null;
  /** The start, in milliseconds since the epoch, both included. */
  readonly after: number | null;
  readonly before: number | null;
  readonly worktree: string | null;
  readonly limit: number | null;
}

export const ALL_SESSIONS: SessionFilter = {
  status: null,
  type: null,
  after: null,
  before: null,
  worktree: null,
  limit: null,
};

export interface SessionSummary {
  readonly id: string;
  readonly session_type: SessionType;
  readonly status: SessionStatus;
  readonly started_at: string;
  readonly updated_at: string;
  /** From the start to the end or, as long as there is none, to now. */
  readonly durationMs: number;
  readonly metadata: Readonly<Record<string, Json>>;
}

export interface SessionList {
  /** The last written first. */
  readonly sessions: readonly { readonly place: SessionPlace; readonly session: UnifiedSession }[];
  /** Files that could not be read, with the reason: a list that left them out silently would not be true. */
  readonly unreadable: readonly { readonly file: SessionFile; readonly problem: string }[];
}

interface Cached {
  session: UnifiedSession;
  /** The writing of the file that we know; null when there is none yet. */
  version: string | null;
  dirty: boolean;
  writtenAt: number;
  /** Writings of one session come one after the other. */
  writing: Promise<void>;
  trailing: boolean;
}

export class SessionManager {
  readonly #storage: GlobalStorage;
  readonly #clock: ManagerClock;
  readonly #cache = new Map<string, Cached>();
  readonly #closing = new AbortController();
  readonly #trailing = new Set<Promise<void>>();

  constructor(storage: GlobalStorage, clock: ManagerClock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Also replaces what is stored, as when the journal was read again. */
  async create(at: SessionPlace, session: UnifiedSession): Promise<StorageOutcome<UnifiedSession>> {
    const cached: Cached = {
      session,
      version: null,
      dirty: true,
      writtenAt: 0,
      writing: Promise.resolve(),
      trailing: false,
    };
    this.#cache.set(keyOf(at), cached);
    return this.#written(at, cached);
  }

  /** Applies all updates or, when one of them is not legal, none. */
  async update(
    at: SessionPlace,
    updates: readonly SessionUpdate[],
    when: number = this.#clock.now(),
  ): Promise<StorageOutcome<UnifiedSession>> {
    const known = await this.#known(at);
    if (!known.ok) return known;
    if (known.value === null) return missing(at);
    const cached = known.value;
    // Only what this process works on stays in memory; a list of ten thousand sessions must not.
    this.#cache.set(keyOf(at), cached);
    const before = cached.session;
    let session = before;
    for (const update of updates) {
      const result = applyUpdate(session, update, timestamp(when));
      if (!result.ok) return fileFault(result.problem);
      session = result.session;
    }
    if (session === before) return ok(session);
    cached.session = session;
    cached.dirty = true;
    const due = cached.writtenAt + WRITE_INTERVAL_MS - this.#clock.now();
    if (session.status !== before.status || due <= 0) return this.#written(at, cached);
    this.#writeLater(at, cached, due);
    return ok(session);
  }

  /** Null when there is none. */
  async load(at: SessionPlace): Promise<StorageOutcome<UnifiedSession | null>> {
    const known = await this.#known(at);
    return known.ok ? ok(known.value?.session ?? null) : known;
  }

  async list(repository: string | null, filter: SessionFilter): Promise<SessionList> {
    const sessions: { readonly place: SessionPlace; readonly session: UnifiedSession }[] = [];
    const unreadable: { readonly file: SessionFile; readonly problem: string }[] = [];
    for (const file of await this.#storage.listSessions(repository)) {
      if (filter.limit !== null && sessions.length >= filter.limit) break;
      const place = { repository: file.repository, session: file.session };
      const loaded = await this.load(place);
      if (!loaded.ok) unreadable.push({ file, problem: loaded.fault.message });
      else if (loaded.value !== null && isWanted(loaded.value, filter)) sessions.push({ place, session: loaded.value });
    }
    return { sessions, unreadable };
  }

  async delete(at: SessionPlace): Promise<void> {
    const cached = this.#cache.get(keyOf(at));
    this.#cache.delete(keyOf(at));
    // A writing that is under way or due must not bring the file back.
    if (cached !== undefined) cached.dirty = false;
    await cached?.writing;
    await this.#storage.deleteSession(at);
  }

  /** Writes what is not written yet. */
  async flush(): Promise<StorageOutcome<null>> {
    for (const [key, cached] of this.#cache) {
      const written = cached.dirty ? await this.#written(placeOf(key), cached) : ok(null);
      if (!written.ok) return written;
    }
    return ok(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#trailing);
    // A failure loses nothing: the file is computed from the journal again at the next resume.
    await this.flush();
  }

  /** What is in memory, unless another process has written the file since; null when there is no such session. */
  async #known(at: SessionPlace): Promise<StorageOutcome<Cached | null>> {
    const cached = this.#cache.get(keyOf(at));
    // What we have not written yet is newer than any file: the session's lock is ours.
    if (cached?.dirty === true) return ok(cached);
    try {
      await cached?.writing;
      if (cached !== undefined && (await this.#storage.sessionVersion(at)) === cached.version) return ok(cached);
      return await this.#read(at);
    } catch (error) {
      return fileFault(`Could not read session ${at.session}: ${reason(error)}`);
    }
  }

  async #read(at: SessionPlace): Promise<StorageOutcome<Cached | null>> {
    const stored = await this.#storage.loadSession(at);
    if (!stored.ok) return stored;
    if (stored.value === null) {
      this.#cache.delete(keyOf(at));
      return ok(null);
    }
    const session = decodeSession(stored.value.value);
    if ("problem" in session) return fileFault(`The file of session ${at.session} is no session: ${session.problem}.`);
    const cached: Cached = {
      session,
      version: stored.value.version,
      dirty: false,
      writtenAt: 0,
      writing: Promise.resolve(),
      trailing: false,
    };
    return ok(cached);
  }

  async #written(at: SessionPlace, cached: Cached): Promise<StorageOutcome<UnifiedSession>> {
    const { session } = cached;
    try {
      const writing = cached.writing.then(() => this.#write(at, cached));
      // A writing that failed must not keep the next one from trying.
      cached.writing = writing.catch(() => undefined);
      await writing;
      return ok(session);
    } catch (error) {
      return fileFault(`Could not write session ${session.id}: ${reason(error)}`);
    }
  }

  async #write(at: SessionPlace, cached: Cached): Promise<void> {
    // Another call may have written this state while we waited for our turn.
    if (!cached.dirty) return;
    cached.dirty = false;
    cached.writtenAt = this.#clock.now();
    try {
      cached.version = await this.#storage.saveSession(at, cached.session, { durable: true });
    } catch (error) {
      cached.dirty = true;
      throw error;
    }
  }

  /** A long step must not hide what happened just before it. */
  #writeLater(at: SessionPlace, cached: Cached, ms: number): void {
    if (cached.trailing || this.#closing.signal.aborted) return;
    cached.trailing = true;
    const later = this.#clock
      .sleep(ms, this.#closing.signal)
      .then(async () => {
        cached.trailing = false;
        // A failure stays `dirty`, so the next update or `flush` meets it again and reports it.
        if (cached.dirty && !this.#closing.signal.aborted) await this.#written(at, cached);
      })
      .finally(() => this.#trailing.delete(later));
    this.#trailing.add(later);
  }
}

/** The few fields that a list shows. */
export function summaryOf(session: UnifiedSession, now: number): SessionSummary {
  const end = session.completed_at === null ? now : Date.parse(session.completed_at);
  const { id, session_type, status, started_at, updated_at, metadata } = session;
  const durationMs = Math.max(0, end - Date.parse(started_at));
  return { id, session_type, status, started_at, updated_at, durationMs, metadata };
}

function isWanted(session: UnifiedSession, filter: SessionFilter): boolean {
  const started = Date.parse(session.started_at);
  return (
    (filter.status === null || session.status === filter.status) &&
    (filter.type === null || session.session_type === filter.type) &&
    (filter.after === null || started >= filter.after) &&
    (filter.before === null || started <= filter.before) &&
    (filter.worktree === null || session.workflow_data?.worktree_name === filter.worktree)
  );
}

function missing(at: SessionPlace): StorageOutcome<never> {
  return fileFault(`There is no session ${at.session}.`, "List the sessions with: prodigy sessions list");
}

/** Ids hold no slash. */
function keyOf(at: SessionPlace): string {
  return `${at.repository ?? ""}/${at.session}`;
}

function placeOf(key: string): SessionPlace {
  const [repository = "", session = ""] = key.split("/");
  return { repository: repository === "" ? null : repository, session };
}
