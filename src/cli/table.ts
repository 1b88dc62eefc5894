/** Every command, argument and option. Help, parsing and `docs/commands.md` are made from this table. */
import { AGENT, type CommandSpec, DRY, ID, PATH, YES } from "./spec.ts";
import { DLQ_COMMANDS } from "./table-dlq.ts";
import { RECORD_COMMANDS } from "./table-records.ts";
import { TEMPLATE_COMMANDS, WORKFLOW_COMMANDS } from "./table-templates.ts";

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "run a workflow in a worktree of its own and merge what it did",
    details:
      "The steps run on a branch of their own. Your checkout stays as it is until you agree to the merge at the end.",
    args: [{ name: "WORKFLOW", description: "a workflow file, YAML or JSON" }],
    options: [
      PATH,
      YES,
      DRY,
      {
        name: "args",
        value: "VALUE",
        kind: "list",
        description: "an input: the workflow runs once for each (repeat it)",
      },
      {
        name: "map",
        value: "GLOB",
        kind: "list",
        description: "one input for each matching file: its name up to the first dash (repeat it)",
      },
      {
        name: "max-iterations",
        short: "n",
        value: "N",
        kind: "count",
        description: "pass over the steps again while they make commits, at most N times",
      },
      { name: "param", value: "KEY=VALUE", kind: "list", description: "a parameter of the workflow (repeat it)" },
      { name: "param-file", value: "FILE", description: "parameters from a JSON or YAML file; --param wins" },
      {
        name: "profile",
        value: "NAME",
        description: "which of the workflow's profiles fills its environment (also: PRODIGY_PROFILE)",
      },
      { name: "keep-going", description: "leave a failing input behind, keep its changes aside, and go on" },
      { name: "fail-fast", description: "stop at the first failing input, which is also the default" },
      AGENT,
    ],
    json: true,
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "resume",
    aliases: ["resume-job"],
    summary: "go on with a session that was stopped, failed, crashed, or is not merged yet",
    details:
      "Finished steps are not run again: their results, files and commits come from the session's journal, which is its checkpoint.",
    args: [
      { ...ID, count: "optional", description: "a session's id; without it the newest session that can be resumed" },
    ],
    options: [
      PATH,
      YES,
      { name: "force", description: "take the edited workflow file; steps that the edit touches run again" },
      AGENT,
    ],
    json: true,
    load: async () => (await import("./commands/resume.ts")).resume,
  },
  {
    name: "stop",
    summary: "end what a running session does now, and pause it",
    args: [ID],
    options: [PATH],
    json: true,
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    name: "pause",
    summary: "let the running step come to its end, then pause the session",
    args: [ID],
    options: [PATH],
    json: true,
    load: async () => (await import("./commands/stop.ts")).pause,
  },
  {
    name: "exec",
    summary: "run one command as a workflow of one step",
    details: "`claude: ...` and a leading slash go to the agent, `shell: ...` and everything else to the shell.",
    args: [{ name: "COMMAND", description: "such as 'claude: /fix-tests' or 'shell: npm test'" }],
    options: [
      PATH,
      YES,
      { name: "retry", value: "N", kind: "count", description: "try up to N times" },
      { name: "timeout", value: "D", kind: "duration", description: "seconds, or 10m, 1h30m; 0 for none" },
      AGENT,
    ],
    json: true,
    load: async () => (await import("./commands/exec.ts")).exec,
  },
  {
    name: "batch",
    summary: "run one command for each file that matches, many at once",
    details:
      "Each file is an item of a map (docs/mapreduce.md): it has a worktree of its own, and what the command commits is merged. ${item} is the file's path.",
    args: [
      {
        name: "PATTERN",
        description: "a glob such as 'src/**/*.{ts,tsx}'; with ! in front what is left out",
        count: "many",
      },
    ],
    options: [
      {
        name: "command",
        value: "CMD",
        description: "'/a-claude-command ${item}', 'claude: ...', 'shell: ...', or a shell command",
      },
      PATH,
      YES,
      { name: "parallel", value: "N", kind: "count", zero: true, description: "so many at once; 0 for the usual 5" },
      { name: "retry", value: "N", kind: "count", description: "try each at most N times" },
      {
        name: "timeout",
        value: "D",
        kind: "duration",
        description: "for each file: seconds, or 10m, 1h30m; 0 for none",
      },
      AGENT,
    ],
    json: true,
    load: async () => (await import("./commands/batch.ts")).batch,
  },
  {
    name: "validate",
    summary: "check workflow files and show every problem in them",
    args: [{ name: "FILE", description: "workflow files", count: "many" }],
    options: [
      {
        name: "fix",
        description: "write old spellings anew: shows the changes first, asks, and keeps the file as FILE.bak",
      },
      { name: "yes", short: "y", description: "with --fix: write without asking" },
      { name: "dry-run", description: "with --fix: only show the changes" },
    ],
    json: true,
    load: async () => (await import("./commands/validate.ts")).validate,
  },
  {
    name: "migrate-yaml",
    summary: "write old spellings anew in a workflow file, or in all of a folder",
    details:
      "Each file is checked and changed as by `validate --fix`; the file as it was is kept as FILE.bak. The exit code is 2 if a file is not a valid workflow, which is left alone, and 1 if one could not be written.",
    args: [{ name: "PATH", description: "a file or a folder; without it `workflows`", count: "optional" }],
    options: [
      { name: "yes", short: "y", description: "write without asking" },
      { name: "dry-run", description: "only show the changes" },
    ],
    json: true,
    load: async () => (await import("./commands/validate.ts")).migrate,
  },
  DLQ_COMMANDS,
  TEMPLATE_COMMANDS,
  WORKFLOW_COMMANDS,
  {
    name: "schema",
    summary: "print the JSON Schema of workflow files, for editors",
    details:
      "A workflow names it in its first line, `# yaml-language-server: $schema=PATH`, and the editor completes and checks its keys.",
    options: [{ name: "output", short: "o", value: "FILE", description: "write it to a file instead of stdout" }],
    load: async () => (await import("./commands/schema.ts")).schema,
  },
  ...RECORD_COMMANDS,
];
