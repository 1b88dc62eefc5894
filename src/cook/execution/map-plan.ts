/** Finds a map's items, and the numbers of its settings that come from variables. */
import { createHash } from "node:crypto";
import { parseDuration } from "../../workflow/duration.ts";
import type { Json } from "../../workflow/model.ts";
import { isRecord } from "../../workflow/path.ts";
import { type FilledSelection, select, type Selected } from "../../workflow/select.ts";
import { canonical } from "../../workflow/select-keys.ts";
import type { PlanMap } from "../decision/command.ts";
import type { EventBody, Fault } from "../decision/event.ts";
import type { MapItem } from "../decision/event-map.ts";
import { fault } from "../decision/fault.ts";
import { indexOf, parentOf } from "../decision/state.ts";
import { mapData, type Planning } from "./map-data.ts";
import { laneIn, Refusal, render, type Room, settingOf } from "./room.ts";
import { mapStrings } from "./scope.ts";

/** More items than this are a mistake in the selection. */
const MAX_ITEMS = 100_000;
/** More worktrees than this no machine has room for. */
const MAX_PARALLEL = 1000;

export async function planMap(command: PlanMap, room: Room): Promise<readonly EventBody[]> {
  const setting = await settingOf(command, room);
  if (setting === "stopped") return [];
  const planned = setting instanceof Refusal ? setting : await plan({ command, room, setting });
  if (planned === null) return [];
  if (planned instanceof Refusal) return [notPlanned(command, planned.fault, room)];
  return planned;
}

/** Null when it was stopped. */
async function plan(planning: Planning): Promise<readonly EventBody[] | Refusal | null> {
  const { command, room } = planning;
  const { lane, path } = command;
  const numbers = numbersOf(planning);
  if (numbers instanceof Refusal) return numbers;
  const data = await mapData(planning);
  if (data === null || data instanceof Refusal) return data;
  const selected = select(data, numbers.selection, planning.setting.fullScope);
  if (!selected.ok) return new Refusal(notSelected(command, selected.problem));
  if (selected.items.length > MAX_ITEMS)
    return new Refusal(
      fault("loop", `the map has ${String(selected.items.length)} items, more than ${String(MAX_ITEMS)}`, {
        help: "narrow it with filter, offset and max_items",
      }),
    );
  const { input } = command.action;
  const items = input.kind === "planned" ? input.items : identified(selected.items);
  if (items instanceof Refusal) return items;
  const seal = (text: string): string => room.ports.masker.seal(text);
  const { parallel, timeoutMs } = numbers;
  const sealed = items.map(({ id, data: value }) => ({ id: seal(id), data: mapStrings(value, seal) }));
  return [...warnings(command, selected), { type: "map-planned", lane, path, items: sealed, parallel, timeoutMs }];
}

interface Numbers {
  readonly parallel: number;
  readonly timeoutMs: number | null;
  readonly selection: FilledSelection;
}

function numbersOf(planning: Planning): Numbers | Refusal {
  const { action } = planning.command;
  const parallel = whole(planning, "max_parallel", { template: action.maxParallel, min: 1, max: MAX_PARALLEL });
  if (parallel instanceof Refusal) return parallel;
  const timeoutMs = action.timeout.limit === null ? null : timeLimit(planning, action.timeout.limit);
  if (timeoutMs instanceof Refusal) return timeoutMs;
  const { jsonPath, filter, sortBy, distinct } = action.select;
  const [offset, maxItems] = [action.select.offset, action.select.maxItems].map((template, index) =>
    template === null ? null : whole(planning, index === 0 ? "offset" : "max_items", { template, min: 0, max: 1e9 }),
  );
  if (offset instanceof Refusal) return offset;
  if (maxItems instanceof Refusal) return maxItems;
  const selection = { jsonPath, filter, sortBy, distinct, offset: offset ?? null, maxItems: maxItems ?? null };
  return { parallel, timeoutMs, selection };
}

interface Bounds {
  readonly template: string;
  readonly min: number;
  readonly max: number;
}

function whole({ setting, command }: Planning, key: string, { template, min, max }: Bounds): number | Refusal {
  const text = render(bare(template), setting, command.step);
  if (text instanceof Refusal) return text;
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  const from = text.trim() === template.trim() ? "" : ` (from ${template.trim()})`;
  const message = `${key} is ${JSON.stringify(text.trim())}${from}, and not a whole number from ${String(min)} to ${String(max)}`;
  return new Refusal(fault("input", message, { help: "set the variable, or write the number into the workflow" }));
}

/** `$NAME` without braces, as numbers are often written. */
function bare(template: string): string {
  return template.replace(/^\s*\$([A-Za-z_]\w*)\s*$/, "${$1}");
}

function timeLimit({ setting, command }: Planning, template: string): number | Refusal {
  const text = render(bare(template), setting, command.step);
  if (text instanceof Refusal) return text;
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  const message = `the time limit of an item is ${JSON.stringify(text)}, and no duration`;
  return new Refusal(fault("input", message, { help: "write seconds, or a duration such as 10m" }));
}

/** Each item under its own name: its `id`, or what it is. The same data twice is told apart by its number. */
export function identified(data: readonly Json[]): readonly MapItem[] | Refusal {
  const places = new Map<string, number>();
  const copies = new Map<string, number>();
  const items: MapItem[] = [];
  for (const [index, value] of data.entries()) {
    const own = idOf(value);
    const id = own ?? unnamed(value, copies);
    const before = places.get(id);
    if (before !== undefined && own !== null) return new Refusal(sameId(id, before, index));
    places.set(id, index);
    items.push({ id, data: value });
  }
  return items;
}

function idOf(value: Json): string | null {
  const id = isRecord(value) ? value["id"] : undefined;
  return (typeof id === "string" && id !== "") || typeof id === "number" ? String(id) : null;
}

function unnamed(value: Json, copies: Map<string, number>): string {
  // A text that is short says best itself what it is.
  const isName = typeof value === "string" && /^[^\s\p{C}](?:[^\p{C}]{0,78}[^\s\p{C}])?$/u.test(value);
  const name = isName ? value : createHash("sha256").update(canonical(value)).digest("hex").slice(0, 12);
  const count = (copies.get(name) ?? 0) + 1;
  copies.set(name, count);
  return count === 1 ? name : `${name}-${String(count)}`;
}

function sameId(id: string, first: number, second: number): Fault {
  const message = `items ${String(first + 1)} and ${String(second + 1)} have the same id ${JSON.stringify(id)}`;
  return fault("input", message, { help: "give each item an id of its own, or write distinct: id to keep the first" });
}

function notSelected({ step }: PlanMap, problem: Extract<Selected, { ok: false }>["problem"]): Fault {
  return fault("expression", `${problem.field}: ${problem.message}`, { at: step.at, help: problem.help });
}

function warnings({ lane, path }: PlanMap, { warnings: problems }: Selected & { ok: true }): readonly EventBody[] {
  return problems.map(({ field, message, help }) => ({
    type: "warned",
    lane,
    path,
    message: `${field}: ${message}${help === null ? "" : ` (${help})`}`,
  }));
}

/** The map's attempt fails: there is nothing that it could go through. */
function notPlanned({ lane, path, step }: PlanMap, reason: Fault, { session }: Room): EventBody {
  const { parent, segment } = parentOf(path);
  const problem = { ...reason, at: reason.at ?? step.at };
  return {
    type: "attempt-ended",
    lane,
    path: parent,
    attempt: indexOf(segment),
    result: {
      ok: false,
      exitCode: reason.exitCode,
      output: "",
      stderr: "",
      durationMs: 0,
      fault: problem,
      resetsAt: null,
    },
    tree: laneIn(session, lane).tree,
    commits: [],
    usage: null,
    set: {},
  };
}
