/** Several files whose parts stand in one tree: each offset tells its file, and all problems come into one list. */
import type { Diagnostics, Problem } from "./diagnostics.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";
import type { Part, Source } from "./source.ts";
import { makeSource, shifted } from "./source.ts";

export interface SourceSet {
  /** Grows as files are added. */
  readonly source: Source;
  readonly add: (file: string, text: string) => Part;
}

export function openSources(first: Source): SourceSet {
  const parts: Part[] = [];
  // One offset lies between two files, so that the end of a file is not the beginning of the next.
  let end = first.text.length + 1;
  return {
    source: { ...first, parts },
    add: (file, text) => {
      const part: Part = { start: end, source: makeSource(file, text) };
      parts.push(part);
      end += text.length + 1;
      return part;
    },
  };
}

/** For whoever reads one of the files: it sees that file alone, and its problems come into the list of all. */
export function within(out: Diagnostics, { start, source }: Part): Diagnostics {
  const report = ({ edits, at, ...problem }: Problem): void => {
    const moved = edits?.map((edit) => ({ ...edit, at: shifted(edit.at, start) }));
    out.report({ ...problem, at: shifted(at, start), edits: moved ?? null });
  };
  return { source, list: out.list, fixes: out.fixes, report };
}

/** The same tree with the offsets that its file has among the others. Shared parts stay shared. */
export function movedBy(node: SourceNode, by: number): SourceNode {
  const known = new Map<SourceNode, SourceNode>();
  const move = (old: SourceNode): SourceNode => {
    const earlier = known.get(old);
    if (earlier !== undefined) return earlier;
    const moved = copy(old);
    known.set(old, moved);
    return moved;
  };
  const copy = (old: SourceNode): SourceNode => {
    const at = shifted(old.at, by);
    switch (old.kind) {
      case "map":
        return { ...old, at, entries: old.entries.map(entry) };
      case "list":
        return { ...old, at, items: old.items.map(move) };
      case "scalar":
      case "broken":
        return { ...old, at };
    }
  };
  const entry = ({ key, keyAt, value }: MapEntry): MapEntry => ({ key, keyAt: shifted(keyAt, by), value: move(value) });
  return by === 0 ? node : move(node);
}
