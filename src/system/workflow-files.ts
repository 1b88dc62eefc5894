/** Files that a workflow includes, and the templates that are registered. Read at once: there are few, and they are small. */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { OpenedFile, WorkflowFiles } from "../workflow/workflow-files.ts";

/** Larger than any workflow, and small enough to read at once. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What a template may be called, so that no name leads out of the store. */
export const TEMPLATE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/u;

export function openWorkflowFiles(options: {
  /** What names in messages are relative to. */
  readonly directory: string;
  /** Where templates are looked for, the first one first. */
  readonly templates: readonly string[];
}): WorkflowFiles {
  const { directory, templates } = options;
  return {
    open: (paths, from) => {
      const full = paths.map((path) => resolve(dirname(from), path));
      const found = full.find((path) => existsSync(path));
      if (found !== undefined) return read(found, directory);
      const looked = full.map((path) => shown(path, directory)).join(", ");
      return { ok: false, reason: `there is no ${looked}` };
    },
    template: (name) => {
      if (!TEMPLATE_NAME.test(name))
        return { ok: false, reason: "the name of a template has letters, digits, `_` and `-` only" };
      const full = templates.flatMap((folder) => [".yml", ".yaml"].map((ending) => join(folder, `${name}${ending}`)));
      const found = full.find((path) => existsSync(path));
      if (found !== undefined) return read(found, directory);
      return {
        ok: false,
        reason: `it is not in ${templates.join(" or ")}; write a path with its ending to mean a file`,
      };
    },
  };
}

/** As the folder of a workflow file sees them. */
export function filesAround(file: string, root: string): WorkflowFiles {
  const directory = dirname(file);
  return openWorkflowFiles({ directory, templates: templateFolders(directory, root) });
}

/** Where templates are: in the project that a folder belongs to, and in the storage of the user. */
export function templateFolders(directory: string, root: string): readonly string[] {
  const own: string[] = [];
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const templates = join(folder, ".prodigy", "templates");
    if (existsSync(templates)) own.push(templates);
    if (own.length > 0 || existsSync(join(folder, ".git")) || dirname(folder) === folder) break;
  }
  return [...own, join(root, "templates")];
}

function read(path: string, directory: string): OpenedFile {
  try {
    // One name for each file, however it is reached; a link is followed, as everywhere else.
    const id = realpathSync(path);
    const { size } = statSync(id);
    if (size > MAX_BYTES) return { ok: false, reason: `${shown(path, directory)} has ${String(size)} bytes` };
    return { ok: true, id, file: shown(path, directory), text: readFileSync(id, "utf8") };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function shown(path: string, directory: string): string {
  const short = relative(directory, path);
  return short.startsWith("..") || short === "" ? path : short;
}
