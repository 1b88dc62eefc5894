import type { AgentRun, Outcome } from "../cook/ports.ts";
import { judgeStreamJson } from "./claude-verdict.ts";
import { knownCommands } from "./claude-commands.ts";
import { refusesRoot } from "./claude-root.ts";
import type { AgentAdapter, AgentCommand, AgentPlace } from "./contract.ts";
import { judgeSlashCommand } from "./slash-commands.ts";
import { parseStreamJson } from "./stream-json.ts";

/** Claude Code. */
export const claude: AgentAdapter = {
  name: "claude",
  canResume: true,
  prepare,
  parse: parseStreamJson,
  finish: (transcript, exit) => judgeStreamJson("claude", transcript, exit),
};

/** One argument may have 128 KiB; the margin is for its neighbours. */
const MAX_ARGUMENT_BYTES = 100 * 1024;

async function prepare(run: AgentRun, place: AgentPlace, signal: AbortSignal): Promise<Outcome<AgentCommand>> {
  const env = claudeEnv(run.env);
  const bin = run.env["PRODIGY_CLAUDE_BIN"] ?? "claude";
  const refused = refusesRoot(env);
  if (refused !== null) return { ok: false, fault: refused };
  const slash = await judgeSlashCommand(run, () => knownCommands({ bin, run, env, children: place.children }, signal));
  if (slash.fault !== null) return { ok: false, fault: slash.fault };
  const prompt = run.resume ? continuation(run.prompt) : run.prompt;
  // A prompt that begins with a dash would be read as an option.
  const byStdin = prompt.startsWith("-") || Buffer.byteLength(prompt) > MAX_ARGUMENT_BYTES;
  return {
    ok: true,
    value: {
      bin,
      args: ["--print", ...(byStdin ? [] : [prompt]), ...options(run)],
      env,
      stdin: byStdin ? prompt : null,
      objection: slash.objection,
    },
  };
}

function options(run: AgentRun): readonly string[] {
  const { model, maxTurns, maxBudgetUsd, effort, systemPrompt } = run.settings;
  const option = (name: string, value: string | number | null): readonly string[] =>
    value === null ? [] : [name, String(value)];
  return [
    "--output-format",
    "stream-json",
    // Without it the program refuses stream-json.
    "--verbose",
    "--dangerously-skip-permissions",
    ...option("--model", model),
    ...option("--max-turns", maxTurns),
    ...option("--max-budget-usd", maxBudgetUsd),
    ...option("--effort", effort),
    ...option("--append-system-prompt", systemPrompt),
    run.resume ? "--resume" : "--session-id",
    run.sessionId,
  ];
}

/** The agent has the first prompt in its memory, together with what it did; it must not begin again. */
function continuation(prompt: string): string {
  return `You were interrupted before this was finished. Look at what you have already done, then go on from there and finish it; do nothing twice. The task was:\n\n${prompt}`;
}

/** What a surrounding Claude Code tells its own children. An agent of ours is not one of them. */
const OF_ANOTHER_SESSION: readonly string[] = [
  "CLAUDECODE",
  "CLAUDE_CODE_ENTRYPOINT",
  "CLAUDE_CODE_EXECPATH",
  "CLAUDE_CODE_SESSION_ID",
  "CLAUDE_CODE_PARENT_SESSION_ID",
  "CLAUDE_CODE_CHILD_SESSION",
  "CLAUDE_CODE_SSE_PORT",
  "CLAUDE_CODE_SESSION_ACCESS_TOKEN",
  "CLAUDE_CODE_AGENT_ID",
  "CLAUDE_CODE_TASK_ID",
  "CLAUDE_CODE_TMPDIR",
  "CLAUDE_ENV_FILE",
  "CLAUDE_PROJECT_DIR",
];

function claudeEnv(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept = Object.entries(env).filter(([name]) => !OF_ANOTHER_SESSION.includes(name));
  return {
    // The program must not change under a run that takes hours.
    DISABLE_AUTOUPDATER: "1",
    ...Object.fromEntries(kept),
    ...(env["PRODIGY_CLAUDE_AS_ROOT"] === "sandbox" ? { IS_SANDBOX: "1" } : {}),
    PRODIGY_AUTOMATION: "true",
  };
}
