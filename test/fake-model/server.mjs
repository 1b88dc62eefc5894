#!/usr/bin/env node
// A model API on loopback that says what a script tells it to.
//   node server.mjs --scenario scenarios/commit.mjs [--port 0] [--journal FILE.jsonl] [--ready-file FILE] [--dump DIR]
// or, in a test:  const fake = await startFake({ scenario }); fake.url; fake.journal; await fake.stop();

import { createServer } from "node:http";
import { appendFileSync, mkdirSync, writeFileSync, renameSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve, join } from "node:path";
import zlib from "node:zlib";
import { readRequest, writeReply, errorBody, roughTokens, Ended } from "./protocol.mjs";
import { Script } from "./script.mjs";

const readBody = async (req) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  let raw = Buffer.concat(parts);
  const encoding = req.headers["content-encoding"];
  if (encoding === "gzip") raw = zlib.gunzipSync(raw);
  if (encoding === "deflate") raw = zlib.inflateSync(raw);
  if (encoding === "br") raw = zlib.brotliDecompressSync(raw);
  if (encoding === "zstd" && zlib.zstdDecompressSync) raw = zlib.zstdDecompressSync(raw);
  return raw.toString("utf8");
};

/**
 * @param {{scenario?: any, port?: number, host?: string, journalFile?: string, dumpDir?: string}} options
 */
export async function startFake({ scenario, port = 0, host = "127.0.0.1", journalFile, dumpDir } = {}) {
  const script = new Script(scenario);
  const journal = [];
  const sockets = new Set();
  let count = 0;
  const note = (entry) => {
    journal.push(entry);
    if (journalFile) appendFileSync(journalFile, JSON.stringify(entry) + "\n");
  };

  const answer = async (req, res) => {
    const url = new URL(req.url, "http://x");
    const at = Date.now();
    const base = { n: ++count, at: new Date(at).toISOString(), method: req.method, path: url.pathname + url.search };
    const json = (status, body, headers = {}) =>
      res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    try {
      const raw = await readBody(req);
      if (url.pathname === "/__fake/journal") return json(200, journal);
      if (url.pathname === "/__fake/reset") {
        journal.length = 0;
        script.counts.clear();
        return json(200, {});
      }
      if (url.pathname === "/__fake/scenario") {
        script.load(JSON.parse(raw));
        return json(200, {});
      }
      if (dumpDir)
        writeFileSync(
          join(dumpDir, `${String(count).padStart(4, "0")}.json`),
          JSON.stringify({ ...base, headers: req.headers, body: tryJson(raw) }, null, 1),
        );
      if (req.method === "HEAD" || url.pathname === "/") {
        note({ ...base, status: 200 });
        return res.writeHead(200).end();
      }
      const body = raw ? tryJson(raw) : {};
      if (/count_tokens$|:countTokens$/.test(url.pathname)) {
        note({ ...base, status: 200, kind: "count" });
        const n = roughTokens(body.messages ?? body.contents ?? body);
        return json(200, { input_tokens: n, totalTokens: n });
      }
      if (url.pathname.endsWith("/models")) {
        note({ ...base, status: 200 });
        return json(200, {
          object: "list",
          data: [
            { id: "fake-model", object: "model", type: "model", display_name: "Fake", created: 0, owned_by: "fake" },
          ],
          models: [],
          has_more: false,
        });
      }
      const ask = req.method === "POST" ? readRequest(url.pathname, req.headers, body) : null;
      if (!ask) {
        note({ ...base, status: 404, body: raw.slice(0, 300) });
        return json(
          404,
          errorBody("anthropic", {
            status: 404,
            type: "not_found_error",
            message: `fake: no route ${req.method} ${url.pathname}`,
          }),
        );
      }
      const decision = await script.decide(ask);
      const entry = {
        ...base,
        api: ask.api,
        model: ask.model,
        stream: ask.stream,
        session: ask.session,
        prompt: ask.prompt.slice(0, 400),
        turn: ask.turn,
        tools: ask.tools.length,
        cwd: ask.cwd,
        maxTokens: ask.body.max_tokens,
        rule: decision.rule,
        step: decision.step,
        retry: req.headers["x-stainless-retry-count"],
      };
      if (decision.fail) {
        const { fail } = decision;
        if (fail.delayMs) await new Promise((done) => setTimeout(done, fail.delayMs));
        note({ ...entry, status: fail.drop ? "drop" : fail.status });
        if (fail.drop) return req.socket.destroy();
        return json(fail.status, fail.body ?? errorBody(ask.api, fail), {
          "request-id": `req_fake_${count}`,
          ...fail.headers,
        });
      }
      const live = { ...entry, status: 200, calls: decision.reply.calls.map((c) => c.name) };
      note(live);
      try {
        live.usage = await writeReply(ask.api, ask, decision.reply, res);
        live.ms = Date.now() - at;
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
        live.ended = error.message;
      }
    } catch (error) {
      note({ ...base, status: "fake-error", error: String(error?.stack ?? error) });
      if (!res.headersSent)
        json(
          500,
          errorBody("anthropic", { status: 500, type: "api_error", message: `fake server: ${error?.message}` }),
        );
      else res.destroy();
    }
  };
  const server = createServer((req, res) => void answer(req, res));
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  // No websockets here: a client that tries one is told to use plain HTTP.
  server.on("upgrade", (req, socket) => {
    note({ n: ++count, at: new Date().toISOString(), method: "UPGRADE", path: req.url, status: 426 });
    socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  });
  await new Promise((ok, bad) => server.once("error", bad).listen(port, host, ok));
  const url = `http://${host}:${server.address().port}`;
  return {
    url,
    port: server.address().port,
    journal,
    script,
    /** only the model requests that the script answered */
    asks: () => journal.filter((e) => e.api),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const tryJson = (raw) => {
  try {
    return JSON.parse(raw);
  } catch {
    return { unparsed: String(raw).slice(0, 2000) };
  }
};

export async function loadScenario(file) {
  if (!file) return { rules: [] };
  if (file.endsWith(".json")) return JSON.parse((await import("node:fs")).readFileSync(file, "utf8"));
  return (await import(pathToFileURL(resolve(file)).href)).scenario;
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const option = (name) => {
    const i = process.argv.indexOf(`--${name}`);
    return i < 0 ? undefined : process.argv[i + 1];
  };
  const dumpDir = option("dump");
  if (dumpDir) mkdirSync(dumpDir, { recursive: true });
  const fake = await startFake({
    scenario: await loadScenario(option("scenario")),
    port: Number(option("port") ?? 0),
    journalFile: option("journal"),
    dumpDir,
  });
  console.log(`LISTENING ${fake.url} pid ${process.pid}`);
  const ready = option("ready-file");
  if (ready) {
    writeFileSync(`${ready}.part`, fake.url);
    renameSync(`${ready}.part`, ready);
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void fake.stop().then(() => process.exit(0)));
}
