/**
 * All that an earlier Prodigy has left of one session. Nothing here is changed, and a file that cannot be read is told
 * with its reason: whoever looks should know what is missing.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseJson } from "../storage/atomic.ts";
import { reason, systemCode } from "../storage/fault.ts";
import type { Json } from "../workflow/model.ts";
import { type EarlierCheckpoint, earlierCheckpoint } from "./checkpoint.ts";
import { type EarlierDeadLetter, earlierDeadLetter } from "./dead-letter.ts";
import { type EarlierEvent, earlierEvent } from "./event.ts";
import { type EarlierJob, earlierJob } from "./job.ts";
import {
  type JobMapping,
  jobMapping,
  type Orphan,
  orphans,
  type ResumeLock,
  resumeLock,
  type WorktreeNote,
  worktreeNote,
} from "./notes.ts";
import { filesIn, namesIn, type Places } from "./places.ts";

export interface EarlierRecord {
  readonly session: string;
  /** The newest first. */
  readonly checkpoints: readonly Found<EarlierCheckpoint>[];
  readonly lock: Found<ResumeLock> | null;
  readonly note: Found<WorktreeNote> | null;
  readonly mapping: Found<JobMapping> | null;
  readonly job: Found<EarlierJob> | null;
  readonly deadLetters: readonly Found<EarlierDeadLetter>[];
  readonly orphans: readonly Orphan[];
  readonly eventFiles: readonly string[];
  readonly problems: readonly Unreadable[];
}

export interface Found<T> {
  readonly file: string;
  readonly value: T;
}

export interface Unreadable {
  readonly file: string;
  readonly reason: string;
}

export async function readEarlier(places: Places, session: string): Promise<EarlierRecord> {
  const { root, homes, folder } = places;
  const problems: Unreadable[] = [];
  const all = async <T extends object>(files: readonly string[], decode: Decode<T>) => {
    const found = await Promise.all(files.map((file) => readOne(file, decode, problems)));
    return (await newestFirst(found.flat())).map(({ found: one }) => one);
  };
  const mappings = await all([join(root, "mappings", `${session}.json`)], jobMapping);
  const jobs = await jobsOf(places, session, mappings[0]?.value.job ?? null);
  const states = await all(await jobFiles(places, jobs), earlierJob);
  const noteFiles = homes.map((home) => join(home, "worktrees", folder, ".metadata", `${session}.json`));
  const orphanFiles = homes.flatMap((home) =>
    jobs.map((job) => join(home, "orphaned_worktrees", folder, `${job}.json`)),
  );
  const ours = states.filter(({ value }) => jobs.includes(value.job));
  return {
    session,
    checkpoints: await all(await checkpointFiles(places, session), earlierCheckpoint),
    lock: (await all([join(root, "resume_locks", `${session}.lock`)], resumeLock))[0] ?? null,
    note: (await all(noteFiles, worktreeNote))[0] ?? null,
    mapping: mappings[0] ?? null,
    job: ours.toSorted((a, b) => b.value.version - a.value.version || (b.value.at ?? 0) - (a.value.at ?? 0))[0] ?? null,
    deadLetters: await all(await deadLetterFiles(places, session, jobs), earlierDeadLetter),
    orphans: (await all(orphanFiles, orphans)).flatMap(({ value }) => value),
    eventFiles: await eventFiles(places, session, jobs),
    problems,
  };
}

/** The events of such files in the order of the files; lines that are none are told. */
export async function readEarlierEvents(
  files: readonly string[],
): Promise<{ readonly events: readonly EarlierEvent[]; readonly problems: readonly Unreadable[] }> {
  const events: EarlierEvent[] = [];
  const problems: Unreadable[] = [];
  for (const file of files) {
    const text = await textOf(file).catch((error: unknown) => {
      problems.push({ file, reason: reason(error) });
      return null;
    });
    for (const [index, line] of (text ?? "").split("\n").entries()) {
      if (line.trim() === "") continue;
      const event = decoded(line, earlierEvent);
      if ("problem" in event) problems.push({ file: `${file}:${String(index + 1)}`, reason: event.problem });
      else events.push(event);
    }
  }
  return { events, problems };
}

type Decode<T> = (json: Json) => T | { readonly problem: string };

/** Nothing where there is no such file. */
async function readOne<T extends object>(
  file: string,
  decode: Decode<T>,
  problems: Unreadable[],
): Promise<readonly Found<T>[]> {
  try {
    const text = await textOf(file);
    if (text === null) return [];
    const value = decoded(text, decode);
    if (!("problem" in value)) return [{ file, value }];
    problems.push({ file, reason: value.problem });
  } catch (error) {
    problems.push({ file, reason: reason(error) });
  }
  return [];
}

function decoded<T extends object>(text: string, decode: Decode<T>): T | { readonly problem: string } {
  try {
    return decode(parseJson(text));
  } catch (error) {
    return { problem: `it is not JSON: ${reason(error)}` };
  }
}

/** A packed file of a few bytes must not fill the memory. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

async function textOf(file: string): Promise<string | null> {
  try {
    const bytes = await readFile(file);
    return (file.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }) : bytes).toString("utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

async function newestFirst<T>(
  found: readonly Found<T>[],
): Promise<readonly { readonly found: Found<T>; readonly at: number }[]> {
  const dated = await Promise.all(found.map(async (one) => ({ found: one, at: (await stat(one.file)).mtimeMs })));
  return dated.toSorted((a, b) => b.at - a.at);
}

/** Under the session's own id, in the folder that all sessions of a repository shared, or beside the session's file. */
async function checkpointFiles({ root, folder }: Places, session: string): Promise<readonly string[]> {
  const own = await filesIn([join(root, "state", session, "checkpoints")], CHECKPOINT);
  const shared = join(root, "state", folder, "checkpoints", `${session}${CHECKPOINT}`);
  return [...own, shared, join(root, "sessions", session, "checkpoint.json")];
}

const CHECKPOINT = ".checkpoint.json";

/** What belongs to a job was kept under its session's name; a job without a session is told as one itself. */
async function jobsOf({ root }: Places, session: string, mapped: string | null): Promise<readonly string[]> {
  const named = await Promise.all(["dlq", "events"].map((kind) => namesIn(join(root, kind, session))));
  return [...new Set([...(mapped === null ? [] : [mapped]), ...named.flat(), session])];
}

async function jobFiles({ root, folder }: Places, jobs: readonly string[]): Promise<readonly string[]> {
  const states = join(root, "state", folder, "mapreduce");
  const files = await filesIn(
    jobs.map((job) => join(states, "jobs", job)),
    ".json",
  );
  const own = files.filter((file) => /^checkpoint-v\d+\.json$/.test(basename(file)));
  // All jobs of a repository shared one folder for the packed ones, so they are opened only where there is a job.
  const isWorkflow = jobs.length === 1 && jobs[0]?.startsWith("workflow-") === true;
  return isWorkflow ? own : [...own, ...(await filesIn([join(states, "checkpoints")], ".gz"))];
}

/** Two layers each put a folder for the job around the items; later only one of them did. */
async function deadLetterFiles(
  { root, folder }: Places,
  session: string,
  jobs: readonly string[],
): Promise<readonly string[]> {
  const folders = jobs.flatMap((job) =>
    [session, folder].flatMap((owner) => [
      join(root, "dlq", owner, job, "mapreduce", "dlq", job, "items"),
      join(root, "dlq", owner, job, "items"),
    ]),
  );
  return filesIn([...new Set(folders)], ".json");
}

async function eventFiles(
  { root, folder }: Places,
  session: string,
  jobs: readonly string[],
): Promise<readonly string[]> {
  const folders = jobs.flatMap((job) => [join(root, "events", session, job), join(root, "events", folder, job)]);
  return filesIn([...new Set(folders)], ".jsonl");
}
