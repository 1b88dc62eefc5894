/** The one way from a workflow file to a workflow, the files that it includes with it. */
import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fault } from "../cook/decision/fault.ts";
import type { Outcome } from "../cook/ports.ts";
import { storageRoot } from "../storage/folders.ts";
import { definedEnv } from "../system/host.ts";
import { openWorkflowFiles, templateFolders } from "../system/workflow-files.ts";
import { type ParsedWorkflow, type ParseOptions, parseWorkflow } from "../workflow/parse.ts";

export interface WorkflowFileOptions {
  /** A path; a relative one starts in `directory`. */
  readonly file: string;
  /** @default the current folder */
  readonly directory?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the file will lie: what it includes is looked for from there. @default where it lies */
  readonly as?: string | null;
}

/** A workflow as it was read. */
export interface WorkflowRead extends ParsedWorkflow {
  readonly text: string;
  /** With what the text is read again. */
  readonly options: ParseOptions;
}

/** Reads a workflow file with all that it includes. The outcome is a fault where the file itself cannot be read. */
export async function readWorkflow(options: WorkflowFileOptions): Promise<Outcome<WorkflowRead>> {
  const { file, directory = ".", env, as = null } = options;
  const path = resolve(directory, file);
  try {
    const text = await readFile(path, "utf8");
    const templates = templateFolders(directory, storageRoot(definedEnv(env)));
    const files = openWorkflowFiles({ directory: resolve(directory), templates });
    const options: ParseOptions = { file, files, id: as ?? realpathSync(path) };
    return { ok: true, value: { ...parseWorkflow(text, options), text, options } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, fault: fault("input", `failed to read ${file}: ${reason}`) };
  }
}
