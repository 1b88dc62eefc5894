/**
 * Everything that is kept for all repositories, below one root (`$PRODIGY_HOME`, else `~/.prodigy`). Only two things ever
 * write there: the journal appends, everything else replaces a file as a whole.
 */
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomUUID } from "node:crypto";
import type { Recorded } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import type { Json } from "../workflow/model.ts";
import { DIRECTORY_MODE, ensureDirectory, readJson, replaceJson } from "./atomic.ts";
import { fileFault, ok, reason, systemCode } from "./fault.ts";
import { followJournal, readJournal } from "./journal-follow.ts";
import { legacySessionsDirectory, type SessionPaths, safeId, sessionPaths, trashDirectory } from "./layout.ts";

/** A session's file, as a listing of the folder tells it. */
export interface SessionFile {
  /** Null for sessions of old, which stood in one folder for all repositories. */
  readonly repository: string | null;
  readonly session: string;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** A stored session and which writing of it this is: another process that writes it again changes `version`. */
export interface StoredSession {
  readonly value: Json;
  readonly version: string;
}

export interface GlobalStorage {
  readonly root: string;
  paths(repository: string, session: string): SessionPaths;
  /** Returns the version that was written. */
  saveSession(at: SessionPlace, value: unknown, options: { readonly durable: boolean }): Promise<string>;
  /** Null when there is none. */
  loadSession(at: SessionPlace): Promise<Outcome<StoredSession | null>>;
  /** Null when there is none; costs no reading. */
  sessionVersion(at: SessionPlace): Promise<string | null>;
  /** Sessions of one repository, or of all with null, the last written first. Reads none of them. */
  listSessions(repository: string | null): Promise<readonly SessionFile[]>;
  /** In which repositories an id is known: in one, as ids are unique, or in none. */
  findSession(session: string): Promise<readonly SessionPlace[]>;
  /** Takes a session's files away. Its worktrees and branches are git's business, and its lock the caller's. */
  deleteSession(at: SessionPlace): Promise<void>;
  readEvents(at: SessionPlace): Promise<Outcome<readonly Recorded[]>>;
  followEvents(at: SessionPlace, from: number, signal: AbortSignal): AsyncGenerator<Outcome<Recorded>, void>;
  saveDeadLetters(at: SessionPlace, value: unknown): Promise<void>;
  /** Null when there are none. */
  loadDeadLetters(at: SessionPlace): Promise<Outcome<Json>>;
}

/** `null` stands for the sessions of old. */
export interface SessionPlace {
  readonly repository: string | null;
  readonly session: string;
}

/** Makes the root if there is none. */
export async function openStorage(root: string): Promise<Outcome<GlobalStorage>> {
  try {
    await mkdir(root, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    return fileFault(
      `Could not use ${root} as the storage root: ${reason(error)}`,
      "Set PRODIGY_HOME to a folder that you can write to.",
    );
  }
  return ok({
    root,
    paths: (repository, session) => sessionPaths(root, repository, session),
    saveSession: (at, value, options) => saveSession(statePath(root, at), value, options),
    loadSession: (at) => loadSession(statePath(root, at)),
    sessionVersion: (at) => versionOf(statePath(root, at)),
    listSessions: (repository) => listSessions(root, repository),
    findSession: async (session) => (await listSessions(root, null)).filter((file) => file.session === session),
    deleteSession: (at) => deleteSession(root, at),
    readEvents: (at) => readJournal(eventsDirectory(root, at)),
    followEvents: (at, from, signal) => followJournal(eventsDirectory(root, at), from, signal),
    saveDeadLetters: (at, value) => saveDeadLetters(root, at, value),
    loadDeadLetters: async (at) =>
      at.repository === null ? ok(null) : readJson(sessionPaths(root, at.repository, at.session).deadLetters),
  });
}

async function saveSession(path: string, value: unknown, options: { readonly durable: boolean }): Promise<string> {
  await ensureDirectory(dirname(path));
  await replaceJson(path, value, options);
  return (await versionOf(path)) ?? "";
}

async function loadSession(path: string): Promise<Outcome<StoredSession | null>> {
  // The version comes first: a change in between is then seen as a change, not missed.
  const version = await versionOf(path);
  if (version === null) return ok(null);
  const value = await readJson(path);
  return value.ok ? ok({ value: value.value, version }) : value;
}

/** Each replacement is another file, so inode, size and time together tell it from the one before. */
async function versionOf(path: string): Promise<string | null> {
  try {
    const found = await stat(path, { bigint: true });
    return `${found.ino}-${found.size}-${found.mtimeNs}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

async function listSessions(root: string, repository: string | null): Promise<readonly SessionFile[]> {
  const repositories = repository === null ? await namesIn(join(root, "state")) : [repository];
  const ours = repositories
    .filter((name) => safeId(name).ok)
    .map((name) => sessionsIn(join(root, "state", name, "sessions"), name));
  const legacy = repository === null ? [sessionsIn(legacySessionsDirectory(root), null)] : [];
  const files = (await Promise.all([...ours, ...legacy])).flat();
  return files.sort((a, b) => b.changedAt - a.changedAt || (a.session < b.session ? 1 : -1));
}

async function sessionsIn(directory: string, repository: string | null): Promise<readonly SessionFile[]> {
  const names = (await namesIn(directory)).filter(
    (name) => name.endsWith(".json") && safeId(basename(name, ".json")).ok && !name.startsWith("."),
  );
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const changedAt = await changeTime(path);
      return changedAt === null ? [] : [{ repository, session: basename(name, ".json"), path, changedAt }];
    }),
  );
  return files.flat();
}

/** Null when it has just been removed. */
async function changeTime(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

async function deleteSession(root: string, at: SessionPlace): Promise<void> {
  if (at.repository === null) return rm(statePath(root, at), { force: true });
  const paths = sessionPaths(root, at.repository, at.session);
  const trash = join(trashDirectory(root), randomUUID());
  await ensureDirectory(trash);
  // The state goes first: what is left of a deletion that was interrupted is no session in any list.
  const all = [
    paths.state,
    dirname(paths.deadLetters),
    paths.events,
    paths.logs,
    paths.inbox,
    paths.children,
    paths.lock,
  ];
  for (const [index, path] of all.entries()) await moveAway(path, join(trash, String(index)));
  await rm(trash, { recursive: true, force: true });
}

async function moveAway(path: string, to: string): Promise<void> {
  try {
    await rename(path, to);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

async function saveDeadLetters(root: string, at: SessionPlace, value: unknown): Promise<void> {
  if (at.repository === null) return;
  const path = sessionPaths(root, at.repository, at.session).deadLetters;
  await ensureDirectory(dirname(path));
  await replaceJson(path, value, { durable: true });
}

function statePath(root: string, at: SessionPlace): string {
  if (at.repository !== null) return sessionPaths(root, at.repository, at.session).state;
  return join(legacySessionsDirectory(root), `${sessionFileName(at.session)}.json`);
}

function eventsDirectory(root: string, at: SessionPlace): string {
  // A session of old has no journal; its folder does not exist, which reads as an empty one.
  return at.repository === null
    ? join(legacySessionsDirectory(root), "no-journal")
    : sessionPaths(root, at.repository, at.session).events;
}

function sessionFileName(session: string): string {
  const id = safeId(session);
  if (!id.ok) throw new Error(id.fault.message);
  return id.value;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
