import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/** The full path of a program as a shell would find it; null when there is none. */
export function findProgram(name: string, path: string, directory: string): string | null {
  if (name.includes("/")) {
    const file = isAbsolute(name) ? name : resolve(directory, name);
    return isProgram(file) ? file : null;
  }
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(resolve(directory, folder), name)).find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there, or not ours to run.
    return false;
  }
}
