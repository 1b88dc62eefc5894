/** `outputs:` — which of the files that a step made or changed are meant. Pure. */
import picomatch from "picomatch";

/** A pattern without a slash looks at the file's name, as users of the earlier program write it; otherwise at its path. */
export function matchingFiles(pattern: string, files: readonly string[]): readonly string[] {
  const plain = pattern.replace(/^\.\//, "");
  const matches = picomatch(plain, { dot: true, basename: !plain.includes("/") });
  return files.filter((file) => matches(file)).toSorted();
}
