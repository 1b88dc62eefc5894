import { resolve } from "node:path";
import { matchFiles, type Json, type Outcome, type Parameter, runWorkflow, type Workflow } from "../../index.ts";
import { readParameters } from "../parameters.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { expandHome, inputFault, readWorkflowFile, refuseInvalid, showDiagnostics } from "../workflow-file.ts";

/** `prodigy run WORKFLOW` */
export const run: Run = async (invocation) => {
  const { shell, args, values } = invocation;
  const [file = ""] = args;
  if (values.flag("keep-going") && values.flag("fail-fast"))
    throw new UsageError("--keep-going and --fail-fast exclude each other");
  const read = await readWorkflowFile(shell, file);
  if (read.kind === "unreadable") return refuse(invocation, read.fault);
  if (read.kind === "invalid") return refuseInvalid(invocation, file, read.diagnostics);
  showDiagnostics(shell, read.diagnostics);
  const { workflow } = read;
  const parameters = await parametersOf(invocation, workflow.parameters);
  if (!parameters.ok) return refuse(invocation, parameters.fault);
  const path = repositoryPath(invocation);
  const inputs = await inputsOf(invocation, path);
  if (!inputs.ok) return refuse(invocation, inputs.fault);
  if (inputs.value.length === 0 && needsInput(workflow, shell.env)) {
    shell.stderr.write(
      "Warning: the workflow uses $ARG, and no input was given with --args or --map; it stays as it is written\n",
    );
  }
  const dryRun = values.flag("dry-run");
  const passes = values.number("max-iterations");
  return watchSession(invocation, {
    dryRun,
    begin: (watching) =>
      runWorkflow({
        ...watching,
        env: shell.env,
        path,
        workflow,
        workflowFile: resolve(shell.cwd, expandHome(file, shell.env)),
        inputs: inputs.value,
        parameters: parameters.value,
        profile: values.text("profile") ?? profileOf(workflow, shell.env),
        ...(passes === null ? {} : { maxIterations: passes }),
        keepGoing: values.flag("keep-going"),
        dryRun,
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
};

/** PRODIGY_PROFILE may be set for all workflows; those without profiles are not meant by it. */
function profileOf({ environment }: Workflow, env: Invocation["shell"]["env"]): string | null {
  return Object.keys(environment.profiles).length === 0 ? null : env["PRODIGY_PROFILE"] || null;
}

/** Whether a step has `$ARG` without a default. An agent would be paid for a prompt with a hole in it. */
function needsInput(workflow: Workflow, env: Invocation["shell"]["env"]): boolean {
  const names = [...workflow.environment.values, ...workflow.parameters].map(({ name }) => name);
  return (
    env["ARG"] === undefined && !names.includes("ARG") && /\$(?:ARG\b|\{ARG\})/.test(JSON.stringify(workflow.steps))
  );
}

/** The folder that `--path` names, or the current one. */
export function repositoryPath({ shell, values }: Invocation): string {
  return resolve(shell.cwd, expandHome(values.text("path") ?? ".", shell.env));
}

async function parametersOf(
  { shell, values }: Invocation,
  declared: readonly Parameter[],
): Promise<Outcome<Readonly<Record<string, Json>>>> {
  const file = values.text("param-file");
  return readParameters({
    pairs: values.list("param"),
    file: file === null ? null : resolve(shell.cwd, expandHome(file, shell.env)),
    declared,
  });
}

/** The inputs of `--map`, each the beginning of a file's name, then those of `--args`. */
async function inputsOf({ values, shell }: Invocation, path: string): Promise<Outcome<readonly string[]>> {
  const inputs: string[] = [];
  for (const pattern of values.list("map")) {
    const files = await matchFiles(path, pattern);
    if (files.length === 0) shell.stderr.write(`Warning: no file matches --map ${pattern}\n`);
    inputs.push(...files.map(inputOf));
  }
  inputs.push(...values.list("args"));
  if (inputs.length > 0 || values.list("map").length === 0) return { ok: true, value: inputs };
  const message = `no file in ${path} matches ${values.list("map").join(", ")}, so there is no input to run with`;
  return { ok: false, fault: inputFault(message) };
}

/** `specs/65-refactor.md` is the input `65`. */
export function inputOf(file: string): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const stem = name.lastIndexOf(".") > 0 ? name.slice(0, name.lastIndexOf(".")) : name;
  const dash = stem.indexOf("-");
  return dash > 0 ? stem.slice(0, dash) : stem;
}
