/** Faults of git and of its worktrees, as people read them. */
import type { Fault } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import type { GitResult } from "./git-result.ts";

const LAST_LINES = 20;
/** More paths than this are counted and not listed. */
const LISTED_PATHS = 20;

export function fault(kind: Fault["kind"], message: string, help: string | null = null): Fault {
  return { kind, message, exitCode: null, lastLines: [], help, at: null, logs: [] };
}

export function failed(reason: Fault): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: reason };
}

export function fine<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** A git call that did not succeed. Git's own last words are the best explanation there is. */
export function gitFault(args: readonly string[], result: GitResult): Fault {
  const lines = result.stderr.split("\n").filter((line) => line.trim() !== "");
  const told = lines.find((line) => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? "it said nothing";
  return {
    ...fault("git", `${describe(args)} ${ending(result)}: ${told}`, helpFor(result)),
    exitCode: result.code,
    lastLines: lines.slice(-LAST_LINES),
  };
}

/** The file system refused something that git's worktrees need. */
export function fileFault(attempted: string, error: unknown): Fault {
  return fault("file", `${attempted}: ${error instanceof Error ? error.message : String(error)}`);
}

/** Paths for a message: all of a few, the first of many. */
export function listPaths(paths: readonly string[]): string {
  const shown = paths.slice(0, LISTED_PATHS).join(", ");
  return paths.length > LISTED_PATHS ? `${shown} and ${paths.length - LISTED_PATHS} more` : shown;
}

/** The command without the settings that precede it. */
function describe(args: readonly string[]): string {
  const command = args.find((arg) => /^[a-z][a-z-]+$/.test(arg));
  return command === undefined ? "git" : `git ${command}`;
}

function ending(result: GitResult): string {
  switch (result.ended) {
    case "exited":
      return result.code === null ? "was ended by a signal" : `failed with exit code ${result.code}`;
    case "timeout":
      return "took too long and was ended";
    case "too-much":
      return "wrote more than we read";
    case "stopped":
      return "was stopped";
    case "not-started":
      return "could not be started";
  }
}

function helpFor(result: GitResult): string | null {
  if (result.ended === "not-started" && /ENOENT/.test(result.stderr))
    return "install git 2.30 or newer and make sure that it is in PATH";
  const lock = /Unable to create '(.+\.lock)'/.exec(result.stderr)?.[1];
  if (lock !== undefined) return `another git is at work there; if none is, remove ${lock}`;
  if (/dubious ownership/.test(result.stderr))
    return "git config --global --add safe.directory PATH allows it for a repository that you trust";
  if (/No space left on device/.test(result.stderr)) return "make room on the disk and go on with prodigy resume";
  return null;
}
