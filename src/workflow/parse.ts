/** Text -> a workflow, or everything that is wrong with it. */
import { NO_AGENT_SETTINGS } from "./agent-settings.ts";
import { composed } from "./compose.ts";
import type { Composition } from "./compose-load.ts";
import { report } from "./decode.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Diagnostics, Edit, Fix } from "./diagnostics.ts";
import { collectDiagnostics } from "./diagnostics.ts";
import { warnAboutIds } from "./ids.ts";
import { isMapReduce, mapReduceWorkflow } from "./mapreduce.ts";
import { readMapping } from "./mapping.ts";
import type { Environment, Workflow } from "./model.ts";
import type { MapNode, SourceNode } from "./source-node.ts";
import { makeSource, partAt } from "./source.ts";
import { openSources } from "./source-set.ts";
import type { SourceSet } from "./source-set.ts";
import { contextOf } from "./step-context.ts";
import { decodeSteps } from "./step.ts";
import type { StepContext } from "./step.ts";
import type { WorkflowFiles } from "./workflow-files.ts";
import { warnAboutWorkflow } from "./suspicious.ts";
import { nameOf, stepsOfWorkflow, workflowParts } from "./workflow-parts.ts";
import { WORKFLOW } from "./workflow-table.ts";
import { parseSource } from "./yaml-source.ts";

export interface ParseOptions {
  /** As messages show it; the workflow's name where the file gives none. */
  readonly file: string;
  /** @default "json" for a file that ends in `.json`, else "yaml" */
  readonly format?: "yaml" | "json";
  /** How files that this one includes are read. @default they are not */
  readonly files?: WorkflowFiles;
  /** The file as `files` names it. @default `file` */
  readonly id?: string;
}

export interface ParsedWorkflow {
  /** Null if and only if a diagnostic is an error. */
  readonly workflow: Workflow | null;
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[];
  /** What brings old spellings up to date, as offsets into the text without its byte order mark. */
  readonly fixes: readonly Fix[];
}

export function parseWorkflow(text: string, options: ParseOptions): ParsedWorkflow {
  const { root, composition, sources, out, isBroken } = readTree(text, options);
  const workflow = root === null ? undefined : decodeWorkflow(root, composition);
  if (workflow !== undefined && !isBroken()) warnAboutWorkflow(workflow, out);
  const diagnostics = out.list();
  // What another file spells in an old way is mended in that file.
  const isOwn = ({ at }: Edit): boolean => partAt(sources.source, at.start).source === sources.source;
  const fixes = out.fixes().filter((fix) => fix.every(isOwn));
  return { workflow: !isBroken() ? (workflow ?? null) : null, diagnostics, fixes };
}

/** A file with all that it includes, as one tree. */
export function readTree(
  text: string,
  options: ParseOptions,
): {
  readonly root: SourceNode | null;
  readonly composition: Composition;
  readonly sources: SourceSet;
  readonly out: Diagnostics;
  readonly isBroken: () => boolean;
} {
  const format = options.format ?? (options.file.endsWith(".json") ? "json" : "yaml");
  const sources = openSources(makeSource(options.file, text.replace(/^\uFEFF/u, "")));
  const out = collectDiagnostics(sources.source);
  const isBroken = (): boolean => out.list().some(({ severity }) => severity === "error");
  const composition: Composition = {
    out,
    sources,
    files: options.files ?? null,
    compose: composed,
    isBroken,
    known: new Map(),
    places: new Map(),
    aliases: new Map(),
  };
  const own = parseSource(format, out);
  const place = { composition, trail: [{ id: options.id ?? options.file, file: options.file }] };
  composition.places.set(0, place);
  const root = own === null ? null : composed(own, place);
  return { root, composition, sources, out, isBroken };
}

function decodeWorkflow(root: SourceNode, composition: Composition): Workflow | undefined {
  const context = contextOf(root, composition);
  switch (root.kind) {
    case "list":
      return listWorkflow(root, context);
    case "map":
      return mappingWorkflow(root, context);
    case "scalar": {
      const help = "a workflow is a list of steps, or a mapping with `commands:`";
      return report(context, { code: "wrong-type", at: root.at, message: "this is one text and no workflow", help });
    }
    case "broken":
      return undefined;
  }
}

function listWorkflow(root: SourceNode, context: StepContext): Workflow | undefined {
  const steps = decodeSteps(root, { bareText: "agent", isWork: true }, context);
  if (steps === undefined) return undefined;
  warnAboutIds(steps, context);
  const environment: Environment = { inherit: true, files: [], values: [], profiles: {}, secrets: [], notSecret: [] };
  return {
    mode: "sequential",
    name: nameOf(context.out.source.file),
    description: null,
    steps,
    merge: null,
    environment,
    parameters: [],
    agent: NO_AGENT_SETTINGS,
    settings: { allowPathsOutside: [], maxIterations: null },
  };
}

function mappingWorkflow(root: MapNode, context: StepContext): Workflow | undefined {
  const name = nameOf(context.out.source.file);
  if (isMapReduce(root)) return mapReduceWorkflow(root, name, context);
  const read = readMapping(root, WORKFLOW, context);
  if (read === undefined) return undefined;
  const { fields } = read;
  const steps = stepsOfWorkflow(read, context);
  if (steps === undefined) return undefined;
  const parts = workflowParts(fields, name, context);
  warnAboutIds([...steps, ...(parts.merge?.steps ?? [])], context);
  const settings = { ...parts.settings, maxIterations: fields.max_iterations?.value ?? null };
  return { mode: "sequential", ...parts, steps, settings };
}
