// What to answer. A scenario is a list of rules; the first rule whose `when` fits the request wins.
// The position inside a rule's `steps` comes from the transcript itself (how many times the
// assistant has spoken since the latest human turn), so any number of agents may run at once
// against one server. Only failures are counted, per session and rule.

import { createHash } from "node:crypto";

/**
 * @typedef {object} When
 * @property {string|RegExp} [prompt]     substring, or RegExp (JSON: "/.../i"); named groups feed {{name}}
 * @property {string|RegExp} [system]
 * @property {string|RegExp} [model]
 * @property {string|RegExp} [toolResult] tested on the newest tool output
 * @property {string} [tool]              client must offer this tool
 * @property {boolean} [tools]            client must (not) offer any tools; false finds title/summary side requests
 * @property {string} [api]                'anthropic' | 'chat' | 'responses' | 'gemini'
 * @property {boolean} [anyRequest]         also speak to requests that offer no tools
 *
 * A step is a reply (text, thinking, sh, write, edit, call, calls, structured, usage, delayMs, chunkDelayMs, cut,
 * hang, sseError, garbage, stopReason, headers), a failure ({ fail: name|object, times }), or a function
 * (ask) => step. Failures stand in front of the reply they delay; `times: 'forever'` never gives way.
 *
 * @typedef {object} Rule
 * @property {string} [name]
 * @property {When} [when]
 * @property {any[]} steps
 */

export const FAILURES = {
  rateLimit: {
    status: 429,
    type: "rate_limit_error",
    message: "This request would exceed your organization's rate limit.",
    headers: { "retry-after": "1" },
  },
  rateLimitNoHint: {
    status: 429,
    type: "rate_limit_error",
    message: "This request would exceed your organization's rate limit.",
  },
  overloaded: { status: 529, type: "overloaded_error", message: "Overloaded" },
  serverError: { status: 500, type: "api_error", message: "Internal server error" },
  badGateway: { status: 502, type: "api_error", message: "Bad gateway" },
  unavailable: { status: 503, type: "api_error", message: "Service unavailable" },
  auth: { status: 401, type: "authentication_error", message: "invalid x-api-key" },
  forbidden: {
    status: 403,
    type: "permission_error",
    message: "Your API key does not have permission to use the specified resource.",
  },
  modelNotFound: { status: 404, type: "not_found_error", message: "model: no-such-model" },
  promptTooLong: {
    status: 400,
    type: "invalid_request_error",
    message: "prompt is too long: 205000 tokens > 200000 maximum",
  },
  badRequest: { status: 400, type: "invalid_request_error", message: "messages: malformed" },
  credit: {
    status: 400,
    type: "invalid_request_error",
    message:
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
  },
  tooLarge: { status: 413, type: "request_too_large", message: "Request exceeds the maximum size" },
  /** subscription window used up: the unified headers a subscription account gets */
  usageLimit: (nowS = Math.floor(Date.now() / 1000)) => ({
    status: 429,
    type: "rate_limit_error",
    message: "This request would exceed your account's rate limit. Please try again later.",
    headers: {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(nowS + 7200),
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-5h-status": "rejected",
      "anthropic-ratelimit-unified-5h-reset": String(nowS + 7200),
      "anthropic-ratelimit-unified-5h-utilization": "1.0",
      "anthropic-ratelimit-unified-7d-status": "allowed",
      "anthropic-ratelimit-unified-7d-reset": String(nowS + 400000),
      "anthropic-ratelimit-unified-7d-utilization": "0.4",
      "anthropic-ratelimit-unified-overage-status": "rejected",
      "anthropic-ratelimit-unified-overage-disabled-reason": "org_level_disabled",
      "retry-after": "7200",
      "x-should-retry": "false",
    },
  }),
  /** refuse the connection after the request was read */
  drop: { drop: true },
};

const matches = (test, text, groups) => {
  if (test === undefined) return true;
  if (test instanceof RegExp || /^\/.*\/[a-z]*$/s.test(test)) {
    const regex =
      test instanceof RegExp
        ? test
        : new RegExp(test.slice(1, test.lastIndexOf("/")), test.slice(test.lastIndexOf("/") + 1));
    const hit = regex.exec(text);
    if (hit) {
      hit.slice(1).forEach((value, i) => {
        groups[i + 1] = value ?? "";
      });
      Object.assign(groups, hit.groups ?? {});
    }
    return !!hit;
  }
  return text.includes(test);
};

function fits(when = {}, ask, groups) {
  return (
    (!when.api || when.api === ask.api) &&
    (when.tools === undefined || when.tools === ask.tools.length > 0) &&
    (!when.tool || ask.tools.some((t) => t.name === when.tool)) &&
    matches(when.prompt, ask.prompt, groups) &&
    matches(when.system, ask.system, groups) &&
    matches(when.model, ask.model, groups) &&
    (when.toolResult === undefined || matches(when.toolResult, ask.toolResults.at(-1) ?? "", groups))
  );
}

const fill = (value, vars) => {
  if (typeof value === "string") return value.replace(/\{\{(\w+)\}\}/g, (all, key) => vars[key] ?? all);
  if (Array.isArray(value)) return value.map((v) => fill(v, vars));
  if (value && typeof value === "object" && !(value instanceof RegExp))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fill(v, vars)]));
  return value;
};

const quote = (s) => `'${String(s).replaceAll("'", `'\\''`)}'`;
const pick = (ask, names) => names.map((n) => ask.tools.find((t) => t.name === n)).find(Boolean);
const inside = (ask, path) => (path.startsWith("/") || !ask.cwd ? path : `${ask.cwd}/${path}`);

/** A shell command, as a call of whichever shell tool this agent offers. */
function shell(ask, command) {
  const tool = pick(ask, [
    "Bash",
    "bash",
    "run_shell_command",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
    "execute",
  ]);
  if (!tool) return { name: ask.tools[0]?.name ?? "Bash", input: { command } };
  const props = tool.schema?.properties ?? {};
  const key = ["cmd", "command", "script"].find((k) => props[k]) ?? "command";
  const input = { [key]: props[key]?.type === "array" ? ["bash", "-lc", command] : command };
  for (const must of tool.schema?.required ?? [])
    if (!(must in input))
      input[must] =
        props[must]?.type === "boolean"
          ? false
          : props[must]?.type === "string"
            ? "run a command"
            : (props[must]?.default ?? null);
  return { name: tool.name, input };
}
function write(ask, { path, content }) {
  const tool = pick(ask, ["Write", "write", "write_file", "create"]);
  if (!tool) return shell(ask, `mkdir -p "$(dirname ${quote(path)})" && printf %s ${quote(content)} > ${quote(path)}`);
  const props = tool.schema?.properties ?? {};
  const pathKey = ["file_path", "filePath", "path"].find((k) => props[k]) ?? "file_path";
  const textKey = ["content", "file_text", "contents"].find((k) => props[k]) ?? "content";
  return { name: tool.name, input: { [pathKey]: inside(ask, path), [textKey]: content } };
}
const edit = (ask, { path, from, to }) => ({
  name: "Edit",
  input: { file_path: inside(ask, path), old_string: from, new_string: to },
});

/** Turn a step into a wire-neutral Reply. */
function toReply(step, ask) {
  const { sh, write: files, edit: edits, call, calls = [], structured, ...rest } = step;
  const all = [...calls];
  for (const file of [files].flat().filter(Boolean)) all.push(write(ask, file));
  for (const change of [edits].flat().filter(Boolean)) all.push(edit(ask, change));
  for (const command of [sh].flat().filter(Boolean)) all.push(shell(ask, command));
  if (structured !== undefined) all.push({ name: "StructuredOutput", input: structured });
  if (call) all.push(call);
  return { ...rest, calls: all };
}

/** `[[fake {...one step or a list...}]]` inside a prompt scripts the answer without any scenario file. */
function inline(prompt) {
  const hit = /\[\[fake ([\s\S]*?)\]\]\]?/.exec(prompt);
  if (!hit) return null;
  for (const raw of [hit[1], hit[1] + "]"])
    try {
      return { name: "inline", steps: [JSON.parse(raw)].flat() };
    } catch {
      /* try the other end */
    }
  return null;
}

const SIDE = { name: "side", steps: [{ text: "ok" }] };

export class Script {
  /** @param {{rules: Rule[], fallback?: any}} scenario */
  constructor(scenario = { rules: [] }) {
    this.load(scenario);
  }
  load(scenario) {
    this.scenario = { fallback: { text: "Done." }, ...scenario };
    this.counts = new Map();
  }

  /** @returns {Promise<{rule:string, step:number, fail?:any, reply?:any}>} */
  async decide(ask) {
    const groups = {};
    let rule =
      inline(ask.prompt) ??
      this.scenario.rules.find((r) => {
        for (const k of Object.keys(groups)) delete groups[k];
        return fits(r.when, ask, groups);
      });
    // Requests that offer no tools are the agent's own asides (titles, summaries); only a rule that says tools:false speaks to them.
    if (rule && !ask.tools.length && rule.when?.tools !== false && rule.name !== "inline" && !rule.when?.anyRequest)
      rule = SIDE;
    if (!rule) return { rule: "fallback", step: 0, reply: toReply(this.scenario.fallback, ask) };
    const vars = {
      cwd: ask.cwd,
      prompt: ask.prompt,
      session: ask.session,
      turn: String(ask.turn),
      lastResult: ask.toolResults.at(-1) ?? "",
      ...groups,
    };
    let reached = 0;
    for (const [i, raw] of rule.steps.entries()) {
      const step = typeof raw === "function" ? await raw(ask, groups) : raw;
      const isFail = step && "fail" in step;
      if (isFail) {
        if (reached < ask.turn) continue;
        const key = `${ask.session}|${rule.name ?? ""}|${i}|${createHash("sha1").update(ask.prompt).digest("hex")}`;
        const used = this.counts.get(key) ?? 0;
        const times = step.times === "forever" ? Infinity : (step.times ?? 1);
        if (used >= times) continue;
        this.counts.set(key, used + 1);
        const named = typeof step.fail === "string" ? FAILURES[step.fail] : step.fail;
        if (!named) throw new Error(`no failure named ${step.fail}`);
        const fail = typeof named === "function" ? named() : named;
        return {
          rule: rule.name ?? "?",
          step: i,
          fail: { ...fail, headers: { ...fail.headers, ...step.headers }, delayMs: step.delayMs },
        };
      }
      if (reached === ask.turn) {
        const limited = step.times !== undefined && (step.cut || step.hang || step.garbage || step.sseError);
        if (limited) {
          // a broken stream that heals: use it `times` times, then fall to the step after it
          const key = `${ask.session}|${rule.name ?? ""}|${i}|broken`;
          const used = this.counts.get(key) ?? 0;
          if (used >= (step.times === "forever" ? Infinity : step.times)) continue;
          this.counts.set(key, used + 1);
        }
        return { rule: rule.name ?? "?", step: i, reply: toReply(fill(step, vars), ask) };
      }
      if (step.times === undefined) reached++;
    }
    return { rule: rule.name ?? "?", step: rule.steps.length, reply: toReply(this.scenario.fallback, ask) };
  }
}
