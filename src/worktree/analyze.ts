/**
 * Facts about a repository for the `analyze` step: what it is made of, how it is tested, where it changes most and
 * what its authors marked as open. Computed from tracked files and from the history, never from what is ignored.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import type { Json } from "../workflow/model.ts";
import { failed, fileFault, fine } from "./faults.ts";
import { findMarkers, type Markers } from "./analyze-markers.ts";
import { findTests, type Tests } from "./analyze-tests.ts";
import { type Git, git, splitNul } from "./git.ts";
import { readText } from "./head.ts";

/** Where the facts are kept, in the worktree. */
export const ANALYSIS_FILE = ".prodigy/context/analysis.json";

/** Facts as they are written; `version` changes with their form. */
export interface Analysis {
  readonly version: 1;
  readonly head: string;
  /** ISO time. */
  readonly generated_at: string;
  readonly summary: string;
  readonly files: { readonly total: number; readonly bytes: number };
  readonly languages: readonly {
    readonly name: string;
    readonly files: number;
    readonly bytes: number;
    readonly percent: number;
  }[];
  readonly largest: readonly { readonly path: string; readonly bytes: number }[];
  readonly churn: readonly { readonly path: string; readonly commits: number; readonly lines: number }[];
  readonly tests: Tests;
  readonly markers: Markers;
}

/** Lists are for reading; what is further down does not change what anybody does. */
const LISTED = 20;
/** Enough history to see where work goes on, little enough to read in a moment. */
const CHURN_COMMITS = 500;

export interface AnalyzeOptions {
  readonly directory: string;
  readonly head: string;
  readonly maxCacheAgeMs: number;
  readonly forceRefresh: boolean;
  readonly save: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** See `FilesPort.analyze`. Facts of the same commit that are young enough are read and not computed. */
export async function analyzeRepository(
  runner: Git,
  options: AnalyzeOptions,
  signal: AbortSignal,
): Promise<Outcome<{ readonly facts: Json; readonly cached: boolean }>> {
  const path = join(options.directory, ANALYSIS_FILE);
  try {
    const cached = options.forceRefresh ? null : readCached(await readText(path), options);
    if (cached !== null) return fine({ facts: cached, cached: true });
    const analysis = await collect(runner, options, signal);
    if (!analysis.ok) return analysis;
    if (options.save) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, `${JSON.stringify(analysis.value, null, 2)}\n`);
      await rename(`${path}.new`, path);
    }
    return fine({ facts: toJson(analysis.value), cached: false });
  } catch (error) {
    return failed(fileFault(`analyzing ${options.directory}`, error));
  }
}

async function collect(runner: Git, options: AnalyzeOptions, signal: AbortSignal): Promise<Outcome<Analysis>> {
  const { directory, head, now } = options;
  const call = { directory, signal };
  const [tree, log, markers] = await Promise.all([
    git(runner, { ...call, args: ["ls-tree", "-r", "-l", "-z", "--full-tree", head] }),
    git(runner, {
      ...call,
      args: [
        "log",
        "-z",
        "--numstat",
        "--no-renames",
        "--no-merges",
        "--format=%x02",
        `--max-count=${CHURN_COMMITS}`,
        head,
      ],
    }),
    findMarkers(runner, { directory, head }, signal),
  ]);
  if (!tree.ok) return tree;
  if (!log.ok) return log;
  if (!markers.ok) return markers;
  const files = readTree(splitNul(tree.value).map(String));
  const languages = countLanguages(files);
  const tests = await findTests(
    directory,
    files.map((file) => file.path),
  );
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const analysis = {
    version: 1 as const,
    head,
    generated_at: new Date(now).toISOString(),
    files: { total: files.length, bytes },
    languages,
    largest: files.toSorted((a, b) => b.bytes - a.bytes || compare(a.path, b.path)).slice(0, LISTED),
    churn: readChurn(splitNul(log.value).map(String), new Set(files.map((file) => file.path))),
    tests,
    markers: markers.value,
  };
  return fine({ ...analysis, summary: summarize(analysis) });
}

interface TrackedFile {
  readonly path: string;
  readonly bytes: number;
}

/** Submodules have no size and are other repositories. */
function readTree(entries: readonly string[]): readonly TrackedFile[] {
  return entries.flatMap((entry) => {
    const match = /^\d+ blob [0-9a-f]+ +(\d+)\t(.+)$/s.exec(entry);
    return match === null ? [] : [{ path: match[2] ?? "", bytes: Number(match[1]) }];
  });
}

function countLanguages(files: readonly TrackedFile[]): Analysis["languages"] {
  const counts = new Map<string, { files: number; bytes: number }>();
  for (const { path, bytes } of files) {
    const name = languageOf(path);
    if (name === null) continue;
    const count = counts.get(name) ?? { files: 0, bytes: 0 };
    counts.set(name, { files: count.files + 1, bytes: count.bytes + bytes });
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count.bytes, 0);
  return [...counts]
    .map(([name, count]) => ({
      name,
      ...count,
      percent: total === 0 ? 0 : Math.round((count.bytes / total) * 1000) / 10,
    }))
    .toSorted((a, b) => b.bytes - a.bytes || compare(a.name, b.name));
}

const LANGUAGES: Readonly<Record<string, string>> = {
  ts: "TypeScript",
  tsx: "TypeScript",
  mts: "TypeScript",
  cts: "TypeScript",
  js: "JavaScript",
  jsx: "JavaScript",
  mjs: "JavaScript",
  cjs: "JavaScript",
  rs: "Rust",
  py: "Python",
  go: "Go",
  java: "Java",
  kt: "Kotlin",
  kts: "Kotlin",
  scala: "Scala",
  rb: "Ruby",
  php: "PHP",
  c: "C",
  h: "C",
  cc: "C++",
  cpp: "C++",
  cxx: "C++",
  hpp: "C++",
  cs: "C#",
  fs: "F#",
  swift: "Swift",
  m: "Objective-C",
  sh: "Shell",
  bash: "Shell",
  zsh: "Shell",
  ps1: "PowerShell",
  lua: "Lua",
  pl: "Perl",
  r: "R",
  jl: "Julia",
  ex: "Elixir",
  exs: "Elixir",
  erl: "Erlang",
  hs: "Haskell",
  ml: "OCaml",
  clj: "Clojure",
  dart: "Dart",
  zig: "Zig",
  nim: "Nim",
  sql: "SQL",
  html: "HTML",
  css: "CSS",
  scss: "SCSS",
  vue: "Vue",
  svelte: "Svelte",
  md: "Markdown",
  rst: "reStructuredText",
  yml: "YAML",
  yaml: "YAML",
  toml: "TOML",
  tf: "Terraform",
  proto: "Protocol Buffers",
  graphql: "GraphQL",
};

function languageOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (/^(Makefile|GNUmakefile)$/.test(name)) return "Makefile";
  if (/^Dockerfile(\..+)?$/.test(name)) return "Dockerfile";
  const dot = name.lastIndexOf(".");
  const extension = name.slice(dot + 1).toLowerCase();
  return dot > 0 && Object.hasOwn(LANGUAGES, extension) ? (LANGUAGES[extension] ?? null) : null;
}

/** Files that changed most often in recent history and are still there. */
function readChurn(tokens: readonly string[], present: ReadonlySet<string>): Analysis["churn"] {
  const counts = new Map<string, { commits: number; lines: number }>();
  for (const token of tokens) {
    const match = /^\n?(\d+|-)\t(\d+|-)\t(.+)$/s.exec(token);
    const path = match?.[3];
    if (match === null || path === undefined || !present.has(path)) continue;
    const count = counts.get(path) ?? { commits: 0, lines: 0 };
    const lines = (Number(match[1]) || 0) + (Number(match[2]) || 0);
    counts.set(path, { commits: count.commits + 1, lines: count.lines + lines });
  }
  return [...counts]
    .map(([path, count]) => ({ path, ...count }))
    .toSorted((a, b) => b.commits - a.commits || b.lines - a.lines || compare(a.path, b.path))
    .slice(0, LISTED);
}

function summarize(analysis: Omit<Analysis, "summary">): string {
  const languages = analysis.languages
    .slice(0, 3)
    .map(({ name, percent }) => `${name} ${percent}%`)
    .join(", ");
  const { tests, markers } = analysis;
  const tested = tests.command === null ? "no test command found" : `tests run with \`${tests.command}\``;
  return [
    `${analysis.files.total} files, ${Math.ceil(analysis.files.bytes / 1024)} KiB${languages === "" ? "" : ` (${languages})`}`,
    `${tests.files} test files, ${tested}`,
    `${markers.total} open markers`,
  ].join("; ");
}

function readCached(text: string | null, options: AnalyzeOptions): Json | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    if (
      typeof value !== "object" ||
      value === null ||
      !("head" in value) ||
      !("generated_at" in value) ||
      !("version" in value)
    )
      return null;
    const age = typeof value.generated_at === "string" ? options.now - Date.parse(value.generated_at) : Number.NaN;
    // A time in the future is a clock that was wrong, then or now.
    const young = age >= 0 && age <= options.maxCacheAgeMs;
    return value.version === 1 && value.head === options.head && young ? toJson(value) : null;
  } catch {
    // Cut off or edited: it is computed again.
    return null;
  }
}

/** A copy that is plain JSON by construction. */
function toJson(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object") return null;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry)]));
}

/** By code points, the same on every machine. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
