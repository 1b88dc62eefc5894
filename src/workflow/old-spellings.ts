/**
 * Every old spelling that the reader takes, in one place: the warnings, `validate --fix` and the table of docs/workflow.md
 * are made from it. What has no warning is as good as the current spelling.
 */
import type { Diagnostics, Fix } from "./diagnostics.ts";
import type { Range } from "./source.ts";

export interface OldSpelling {
  /** As the documentation shows them, in Markdown. */
  readonly written: string;
  readonly means: string;
  /** What a warning says of it; null where there is none. */
  readonly message: string | null;
  /** What `--fix` does: `mostly` leaves what it cannot rewrite with comments and layout. */
  readonly fixed: "always" | "mostly" | "never";
}

function key(old: string, current: string): OldSpelling & { readonly message: string } {
  return { written: `\`${old}\``, means: `\`${current}\``, message: `"${old}" is an old spelling`, fixed: "always" };
}

export const OLD_SPELLINGS = {
  text: {
    written: "a text such as `prodigy-lint`",
    means: '`claude: "/prodigy-lint"`, which must commit, as it had to',
    message: "a step that is only a text is an agent command",
    fixed: "mostly",
  },
  name: {
    written: "`{name: fix, args: [a]}` without an action",
    means: '`claude: "/fix a"`',
    message: "a step with a name and no action is an agent command of the earlier language",
    fixed: "mostly",
  },
  command: {
    written: '`command: "/fix a"` in a step',
    means: '`claude: "/fix a"`',
    message: '"command" is an old spelling',
    fixed: "mostly",
  },
  test: {
    written: "`test: {command: ..., on_failure: ...}`",
    means: "`shell:` with `on_failure:`",
    message: '"test" is an old spelling',
    fixed: "mostly",
  },
  handler: {
    written: "`handler: {name: shell, attributes: {command: ...}}`",
    means: "`shell:`, or `claude:`; `git`, `cargo` and `file` are scripts, too",
    message: '"handler" is an old spelling',
    fixed: "mostly",
  },
  metadata: {
    written: "`metadata: {retries: 2, ...}`",
    means: "`retry: 3`; `timeout`, `env`, `commit_required`, `continue_on_error` beside it as on the step",
    message: '"metadata" is an old spelling',
    fixed: "mostly",
  },
  capture_output: {
    written: "`capture_output: NAME`",
    means: "`capture: NAME`",
    message: '"capture_output" with a name is an old spelling',
    fixed: "always",
  },
  agent_template: {
    written: "`agent_template: {commands: [...]}`",
    means: "`agent_template: [...]`",
    message: '"agent_template.commands" is an old spelling',
    fixed: "mostly",
  },
  retry_config: { ...key("retry_config", "retry"), written: "`retry_config` in a step" },
  timeout_seconds: { ...key("timeout_seconds", "timeout"), written: "`timeout_seconds` in `goal_seek`" },
  "validate.command": { ...key("command", "shell"), written: "`validate: {command: ...}`" },
  timeout_per_agent: { ...key("timeout_per_agent", "agent_timeout_secs"), written: "`timeout_per_agent` in `map`" },
  retry_on_failure: {
    ...key("retry_on_failure", "retry_config"),
    written: "`retry_on_failure: 2` in `map`",
    means: "`retry_config: {attempts: 3}`",
  },
  word: {
    written: "CamelCase and kebab-case words, such as `RateLimit`",
    means: "`rate_limit`",
    message: "words are written in small letters with underscores",
    fixed: "always",
  },
  "capture_output: true": {
    written: "`capture_output: true`",
    means: "`capture: shell.output` and the like",
    message: null,
    fixed: "never",
  },
  "retry.max": {
    written: "`max_attempts` or `max` in `retry`",
    means: "`attempts`",
    message: null,
    fixed: "never",
  },
  step_validate: {
    written: "`step_validate: {commands: [...], success_criteria: any}`",
    means: "`validate:` by exit codes, with `expect_exit_code` and `expect_output`",
    message: null,
    fixed: "never",
  },
  "phase.commands": {
    written: "`setup:`, `reduce:` and `merge:` as `{commands: [...]}`",
    means: "the list itself, where nothing stands beside it; both are current",
    message: null,
    fixed: "never",
  },
} as const satisfies Readonly<Record<string, OldSpelling>>;

type Table = typeof OLD_SPELLINGS;

/** Those that a warning speaks of. */
export type OldName = { [K in keyof Table]: Table[K]["message"] extends null ? never : K }[keyof Table];

interface Found {
  readonly at: Range;
  readonly help: string;
  /** Null where it cannot be rewritten for sure. */
  readonly edits: Fix | null;
  /** Where the table's words are not about this one. */
  readonly message?: string;
}

export function reportOld(
  context: { readonly out: Diagnostics },
  name: OldName,
  { at, help, edits, message }: Found,
): void {
  context.out.report({
    code: "deprecated-spelling",
    at,
    message: message ?? OLD_SPELLINGS[name].message,
    help: edits === null ? `${help}; \`--fix\` leaves this one to you` : help,
    edits,
  });
}

/** The table of docs/workflow.md. */
export function oldSpellingRows(): readonly string[] {
  const told = { always: "yes", mostly: "where it can", never: "" } as const;
  const list: readonly OldSpelling[] = Object.values(OLD_SPELLINGS);
  return list.map(({ written, means, fixed }) => `| ${written} | ${means} | ${told[fixed]} |`.replace("|  |", "| |"));
}
