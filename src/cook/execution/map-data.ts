/** Where the items of a map come from: a file, a command, globs, or the workflow itself. */
import { isAbsolute } from "node:path";
import { readJson } from "../../workflow/json.ts";
import type { Json } from "../../workflow/model.ts";
import { dataOfText } from "../../workflow/select-text.ts";
import { fault } from "../decision/fault.ts";
import type { PlanMap } from "../decision/command.ts";
import { lastLines } from "./result.ts";
import { Refusal, render, renderScript, type Room, type Setting } from "./room.ts";
import { mapStrings } from "./scope.ts";

export interface Planning {
  readonly command: PlanMap;
  readonly room: Room;
  readonly setting: Setting;
}

const MAX_INPUT_BYTES = 256 * 1024 * 1024;
const COMMAND_TIMEOUT_MS = 300_000;

/** Null when it was stopped. */
export async function mapData(planning: Planning): Promise<Json | Refusal | null> {
  const { input } = planning.command.action;
  switch (input.kind) {
    case "file": {
      const found = await ofFile(planning, input.path);
      if (found === "missing") return missing(planning, input.path);
      return found instanceof Refusal ? found : found.data;
    }
    case "command":
      return ofCommand(planning, input.script, input.timeoutMs);
    case "glob":
      return ofGlobs(planning, input.patterns);
    case "items":
      return ofList(planning, input.items);
    case "planned":
      return input.items.map(({ data }) => data);
    case "auto": {
      const found = await ofFile(planning, input.text);
      if (found !== "missing") return found instanceof Refusal ? found : found.data;
      return looksLikeFile(input.text) ? missing(planning, input.text) : ofCommand(planning, input.text, null);
    }
  }
}

/** A single word with the ending of a data file is a name that was mistyped, and no command. */
function looksLikeFile(text: string): boolean {
  return /^\S+\.(?:jsonl?|ndjson|ya?ml|txt|csv)$/i.test(text.trim());
}

function missing({ command, setting }: Planning, template: string): Refusal {
  const path = render(template, setting, command.step);
  const name = path instanceof Refusal ? template : path;
  return new Refusal(
    fault("input", `the input file ${name} of the map is not there`, {
      at: command.step.at,
      help: "paths are relative to the worktree, where only committed files and what setup has made are found; a command is written as input: {command: ...}",
    }),
  );
}

async function ofFile(
  { command, room, setting }: Planning,
  template: string,
): Promise<{ readonly data: Json } | Refusal | "missing"> {
  const rendered = render(template, setting, command.step);
  // What is no path may have variables of the shell.
  if (rendered instanceof Refusal) return "missing";
  const path = rendered.trim();
  if (path === "" || path.includes("\n") || path.length > 4096) return "missing";
  const { files, host } = room.ports;
  const access = { root: setting.root, directory: setting.root, path, allowOutside: [] };
  const read = isAbsolute(path)
    ? await host.readText(path, MAX_INPUT_BYTES)
    : await files.read({ ...access, maxBytes: MAX_INPUT_BYTES });
  if (!read.ok) return looksLikeFile(path) ? new Refusal(read.fault) : "missing";
  if (read.value === null) return "missing";
  const value = readJson(read.value);
  if (value !== undefined) return { data: value };
  if (/\.(?:jsonl|ndjson|txt)$/i.test(path)) return { data: dataOfText(read.value) };
  return new Refusal(
    fault("input", `the input file ${path} of the map is not JSON`, {
      at: command.step.at,
      help: "write JSON, one JSON value a line (.jsonl), or one item a line (.txt)",
    }),
  );
}

async function ofCommand(
  planning: Planning,
  template: string,
  timeoutMs: number | null,
): Promise<Json | Refusal | null> {
  const { command, room, setting } = planning;
  const { step, lane } = command;
  const script = renderScript(template, setting, step);
  if (script instanceof Refusal) return script;
  const logs = room.ports.logs.name({ lane, sequence: room.session.starts, label: `items of ${step.label}` });
  const output = { stdoutLog: logs.stdout, stderrLog: logs.stderr, onLine: () => undefined };
  const limit = timeoutMs ?? COMMAND_TIMEOUT_MS;
  const run = await room.ports.commands.run(
    { lane, script, directory: setting.directory, env: setting.env, timeoutMs: limit, output },
    room.signal,
  );
  if (run.ended === "stopped") return null;
  if (run.ended === "exited" && run.exitCode === 0 && !run.truncated) return dataOfText(run.stdout);
  const why =
    run.ended === "timeout"
      ? `ran into its time limit of ${String(limit / 1000)} s`
      : run.truncated
        ? "printed too much"
        : `failed with exit code ${String(run.exitCode)}`;
  return new Refusal(
    fault("loop", `the command that lists the items of the map ${why}: ${script}`, {
      exitCode: run.exitCode,
      lastLines: lastLines(run.stderr),
      at: step.at,
      logs: [logs.stdout, logs.stderr],
    }),
  );
}

async function ofGlobs({ command, room, setting }: Planning, templates: readonly string[]): Promise<Json | Refusal> {
  const patterns: string[] = [];
  for (const template of templates) {
    const pattern = render(template, setting, command.step);
    if (pattern instanceof Refusal) return pattern;
    patterns.push(pattern);
  }
  const found = await room.ports.files.list({ root: setting.root, patterns });
  return found.ok ? found.value : new Refusal(found.fault);
}

/** Texts in the workflow may have variables, however deep they lie. */
function ofList({ command, setting }: Planning, items: readonly Json[]): Json | Refusal {
  let refusal: Refusal | null = null;
  const filled = items.map((item) =>
    mapStrings(item, (text) => {
      const rendered = render(text, setting, command.step);
      if (!(rendered instanceof Refusal)) return rendered;
      refusal ??= rendered;
      return text;
    }),
  );
  return refusal ?? filled;
}
