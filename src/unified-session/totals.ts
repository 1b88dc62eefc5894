/** What adds up over a run, kept beside the session while its events are read. */
export interface Totals {
  readonly costUsd: number;
  /** Agent runs that did not say what they cost. Unknown is not zero, so it is counted and shown. */
  readonly runsOfUnknownCost: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly commits: number;
  readonly files: FileSet;
  readonly warnings: number;
}

/** What an agent's run said of itself; null is unknown. */
export interface Spent {
  readonly costUsd: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

export const NO_TOTALS: Totals = {
  costUsd: 0,
  runsOfUnknownCost: 0,
  inputTokens: 0,
  outputTokens: 0,
  commits: 0,
  files: { size: 0, buckets: new Map() },
  warnings: 0,
};

/** A set of paths. Adding copies one of many small buckets, so ten thousand commits do not copy ten thousand names each. */
export interface FileSet {
  readonly size: number;
  readonly buckets: ReadonlyMap<number, ReadonlySet<string>>;
}

const BUCKETS = 256;

export function addSpent(totals: Totals, spent: Spent | null): Totals {
  if (spent === null) return totals;
  return {
    ...totals,
    // Whole millionths: sums of binary fractions would show as 0.30000000000000004.
    costUsd: Math.round((totals.costUsd + (spent.costUsd ?? 0)) * 1e6) / 1e6,
    runsOfUnknownCost: totals.runsOfUnknownCost + (spent.costUsd === null ? 1 : 0),
    inputTokens: totals.inputTokens + (spent.inputTokens ?? 0),
    outputTokens: totals.outputTokens + (spent.outputTokens ?? 0),
  };
}

export function addFiles(files: FileSet, paths: readonly string[]): FileSet {
  return paths.reduce(addFile, files);
}

function addFile(files: FileSet, path: string): FileSet {
  const number = bucketOf(path);
  const bucket = files.buckets.get(number);
  if (bucket?.has(path) === true) return files;
  const buckets = new Map(files.buckets).set(number, new Set(bucket).add(path));
  return { size: files.size + 1, buckets };
}

function bucketOf(path: string): number {
  let hash = 0;
  for (let index = 0; index < path.length; index += 1) hash = (hash * 31 + path.charCodeAt(index)) >>> 0;
  return hash % BUCKETS;
}
