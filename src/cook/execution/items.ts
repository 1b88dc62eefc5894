/** Finds the items of a `foreach`. */
import { readJson } from "../../workflow/json.ts";
import { isList } from "../../workflow/path.ts";
import type { ForeachAction, Json } from "../../workflow/model.ts";
import type { PlanItems } from "../decision/command.ts";
import type { EventBody, Fault } from "../decision/event.ts";
import { assert } from "../decision/assert.ts";
import { indexOf, parentOf } from "../decision/state.ts";
import { fault } from "../decision/fault.ts";
import { lastLines } from "./result.ts";
import { laneIn, Refusal, render, renderScript, type Room, type Setting, settingOf } from "./room.ts";
import { mapStrings } from "./scope.ts";

/** More items than this belong into a map phase. */
const MAX_ITEMS = 100_000;

export async function planItems(command: PlanItems, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, step } = command;
  assert(step.action.kind === "foreach", "items are planned for a step that is no loop");
  const setting = await settingOf(command, room);
  if (setting === "stopped") return [];
  if (setting instanceof Refusal) return notPlanned(command, setting.fault, room);
  const items = await itemsOf(step.action, { command, room, setting });
  if (items === null) return [];
  if (items instanceof Refusal) return notPlanned(command, items.fault, room);
  const limited = step.action.maxItems === null ? items : items.slice(0, step.action.maxItems);
  if (limited.length > MAX_ITEMS)
    return notPlanned(
      command,
      fault("loop", `step "${step.label}" has ${String(limited.length)} items, more than ${String(MAX_ITEMS)}`, {
        at: step.at,
      }),
      room,
    );
  const seal = (text: string): string => room.ports.masker.seal(text);
  return [{ type: "items-planned", lane, path, items: limited.map((item) => mapStrings(item, seal)) }];
}

/** The attempt fails: there is nothing that it could go through. */
export function notPlanned({ lane, path, step }: PlanItems, reason: Fault, { session }: Room): readonly EventBody[] {
  const { parent, segment } = parentOf(path);
  const result = {
    ok: false,
    exitCode: reason.exitCode,
    output: "",
    stderr: "",
    durationMs: 0,
    fault: { ...reason, at: reason.at ?? step.at },
    resetsAt: null,
  };
  return [
    {
      type: "attempt-ended",
      lane,
      path: parent,
      attempt: indexOf(segment),
      result,
      tree: laneIn(session, lane).tree,
      commits: [],
      usage: null,
      set: {},
    },
  ];
}

interface Planning {
  readonly command: PlanItems;
  readonly room: Room;
  readonly setting: Setting;
}

/** Null when it was stopped. */
async function itemsOf(action: ForeachAction, planning: Planning): Promise<readonly Json[] | Refusal | null> {
  switch (action.input.kind) {
    case "list":
      return listItems(action.input.items, planning);
    case "command":
      return lineItems(action.input.script, planning);
  }
}

function listItems(items: readonly Json[], { command, setting }: Planning): readonly Json[] | Refusal {
  const filled: Json[] = [];
  for (const item of items) {
    const value = typeof item === "string" ? render(item, setting, command.step) : item;
    if (value instanceof Refusal) return value;
    filled.push(value);
  }
  return filled;
}

/** One item a line; blank lines are none. Output that is a JSON array gives its elements. */
async function lineItems(
  template: string,
  { command, room, setting }: Planning,
): Promise<readonly Json[] | Refusal | null> {
  const { step, lane } = command;
  const script = renderScript(template, setting, step);
  if (script instanceof Refusal) return script;
  const logs = room.ports.logs.name({ lane, sequence: room.session.starts, label: `items of ${step.label}` });
  const output = { stdoutLog: logs.stdout, stderrLog: logs.stderr, onLine: () => undefined };
  const run = await room.ports.commands.run(
    { lane, script, directory: setting.directory, env: setting.env, timeoutMs: step.timeoutMs, output },
    room.signal,
  );
  if (run.ended === "stopped") return null;
  if (run.ended !== "exited" || run.exitCode !== 0) {
    const why = run.ended === "timeout" ? "ran into its time limit" : `failed (exit code ${String(run.exitCode)})`;
    return new Refusal(
      fault("loop", `the command that lists the items of step "${step.label}" ${why}: ${script}`, {
        exitCode: run.exitCode,
        lastLines: lastLines(run.stderr),
        at: step.at,
        logs: [logs.stdout, logs.stderr],
      }),
    );
  }
  return (
    jsonItems(run.stdout) ??
    run.stdout
      .split("\n")
      .map((line) => line.replace(/\r$/, ""))
      .filter((line) => line.trim() !== "")
  );
}

/** A line may begin with a bracket too: only a whole JSON array counts. */
function jsonItems(text: string): readonly Json[] | null {
  const value = text.trimStart().startsWith("[") ? readJson(text) : undefined;
  return value !== undefined && isList(value) ? value : null;
}
