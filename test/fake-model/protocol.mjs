// Wire formats. Every public function here is pure or writes to one response object;
// what to say is decided in script.mjs, this file only knows how each API says it.
//
//   readRequest(pathname, headers, body) -> Ask | null     (neutral view of one model request)
//   writeReply(api, ask, reply, out)                       (neutral reply in that API's dialect)
//   errorBody(api, error)                                  (error document in that API's dialect)

import { randomUUID } from "node:crypto";

/**
 * @typedef {object} Ask
 * @property {'anthropic'|'chat'|'responses'|'gemini'} api
 * @property {string} model
 * @property {boolean} stream
 * @property {string} system      all system text
 * @property {string} prompt      the text of the latest human turn, agent reminders removed
 * @property {number} turn        assistant turns made since that human turn (0 = first answer)
 * @property {{name:string, schema:any, kind?:string, namespace?:string}[]} tools
 * @property {string[]} toolResults  tool outputs since that human turn, oldest first
 * @property {string} session     a key that is stable through one agent session, as far as the client tells
 * @property {string} cwd         working directory the client reported, '' when unknown
 * @property {any} body
 */

/**
 * @typedef {object} Reply
 * @property {string} [thinking]
 * @property {string} [text]
 * @property {{name:string, input:any}[]} [calls]
 * @property {string} [stopReason]
 * @property {Record<string, number>} [usage]  input, output, cacheRead, cacheWrite
 * @property {number} [delayMs]       before the first byte
 * @property {number} [chunkDelayMs]  between deltas
 * @property {number} [chunkSize]     characters per delta
 * @property {'mid'|'end'} [cut]      destroy the socket half-way / just before the closing events
 * @property {'mid'|'start'} [hang]   stop sending but keep the socket open
 * @property {'mid'} [sseError]       send an in-stream error event half-way
 * @property {any} [sseErrorBody]
 * @property {boolean} [garbage]      send bytes that are no valid event stream
 * @property {Record<string,string>} [headers]
 */

const asText = (content) => {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  if (Array.isArray(content))
    return content
      .map((part) => asText(part?.text ?? part?.content ?? part?.output ?? (typeof part === "string" ? part : "")))
      .join("\n");
  if (typeof content === "object")
    return asText(content.text ?? content.content ?? content.output ?? JSON.stringify(content));
  return String(content);
};

const REMINDERS =
  /<(system-reminder|task-notification|environment_context|session_context|user_instructions|permissions instructions|INSTRUCTIONS|skills_instructions|apps_instructions|plugins_instructions|collaboration_mode|current_datetime|reminder)>[\s\S]*?<\/\1>/g;
// Nudges that the Claude CLI writes in the user's name; they do not open a new human turn.
const NUDGE =
  /^\s*(\[structured-output-enforce\]|\[Your previous response had no visible output|Output token limit hit\.|\[Request interrupted by user)/;
const human = (text) => {
  const rest = text.replace(REMINDERS, "").trim();
  return NUDGE.test(rest) ? "" : rest;
};

const findCwd = (...texts) => {
  for (const text of texts) {
    const hit =
      /(?:Primary working directory|Working directory|working directory is|<cwd>|Current working directory|currently working in the directory):?\s*`?(\/[^\s`<]*)/i.exec(
        text,
      );
    if (hit) return hit[1].replace(/[.,;]$/, "");
  }
  return "";
};

/** Fold any transcript into {role:'human'|'assistant'|'tool', text} items and locate the latest human turn. */
function latestTurn(items) {
  let at = -1;
  items.forEach((item, i) => {
    if (item.role === "human" && human(item.text)) at = i;
  });
  const after = items.slice(at + 1);
  let turn = 0;
  let inAssistant = false;
  for (const item of after) {
    if (item.role === "assistant") {
      if (!inAssistant) turn++;
      inAssistant = true;
    } else inAssistant = false;
  }
  return {
    prompt: at < 0 ? "" : human(items[at].text),
    turn,
    toolResults: after.filter((i) => i.role === "tool").map((i) => i.text),
  };
}

/** @returns {Ask|null} */
export function readRequest(pathname, headers, body) {
  if (pathname.endsWith("/messages")) {
    const items = [];
    for (const message of body.messages ?? []) {
      if (message.role === "assistant") {
        items.push({ role: "assistant", text: asText(message.content) });
        continue;
      }
      if (message.role === "system") continue;
      if (typeof message.content === "string") {
        items.push({ role: "human", text: message.content });
        continue;
      }
      const texts = [];
      for (const block of message.content ?? []) {
        if (block.type === "tool_result") items.push({ role: "tool", text: asText(block.content) });
        else if (block.type === "text") texts.push(block.text);
      }
      // Text beside a tool result is something the agent added, not a new human turn.
      if (texts.length && !message.content.some((b) => b.type === "tool_result"))
        items.push({ role: "human", text: texts.join("\n") });
    }
    const system = asText(body.system);
    return {
      api: "anthropic",
      model: body.model,
      stream: !!body.stream,
      system,
      ...latestTurn(items),
      tools: (body.tools ?? []).map((t) => ({ name: t.name, schema: t.input_schema })),
      session: headers["x-claude-code-session-id"] ?? body.metadata?.user_id ?? "none",
      cwd: findCwd(system, JSON.stringify(body.messages ?? []).replace(/\\n/g, "\n")),
      body,
    };
  }
  if (pathname.endsWith("/chat/completions")) {
    const items = (body.messages ?? [])
      .filter((m) => m.role !== "system" && m.role !== "developer")
      .map((m) => ({ role: m.role === "user" ? "human" : m.role, text: asText(m.content) }));
    const system = (body.messages ?? [])
      .filter((m) => m.role === "system" || m.role === "developer")
      .map((m) => asText(m.content))
      .join("\n");
    return {
      api: "chat",
      model: body.model,
      stream: !!body.stream,
      system,
      ...latestTurn(items),
      tools: (body.tools ?? []).map((t) => ({ name: t.function?.name, schema: t.function?.parameters })),
      session: headers["x-session-affinity"] ?? headers["x-session-id"] ?? body.user ?? body.prompt_cache_key ?? "none",
      cwd: findCwd(system, items.map((i) => i.text).join("\n")),
      body,
    };
  }
  if (pathname.endsWith("/responses")) {
    const items = [];
    let system = body.instructions ?? "";
    for (const item of typeof body.input === "string"
      ? [{ type: "message", role: "user", content: body.input }]
      : (body.input ?? [])) {
      if (item.type?.endsWith("_call_output")) items.push({ role: "tool", text: asText(item.output) });
      else if (item.type?.endsWith("_call")) items.push({ role: "assistant", text: "" });
      else if (item.type === "reasoning") continue;
      else if (item.role === "system" || item.role === "developer") system += "\n" + asText(item.content);
      else items.push({ role: item.role === "user" ? "human" : "assistant", text: asText(item.content) });
    }
    const tools = (body.tools ?? []).flatMap((t) =>
      t.type === "namespace"
        ? (t.tools ?? []).map((inner) => ({
            name: inner.name,
            schema: inner.parameters,
            kind: inner.type,
            namespace: t.name,
          }))
        : [{ name: t.name ?? t.type, schema: t.parameters, kind: t.type }],
    );
    return {
      api: "responses",
      model: body.model,
      stream: !!body.stream,
      system,
      ...latestTurn(items),
      tools,
      session: headers["session_id"] ?? headers["session-id"] ?? body.prompt_cache_key ?? "none",
      cwd: findCwd(system, JSON.stringify(body.input ?? []).replace(/\\n/g, "\n")),
      body,
    };
  }
  const gemini = /\/models\/([^/:]+):(streamGenerateContent|generateContent)$/.exec(pathname);
  if (gemini) {
    const items = [];
    for (const content of body.contents ?? []) {
      const parts = content.parts ?? [];
      if (content.role === "model") items.push({ role: "assistant", text: asText(parts) });
      else if (parts.some((p) => p.functionResponse))
        for (const p of parts) {
          if (p.functionResponse) items.push({ role: "tool", text: JSON.stringify(p.functionResponse.response) });
        }
      else
        items.push({
          role: "human",
          text: parts
            .filter((p) => p.text)
            .map((p) => p.text)
            .join("\n"),
        });
    }
    const system = asText(body.systemInstruction?.parts);
    return {
      api: "gemini",
      model: gemini[1],
      stream: gemini[2] === "streamGenerateContent",
      system,
      ...latestTurn(items),
      tools: (body.tools ?? [])
        .flatMap((t) => t.functionDeclarations ?? [])
        .map((t) => ({ name: t.name, schema: t.parametersJsonSchema ?? t.parameters })),
      session: headers["x-session-id"] ?? "none",
      cwd: findCwd(system, JSON.stringify(body.contents ?? []).replace(/\\n/g, "\n")),
      body,
    };
  }
  return null;
}

export function errorBody(api, { status, type, message, extra }) {
  if (api === "anthropic")
    return { type: "error", error: { type, message, ...extra }, request_id: `req_fake_${randomUUID().slice(0, 8)}` };
  if (api === "gemini") return { error: { code: status, message, status: type, ...extra } };
  return { error: { message, type, code: type, param: null, ...extra } };
}

export const roughTokens = (value) =>
  Math.max(1, Math.ceil((typeof value === "string" ? value : (JSON.stringify(value) ?? "")).length / 4));

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const pieces = (text, size) => {
  const out = [];
  for (let i = 0; i < text.length; i += size) out.push(text.slice(i, i + size));
  return out.length ? out : [""];
};
const id = (prefix) => `${prefix}_fake${randomUUID().replaceAll("-", "").slice(0, 20)}`;

/** Thrown to end a reply on purpose (cut or hang); the server swallows it. */
export class Ended extends Error {}

/** Events of one reply in the dialect of `api`, as [eventName|null, data] pairs. */
function* events(api, ask, reply, usage) {
  const size = reply.chunkSize ?? 24;
  const calls = (reply.calls ?? []).map((call) => ({ ...call, id: id(api === "anthropic" ? "toolu" : "call") }));
  const text = reply.text ?? "";
  if (api === "anthropic") {
    let index = 0;
    const total = {
      input_tokens: usage.input,
      cache_creation_input_tokens: usage.cacheWrite,
      cache_read_input_tokens: usage.cacheRead,
      service_tier: "standard",
    };
    yield [
      "message_start",
      {
        type: "message_start",
        message: {
          id: id("msg"),
          type: "message",
          role: "assistant",
          model: ask.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...total, output_tokens: 1 },
        },
      },
    ];
    yield ["ping", { type: "ping" }];
    const block = function* (start, deltas) {
      yield ["content_block_start", { type: "content_block_start", index, content_block: start }];
      for (const delta of deltas) yield ["content_block_delta", { type: "content_block_delta", index, delta }];
      yield ["content_block_stop", { type: "content_block_stop", index: index++ }];
    };
    if (reply.thinking)
      yield* block({ type: "thinking", thinking: "", signature: "" }, [
        ...pieces(reply.thinking, size).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: "ZmFrZQ==" },
      ]);
    if (text || !calls.length)
      yield* block(
        { type: "text", text: "" },
        pieces(text, size).map((t) => ({ type: "text_delta", text: t })),
      );
    for (const call of calls)
      yield* block(
        { type: "tool_use", id: call.id, name: call.name, input: {} },
        pieces(JSON.stringify(call.input), size).map((partial_json) => ({ type: "input_json_delta", partial_json })),
      );
    yield [
      "message_delta",
      {
        type: "message_delta",
        delta: { stop_reason: reply.stopReason ?? (calls.length ? "tool_use" : "end_turn"), stop_sequence: null },
        usage: { ...total, output_tokens: usage.output },
      },
    ];
    yield ["message_stop", { type: "message_stop" }];
  } else if (api === "chat") {
    const base = {
      id: id("chatcmpl"),
      object: "chat.completion.chunk",
      created: Math.floor(Date.now() / 1000),
      model: ask.model,
    };
    const chunk = (delta, finish_reason = null) => [null, { ...base, choices: [{ index: 0, delta, finish_reason }] }];
    yield chunk({ role: "assistant", content: "" });
    if (text) for (const content of pieces(text, size)) yield chunk({ content });
    for (const [index, call] of calls.entries()) {
      yield chunk({
        tool_calls: [{ index, id: call.id, type: "function", function: { name: call.name, arguments: "" } }],
      });
      for (const part of pieces(JSON.stringify(call.input), size))
        yield chunk({ tool_calls: [{ index, function: { arguments: part } }] });
    }
    yield chunk({}, reply.stopReason ?? (calls.length ? "tool_calls" : "stop"));
    yield [
      null,
      {
        ...base,
        choices: [],
        usage: {
          prompt_tokens: usage.input + usage.cacheRead,
          completion_tokens: usage.output,
          total_tokens: usage.input + usage.cacheRead + usage.output,
          prompt_tokens_details: { cached_tokens: usage.cacheRead },
        },
      },
    ];
    yield [null, "[DONE]"];
  } else if (api === "responses") {
    let sequence_number = 0;
    const response = {
      id: id("resp"),
      object: "response",
      created_at: Math.floor(Date.now() / 1000),
      status: "in_progress",
      model: ask.model,
      output: [],
      error: null,
      incomplete_details: null,
      usage: null,
    };
    const event = (type, data) => [type, { type, sequence_number: sequence_number++, ...data }];
    yield event("response.created", { response });
    yield event("response.in_progress", { response });
    const output = [];
    if (reply.thinking) {
      const item = { id: id("rs"), type: "reasoning", summary: [] };
      yield event("response.output_item.added", { output_index: output.length, item });
      const done = { ...item, summary: [{ type: "summary_text", text: reply.thinking }] };
      yield event("response.output_item.done", { output_index: output.length, item: done });
      output.push(done);
    }
    if (text || !calls.length) {
      const item = { id: id("msg"), type: "message", role: "assistant", status: "in_progress", content: [] };
      const at = { item_id: item.id, output_index: output.length, content_index: 0 };
      yield event("response.output_item.added", { output_index: output.length, item });
      yield event("response.content_part.added", { ...at, part: { type: "output_text", text: "", annotations: [] } });
      for (const delta of pieces(text, size)) yield event("response.output_text.delta", { ...at, delta });
      yield event("response.output_text.done", { ...at, text });
      const part = { type: "output_text", text, annotations: [] };
      yield event("response.content_part.done", { ...at, part });
      const done = { ...item, status: "completed", content: [part] };
      yield event("response.output_item.done", { output_index: output.length, item: done });
      output.push(done);
    }
    for (const call of calls) {
      const tool = ask.tools.find((t) => t.name === call.name);
      const custom = tool?.kind === "custom";
      const raw = custom
        ? typeof call.input === "string"
          ? call.input
          : (call.input.input ?? JSON.stringify(call.input))
        : JSON.stringify(call.input);
      const item = {
        id: id(custom ? "ctc" : "fc"),
        type: custom ? "custom_tool_call" : "function_call",
        call_id: call.id,
        name: call.name,
        ...(tool?.namespace ? { namespace: tool.namespace } : {}),
        ...(custom ? { input: "" } : { arguments: "" }),
        status: "in_progress",
      };
      const at = { item_id: item.id, output_index: output.length };
      yield event("response.output_item.added", { output_index: output.length, item });
      const kind = custom ? "response.custom_tool_call_input" : "response.function_call_arguments";
      for (const delta of pieces(raw, size)) yield event(`${kind}.delta`, { ...at, delta });
      yield event(`${kind}.done`, { ...at, ...(custom ? { input: raw } : { arguments: raw }) });
      const done = { ...item, status: "completed", ...(custom ? { input: raw } : { arguments: raw }) };
      yield event("response.output_item.done", { output_index: output.length, item: done });
      output.push(done);
    }
    yield event("response.completed", {
      response: {
        ...response,
        status: "completed",
        output,
        usage: {
          input_tokens: usage.input + usage.cacheRead,
          input_tokens_details: { cached_tokens: usage.cacheRead },
          output_tokens: usage.output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: usage.input + usage.cacheRead + usage.output,
        },
      },
    });
  } else {
    const part = (parts, extra = {}) => [
      null,
      {
        candidates: [{ content: { role: "model", parts }, index: 0, ...extra }],
        modelVersion: ask.model,
        responseId: "fake",
      },
    ];
    if (text || !calls.length) for (const t of pieces(text, size)) yield part([{ text: t }]);
    for (const call of calls) yield part([{ functionCall: { name: call.name, args: call.input } }]);
    const [, last] = part([{ text: "" }], { finishReason: reply.stopReason ?? "STOP" });
    yield [
      null,
      {
        ...last,
        usageMetadata: {
          promptTokenCount: usage.input + usage.cacheRead,
          cachedContentTokenCount: usage.cacheRead,
          candidatesTokenCount: usage.output,
          totalTokenCount: usage.input + usage.cacheRead + usage.output,
        },
      },
    ];
  }
}

/** The same reply as one document, for clients that did not ask for a stream. */
function whole(api, ask, reply, usage) {
  const list = [...events(api, ask, { ...reply, chunkSize: 1e9 }, usage)];
  if (api === "anthropic") {
    const message = structuredClone(list[0][1].message);
    for (const [name, data] of list) {
      if (name === "content_block_start") message.content.push({ ...data.content_block });
      if (name === "content_block_delta") {
        const block = message.content[data.index];
        const { text, thinking, partial_json, signature } = data.delta;
        if (text !== undefined) block.text = text;
        if (thinking !== undefined) block.thinking = thinking;
        if (signature !== undefined) block.signature = signature;
        if (partial_json !== undefined) block.input = JSON.parse(partial_json);
      }
      if (name === "message_delta") {
        Object.assign(message, data.delta);
        Object.assign(message.usage, data.usage);
      }
    }
    return message;
  }
  if (api === "chat") {
    const calls = (reply.calls ?? []).map((c) => ({
      id: id("call"),
      type: "function",
      function: { name: c.name, arguments: JSON.stringify(c.input) },
    }));
    const last = list.at(-2)[1];
    return {
      id: last.id,
      object: "chat.completion",
      created: last.created,
      model: ask.model,
      choices: [
        {
          index: 0,
          finish_reason: reply.stopReason ?? (calls.length ? "tool_calls" : "stop"),
          message: { role: "assistant", content: reply.text ?? null, ...(calls.length ? { tool_calls: calls } : {}) },
        },
      ],
      usage: last.usage,
    };
  }
  if (api === "responses") return list.at(-1)[1].response;
  const parts = list.flatMap(([, d]) => d.candidates[0].content.parts).filter((p) => p.functionCall || p.text);
  return { ...list.at(-1)[1], candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }] };
}

export async function writeReply(api, ask, reply, res) {
  const said = (reply.text ?? "") + (reply.thinking ?? "") + JSON.stringify(reply.calls ?? []);
  const usage = {
    input: roughTokens(ask.body),
    output: roughTokens(said),
    cacheRead: 0,
    cacheWrite: 0,
    ...reply.usage,
  };
  if (reply.delayMs) await sleep(reply.delayMs);
  const common = { "request-id": `req_fake_${randomUUID().slice(0, 8)}`, ...reply.headers };
  if (!ask.stream) {
    const raw = reply.garbage ? "<html>not a model</html>" : JSON.stringify(whole(api, ask, reply, usage));
    res.writeHead(200, { "content-type": "application/json", ...common }).end(raw);
    return usage;
  }
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", ...common });
  res.flushHeaders();
  if (reply.garbage) {
    res.end('event: message_start\ndata: {"type":"message_start","message":{\n\nnot an event stream at all\n\n');
    return usage;
  }
  if (reply.hang === "start") throw new Ended("hang");
  const list = [...events(api, ask, reply, usage)];
  const middle = Math.floor(list.length / 2);
  for (const [i, [name, data]] of list.entries()) {
    if (res.destroyed) throw new Ended("client left");
    if (i === middle && reply.cut === "mid") {
      res.destroy();
      throw new Ended("cut");
    }
    if (i === middle && reply.hang === "mid") throw new Ended("hang");
    if (i === middle && reply.sseError) {
      res.end(
        `event: error\ndata: ${JSON.stringify(reply.sseErrorBody ?? errorBody("anthropic", { status: 529, type: "overloaded_error", message: "Overloaded" }))}\n\n`,
      );
      throw new Ended("sse error");
    }
    if (i === list.length - 2 && reply.cut === "end") {
      res.destroy();
      throw new Ended("cut");
    }
    res.write(`${name ? `event: ${name}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    if (reply.chunkDelayMs) await sleep(reply.chunkDelayMs);
  }
  res.end();
  return usage;
}
