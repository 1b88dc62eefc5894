/**
 * What follows from an action, before the attempt is over: auto-commit, the tree as it is now, captured values, the
 * output file, declared outputs. The order is that of the language: a later one sees the earlier ones.
 */
import type { AutoCommit, Json, Step } from "../../workflow/model.ts";
import type { Attempt } from "../decision/command.ts";
import type { Changes, Commit, EventBody, Fault, TreeState } from "../decision/event.ts";
import { compileRegex } from "../../workflow/regex.ts";
import { fault } from "../decision/fault.ts";
import { cut, maskedFault } from "../masking.ts";
import { callResults } from "./call.ts";
import { captureValue, variablesOf } from "./captures.ts";
import { loopVariables } from "./loop-results.ts";
import { mapVariables } from "./map-results.ts";
import { captureOutputs } from "./output-captures.ts";
import { matchingFiles } from "./outputs.ts";
import { lastLines, type Ran } from "./result.ts";
import { Refusal, render, type Room, type Setting } from "./room.ts";
import { mapStrings } from "./scope.ts";

export interface Settling {
  readonly command: Attempt;
  readonly room: Room;
  /** Null when the step could not even be set up. */
  readonly setting: Setting | null;
  readonly ran: Ran & { kind: "ended" };
  readonly analysis: Json | undefined;
}

export async function settle(settling: Settling): Promise<readonly EventBody[]> {
  const { command, room, setting, ran } = settling;
  const { lane, path, attempt, step } = command;
  let result = ran.result;
  const fail = (problem: Fault | null): void => {
    if (problem !== null && result.ok)
      result = { ...result, ok: false, fault: { ...problem, at: problem.at ?? step.at } };
  };
  fail(await writeOutputFile(settling));
  if (result.ok) fail(await autoCommit(settling));
  const tree = await treeNow(settling);
  fail(tree.problem);
  const outputs = result.ok ? declaredOutputs(step, setting, tree.changes) : NO_OUTPUTS;
  fail(outputs.problem);
  const captured =
    step.capture === null ? null : captureValue(step.capture, result, (text) => room.ports.masker.mask(text));
  if (captured !== null && !captured.ok)
    fail(
      fault(
        "capture",
        `step "${step.label}" could not be captured as ${step.capture?.name ?? ""}: ${captured.message}`,
      ),
    );
  const called = callResults(command, result.ok, room);
  fail(called.problem);
  const more = captureOutputs(step.captures, ran.result);
  const at = room.ports.clock.now();
  const set = {
    ...loopVariables(command, room),
    ...(await mapVariables(command, room)),
    ...variablesOf({
      step,
      attempt,
      result,
      at,
      changes: command.context.own ? tree.changes : null,
      commits: tree.stepCommits,
      captured: captured?.ok === true ? captured.value : undefined,
      outputs: outputs.values,
      analysis: settling.analysis,
    }),
    ...called.values,
    ...more.values,
  };
  const ended: EventBody = {
    type: "attempt-ended",
    lane,
    path,
    attempt,
    result,
    tree: tree.tree,
    commits: tree.commits,
    usage: ran.usage,
    set,
  };
  return [...warnings([...ran.warnings, ...more.problems], command), sealed(ended, room)];
}

function warnings(messages: readonly string[], { lane, path }: Attempt): readonly EventBody[] {
  return messages.map((message) => ({ type: "warned", lane, path, message }));
}

/** Secrets never reach the journal: their names do, and are filled in again in memory. */
function sealed(event: EventBody & { type: "attempt-ended" }, { ports }: Room): EventBody {
  const seal = (text: string): string => ports.masker.seal(text);
  const { result } = event;
  return {
    ...event,
    result: {
      ...result,
      output: seal(result.output),
      stderr: lastLines(seal(result.stderr)).map(cut).join("\n"),
      fault: result.fault === null ? null : maskedFault(result.fault, ports.masker),
    },
    set: Object.fromEntries(Object.entries(event.set).map(([name, value]) => [name, mapStrings(value, seal)])),
  };
}

async function writeOutputFile({ command, room, setting, ran }: Settling): Promise<Fault | null> {
  const { step } = command;
  if (step.outputFile === null || setting === null) return null;
  const path = render(step.outputFile, setting, step);
  if (path instanceof Refusal) return path.fault;
  const allowOutside = room.session.order.workflow.settings.allowPathsOutside;
  const access = { root: setting.root, directory: setting.directory, path, allowOutside };
  const written = await room.ports.files.write({ ...access, content: ran.result.output, mode: null, createDirs: true });
  return written.ok ? null : written.fault;
}

async function autoCommit({ command, room, setting }: Settling): Promise<Fault | null> {
  const { step } = command;
  if (step.autoCommit === null || setting === null) return null;
  const rendered = render(step.autoCommit.messageTemplate ?? `Auto-commit: ${step.label}`, setting, step);
  if (rendered instanceof Refusal) return rendered.fault;
  // A commit goes out into the world.
  const message = room.ports.masker.mask(rendered);
  const config = renderedConfig(step.autoCommit, setting, step);
  if (config instanceof Refusal) return config.fault;
  const pattern = step.autoCommit.messagePattern;
  const expected = pattern === null ? null : compileRegex(pattern);
  if (expected?.ok === true && !expected.regex.test(message)) {
    return fault(
      "git",
      `the commit message ${JSON.stringify(message)} of step "${step.label}" does not match message_pattern ${pattern}`,
    );
  }
  const committed = await room.ports.trees.commit({
    lane: command.lane,
    message,
    config,
    since: command.before.head,
  });
  return committed.ok ? null : committed.fault;
}

/** The author and the patterns may have variables, too. */
function renderedConfig(config: AutoCommit, setting: Setting, step: Step): AutoCommit | Refusal {
  const author = config.author === null ? null : render(config.author, setting, step);
  if (author instanceof Refusal) return author;
  const includeFiles = config.includeFiles === null ? null : renderedAll(config.includeFiles, setting, step);
  if (includeFiles instanceof Refusal) return includeFiles;
  const excludeFiles = renderedAll(config.excludeFiles, setting, step);
  return excludeFiles instanceof Refusal ? excludeFiles : { ...config, author, includeFiles, excludeFiles };
}

function renderedAll(templates: readonly string[], setting: Setting, step: Step): readonly string[] | Refusal {
  const texts: string[] = [];
  for (const template of templates) {
    const text = render(template, setting, step);
    if (text instanceof Refusal) return text;
    texts.push(text);
  }
  return texts;
}

interface TreeNow {
  readonly tree: TreeState;
  /** Commits since the attempt began. */
  readonly commits: readonly Commit[];
  /** Commits since the step began. */
  readonly stepCommits: readonly Commit[];
  readonly changes: Changes;
  readonly problem: Fault | null;
}

const NO_CHANGES: Changes = { added: [], modified: [], deleted: [], insertions: 0, deletions: 0 };

async function treeNow({ command, room }: Settling): Promise<TreeNow> {
  const { lane, since, before, context, step } = command;
  const { trees } = room.ports;
  const unchanged = { tree: since, commits: [], stepCommits: [], changes: NO_CHANGES, problem: null };
  if (context.shared) return unchanged;
  const captured = await trees.capture({ lane, since, keep: keptPaths(step) });
  if (!captured.ok) return { ...unchanged, problem: captured.fault };
  const { tree, commits } = captured.value;
  if (sameTree(tree, before) || !context.own) return { ...unchanged, tree, commits, stepCommits: commits };
  const known = sameTree(since, before) ? captured.value.changes : undefined;
  const changes =
    known === undefined ? await trees.changes({ lane, from: before, to: tree }) : ({ ok: true, value: known } as const);
  if (!changes.ok) return { ...unchanged, tree, commits, problem: changes.fault };
  const earlier = since.head === before.head ? null : await trees.capture({ lane, since: before, keep: [] });
  return {
    tree,
    commits,
    stepCommits: earlier?.ok === true ? earlier.value.commits : commits,
    changes: changes.value,
    problem: null,
  };
}

function sameTree(a: TreeState, b: TreeState): boolean {
  return a.head === b.head && a.snapshot === b.snapshot;
}

/** Declared results are kept even where git ignores them. */
function keptPaths(step: Step): readonly string[] {
  const paths = [step.outputFile, step.validate?.resultFile ?? null];
  return paths.filter((path): path is string => path !== null && !path.includes("${"));
}

interface Outputs {
  readonly values: Readonly<Record<string, Json>>;
  readonly problem: Fault | null;
}

const NO_OUTPUTS: Outputs = { values: {}, problem: null };

function declaredOutputs(step: Step, setting: Setting | null, changes: Changes): Outputs {
  const values: Record<string, Json> = {};
  const files = [...changes.added, ...changes.modified];
  for (const { name, filePattern, at } of step.outputs) {
    const pattern = setting === null ? filePattern : render(filePattern, setting, step);
    if (pattern instanceof Refusal) return { values, problem: pattern.fault };
    const found = matchingFiles(pattern, files);
    const [first] = found;
    if (first === undefined) {
      const changed =
        files.length === 0
          ? "it changed no file"
          : `it changed ${files.slice(0, 5).join(", ")}${files.length > 5 ? ", ..." : ""}`;
      return {
        values,
        problem: fault(
          "outputs",
          `output "${name}" of step "${step.label}" was not made: no file matches ${pattern} (${changed})`,
          { at },
        ),
      };
    }
    values[name] = found.length === 1 ? first : found;
  }
  return { values, problem: null };
}
