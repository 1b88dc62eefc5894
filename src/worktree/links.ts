import { lstatSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";

/** Null when there is none, also where what should be a folder above it is a file. */
export function entryAt(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

/**
 * Which of the paths, relative to the directory, are no files any more: they lie behind a link that stands where a
 * folder was, or a folder stands where they were. A submodule is a folder and stays what it is.
 */
export function splitGone(
  directory: string,
  paths: readonly Buffer[],
): { readonly gone: readonly Buffer[]; readonly rest: readonly Buffer[] } {
  const links = new Map<string, boolean>();
  const isLink = (path: string): boolean => {
    if (path === ".") return false;
    const found =
      links.get(path) ?? (isLink(dirname(path)) || entryAt(join(directory, path))?.isSymbolicLink() === true);
    links.set(path, found);
    return found;
  };
  const isFolder = (path: string): boolean =>
    entryAt(join(directory, path))?.isDirectory() === true && entryAt(join(directory, path, ".git")) === null;
  const isGone = (path: Buffer): boolean => isLink(dirname(path.toString())) || isFolder(path.toString());
  return { gone: paths.filter(isGone), rest: paths.filter((path) => !isGone(path)) };
}
