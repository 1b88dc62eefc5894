/** The steps that a step calls: of a template, of an import with an alias, or of a workflow in another file. */
import { isNamed } from "./compose.ts";
import { type Composition, load, type Place } from "./compose-load.ts";
import { makeList, makeMap, stepsOf } from "./compose-merge.ts";
import type { Callee, CalleeName } from "./decode.ts";
import { isMapReduce } from "./mapreduce.ts";
import { readMapping } from "./mapping.ts";
import { withDefaults } from "./parameters.ts";
import { nearest } from "./problem.ts";
import type { MapNode } from "./source-node.ts";
import { partAt } from "./source.ts";
import type { StepContext } from "./step.ts";
import { nameOf, stepsOfWorkflow } from "./workflow-parts.ts";
import { WORKFLOW } from "./workflow-table.ts";

export interface Opening {
  readonly composition: Composition;
  /** The files that are being called. */
  readonly callers: readonly MapNode[];
  /** What the steps of a file are read with. */
  readonly inside: (file: MapNode) => StepContext;
}

export function openCallee(wanted: CalleeName, opening: Opening): Callee | undefined {
  const { composition, callers } = opening;
  const { out, places } = composition;
  const place = places.get(partAt(out.source, wanted.at.start).start);
  if (place === undefined) return undefined;
  const found = wanted.kind === "use" ? used(wanted, place) : file(wanted, place);
  if (found === null) return undefined;
  if (callers.includes(found.file)) {
    const message = `${wanted.text} calls itself`;
    out.report({ code: "import-cycle", at: wanted.at, message, help: "a `goal_seek` or a `foreach` repeats steps" });
    return undefined;
  }
  if (isMapReduce(found.file)) {
    const message = `${wanted.text} is a MapReduce workflow, which cannot run inside of another one`;
    out.report({ code: "not-supported-yet", at: wanted.at, message, help: "run it by itself" });
    return undefined;
  }
  const context = opening.inside(found.file);
  checkOwn(found.file, context);
  const read = readMapping(found.part, WORKFLOW, context);
  const steps = read === undefined ? undefined : stepsOfWorkflow(read, context);
  if (read === undefined || steps === undefined) return undefined;
  const parameters = withDefaults(read.fields.parameters?.value ?? [], read.fields.defaults?.value ?? []);
  return { name: read.fields.name?.value.trim() ?? nameOf(wanted.text), parameters, steps };
}

/** A file, and what of it is called. */
interface Found {
  readonly file: MapNode;
  readonly part: MapNode;
}

function file({ text, at }: CalleeName, place: Place): Found | null {
  const found = load({ paths: [text], at, what: `the workflow "${text}"` }, place);
  return found === null ? null : { file: found, part: found };
}

function used(wanted: CalleeName, place: Place): Found | null {
  const { text, at } = wanted;
  const { aliases, out } = place.composition;
  const own = aliases.get(place.trail.at(-1)?.id ?? "") ?? new Map<string, MapNode>();
  const [alias = "", ...rest] = text.split(".");
  const imported = own.get(alias);
  if (imported !== undefined)
    return rest.length === 0 ? { file: imported, part: imported } : step(wanted, imported, place);
  if (/[/\\]|\.(?:ya?ml|json)$/iu.test(text)) return file(wanted, place);
  if (rest.length > 0) {
    const names = [...own.keys()];
    const near = nearest(alias, names);
    const listed = names.length === 0 ? "give an import its `alias:`" : `aliases: ${names.join(", ")}`;
    const help = near === null ? listed : `did you mean "${near}"?`;
    out.report({ code: "unknown-value", at, message: `no import of this file has the alias "${alias}"`, help });
    return null;
  }
  const found = load({ paths: null, registry: text, at, what: `the template "${text}"` }, place);
  return found === null ? null : { file: found, part: found };
}

/** One step of an import, with all that its file says for it. */
function step({ text, at }: CalleeName, imported: MapNode, { composition: { out } }: Place): Found | null {
  const name = text.slice(text.indexOf(".") + 1);
  const found = stepsOf(imported).find((node, index) => String(index) === name || isNamed(node, name));
  if (found !== undefined) {
    const others = imported.entries.filter(
      ({ key }) => !["commands", "steps", "workflows", "sub_workflows"].includes(key),
    );
    const commands = { key: "commands", keyAt: found.at, value: makeList(found, [found]) };
    return { file: imported, part: makeMap(imported, [...others, commands]) };
  }
  const help = "write the number of a step, counted from 0, its id or its name";
  out.report({ code: "unknown-value", at, message: `the imported file has no step "${name}"`, help });
  return null;
}

/** What a file can say for itself, and not for its steps inside of another workflow. */
const OWN_ONLY = [
  "secrets",
  "env_files",
  "env_file",
  "profiles",
  "inherit",
  "not_secret",
  "allow_paths_outside",
  "max_iterations",
];

function checkOwn({ entries }: MapNode, { out }: StepContext): void {
  for (const { key, keyAt } of entries) {
    if (OWN_ONLY.includes(key)) {
      const message = `"${key}" of a workflow that is called from another one is not supported`;
      out.report({ code: "not-supported-yet", at: keyAt, message, help: "say it in the calling workflow" });
    }
    if (key !== "merge") continue;
    const message = '"merge" has no effect in a workflow that is called: its work lands with that of the caller';
    out.report({ code: "no-effect", at: keyAt, message });
  }
}
