/** The files below a folder that a glob matches, sorted, with paths relative to the folder. Git's own files never match. */
export async function matchFiles(directory: string, pattern: string): Promise<readonly string[]> {
  // Loaded here, because few runs have patterns and it is a sixth of what a run loads.
  const { glob } = await import("tinyglobby");
  const found = await glob(pattern, { cwd: directory, dot: true, ignore: ["**/.git/**"], followSymbolicLinks: false });
  return found.toSorted((a, b) => (a < b ? -1 : 1));
}
