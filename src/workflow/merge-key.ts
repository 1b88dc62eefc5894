/** Merge keys (`<<: *defaults`) and duplicate keys. */
import type { Diagnostics } from "./diagnostics.ts";
import type { MapEntry, SourceNode } from "./source-node.ts";

export interface RawEntry extends MapEntry {
  /** Whether the key is a plain `<<`. */
  readonly merge: boolean;
}

/** A mapping's entries with merged ones filled in: its own keys win, then the earlier of several merged mappings. */
export function resolveEntries(raw: readonly RawEntry[], out: Diagnostics): readonly MapEntry[] {
  const own = new Map<string, MapEntry>();
  for (const { merge, ...entry } of raw) {
    if (merge) continue;
    const first = own.get(entry.key);
    if (first === undefined) own.set(entry.key, entry);
    else {
      const line = lineOf(out, first.keyAt.start);
      const message = `the key "${entry.key}" is given twice; the first one is in line ${line}`;
      out.report({ code: "duplicate-key", at: entry.keyAt, message, help: "keep one of them" });
    }
  }
  const merged = new Map<string, MapEntry>();
  for (const entry of raw) {
    if (!entry.merge) continue;
    for (const source of mappingsOf(entry, out)) {
      for (const inherited of source) {
        if (!own.has(inherited.key) && !merged.has(inherited.key)) merged.set(inherited.key, inherited);
      }
    }
  }
  return [...own.values(), ...merged.values()];
}

function mappingsOf(entry: RawEntry, out: Diagnostics): readonly (readonly MapEntry[])[] {
  const nodes: readonly SourceNode[] = entry.value.kind === "list" ? entry.value.items : [entry.value];
  return nodes.flatMap((node) => {
    if (node.kind === "map") return [node.entries];
    if (node.kind !== "broken") {
      const message = "`<<` takes a mapping or a list of mappings";
      out.report({ code: "bad-merge-key", at: entry.keyAt, message, help: "write `<<: *name`" });
    }
    return [];
  });
}

function lineOf(out: Diagnostics, offset: number): number {
  return out.source.lineStarts.findLastIndex((start) => start <= offset) + 1;
}
