/** What a step sees: the variables of its lane, of the loops around it and of the run. */
import type { Json, Step, Workflow } from "../../workflow/model.ts";
import { isList, isRecord } from "../../workflow/path.ts";
import { createScope, KNOWN_NAMESPACES, type Scope, type ScopeLayer } from "../../workflow/scope.ts";
import type { StepContext } from "../decision/command.ts";
import { valuesAt } from "../decision/compute.ts";
import type { Changes, Commit, StepPath } from "../decision/event.ts";
import { isIsolated, type Lane, type Session, variablesAt } from "../decision/state.ts";
import { everyStep } from "../needs.ts";
import type { MaskerPort, Ports } from "../ports.ts";
import { laneFacts, laneLayer } from "./lane-facts.ts";

/** A place in the run for which variables are wanted. */
export interface Place {
  readonly session: Session;
  readonly lane: Lane;
  readonly path: StepPath;
  readonly context: StepContext;
  readonly step: Step;
}

/** The scope without what must be asked of git: enough for labels. */
export function knownScope(place: Place, masker: MaskerPort): Scope {
  return createScope(layersOf(place, masker));
}

/** The whole scope. Git is asked only for names that the step mentions. */
export async function scopeOf(
  place: Place,
  ports: Pick<Ports, "trees" | "masker" | "host">,
  reader: Reader = "step",
): Promise<Scope> {
  const text = JSON.stringify(place.step);
  const layers = [...layersOf(place, ports.masker, reader)];
  if (/lane\./.test(text)) layers.unshift(laneLayer(await laneFacts(place.lane, { host: ports.host, text })));
  if (/vars\./.test(text)) layers.push(varsLayer(place, ports.masker));
  if (/map\.(?:results_json|outputs)/.test(text)) layers.push(mapLayer(place, ports.masker));
  if (/workflow\.|git\./.test(text)) layers.push(await workflowLayer(place, ports));
  if (/merge\./.test(text)) layers.push(await mergeLayer(place, ports));
  return createScope(layers);
}

/** Where the texts stand. The same `${uuid}` is one value in the workflow's `env:`, and another one in each step. */
type Reader = "step" | "environment";

function layersOf(place: Place, masker: MaskerPort, reader: Reader = "step"): readonly ScopeLayer[] {
  const { session, lane, path, context } = place;
  const { order } = session;
  const { ofSession, ofStep } = valuesAt(session, { lane: lane.id, path });
  const declared = declaredNames(order.workflow);
  const set = unsealed(variablesAt(lane, path), masker);
  const { parameters } = order;
  const parametersLayer = {
    values: { params: parameters, param: parameters, ...parameters },
    namespaces: declared.names,
  };
  return [
    {
      values: unsealed(present(reader === "step" ? { ...ofSession, ...ofStep } : { ...ofStep, ...ofSession }), masker),
    },
    { values: surroundings(place) },
    ...(isIsolated(`${lane.id}/${path}`) ? [] : [parametersLayer]),
    { values: set },
    { values: named(set, declared.ids) },
    { values: { args: argumentsIn(context.locals) } },
    { values: builtIn(place) },
    { values: unsealed(context.locals, masker) },
  ];
}

function argumentsIn(locals: Readonly<Record<string, Json>>): readonly Json[] {
  const args: Json[] = [];
  for (let value = locals["ARG_1"]; value !== undefined; value = locals[`ARG_${String(args.length + 1)}`])
    args.push(value);
  return args;
}

/** A file that need not be there has the value null, and then its default counts. */
function present(values: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  const entries = Object.entries(values);
  return entries.some(([, value]) => value === null)
    ? Object.fromEntries(entries.filter(([, value]) => value !== null))
    : values;
}

/** A step with the id `test` or `shell` is meant by `${test.output}`, and not the newest step of that kind. */
function named(set: Readonly<Record<string, Json>>, ids: readonly string[]): Readonly<Record<string, Json>> {
  const colliding = ids.filter((id) => Object.hasOwn(KNOWN_NAMESPACES, id) && set[id] !== undefined);
  return Object.fromEntries(colliding.map((id) => [id, set[id] ?? null]));
}

/** `vars.NAME`: what steps captured, also under a name that something else has as well. */
function varsLayer({ lane, path }: Place, masker: MaskerPort): ScopeLayer {
  const set = unsealed(variablesAt(lane, path), masker);
  return { values: Object.fromEntries(Object.entries(set).map(([name, value]) => [`vars.${name}`, value])) };
}

/** Other forms of `map.results`. They are made when they are asked for, so that the journal has the results once. */
function mapLayer({ lane, path }: Place, masker: MaskerPort): ScopeLayer {
  const { map = null } = variablesAt(lane, path);
  const results = isRecord(map) ? unsealed({ results: map["results"] ?? null }, masker)["results"] : undefined;
  if (results === undefined || !isList(results)) return { values: {} };
  const outputs = results.map((result) => (isRecord(result) ? (result["output"] ?? null) : null));
  return { values: { "map.results_json": JSON.stringify(results), "map.outputs": outputs } };
}

interface DeclaredNames {
  /** Ids and capture names of all steps: a path into one that is not there is a mistake, not a word of the shell. */
  readonly names: readonly string[];
  readonly ids: readonly string[];
}

function declaredNames(workflow: Workflow): DeclaredNames {
  const known = namesOf.get(workflow);
  if (known !== undefined) return known;
  const names = new Set<string>();
  const ids = new Set<string>();
  for (const step of everyStep([...workflow.steps, ...(workflow.merge?.steps ?? [])])) {
    if (step.id !== null) ids.add(step.id);
    const captured = [...(step.capture === null ? [] : [step.capture]), ...step.captures];
    for (const { name } of captured) names.add(name.split(".", 1)[0] ?? name);
  }
  const declared = { names: [...ids, ...names], ids: [...ids] };
  namesOf.set(workflow, declared);
  return declared;
}

const namesOf = new WeakMap<Workflow, DeclaredNames>();

function builtIn({ session, lane, step, path, context }: Place): Readonly<Record<string, Json>> {
  const { order } = session;
  const directory = lane.directory ?? "";
  const index = /(?:^|\/)step-(\d+)(?:\/(?:run|rerun-\d+|body-\d+))*$/.exec(path)?.[1];
  return {
    PROJECT_ROOT: directory,
    WORKTREE: directory,
    "workflow.name": order.workflow.name,
    "workflow.id": order.session,
    "workflow.iteration": context.locals["ITERATION"] ?? 1,
    "step.label": step.label,
    "step.name": step.label,
    "step.id": step.id,
    ...(index === undefined ? {} : { "step.index": Number(index) }),
    "run.session": order.session,
    "run.directory": directory,
    "run.branch": order.branch,
    "run.target": order.target,
    "run.profile": order.profile,
  };
}

/** Names that people also like to give to what they capture; then theirs are meant. */
function surroundings({ session, lane }: Place): Readonly<Record<string, Json>> {
  const { order } = session;
  return {
    "session.id": order.session,
    "session.branch": order.branch,
    "worktree.path": lane.directory ?? "",
    "worktree.name": order.session,
    "worktree.branch": order.branch,
    "worker.id": lane.id,
    "git.branch": order.branch,
    "git.target": order.target,
    "git.base": order.base,
    "git.commit": lane.tree.head,
    "project.root": order.repository.path,
    "project.name": order.repository.path.split("/").at(-1) ?? "",
  };
}

/** Captured values lie in the state with their secrets sealed; they are opened only here, in memory. */
function unsealed(values: Readonly<Record<string, Json>>, masker: MaskerPort): Readonly<Record<string, Json>> {
  if (!Object.values(values).some(isSealed)) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, mapStrings(value, (text) => masker.unseal(text))]),
  );
}

/** Whether there is anything to open. What holds nothing sealed is remembered: it does not change, and is asked for often. */
function isSealed(value: Json): boolean {
  if (typeof value === "string") return value.includes("{{secret:");
  if (value === null || typeof value !== "object" || unsealable.has(value)) return false;
  const entries = Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)];
  if (entries.some(isSealed)) return true;
  unsealable.add(value);
  return false;
}

const unsealable = new WeakSet<object>();

/** A copy of the value in which every text has been changed, keys included: programs print what they like as keys. */
export function mapStrings(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((entry: Json) => mapStrings(entry, change));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [change(key), mapStrings(entry, change)]));
}

async function workflowLayer({ session, lane }: Place, { trees }: Pick<Ports, "trees">): Promise<ScopeLayer> {
  const from = { head: session.order.base, snapshot: null };
  const changes = await trees.changes({ lane: lane.id, from, to: lane.tree });
  const facts = changes.ok ? changeVariables(changes.value, []) : {};
  const dotted = Object.fromEntries(Object.entries(facts).map(([name, value]) => [`workflow.${name}`, value]));
  const files = Object.entries(facts).flatMap(([name, value]) =>
    name.startsWith("files_") ? [[`git.${name.slice("files_".length)}_files`, value] as const] : [],
  );
  const count = { "workflow.commit_count": lane.commits, "git.commit_count": lane.commits };
  return { values: { ...dotted, ...Object.fromEntries(files), ...count, "git.workflow": facts } };
}

/** The names of a step's changes, as `step.*` and `workflow.*` have them. */
export function changeVariables(changes: Changes, commits: readonly Commit[]): Readonly<Record<string, Json>> {
  return {
    files_added: changes.added,
    files_modified: changes.modified,
    files_deleted: changes.deleted,
    files_changed: [...changes.added, ...changes.modified, ...changes.deleted].toSorted(),
    insertions: changes.insertions,
    deletions: changes.deletions,
    commit_count: commits.length,
    commits: commits.map((commit) => ({
      hash: commit.hash,
      message: commit.message,
      author: commit.author,
      timestamp: commit.at,
      insertions: commit.changes.insertions,
      deletions: commit.changes.deletions,
    })),
  };
}

async function mergeLayer({ session, lane }: Place, { trees }: Pick<Ports, "trees">): Promise<ScopeLayer> {
  const { order } = session;
  const from = { head: order.base, snapshot: null };
  const [captured, changes] = [
    await trees.capture({ lane: lane.id, since: from, keep: [] }),
    await trees.changes({ lane: lane.id, from, to: lane.tree }),
  ];
  const commits = captured.ok ? captured.value.commits : [];
  const files = changes.ok
    ? [...changes.value.added, ...changes.value.modified, ...changes.value.deleted].toSorted()
    : [];
  const merge: Json = {
    worktree: order.session,
    source_branch: order.branch,
    target_branch: order.target,
    session_id: order.session,
    commits: commits.map(({ hash, message, author, at }) => ({ id: hash, message, author, timestamp: at })),
    commit_count: commits.length,
    commit_ids: commits.map(({ hash }) => hash.slice(0, 8)),
    modified_files: files,
    file_count: files.length,
    file_list: files,
  };
  return { values: { merge } };
}
