import type { AgentRun } from "../cook/ports.ts";
import { runChild } from "../system/child.ts";
import type { Children } from "../system/children.ts";
import type { OutputSink } from "../system/output.ts";
import { findProgram } from "../system/programs.ts";
import { fieldsOf, listOf, parseFields, textOf, textsOf } from "./json-fields.ts";

/**
 * The slash commands that Claude Code knows in a folder, aliases included; null when it does not say. It is asked with
 * the request by which programs open a session, which it answers without calling the model.
 */
export async function knownCommands(
  { bin, run, env, children }: Asked,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const program = findProgram(bin, env["PATH"] ?? "", run.directory);
  if (program === null) return null;
  const output = collect();
  const end = await runChild(
    {
      command: [program, ...ARGUMENTS],
      directory: run.directory,
      env,
      stdin: `${REQUEST}\n`,
      timeoutMs: LIMIT_MS,
      idleMs: null,
      stdout: output.sink,
      stderr: collect().sink,
      children,
    },
    signal,
  );
  return end.ended === "exited" ? commandsIn(output.text()) : null;
}

export interface Asked {
  readonly bin: string;
  readonly run: Pick<AgentRun, "directory">;
  readonly env: Readonly<Record<string, string>>;
  readonly children: Children;
}

const ARGUMENTS: readonly string[] = [
  "--print",
  "--input-format",
  "stream-json",
  "--output-format",
  "stream-json",
  "--verbose",
  "--dangerously-skip-permissions",
  "--no-session-persistence",
];

const REQUEST = '{"type":"control_request","request_id":"prodigy","request":{"subtype":"initialize"}}';

/** It takes less than a second. What takes so long will not answer, and then the question is let be. */
const LIMIT_MS = 20_000;

function commandsIn(text: string): readonly string[] | null {
  for (const line of text.split("\n")) {
    const event = parseFields(line);
    if (event?.["type"] !== "control_response") continue;
    const answer = fieldsOf(fieldsOf(event["response"])?.["response"]);
    const names = listOf(answer?.["commands"]).flatMap((entry) => {
      const command = fieldsOf(entry);
      return [textOf(command?.["name"]) ?? "", ...textsOf(command?.["aliases"])].filter((name) => name !== "");
    });
    return names.length === 0 ? null : names;
  }
  return null;
}

/** The answer has some ten kilobytes. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

function collect(): { readonly sink: OutputSink; readonly text: () => string } {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    sink: {
      write: async (bytes) => {
        size += bytes.length;
        if (size <= MAX_CHARACTERS) chunks.push(bytes);
      },
      end: () => Promise.resolve(),
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}
