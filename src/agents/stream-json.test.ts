import { expect, test } from "vitest";
import type { AgentEvent, AgentExit, Transcript } from "./contract.ts";
import { judgeStreamJson } from "./claude-verdict.ts";
import { parseStreamJson } from "./stream-json.ts";
import { EMPTY_TRANSCRIPT, remember, usageOf } from "./transcript.ts";

const SESSION = "0b6c1f3e-0000-4000-8000-000000000001";

const INIT = {
  type: "system",
  subtype: "init",
  cwd: "/repo",
  session_id: SESSION,
  model: "claude-sonnet-5-5",
  slash_commands: ["compact", "review"],
};

function assistant(id: string, content: unknown, more: object = {}): object {
  const usage = { input_tokens: 10, output_tokens: 2, cache_read_input_tokens: 3, cache_creation_input_tokens: 4 };
  return { type: "assistant", message: { id, content: [content], usage }, parent_tool_use_id: null, ...more };
}

function result(more: object = {}): object {
  return {
    type: "result",
    subtype: "success",
    is_error: false,
    num_turns: 2,
    result: "All done.",
    total_cost_usd: 0.5,
    usage: { input_tokens: 100, output_tokens: 20, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    permission_denials: [],
    terminal_reason: "completed",
    session_id: SESSION,
    ...more,
  };
}

const eventsOf = (...lines: readonly (object | string)[]): readonly AgentEvent[] =>
  lines.flatMap((line) => parseStreamJson(typeof line === "string" ? line : JSON.stringify(line)));

const transcriptOf = (...lines: readonly (object | string)[]): Transcript =>
  eventsOf(...lines).reduce(remember, EMPTY_TRANSCRIPT);

const EXIT: AgentExit = {
  ended: "exited",
  exitCode: 0,
  signal: null,
  stderr: "",
  problem: null,
  resumed: false,
  timeoutMs: 4000,
  idleMs: 90_000,
};

const judge = (lines: readonly object[], exit: Partial<AgentExit> = {}) =>
  judgeStreamJson("claude", transcriptOf(...lines), { ...EXIT, ...exit });

test("text, tools, failures and waits are read", () => {
  const events = eventsOf(
    INIT,
    assistant("m1", { type: "text", text: "Looking." }),
    assistant("m1", { type: "tool_use", id: "t1", name: "Bash", input: { command: "npm test", description: "Run" } }),
    { type: "user", message: { content: [{ type: "tool_result", is_error: true, content: "Exit code 1\nno" }] } },
    { type: "system", subtype: "api_retry", attempt: 1, retry_delay_ms: 1100, error_status: 429 },
  );
  expect(events.filter((event) => event.kind !== "reply")).toEqual([
    { kind: "session", id: SESSION, model: "claude-sonnet-5-5", commands: ["compact", "review"] },
    { kind: "text", text: "Looking." },
    { kind: "tool", name: "Bash", detail: "npm test" },
    { kind: "tool-result", failed: true, text: "Exit code 1\nno" },
    { kind: "retry", status: 429, delayMs: 1100, attempt: 1 },
  ]);
});

test("what is not an event, or not known, is left out", () => {
  expect(
    eventsOf("", "plain text", "{broken", "[1]", "null", { type: "new_in_the_next_version" }, { no: "type" }),
  ).toEqual([]);
});

test("a subagent's words are not the agent's answer", () => {
  const transcript = transcriptOf(
    assistant("m1", { type: "text", text: "mine" }),
    assistant("m2", { type: "text", text: "its" }, { parent_tool_use_id: "t1" }),
  );
  expect(transcript.lastText).toBe("mine");
});

test("success needs exit 0, a result, and no error in it", () => {
  expect(judge([INIT, result()])).toMatchObject({ ok: true, text: "All done.", fault: null });
  expect(judge([INIT, result()], { exitCode: 1 }).ok).toBe(false);
  expect(judge([INIT, result({ is_error: true })]).ok).toBe(false);
  expect(judge([INIT]).fault?.message).toBe(
    "The agent claude ended without a result, so nothing says that it finished.",
  );
});

test("of several results the last one counts", () => {
  expect(judge([INIT, result({ result: "first" }), INIT, result({ result: "second" })]).text).toBe("second");
  expect(judge([INIT, result({ is_error: true }), INIT, result()]).ok).toBe(true);
});

test.each([
  [
    "overloaded",
    result({
      is_error: true,
      api_error_status: 529,
      terminal_reason: "api_error",
      result: "API Error: 529 Overloaded.",
    }),
  ],
  [
    "overloaded",
    result({
      is_error: true,
      api_error_status: 429,
      terminal_reason: "api_error",
      result: "API Error: Request rejected (429)",
    }),
  ],
  ["overloaded", result({ is_error: true, terminal_reason: "api_error", result: "API Error: Connection error." })],
  ["auth", result({ is_error: true, api_error_status: 401, result: "Invalid API key · Fix external API key" })],
  ["auth", result({ is_error: true, result: "Not logged in · Please run /login" })],
  ["limit", result({ is_error: true, api_error_status: 400, result: "Credit balance is too low" })],
  ["budget", result({ is_error: true, subtype: "error_max_budget_usd", terminal_reason: "budget_exhausted" })],
  [
    "agent",
    result({
      is_error: true,
      subtype: "error_max_turns",
      errors: ["Reached maximum number of turns (2)"],
      result: undefined,
    }),
  ],
  ["agent", result({ is_error: true, api_error_status: 404, result: "There's an issue with the selected model" })],
  [
    "agent",
    result({ is_error: true, terminal_reason: "prompt_too_long", api_error_status: 400, result: "Prompt is too long" }),
  ],
])("a failed run is a fault of kind %s", (kind, end) => {
  expect(judge([INIT, end], { exitCode: 1 }).fault?.kind).toBe(kind);
});

test("the moment of a quota's return is in milliseconds, and only a rejection counts", () => {
  const limit = (status: string): object => ({
    type: "rate_limit_event",
    rate_limit_info: { status, resetsAt: 1_900_000_000 },
  });
  const failed = result({ is_error: true, api_error_status: 429, result: "You've hit your 5-hour limit" });
  expect(judge([INIT, limit("rejected"), failed], { exitCode: 1 })).toMatchObject({
    fault: { kind: "limit" },
    resetsAt: 1_900_000_000_000,
  });
  expect(judge([INIT, limit("allowed_warning"), failed], { exitCode: 1 })).toMatchObject({
    fault: { kind: "overloaded" },
    resetsAt: null,
  });
  expect(judge([INIT, limit("rejected"), result()])).toMatchObject({ ok: true, resetsAt: null });
});

test("what ended the process from outside stands above what the agent said", () => {
  const kinds = (["timeout", "idle", "stopped", "not-started"] as const).map(
    (ended) => judge([INIT, result()], { ended }).fault?.kind,
  );
  expect(kinds).toEqual(["timeout", "idle", "interrupted", "spawn"]);
  expect(judge([INIT], { exitCode: null, signal: "SIGKILL" }).fault?.kind).toBe("signal");
});

test("a fatal error at the start is told by its last words on stderr", () => {
  const { fault } = judge([], { exitCode: 1, stderr: "warning: something\nerror: unknown option '--x'\n" });
  expect(fault).toMatchObject({
    message: "The agent claude failed with exit code 1: error: unknown option '--x'.",
    exitCode: 1,
  });
  expect(fault?.lastLines).toEqual(["warning: something", "error: unknown option '--x'"]);
});

test("only a missing session makes a continuation impossible", () => {
  const stderr = `No conversation found with session ID: ${SESSION}`;
  const over = result({ is_error: true, subtype: "error_during_execution" });
  expect(judge([over], { exitCode: 1, resumed: true, stderr }).couldNotResume).toBe(true);
  expect(judge([over], { exitCode: 1, resumed: false, stderr }).couldNotResume).toBe(false);
  expect(judge([INIT, over], { exitCode: 1, resumed: true }).couldNotResume).toBe(false);
});

test("denied tools are collected from events and from the result, each once", () => {
  const { denied } = transcriptOf(
    { type: "system", subtype: "permission_denied", tool_name: "Bash" },
    result({ permission_denials: [{ tool_name: "Bash" }, { tool_name: "Write" }] }),
  );
  expect(denied).toEqual(["Bash", "Write"]);
});

test("a run's cost is what is new, and not the sum over a continued session", () => {
  const recent = (costUSD: number): object => ({
    model_usage_since_last_result: {
      a: { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, cacheCreationInputTokens: 4, costUSD },
      b: { inputTokens: 10, outputTokens: 20, cacheReadInputTokens: 30, cacheCreationInputTokens: 40, costUSD },
    },
  });
  const usage = usageOf(
    transcriptOf(result({ total_cost_usd: 9, ...recent(0.25) }), result({ total_cost_usd: 10, ...recent(0.5) })),
  );
  expect(usage).toEqual({
    costUsd: 1.5,
    inputTokens: 22,
    outputTokens: 44,
    cacheReadTokens: 66,
    cacheWriteTokens: 88,
    turns: 4,
  });
});

test("a run that was ended by a limit says which one", () => {
  expect(judge([INIT], { ended: "timeout" }).fault?.message).toBe(
    "The agent claude did not finish within 4 s and was ended.",
  );
  expect(judge([INIT], { ended: "idle" }).fault?.message).toBe(
    "The agent claude gave no sign of life for 90 s and was ended.",
  );
});

test("an older program's sums are taken as they are, from its last result", () => {
  expect(usageOf(transcriptOf(result({ total_cost_usd: 0.1 }), result({ total_cost_usd: 0.2 }))).costUsd).toBe(0.2);
});

test("a run that was cut off has used the sum of its replies, at an unknown cost", () => {
  const block = { type: "text", text: "x" };
  const usage = usageOf(transcriptOf(INIT, assistant("m1", block), assistant("m1", block), assistant("m2", block)));
  expect(usage).toEqual({
    costUsd: null,
    inputTokens: 20,
    outputTokens: 4,
    cacheReadTokens: 6,
    cacheWriteTokens: 8,
    turns: 2,
  });
});

test("of a run that said nothing the cost is unknown, which is not zero", () => {
  expect(usageOf(transcriptOf(INIT)).costUsd).toBeNull();
});

test("a log of two processes tells of the last one", () => {
  const started = { type: "prodigy", subtype: "started" };
  expect(
    usageOf(transcriptOf(started, result(), started, assistant("m1", { type: "text", text: "x" }))).inputTokens,
  ).toBe(10);
});
