import type { FailureKind, ScriptUsage } from "./script.ts";
import type { ToolAction, ToolAnswer } from "./scripted-actions.ts";

/** Speaks stream-json, as Claude Code does. */
export interface Voice {
  begin(): void;
  /** What the next words cost. */
  use(usage: ScriptUsage): void;
  say(text: string): void;
  tool(action: ToolAction): { answer(result: ToolAnswer): void };
  denied(tool: string): void;
  limit(resetsAtSeconds: number): void;
  result(fields: Readonly<Record<string, unknown>>): void;
  lastText(): string;
}

export function openVoice(stdout: NodeJS.WritableStream, session: string): Voice {
  const usages: ScriptUsage[] = [];
  const denials: string[] = [];
  let turns = 0;
  let lastText = "Done.";
  const emit = (event: Readonly<Record<string, unknown>>): void =>
    void stdout.write(`${JSON.stringify({ ...event, session_id: session })}\n`);
  const speak = (content: Readonly<Record<string, unknown>>): void => {
    turns++;
    emit(assistantMessage(`msg-${turns}`, content, usages.at(-1) ?? NOTHING_USED));
  };
  return {
    begin: () => emit({ type: "system", subtype: "init", model: MODEL }),
    use: (usage) => void usages.push(usage),
    say: (text) => {
      lastText = text;
      speak({ type: "text", text });
    },
    tool: (action) => {
      const id = `tool-${turns + 1}`;
      speak({ type: "tool_use", id, name: TOOL_NAMES[action.kind], input: inputOf(action) });
      return {
        answer: ({ ok, text }) =>
          emit({
            type: "user",
            message: { content: [{ type: "tool_result", tool_use_id: id, is_error: !ok, content: text }] },
          }),
      };
    },
    denied: (tool) => {
      denials.push(tool);
      emit({ type: "system", subtype: "permission_denied", tool_name: tool });
    },
    limit: (resetsAt) =>
      emit({ type: "rate_limit_event", rate_limit_info: { status: "rejected", resetsAt, rateLimitType: "five_hour" } }),
    result: (fields) =>
      emit({
        type: "result",
        subtype: "success",
        is_error: false,
        num_turns: turns,
        result: lastText,
        terminal_reason: "completed",
        permission_denials: denials.map((tool_name) => ({ tool_name })),
        model_usage_since_last_result: { [MODEL]: total(usages) },
        ...fields,
      }),
    lastText: () => lastText,
  };
}

const NOTHING_USED: ScriptUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cost: 0 };

function assistantMessage(
  id: string,
  content: Readonly<Record<string, unknown>>,
  used: ScriptUsage,
): Readonly<Record<string, unknown>> {
  const usage = {
    input_tokens: used.input,
    output_tokens: used.output,
    cache_read_input_tokens: used.cacheRead,
    cache_creation_input_tokens: used.cacheWrite,
  };
  return { type: "assistant", message: { id, model: MODEL, content: [content], usage }, parent_tool_use_id: null };
}

export function endWell(voice: Voice): number {
  voice.result({});
  return 0;
}

/** Ends as the real program does when the same thing happens to it. */
export function endFailing(
  voice: Voice,
  failure: {
    readonly as: FailureKind;
    readonly message: string | null;
    readonly exitCode?: number;
    readonly resetsInMs?: number;
    readonly stderr?: NodeJS.WritableStream;
    readonly now?: number;
  },
): number {
  const { as, message, exitCode = 1, resetsInMs = 0, now = 0 } = failure;
  const apiError = (text: string, status: number): void =>
    voice.result({ is_error: true, result: message ?? text, terminal_reason: "api_error", api_error_status: status });
  switch (as) {
    case "limit":
      voice.limit(Math.ceil((now + resetsInMs) / 1000));
      apiError("You've hit your limit", 429);
      return exitCode;
    case "overloaded":
      apiError("API Error: 529 Overloaded", 529);
      return exitCode;
    case "auth":
      apiError("Invalid API key", 401);
      return exitCode;
    case "budget":
      voice.result({ subtype: "error_max_budget_usd", is_error: true, result: message ?? "Reached maximum budget" });
      return exitCode;
    case "turns":
      voice.result({
        subtype: "error_max_turns",
        is_error: true,
        result: message ?? "Reached maximum number of turns",
      });
      return exitCode;
    case "error":
      voice.result({ is_error: true, result: message ?? "the script says so" });
      return exitCode;
    case "crash":
      failure.stderr?.write(`${message ?? "the script says so"}\n`);
      return exitCode;
    case "silent":
      return 0;
    case "killed":
      process.kill(process.pid, "SIGKILL");
      return exitCode;
  }
}

const MODEL = "scripted";

const TOOL_NAMES: Readonly<Record<ToolAction["kind"], string>> = {
  write: "Write",
  append: "Edit",
  edit: "Edit",
  delete: "Bash",
  shell: "Bash",
  commit: "Bash",
};

function inputOf(action: ToolAction): Readonly<Record<string, string>> {
  switch (action.kind) {
    case "write":
    case "append":
    case "edit":
      return { file_path: action.path };
    case "delete":
      return { command: `rm ${action.path}` };
    case "shell":
      return { command: action.script };
    case "commit":
      return { command: `git commit -m ${JSON.stringify(action.message)}` };
  }
}

function total(usages: readonly ScriptUsage[]): Readonly<Record<string, number>> {
  const sum = (key: keyof ScriptUsage): number => usages.reduce((all, usage) => all + usage[key], 0);
  return {
    inputTokens: sum("input"),
    outputTokens: sum("output"),
    cacheReadInputTokens: sum("cacheRead"),
    cacheCreationInputTokens: sum("cacheWrite"),
    costUSD: sum("cost"),
  };
}
