// The fake without any agent.
import { expect, test } from "vitest";
import { startFake } from "./server.mjs";

const tools = [
  {
    name: "Bash",
    input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  },
];

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-claude-code-session-id": "s" },
    body: JSON.stringify(body),
  });

test("turns come from the transcript, failures are counted", async () => {
  const steps = [{ fail: "rateLimit" }, { sh: "ls" }, { text: "end {{lastResult}}" }];
  const fake = await startFake({ scenario: { rules: [{ name: "a", when: { prompt: "go" }, steps }] } });
  const messages = `${fake.url}/v1/messages`;
  const first = { model: "m", tools, messages: [{ role: "user", content: "go" }] };

  const limited = await post(messages, first);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await limited.json()).toMatchObject({ error: { type: "rate_limit_error" } });

  const one = (await (await post(messages, first)).json()) as { readonly content: readonly [{ readonly id: string }] };
  expect(one).toMatchObject({ stop_reason: "tool_use", content: [{ type: "tool_use", input: { command: "ls" } }] });

  const results = [{ type: "tool_result", tool_use_id: one.content[0].id, content: "files" }];
  const answered = [...first.messages, { role: "assistant", content: one.content }, { role: "user", content: results }];
  const two = await (await post(messages, { ...first, messages: answered })).json();
  expect(two).toMatchObject({ stop_reason: "end_turn", content: [{ text: "end files" }] });

  const counted = (await (await post(`${messages}/count_tokens`, first)).json()) as { readonly input_tokens: number };
  expect(counted.input_tokens).toBeGreaterThan(0);
  await fake.stop();
});

test.each([
  ["/v1/messages", { stream: true, model: "m", messages: [{ role: "user", content: "x" }] }, "event: message_stop"],
  ["/v1/chat/completions", { stream: true, model: "m", messages: [{ role: "user", content: "x" }] }, "data: [DONE]"],
  ["/v1/responses", { stream: true, model: "m", input: "x" }, '"type":"response.completed"'],
  [
    "/v1beta/models/g:streamGenerateContent?alt=sse",
    { contents: [{ role: "user", parts: [{ text: "x" }] }] },
    '"finishReason":"STOP"',
  ],
])("one rule speaks every dialect: %s", async (path, body, end) => {
  const fake = await startFake({ scenario: { rules: [], fallback: { text: "hi there" } } });
  expect(await (await post(fake.url + path, body)).text()).toContain(end);
  await fake.stop();
});
