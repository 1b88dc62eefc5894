/** The commands that look at what ran and at what it left. */
import { ALL_REPOSITORIES, type CommandSpec, DRY, FORCE, ID, OLDER, type OptionSpec, PATH } from "./spec.ts";

const TYPE: OptionSpec = {
  name: "type",
  value: "TYPE",
  kind: "list",
  description: "only events of this type (repeat it)",
};
const SINCE: OptionSpec = {
  name: "since",
  value: "AGE",
  kind: "duration",
  description: "only what happened in the last so long, such as 10m",
};
const LAST: OptionSpec = { name: "limit", value: "N", kind: "count", description: "only the last N" };

export const RECORD_COMMANDS: readonly CommandSpec[] = [
  {
    name: "progress",
    summary: "how far a session is, what runs in it now and how long it will still take",
    details: "Without ID the newest session that runs, or else the newest.",
    args: [{ ...ID, count: "optional" }],
    options: [PATH, { name: "follow", description: "go on telling until nobody works on the session any more" }],
    json: true,
    load: async () => (await import("./commands/progress.ts")).progress,
  },
  {
    name: "sessions",
    summary: "what ran, what it did and what it cost",
    commands: [
      {
        name: "list",
        aliases: ["ls"],
        summary: "list sessions, newest first",
        options: [
          PATH,
          { name: "status", value: "STATUS", description: "only these: running, paused, completed, failed" },
          { name: "limit", value: "N", kind: "count", description: "at most so many" },
          ALL_REPOSITORIES,
        ],
        json: true,
        load: async () => (await import("./commands/sessions.ts")).list,
      },
      {
        name: "show",
        summary: "show one session",
        args: [ID],
        options: [PATH],
        json: true,
        load: async () => (await import("./commands/sessions.ts")).show,
      },
      {
        name: "clean",
        summary: "delete the records of ended sessions",
        details:
          "Only sessions that have ended and whose worktree is gone. Nothing that can still be resumed is deleted.",
        args: [{ ...ID, count: "optional" }],
        options: [PATH, { name: "all", short: "a", description: "all that have ended" }, OLDER, DRY, FORCE],
        json: true,
        load: async () => (await import("./commands/sessions.ts")).clean,
      },
    ],
  },
  {
    name: "events",
    summary: "the journal of a session",
    commands: [
      {
        name: "list",
        aliases: ["ls"],
        summary: "list a session's events, a line each",
        details: "Without ID the sessions that have a journal, with the number of events.",
        args: [{ ...ID, count: "optional" }],
        options: [
          PATH,
          TYPE,
          SINCE,
          { ...LAST, description: "only the last N events, or the newest N sessions" },
          ALL_REPOSITORIES,
        ],
        json: true,
        load: async () => (await import("./commands/events.ts")).list,
      },
      {
        name: "show",
        summary: "print everything that a session's events say",
        args: [ID, { name: "NUMBER", description: "only the event with this number", count: "optional" }],
        options: [PATH, TYPE, SINCE, LAST],
        json: true,
        load: async () => (await import("./commands/events.ts")).show,
      },
      {
        name: "follow",
        summary: "print a session's events as they happen, until it ends",
        args: [ID],
        options: [PATH, TYPE],
        json: true,
        load: async () => (await import("./commands/events.ts")).follow,
      },
    ],
  },
  {
    name: "worktree",
    summary: "the working copies of sessions",
    commands: [
      {
        name: "list",
        aliases: ["ls"],
        summary: "list worktrees and the sessions that they belong to",
        options: [PATH],
        json: true,
        load: async () => (await import("./commands/worktree.ts")).list,
      },
      {
        name: "merge",
        summary: "merge what a finished session did into the branch that it came from",
        args: [{ ...ID, count: "optional" }],
        options: [PATH, { name: "all", description: "every finished session that has not been merged" }],
        json: true,
        load: async () => (await import("./commands/worktree.ts")).merge,
      },
      {
        name: "clean",
        summary: "remove worktrees that nothing needs any more",
        details:
          "Nothing is removed that could lose work: what is not committed is kept aside first (prodigy salvage list).",
        args: [{ ...ID, count: "optional" }],
        options: [
          PATH,
          { name: "all", short: "a", description: "all of ended sessions" },
          OLDER,
          DRY,
          { ...FORCE, description: "also of sessions that could be resumed; what is not committed is kept aside" },
        ],
        json: true,
        load: async () => (await import("./commands/worktree.ts")).clean,
      },
      {
        name: "clean-orphaned",
        summary: "remove worktrees that the earlier Prodigy could not remove",
        details: "It noted them by job. What no branch holds is kept aside first (prodigy salvage list).",
        args: [{ name: "JOB", description: "the job; needed where there are several", count: "optional" }],
        options: [PATH, DRY, FORCE],
        json: true,
        load: async () => (await import("./commands/orphans.ts")).cleanOrphaned,
      },
    ],
  },
  {
    name: "salvage",
    summary: "what was kept aside before a worktree was put back or removed",
    commands: [
      {
        name: "list",
        aliases: ["ls"],
        summary: "list what was kept aside",
        args: [{ ...ID, count: "optional" }],
        options: [PATH],
        json: true,
        load: async () => (await import("./commands/salvage.ts")).list,
      },
      {
        name: "show",
        summary: "show the files of one and how they differ",
        args: [{ name: "NAME", description: "a name from the list" }],
        options: [PATH],
        json: true,
        load: async () => (await import("./commands/salvage.ts")).show,
      },
      {
        name: "restore",
        summary: "make a branch of one in your repository",
        args: [{ name: "NAME", description: "a name from the list" }],
        options: [PATH, { name: "branch", value: "BRANCH", description: "the new branch's name" }],
        json: true,
        load: async () => (await import("./commands/salvage.ts")).restore,
      },
    ],
  },
  {
    name: "storage",
    summary: "the files that Prodigy keeps",
    commands: [
      {
        name: "verify",
        summary: "check the journals of a repository's sessions",
        args: [{ ...ID, count: "optional" }],
        options: [
          PATH,
          { name: "repair", description: "cut a journal at its first bad line; what is cut goes to a file beside it" },
        ],
        json: true,
        load: async () => (await import("./commands/storage.ts")).verify,
      },
    ],
  },
];
