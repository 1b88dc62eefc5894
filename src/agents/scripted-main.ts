import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { text as readAll } from "node:stream/consumers";
import { openClock } from "../system/clock.ts";
import { describeError } from "../system/fault.ts";
import { chooseRule } from "./script-match.ts";
import { parseScript, type ScriptStep, type ScriptUsage } from "./script.ts";
import { perform } from "./scripted-actions.ts";
import { endFailing, endWell, openVoice, type Voice } from "./scripted-voice.ts";
import { openScriptedState, type ScriptedState } from "./scripted-state.ts";

export interface ScriptedProcess {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Plays a script for one prompt: the program behind the agent `scripted`. Returns the exit code. */
export async function scriptedMain(self: ScriptedProcess): Promise<number> {
  const { values } = parseArgs({
    args: [...self.argv],
    options: {
      script: { type: "string" },
      state: { type: "string" },
      "session-id": { type: "string" },
      resume: { type: "string" },
    },
  });
  const complain = (problem: string): number => {
    self.stderr.write(`${problem}\n`);
    return 1;
  };
  const session = values.resume ?? values["session-id"];
  if (values.script === undefined || values.state === undefined || session === undefined) {
    return complain("usage: scripted-agent --script FILE --state FOLDER (--session-id ID | --resume ID) < PROMPT");
  }
  const script = parseScript(
    await readFile(values.script, "utf8").catch((error: unknown) => `cannot be read: ${describeError(error)}`),
  );
  if (typeof script === "string") return complain(`The script ${values.script} is not valid: ${script}.`);
  const state = openScriptedState(values.state, session);
  if (values.resume !== undefined && state.prompt() === null)
    return complain(`No conversation found with session ID: ${session}`);
  const prompt = await readAll(self.stdin);
  const voice = openVoice(self.stdout, session);
  voice.begin();
  const rule = chooseRule(script, prompt);
  if (rule === null) return endFailing(voice, { as: "error", message: `no rule of ${values.script} fits this prompt` });
  if (values.resume === undefined) state.begin(prompt);
  return play({ self, state, voice, steps: rule.steps, countKey: `${rule.name}\n${state.prompt() ?? ""}` });
}

interface Play {
  readonly self: ScriptedProcess;
  readonly state: ScriptedState;
  readonly voice: Voice;
  readonly steps: readonly ScriptStep[];
  readonly countKey: string;
}

async function play({ self, state, voice, steps, countKey }: Play): Promise<number> {
  const clock = openClock();
  for (const [index, { action, usage, times }] of steps.entries()) {
    if (index < state.done()) continue;
    voice.use(usage ?? NOTHING);
    switch (action.kind) {
      case "say":
        voice.say(action.text);
        break;
      case "think":
        await clock.sleep(action.ms, new AbortController().signal);
        break;
      case "deny":
        voice.denied(action.tool);
        break;
      case "hang":
        if (!state.count(`${countKey}\n${index}`, times)) break;
        // Said after it was counted, so that who stops it now finds it counted when the session goes on.
        voice.tool({ kind: "shell", script: "hang" });
        await forever();
        break;
      case "fail":
        if (!state.count(`${countKey}\n${index}`, times)) break;
        return endFailing(voice, { ...action, stderr: self.stderr, now: clock.now() });
      case "write":
      case "append":
      case "edit":
      case "delete":
      case "shell":
      case "commit": {
        const tool = voice.tool(action);
        const result = await perform(action, self);
        tool.answer(result);
        if (result.fatal) return endFailing(voice, { as: "error", message: result.text });
        break;
      }
    }
    // Only now: what was interrupted before is done again, as with any agent.
    state.finish(index + 1);
  }
  return endWell(voice);
}

const NOTHING: ScriptUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cost: 0 };

/** A timer keeps the process alive; without one it would end and the hanging with it. */
function forever(): Promise<never> {
  return new Promise(() => void setInterval(() => undefined, 60_000));
}
