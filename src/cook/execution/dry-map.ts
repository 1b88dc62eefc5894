/** The items of a map as a dry run can know them: nothing is executed, but files that are there already are read. */
import { readJson } from "../../workflow/json.ts";
import type { Json } from "../../workflow/model.ts";
import { select } from "../../workflow/select.ts";
import { dataOfText } from "../../workflow/select-text.ts";
import type { PlanMap } from "../decision/command.ts";
import type { EventBody } from "../decision/event.ts";
import type { Session } from "../decision/state.ts";
import type { FilesPort } from "../ports.ts";
import { identified } from "./map-plan.ts";
import { Refusal } from "./room.ts";

const MAX_INPUT_BYTES = 256 * 1024 * 1024;

/** One item stands for all where they are not known. */
export async function plannedDry(
  command: PlanMap,
  session: Session,
  files: Pick<FilesPort, "read" | "list">,
): Promise<readonly EventBody[]> {
  const { lane, path, action } = command;
  const data = await dataOf(command, session.order.repository.path, files);
  const { offset, maxItems } = action.select;
  const isKnown = data !== null && [offset, maxItems].every((text) => text === null || /^\s*\d+\s*$/.test(text));
  const numbers = { offset: numberOf(offset), maxItems: numberOf(maxItems) };
  const selected = isKnown ? select(data, { ...action.select, ...numbers }) : null;
  const named = selected?.ok === true ? identified(selected.items) : null;
  const items = named === null || named instanceof Refusal ? [{ id: "<item>", data: "<item>" }] : named;
  const told = { lane, path, parallel: numberOf(action.maxParallel) ?? 1, timeoutMs: null };
  const planned = { type: "map-planned", ...told, items } as const;
  if (selected !== null && !selected.ok) {
    const { field, message } = selected.problem;
    return [{ type: "warned", lane, path, message: `the items cannot be selected: ${field}: ${message}` }, planned];
  }
  return named instanceof Refusal ? [{ type: "warned", lane, path, message: named.fault.message }, planned] : [planned];
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\s*\d+\s*$/.test(text) ? Number(text) : null;
}

/** Null where a command or a variable would have to tell. */
async function dataOf(
  { action }: PlanMap,
  root: string,
  files: Pick<FilesPort, "read" | "list">,
): Promise<Json | null> {
  const { input } = action;
  switch (input.kind) {
    case "items":
      return input.items;
    case "glob": {
      if (input.patterns.some((pattern) => pattern.includes("$"))) return null;
      const found = await files.list({ root, patterns: input.patterns });
      return found.ok ? found.value : null;
    }
    case "file":
      return ofFile(input.path, root, files);
    case "auto":
      return ofFile(input.text, root, files);
    case "planned":
    case "command":
      return null;
  }
}

async function ofFile(path: string, root: string, files: Pick<FilesPort, "read">): Promise<Json | null> {
  if (path.includes("$") || path.includes("\n") || path.length > 4096) return null;
  const read = await files.read({
    root,
    directory: root,
    path: path.trim(),
    allowOutside: [],
    maxBytes: MAX_INPUT_BYTES,
  });
  if (!read.ok || read.value === null) return null;
  return readJson(read.value) ?? (/\.(?:jsonl|ndjson|txt)$/i.test(path.trim()) ? dataOfText(read.value) : null);
}
