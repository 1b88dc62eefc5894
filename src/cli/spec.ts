/** The form of the command table, and the options that many commands share. */
import type { Run } from "./shell.ts";

export interface CommandSpec {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** More sentences, for the command's own help. */
  readonly details?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly json?: boolean;
  /** Loaded only when the command is asked for. Groups have commands instead. */
  readonly load?: () => Promise<Run>;
  readonly commands?: readonly CommandSpec[];
}

export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  /** @default "one" */
  readonly count?: "one" | "optional" | "many";
}

export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string;
  readonly short?: string;
  /** How the value is called; absent for a flag. */
  readonly value?: string;
  /** @default "text" */
  readonly kind?: "text" | "count" | "duration" | "list";
  readonly description: string;
  /** Whether a count may be 0. */
  readonly zero?: boolean;
}

export const PATH: OptionSpec = {
  name: "path",
  short: "p",
  value: "DIR",
  description: "the repository to work in, instead of the one around the current folder",
};
export const YES: OptionSpec = { name: "yes", short: "y", description: "merge at the end without asking" };
export const AGENT: OptionSpec = {
  name: "agent",
  value: "NAME",
  description: "run every prompt with this agent, such as scripted (also: PRODIGY_AGENT)",
};
export const ALL_REPOSITORIES: OptionSpec = { name: "all-repos", description: "the sessions of all repositories" };
export const DRY: OptionSpec = { name: "dry-run", description: "say what would happen and change nothing" };
export const OLDER: OptionSpec = {
  name: "older-than",
  value: "AGE",
  kind: "duration",
  description: "only what has not changed for so long, such as 7d",
};
export const FORCE: OptionSpec = { name: "force", short: "f", description: "do not ask" };
export const ID = { name: "ID", description: "a session's id, or the beginning or the end of one" } as const;

/** Understood by every command, before it and after it. */
export const VERBOSE: OptionSpec = {
  name: "verbose",
  short: "v",
  description: "show what the steps print; -vv also what the engine does",
};

export const JSON_OPTION: OptionSpec = {
  name: "json",
  description: "print JSON on stdout and nothing else there (docs/json.md)",
};
