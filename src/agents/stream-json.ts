import type { Usage } from "../cook/decision/event.ts";
import type { AgentEvent, ResultEvent } from "./contract.ts";
import { type Fields, fieldsOf, listOf, numberOf, parseFields, textOf, textsOf } from "./json-fields.ts";

/** Reads one line of `--output-format stream-json`. */
export function parseStreamJson(line: string): readonly AgentEvent[] {
  const event = parseFields(line);
  if (event === null) return [];
  switch (event["type"]) {
    case "prodigy":
      return event["subtype"] === "started" ? [{ kind: "started" }] : [];
    case "system":
      return systemEvent(event);
    case "assistant":
      return assistantEvents(event);
    case "user":
      return listOf(fieldsOf(event["message"])?.["content"]).flatMap(toolResult);
    case "rate_limit_event":
      return limitEvent(event);
    case "result":
      return [resultEvent(event)];
    default:
      // Each version of the program adds types.
      return [];
  }
}

function systemEvent(event: Fields): readonly AgentEvent[] {
  switch (event["subtype"]) {
    case "init": {
      const commands = event["slash_commands"];
      const known = Array.isArray(commands) ? textsOf(commands).map((name) => name.replace(/^\//, "")) : null;
      return [
        { kind: "session", id: textOf(event["session_id"]) ?? "", model: textOf(event["model"]), commands: known },
      ];
    }
    case "api_retry":
      return [
        {
          kind: "retry",
          status: numberOf(event["error_status"]),
          delayMs: numberOf(event["retry_delay_ms"]) ?? 0,
          attempt: numberOf(event["attempt"]) ?? 1,
        },
      ];
    case "permission_denied":
      return [{ kind: "denied", tool: textOf(event["tool_name"]) ?? "a tool" }];
    default:
      return [];
  }
}

function assistantEvents(event: Fields): readonly AgentEvent[] {
  const message = fieldsOf(event["message"]);
  if (message === null) return [];
  const isSubagent = textOf(event["parent_tool_use_id"]) !== null;
  const events = listOf(message["content"]).flatMap((block) => contentEvent(fieldsOf(block), isSubagent));
  const id = textOf(message["id"]);
  const usage = fieldsOf(message["usage"]);
  // One reply comes as several events with the same id and the same numbers, so it is counted by its id.
  return id === null || usage === null ? events : [...events, { kind: "reply", id, usage: tokensOf(usage) }];
}

function contentEvent(block: Fields | null, isSubagent: boolean): readonly AgentEvent[] {
  if (block?.["type"] === "tool_use") {
    return [{ kind: "tool", name: textOf(block["name"]) ?? "tool", detail: detailOf(fieldsOf(block["input"])) }];
  }
  // What a subagent says is not the agent's answer.
  if (block?.["type"] === "text" && !isSubagent) return [{ kind: "text", text: textOf(block["text"]) ?? "" }];
  return [];
}

/** The field of a tool's input that says most, by the names that the common tools use. */
function detailOf(input: Fields | null): string {
  for (const key of ["command", "file_path", "path", "pattern", "url", "query", "description", "skill", "prompt"]) {
    const text = textOf(input?.[key]);
    if (text !== null && text !== "") return text;
  }
  return "";
}

function toolResult(value: unknown): readonly AgentEvent[] {
  const block = fieldsOf(value);
  if (block?.["type"] !== "tool_result") return [];
  const content =
    textOf(block["content"]) ??
    listOf(block["content"])
      .map((part) => textOf(fieldsOf(part)?.["text"]) ?? "")
      .join("\n");
  return [{ kind: "tool-result", failed: block["is_error"] === true, text: content }];
}

function limitEvent(event: Fields): readonly AgentEvent[] {
  const info = fieldsOf(event["rate_limit_info"]);
  if (info === null) return [];
  const seconds = numberOf(info["resetsAt"]);
  return [
    { kind: "limit", rejected: info["status"] === "rejected", resetsAt: seconds === null ? null : seconds * 1000 },
  ];
}

function resultEvent(event: Fields): ResultEvent {
  const errors = textsOf(event["errors"]);
  const recent = fieldsOf(event["model_usage_since_last_result"]);
  const turns = numberOf(event["num_turns"]);
  return {
    kind: "result",
    isError: event["is_error"] === true,
    text: textOf(event["result"]) ?? errors.join("\n"),
    subtype: textOf(event["subtype"]) ?? "",
    reason: textOf(event["terminal_reason"]),
    apiStatus: numberOf(event["api_error_status"]),
    errors,
    denied: listOf(event["permission_denials"]).map((denial) => textOf(fieldsOf(denial)?.["tool_name"]) ?? "a tool"),
    // `total_cost_usd` counts a continued session from its very beginning, which was paid for already.
    usage: recent === null ? totalUsage(event, turns) : recentUsage(recent, turns),
    partial: recent !== null,
  };
}

function totalUsage(event: Fields, turns: number | null): Usage {
  return { ...tokensOf(fieldsOf(event["usage"]) ?? {}), costUsd: numberOf(event["total_cost_usd"]), turns };
}

function recentUsage(models: Fields, turns: number | null): Usage {
  const each = Object.values(models).map((model) => fieldsOf(model) ?? {});
  const sum = (key: string): number | null =>
    each.reduce<number | null>((total, model) => {
      const value = numberOf(model[key]);
      return total === null || value === null ? null : total + value;
    }, 0);
  return {
    costUsd: sum("costUSD"),
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cacheReadTokens: sum("cacheReadInputTokens"),
    cacheWriteTokens: sum("cacheCreationInputTokens"),
    turns,
  };
}

function tokensOf(usage: Fields): Usage {
  return {
    costUsd: null,
    inputTokens: numberOf(usage["input_tokens"]),
    outputTokens: numberOf(usage["output_tokens"]),
    cacheReadTokens: numberOf(usage["cache_read_input_tokens"]),
    cacheWriteTokens: numberOf(usage["cache_creation_input_tokens"]),
    turns: null,
  };
}
