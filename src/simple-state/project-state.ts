/**
 * A few facts about a project in its own `.prodigy/`, for people and for git: how often Prodigy ran there, and a small file
 * for each run. Plain JSON, replaced as a whole. Nothing depends on it: a damaged file is put aside and begun anew.
 */
import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseJson, readText, replaceJson } from "../storage/atomic.ts";
import { fileFault, ok, reason, type StorageOutcome, systemCode } from "../storage/fault.ts";
import { acquireLock, type LockOptions, type SessionLock } from "../storage/lock.ts";

/** `.prodigy/state.json`. */
export interface ProjectState {
  readonly version: "1.0";
  readonly project_id: string;
  /** RFC 3339. */
  readonly last_run: string | null;
  readonly total_runs: number;
}

/** `.prodigy/history/*.json`. */
export interface RunRecord {
  readonly session_id: string;
  readonly started_at: string;
  readonly completed_at: string | null;
  readonly iterations: number;
  readonly files_changed: number;
  readonly summary: string;
}

export interface ProjectOptions {
  /** The project's `.prodigy` folder. */
  readonly directory: string;
  readonly now: () => number;
  readonly uuid: () => string;
  /** Under the storage root, so that no lock file ever lies in the project. */
  readonly lock: LockOptions;
}

export interface LoadedState {
  readonly state: ProjectState;
  /** What people should know: that a damaged file was put aside. */
  readonly warning: string | null;
}

/** Writing takes milliseconds; who has not got its turn by then has met a process that hangs. */
const MAX_WAIT_MS = 10_000;
const RETRY_MS = 20;

/** Files of a project belong to its users, not to one of them. */
const SHARED_FILE_MODE = 0o644;

/** Counts a run and keeps its record. A run that is recorded again, after a resume, is not counted twice. */
export async function recordRun(
  options: ProjectOptions,
  run: RunRecord,
  signal: AbortSignal,
): Promise<StorageOutcome<LoadedState>> {
  const lock = await turn(options, signal);
  if (!lock.ok) return lock;
  await using _held = lock.value;
  try {
    const { state, warning } = await loadState(options);
    const history = join(options.directory, "history");
    await mkdir(history, { recursive: true });
    const path = join(history, recordName(run));
    const counted = await exists(path);
    const next: ProjectState = {
      ...state,
      last_run: run.completed_at ?? state.last_run,
      total_runs: state.total_runs + (counted ? 0 : 1),
    };
    await replaceJson(path, run, { durable: true, mode: SHARED_FILE_MODE });
    await replaceJson(join(options.directory, "state.json"), next, { durable: true, mode: SHARED_FILE_MODE });
    return ok({ state: next, warning });
  } catch (error) {
    return fileFault(`Could not write the project's state in ${options.directory}: ${reason(error)}`);
  }
}

/** What the file says, or a fresh state. Writes nothing but, where a file is damaged, its new name. */
export async function readState(options: ProjectOptions): Promise<StorageOutcome<LoadedState>> {
  try {
    return ok(await loadState(options));
  } catch (error) {
    return fileFault(`Could not read the project's state in ${options.directory}: ${reason(error)}`);
  }
}

async function turn(options: ProjectOptions, signal: AbortSignal): Promise<StorageOutcome<SessionLock>> {
  for (let waited = 0; ; waited += RETRY_MS) {
    const lock = await acquireLock(options.lock);
    if (lock.ok || waited >= MAX_WAIT_MS || signal.aborted) return lock;
    // Ends early when aborted; the next turn of the loop then gives up.
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function loadState(options: ProjectOptions): Promise<LoadedState> {
  const path = join(options.directory, "state.json");
  const fresh: ProjectState = { version: "1.0", project_id: options.uuid(), last_run: null, total_runs: 0 };
  const text = await readText(path);
  if (text === null) return { state: fresh, warning: null };
  const state = decodeState(text);
  if (state !== null) return { state, warning: null };
  const aside = `${path}.corrupted.${options.now()}`;
  await rename(path, aside);
  return { state: fresh, warning: `${path} could not be read; it is now ${aside}, and counting begins anew.` };
}

/** Null when it is damaged. */
function decodeState(text: string): ProjectState | null {
  try {
    const value = parseJson(text);
    if (value === null || typeof value !== "object" || !("project_id" in value)) return null;
    const id = value["project_id"];
    const runs = value["total_runs"];
    const last = value["last_run"] ?? null;
    if (typeof id !== "string" || typeof runs !== "number" || !(last === null || typeof last === "string")) return null;
    return { version: "1.0", project_id: id, last_run: last, total_runs: runs };
  } catch {
    // Not JSON, which is as damaged as it gets.
    return null;
  }
}

/** By its start, which a resume does not change, and by the end of its id, where sessions of one second differ. */
function recordName(run: RunRecord): string {
  const [date = "", time = ""] = new Date(run.started_at).toISOString().split(/[T.]/);
  const id = run.session_id.replace(/[^A-Za-z0-9_]/g, "").slice(-8);
  return `${date.replaceAll("-", "")}_${time.replaceAll(":", "")}_${id}.json`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
