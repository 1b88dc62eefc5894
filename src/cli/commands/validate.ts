import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT_CODES } from "../exit-code.ts";
import { errorText } from "../render/failure.ts";
import { plural } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { styleFor } from "../render/style.ts";
import type { Invocation, Run, Shell } from "../shell.ts";
import { expandHome, readWorkflowFile, showDiagnostics, type WorkflowFile } from "../workflow-file.ts";
import { type FileFix, fixFile } from "./fix.ts";

/** Where `migrate-yaml` looks when it is not told. */
const USUAL_FOLDER = "workflows";

/** `prodigy validate FILE...` */
export const validate: Run = async (invocation) =>
  await check(invocation, invocation.args, invocation.values.flag("fix"));

/** `prodigy migrate-yaml [PATH]`: `validate --fix` of a file, or of all workflow files in a folder. */
export const migrate: Run = async (invocation) => {
  const files = await filesIn(invocation.shell, invocation.args[0] ?? USUAL_FOLDER);
  if (files.length === 0 && !invocation.json) invocation.shell.stdout.write("no workflow files there\n");
  return await check(invocation, files, true);
};

interface Checked {
  readonly file: string;
  readonly read: WorkflowFile;
  readonly fix: FileFix | null;
}

async function check(invocation: Invocation, files: readonly string[], isFixing: boolean): Promise<number> {
  const results: Checked[] = [];
  for (const file of files) {
    const read = await readWorkflowFile(invocation.shell, file);
    if (!invocation.json) tell(invocation, file, read);
    const fix = isFixing && read.kind === "good" ? await fixFile(invocation, { ...read, file }) : null;
    results.push({ file, read, fix });
  }
  if (invocation.json)
    printJson(
      invocation.shell.stdout,
      results.map((result) => shape(result, isFixing)),
    );
  if (results.some(({ fix }) => fix !== null && fix.error !== null)) return EXIT_CODES.failed;
  return results.every(({ read }) => read.kind === "good") ? EXIT_CODES.done : EXIT_CODES.wrongUse;
}

/** The YAML files right in a folder, or the file itself. What cannot be read is told when it is read as a file. */
async function filesIn(shell: Shell, path: string): Promise<readonly string[]> {
  const place = resolve(shell.cwd, expandHome(path, shell.env));
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [path];
  const entries = await readdir(place, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/iu.test(entry.name))
    .map((entry) => join(path, entry.name))
    .toSorted();
}

function tell({ shell }: Invocation, file: string, read: WorkflowFile): void {
  if (read.kind === "unreadable") {
    shell.stderr.write(errorText(read.fault, styleFor(shell.stderr, shell.env)));
    return;
  }
  showDiagnostics(shell, read.diagnostics);
  const errors = read.diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = read.diagnostics.length - errors;
  const counted = warnings === 0 ? "" : `, ${plural(warnings, "warning")}`;
  if (read.kind === "good")
    shell.stdout.write(`${file}: valid, ${plural(read.workflow.steps.length, "step")}${counted}\n`);
  else shell.stderr.write(`${file}: not valid, ${plural(errors, "problem")}${counted}\n`);
}

function shape({ file, read, fix }: Checked, isFixing: boolean): unknown {
  const diagnostics = read.kind === "unreadable" ? [] : read.diagnostics;
  const error = read.kind === "unreadable" ? read.fault : null;
  return { file, valid: read.kind === "good", error, diagnostics, ...(isFixing ? { fix } : {}) };
}
