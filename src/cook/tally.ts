/** What a session has come to so far, counted from its events: the numbers that people see and that `--json` prints. */
import {
  isMapEvent,
  type Changes,
  type Commit,
  type Fault,
  type LaneId,
  type Recorded,
  type StepOutcome,
  type StepPath,
  type Usage,
} from "./decision/event.ts";
import { type CountedItems, countItem, type Death, type ItemCounts, itemsOf, noItems } from "./tally-items.ts";

export interface Tally {
  /** Steps of the workflow's own list, by how they ended. A step that runs for three inputs counts three times. */
  readonly steps: Readonly<Record<StepOutcome["status"], number>>;
  /** Executions of commands and agents, retries included. */
  readonly attempts: number;
  readonly retries: number;
  readonly agentRuns: number;
  /** Agent runs of which nobody knows what they cost. */
  readonly unknownCosts: number;
  /** The sum of what is known; null where nothing is. */
  readonly usage: Usage;
  /** Commits that steps made. */
  readonly commits: number;
  readonly changes: Changes;
  readonly iterations: number;
  readonly inputs: number;
  /** Steps that did not simply pass, oldest first; the first `MAX_KEPT`. */
  readonly problems: readonly Problem[];
  /** Items of maps. One that a resume gives another chance ends once more. */
  readonly items: ItemCounts;
  /** Items in the dead letter queue, oldest first; the first `MAX_KEPT`. */
  readonly deaths: readonly Death[];
  readonly warnings: readonly string[];
  /** Names of what was kept aside. */
  readonly salvages: readonly string[];
  readonly startedAt: number;
  readonly lastAt: number;
  /** How long a worker was there, in total. */
  readonly activeMs: number;
}

/** A step that failed, was tolerated, or recovered without proof. */
export interface Problem {
  readonly lane: LaneId;
  readonly path: StepPath;
  readonly label: string;
  readonly status: "failed" | "tolerated" | "recovered";
  readonly fault: Fault | null;
}

/** Open while its session's events come in; `read` gives the numbers at any moment. */
export interface Counter {
  add(event: Recorded): void;
  read(): Tally;
  /** Those numbers that cost nothing to ask for, however long the session. */
  glance(): Pick<Tally, "steps" | "commits" | "usage" | "unknownCosts">;
}

/** Of problems, warnings and salvages, no more are kept: who has more of them reads the journal. */
const MAX_KEPT = 50;

export function openTally(): Counter {
  const counts = newCounts();
  return {
    add: (event) => {
      tick(counts, event);
      count(counts, event);
    },
    glance: () => ({ ...counts.numbers, steps: counts.steps, usage: counts.usage }),
    read: () => ({
      ...counts.numbers,
      startedAt: counts.startedAt,
      lastAt: counts.lastAt,
      activeMs: counts.activeMs,
      steps: { ...counts.steps },
      usage: counts.usage,
      changes: counts.files.read(),
      problems: [...counts.problems.values()],
      ...itemsOf(counts.map),
      warnings: [...counts.warnings],
      salvages: [...counts.salvages],
    }),
  };
}

type Status = StepOutcome["status"];

interface Counts {
  readonly numbers: Record<
    "attempts" | "retries" | "agentRuns" | "unknownCosts" | "commits" | "iterations" | "inputs",
    number
  >;
  readonly steps: Record<Status, number>;
  /** By path: a step that is run again, because it had failed, ends once. */
  readonly ends: Map<StepPath, Status>;
  readonly problems: Map<StepPath, Problem>;
  readonly warnings: string[];
  readonly salvages: string[];
  readonly map: CountedItems;
  readonly files: ReturnType<typeof openFileCount>;
  usage: Usage;
  startedAt: number;
  lastAt: number;
  activeMs: number;
}

function newCounts(): Counts {
  return {
    numbers: { attempts: 0, retries: 0, agentRuns: 0, unknownCosts: 0, commits: 0, iterations: 0, inputs: 0 },
    steps: { ok: 0, skipped: 0, recovered: 0, tolerated: 0, failed: 0 },
    ends: new Map(),
    problems: new Map(),
    warnings: [],
    salvages: [],
    map: noItems(),
    files: openFileCount(),
    usage: NOTHING_USED,
    startedAt: 0,
    lastAt: 0,
    activeMs: 0,
  };
}

function tick(counts: Counts, event: Recorded): void {
  if (counts.startedAt === 0) counts.startedAt = event.at;
  // While nobody worked on it, no time of the session's own went by.
  else if (event.type !== "session-opened") counts.activeMs += Math.max(0, event.at - counts.lastAt);
  counts.lastAt = event.at;
}

function count(counts: Counts, event: Recorded): void {
  const { numbers, files, warnings, salvages } = counts;
  if (isMapEvent(event)) return keep(salvages, countItem(counts.map, event));
  switch (event.type) {
    case "attempt-started":
      numbers.attempts++;
      return;
    case "retry-due":
      numbers.retries++;
      return;
    case "attempt-ended":
      for (const commit of ownCommits(event)) {
        numbers.commits++;
        files.add(commit.changes);
      }
      return spend(counts, event.usage);
    case "attempt-interrupted":
    case "continuation-failed":
      return spend(counts, event.usage);
    case "step-ended":
      return stepEnded(counts, event);
    case "pass-ended":
      numbers.iterations++;
      return;
    case "input-ended":
      numbers.inputs++;
      return keep(salvages, event.salvage);
    case "lane-prepared":
    case "lane-removed":
      return keep(salvages, event.salvage);
    case "landing-planned":
      // Git counts what lands, merge commits included.
      numbers.commits = event.commits;
      return files.replace(event.changes);
    case "warned":
      return keep(warnings, event.message);
    case "session-started":
    case "session-opened":
    case "workflow-changed":
    case "lane-failed":
    case "values-computed":
    case "step-entered":
    case "call-begun":
    case "items-planned":
    case "validated":
    case "item-ended":
    case "lane-merged":
    case "lane-conflicted":
    case "landing-answered":
    case "landing-requested":
    case "target-merged":
    case "landed":
    case "landing-conflicted":
    case "landing-refused":
    case "pause-requested":
    case "session-paused":
    case "session-failed":
    case "session-ended":
      return;
  }
}

/**
 * While the session branch is brought together with its target, HEAD gains the target's own commits, too. They come before
 * the merge, which git lists without files.
 */
function ownCommits({ path, commits }: Recorded & { readonly type: "attempt-ended" }): readonly Commit[] {
  if (!/^(?:resolve-\d+|merge)\//.test(path)) return commits;
  const merge = commits.findLastIndex(({ changes }) => isEmpty(changes));
  if (merge >= 0) return commits.slice(merge);
  return path.startsWith("merge/") ? commits : [];
}

function isEmpty({ added, modified, deleted }: Changes): boolean {
  return added.length + modified.length + deleted.length === 0;
}

function spend(counts: Counts, spent: Usage | null): void {
  if (spent === null) return;
  counts.numbers.agentRuns++;
  if (spent.costUsd === null) counts.numbers.unknownCosts++;
  counts.usage = sum(counts.usage, spent);
}

function stepEnded({ steps, ends, problems }: Counts, event: Recorded & { type: "step-ended" }): void {
  if (!isTopLevel(event.path)) return;
  const { lane, path, label } = event;
  const { status, fault } = event.outcome;
  const before = ends.get(path);
  if (before !== undefined) steps[before]--;
  steps[status]++;
  ends.set(path, status);
  problems.delete(path);
  if (status !== "ok" && status !== "skipped" && problems.size < MAX_KEPT)
    problems.set(path, { lane, path, label, status, fault });
}

function keep<T>(list: T[], value: T | null): void {
  if (value !== null && list.length < MAX_KEPT && !list.includes(value)) list.push(value);
}

/** A step of the workflow's own list or of its `merge:`, and not one inside a handler or a loop. */
export function isTopLevel(path: StepPath): boolean {
  return /^(?:input-\d+\/pass-\d+|merge)\/step-\d+$/.test(path);
}

/** Where a path stands in the workflow: which input, which pass, which step of the list; null outside of the list. */
export function placeOf(
  path: StepPath,
): { readonly input: number; readonly pass: number; readonly step: number; readonly inside: string } | null {
  const match = /^input-(\d+)\/pass-(\d+)\/step-(\d+)(?:\/(.*))?$/.exec(path);
  if (match === null) return null;
  return { input: Number(match[1]), pass: Number(match[2]), step: Number(match[3]), inside: match[4] ?? "" };
}

const NOTHING_USED: Usage = {
  costUsd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  turns: null,
};

function sum(a: Usage, b: Usage): Usage {
  return {
    costUsd: plus(a.costUsd, b.costUsd),
    inputTokens: plus(a.inputTokens, b.inputTokens),
    outputTokens: plus(a.outputTokens, b.outputTokens),
    cacheReadTokens: plus(a.cacheReadTokens, b.cacheReadTokens),
    cacheWriteTokens: plus(a.cacheWriteTokens, b.cacheWriteTokens),
    turns: plus(a.turns, b.turns),
  };
}

/** Unknown and unknown is unknown; a known part is the least that it was. */
function plus(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

/** Files over all commits. The plan of the landing knows them better: it compares the ends. */
function openFileCount(): { add(changes: Changes): void; replace(changes: Changes): void; read(): Changes } {
  const kinds = new Map<string, "added" | "modified" | "deleted">();
  let lines = { insertions: 0, deletions: 0 };
  const mark = (paths: readonly string[], kind: "added" | "modified" | "deleted"): void => {
    for (const path of paths) kinds.set(path, kind === "modified" && kinds.get(path) === "added" ? "added" : kind);
  };
  const add = (changes: Changes): void => {
    mark(changes.added, "added");
    mark(changes.modified, "modified");
    mark(changes.deleted, "deleted");
    lines = {
      insertions: lines.insertions + changes.insertions,
      deletions: lines.deletions + changes.deletions,
    };
  };
  const of = (kind: string): readonly string[] =>
    [...kinds].flatMap(([path, known]) => (known === kind ? [path] : [])).sort();
  return {
    add,
    replace: (changes) => {
      kinds.clear();
      lines = { insertions: 0, deletions: 0 };
      add(changes);
    },
    read: () => ({ added: of("added"), modified: of("modified"), deleted: of("deleted"), ...lines }),
  };
}
