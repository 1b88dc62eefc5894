/** Counts a finished session in the project's own `.prodigy/`, if the project has one. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type ProjectOptions, recordRun, type RunRecord } from "./project-state.ts";

/** What is told of a finished session. */
export interface Finished {
  readonly session: string;
  readonly workflow: string;
  readonly landing: string | null;
  readonly iterations: number;
  readonly commits: number;
  readonly changes: {
    readonly added: readonly string[];
    readonly modified: readonly string[];
    readonly deleted: readonly string[];
  };
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly lastAt: number;
}

/**
 * Without a `.prodigy` folder nothing is written: a project that has not asked for it stays as it is. Returns what a
 * person should know, or null.
 */
export async function rememberRun(
  project: string,
  options: Omit<ProjectOptions, "directory">,
  finished: Finished,
): Promise<string | null> {
  const directory = join(project, ".prodigy");
  if (!(await isFolder(directory))) return null;
  const recorded = await recordRun({ ...options, directory }, recordOf(finished), new AbortController().signal);
  return recorded.ok ? recorded.value.warning : recorded.fault.message;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // There is none.
  }
}

function recordOf({
  session,
  workflow,
  landing,
  iterations,
  commits,
  changes,
  startedAt,
  lastAt,
}: Finished): RunRecord {
  const { added, modified, deleted } = changes;
  return {
    session_id: session,
    started_at: new Date(startedAt).toISOString(),
    completed_at: new Date(lastAt).toISOString(),
    iterations,
    files_changed: added.length + modified.length + deleted.length,
    summary: `${workflow}: ${commits} ${commits === 1 ? "commit" : "commits"}, ${landing ?? "not landed"}`,
  };
}
