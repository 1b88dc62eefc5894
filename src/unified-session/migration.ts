/**
 * Sessions as an earlier Prodigy left them in a project's `.prodigy/`: `session_state.json` and `session_*.json`. Each
 * becomes a session of today with its times, counters and errors. The files are moved to `.prodigy/migrated/` when all of
 * them could be read; nothing else in the folder is touched.
 *
 * Running it again does nothing: a session that was migrated says so in its metadata.
 */
import { access, mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../storage/atomic.ts";
import { reason, systemCode } from "../storage/fault.ts";
import type { SessionPlace } from "../storage/global-storage.ts";
import { safeId } from "../storage/layout.ts";
import { type LegacySession, legacySession } from "./legacy.ts";
import type { SessionManager } from "./manager.ts";
import type { SessionStatus, UnifiedSession } from "./state.ts";

export interface MigrationOptions {
  /** The project's `.prodigy` folder. */
  readonly directory: string;
  readonly projectName: string;
  /** The key of the repository that the sessions are put under. */
  readonly repository: string;
  readonly sessions: Pick<SessionManager, "create" | "load">;
}

export interface MigrationReport {
  /** Ids of the sessions that are new. */
  readonly migrated: readonly string[];
  readonly failed: readonly { readonly path: string; readonly reason: string }[];
  /** Where the files are now. */
  readonly archived: readonly string[];
}

/** Cheap when there is nothing to do: one look into the folder. */
export async function migrateProject(options: MigrationOptions): Promise<MigrationReport> {
  const migrated: string[] = [];
  const failed: { readonly path: string; readonly reason: string }[] = [];
  const done: string[] = [];
  for (const name of await legacyNames(options.directory)) {
    const path = join(options.directory, name);
    const result = await migrateFile(options, path);
    switch (result.kind) {
      case "migrated":
        migrated.push(result.id);
        done.push(name);
        break;
      case "known":
        done.push(name);
        break;
      case "failed":
        failed.push({ path, reason: result.reason });
        break;
      case "no-session":
        break;
    }
  }
  if (failed.length > 0) return { migrated, failed, archived: [] };
  return { migrated, ...(await archive(options.directory, done)) };
}

/** One sentence for people; null when nothing happened. */
export function migrationSummary(report: MigrationReport): string | null {
  const { migrated, failed } = report;
  if (migrated.length === 0 && failed.length === 0) return null;
  const moved = `Migrated ${migrated.length} ${migrated.length === 1 ? "session" : "sessions"} of an earlier Prodigy`;
  return failed.length === 0 ? `${moved}.` : `${moved}; ${failed.length} could not be read and nothing was moved away.`;
}

type FileResult =
  | { readonly kind: "migrated"; readonly id: string }
  /** An earlier migration got this far and was interrupted before the file was moved. */
  | { readonly kind: "known" }
  | { readonly kind: "no-session" }
  | { readonly kind: "failed"; readonly reason: string };

async function migrateFile(options: MigrationOptions, path: string): Promise<FileResult> {
  const json = await readJson(path);
  if (!json.ok) return { kind: "failed", reason: json.fault.message };
  const legacy = legacySession(json.value);
  if (legacy === null) return { kind: "no-session" };
  if ("problem" in legacy) return { kind: "failed", reason: legacy.problem };
  const id = safeId(legacy.id);
  if (!id.ok) return { kind: "failed", reason: id.fault.message };
  const place: SessionPlace = { repository: options.repository, session: id.value };
  const known = await options.sessions.load(place);
  if (!known.ok) return { kind: "failed", reason: known.fault.message };
  if (known.value !== null) {
    if (known.value.metadata["started_by"] === "migrated") return { kind: "known" };
    return { kind: "failed", reason: `There is another session ${id.value} already.` };
  }
  const created = await options.sessions.create(place, sessionFrom(legacy, options.projectName));
  return created.ok ? { kind: "migrated", id: id.value } : { kind: "failed", reason: created.fault.message };
}

const STATUS_OF: ReadonlyMap<string, SessionStatus> = new Map([
  ["InProgress", "Running"],
  ["Completed", "Completed"],
  ["Failed", "Failed"],
  ["Interrupted", "Paused"],
]);

function sessionFrom(legacy: LegacySession, projectName: string): UnifiedSession {
  const status = STATUS_OF.get(legacy.status) ?? "Running";
  const ended = status === "Completed" || status === "Failed";
  return {
    id: legacy.id,
    session_type: "Workflow",
    status,
    started_at: legacy.startedAt,
    updated_at: legacy.endedAt ?? legacy.startedAt,
    completed_at: ended ? legacy.endedAt : null,
    metadata: {
      project_name: projectName,
      worktree_name: legacy.worktreeName,
      started_by: "migrated",
      tags: ["migrated"],
      description: `Migrated from a session of an earlier Prodigy that was ${legacy.status}`,
      legacy_session_id: legacy.id,
      iterations_completed: legacy.iterationsCompleted,
      files_changed: legacy.filesChanged,
      errors: legacy.errors,
    },
    checkpoints: [],
    timings: {},
    error: legacy.errors.length === 0 ? null : legacy.errors.join("; "),
    workflow_data: {
      workflow_id: legacy.id,
      workflow_name: legacy.workflowName,
      current_step: 0,
      total_steps: 0,
      completed_steps: [],
      variables: {},
      iterations_completed: legacy.iterationsCompleted,
      files_changed: legacy.filesChanged,
      worktree_name: legacy.worktreeName,
    },
    mapreduce_data: null,
  };
}

async function legacyNames(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    return names.filter((name) => name === "session_state.json" || /^session_.*\.json$/.test(name)).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function archive(
  directory: string,
  names: readonly string[],
): Promise<Pick<MigrationReport, "archived" | "failed">> {
  const archived: string[] = [];
  const failed: { readonly path: string; readonly reason: string }[] = [];
  for (const name of names) {
    const path = join(directory, name);
    try {
      await mkdir(join(directory, "migrated"), { recursive: true });
      const to = await freeName(join(directory, "migrated", name));
      await rename(path, to);
      archived.push(to);
    } catch (error) {
      failed.push({ path, reason: `It was migrated but could not be moved away: ${reason(error)}` });
    }
  }
  return { archived, failed };
}

/** What was archived earlier under this name stays. */
async function freeName(path: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? path : `${path}.${count}`;
    try {
      await access(candidate);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return candidate;
      throw error;
    }
  }
}
