import { resolve } from "node:path";
import {
  type Fault,
  fixWorkflow,
  hideSecrets,
  showableLines,
  type Workflow,
  type WorkflowRead,
  writeFixedFile,
} from "../../index.ts";
import { errorText } from "../render/failure.ts";
import { plural } from "../render/format.ts";
import { lineDiff } from "../render/line-diff.ts";
import { styleFor } from "../render/style.ts";
import type { Invocation } from "../shell.ts";
import { expandHome } from "../workflow-file.ts";

/** What `--fix` makes of one valid file. */
export interface FileFix {
  readonly changes: readonly Change[];
  readonly written: boolean;
  /** Where the file as it was is kept. */
  readonly backup: string | null;
  readonly error: Fault | null;
}

/** One part that differs; secrets are left out of its lines. */
export interface Change {
  readonly line: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

type Target = Pick<WorkflowRead, "options" | "text"> & { readonly file: string; readonly workflow: Workflow };

/** Shows what `--fix` changes in a valid file, and writes it where that was agreed to. */
export async function fixFile(invocation: Invocation, target: Target): Promise<FileFix> {
  const { shell, values, json } = invocation;
  const { file, text, options } = target;
  const after = fixWorkflow(text, options);
  const say = (line: string): void => void (json || shell.stdout.write(`${line}\n`));
  const result: FileFix = { changes: [], written: false, backup: null, error: null };
  if (after === text) {
    say(`${file}: nothing to fix`);
    return result;
  }
  const changes = await changesOf(invocation, target, after);
  if (!json) showChanges(invocation, file, changes);
  const lines = changes.reduce((sum, { removed, added }) => sum + Math.max(removed.length, added.length), 0);
  const told = `${file}: ${plural(lines, "line")}`;
  if (values.flag("dry-run") || !(await isAgreed(invocation, told))) {
    say(`${told} to fix, nothing written`);
    return { ...result, changes };
  }
  const written = await writeFixedFile(resolve(shell.cwd, expandHome(file, shell.env)), { before: text, after });
  if (!written.ok) {
    shell.stderr.write(errorText(written.fault, styleFor(shell.stderr, shell.env)));
    return { ...result, changes, error: written.fault };
  }
  say(`${told} fixed; as it was: ${written.value}`);
  return { ...result, changes, written: true, backup: written.value };
}

/** With `--json` nobody is asked. */
async function isAgreed({ shell, values, json }: Invocation, told: string): Promise<boolean> {
  if (values.flag("yes")) return true;
  return !json && (await shell.confirm(`${told} to fix: write the file?`, shell.stop)) === "yes";
}

async function changesOf({ shell }: Invocation, { text, workflow }: Target, after: string): Promise<readonly Change[]> {
  const hunks = lineDiff(text.split("\n"), after.split("\n"));
  const old = showableLines(text);
  const fresh = showableLines(after);
  const changes = hunks.map(({ oldLine, removed, added }) => ({
    line: oldLine,
    removed: removed.map((index) => old[index] ?? ""),
    added: added.map((index) => fresh[index] ?? ""),
  }));
  return await hideSecrets(changes, { env: shell.env, path: shell.cwd, workflow });
}

function showChanges({ shell }: Invocation, file: string, changes: readonly Change[]): void {
  const { bold, dim, red, green } = styleFor(shell.stdout, shell.env);
  shell.stdout.write(`${bold(`--- ${file}`)}\n${bold(`+++ ${file}`)}\n`);
  for (const { line, removed, added } of changes) {
    shell.stdout.write(`${dim(`@@ line ${String(line)} @@`)}\n`);
    for (const text of removed) shell.stdout.write(`${red(`-${text}`)}\n`);
    for (const text of added) shell.stdout.write(`${green(`+${text}`)}\n`);
  }
}
