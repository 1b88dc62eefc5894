import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fixWorkflow } from "../../index.ts";
import { plural } from "../render/format.ts";
import { styleFor } from "../render/style.ts";
import type { Invocation } from "../shell.ts";
import { expandHome } from "../workflow-file.ts";

/** Shows what `--fix` changes in a valid file, and writes it where that was agreed to. */
export async function fixFile({ shell, values }: Invocation, file: string): Promise<void> {
  const path = resolve(shell.cwd, expandHome(file, shell.env));
  const before = await readFile(path, "utf8");
  const after = fixWorkflow(before, { file });
  if (after === before) {
    shell.stdout.write(`${file}: nothing to fix\n`);
    return;
  }
  const changed = showChanges({ shell, file }, before.split("\n"), after.split("\n"));
  const told = `${file}: ${plural(changed, "line")}`;
  if (values.flag("dry-run") || !(await isAgreed({ shell, values }, told))) {
    shell.stdout.write(`${told} to fix, nothing written\n`);
    return;
  }
  await writeFile(path, after);
  shell.stdout.write(`${told} fixed\n`);
}

async function isAgreed({ shell, values }: Pick<Invocation, "shell" | "values">, told: string): Promise<boolean> {
  return values.flag("yes") || (await shell.confirm(`${told} to fix: write the file?`, shell.stop)) === "yes";
}

/** A fix stays within its line, so that both texts have the same lines. Returns how many differ. */
function showChanges(
  { shell, file }: Pick<Invocation, "shell"> & { readonly file: string },
  before: readonly string[],
  after: readonly string[],
): number {
  const { bold, dim, red, green } = styleFor(shell.stdout, shell.env);
  shell.stdout.write(`${bold(`--- ${file}`)}\n${bold(`+++ ${file}`)}\n`);
  const changed = before.flatMap((line, index) => (line === after[index] ? [] : [index]));
  for (const index of changed) {
    const place = String(index + 1);
    shell.stdout.write(`${dim(`@@ -${place} +${place} @@`)}\n`);
    shell.stdout.write(`${red(`-${before[index] ?? ""}`)}\n${green(`+${after[index] ?? ""}`)}\n`);
  }
  return changed.length;
}
