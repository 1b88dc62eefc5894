/** `prodigy workflow`: the workflow files of a project. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hideSecrets, printWorkflow, resolveWorkflow } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { printable, table } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Run } from "../shell.ts";
import { readWorkflowFile, refuseInvalid, showDiagnostics } from "../workflow-file.ts";

/** `prodigy workflow show FILE` */
export const show: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const file = args[0] ?? "";
  const read = await readWorkflowFile(shell, file);
  if (read.kind === "unreadable") return refuse(invocation, read.fault);
  if (read.kind === "invalid") return refuseInvalid(invocation, file, read.diagnostics);
  showDiagnostics(shell, read.diagnostics);
  const { workflow } = read;
  const where = { env: shell.env, path: shell.cwd, workflow };
  const resolved = resolveWorkflow(read.text, read.options);
  if (json) {
    const data = {
      file,
      workflow: resolved?.data ?? null,
      ...(values.flag("resolved") ? { parts: resolved?.parts } : {}),
    };
    printJson(shell.stdout, await hideSecrets(data, where));
    return EXIT_CODES.done;
  }
  const yaml = values.flag("resolved") ? (resolved?.yaml ?? "") : printWorkflow(workflow);
  shell.stdout.write(await hideSecrets(yaml, where));
  return EXIT_CODES.done;
};

/** Where workflows are kept, and whether everything there is meant to be one. */
const FOLDERS = [
  { folder: "workflows", areAll: true },
  { folder: join(".prodigy", "workflows"), areAll: true },
  { folder: ".", areAll: false },
];

/** `prodigy workflow list` */
export const list: Run = async ({ shell, json }) => {
  const found: WorkflowEntry[] = [];
  for (const { folder, areAll } of FOLDERS) {
    for (const name of await namesIn(join(shell.cwd, folder))) {
      const file = join(folder, name);
      const read = await readWorkflowFile(shell, file);
      const workflow = read.kind === "good" ? read.workflow : null;
      if (workflow !== null || areAll) found.push(entryOf(file, workflow));
    }
  }
  if (json) printJson(shell.stdout, found);
  else if (found.length === 0) shell.stdout.write("No workflows found.\n");
  else shell.stdout.write(table([["FILE", "NAME", "MODE", "STEPS", "DESCRIPTION"], ...found.map(row)]));
  return EXIT_CODES.done;
};

interface WorkflowEntry {
  readonly file: string;
  readonly valid: boolean;
  readonly name: string | null;
  readonly mode: string | null;
  readonly description: string | null;
  readonly steps: number | null;
}

function entryOf(
  file: string,
  workflow: { name: string; mode: string; description: string | null; steps: readonly unknown[] } | null,
): WorkflowEntry {
  if (workflow === null) return { file, valid: false, name: null, mode: null, description: null, steps: null };
  const { name, mode, description, steps } = workflow;
  return { file, valid: true, name, mode, description, steps: steps.length };
}

function row({ file, name, mode, steps, description, valid }: WorkflowEntry): readonly string[] {
  const said = valid ? (description ?? "").split("\n", 1).join("") : "not valid by itself: prodigy validate tells why";
  return [file, name ?? "-", mode ?? "-", steps === null ? "-" : String(steps), said].map(printable);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /\.ya?ml$/u.test(name)).toSorted();
  } catch {
    return []; // There is no such folder.
  }
}
