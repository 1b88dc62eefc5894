/** Reads the files that a workflow includes: each once, none in a circle, and never from somewhere else. */
import { makeMap } from "./compose-merge.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { describeNode } from "./source-node.ts";
import type { MapNode, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";
import { movedBy, type SourceSet, within } from "./source-set.ts";
import type { OpenedFile, WorkflowFiles } from "./workflow-files.ts";
import { parseSource } from "./yaml-source.ts";

/** More files than this are read by mistake. */
const MAX_FILES = 1_000;
/** Deeper than any base of a base. */
const MAX_NESTING = 50;

export interface Composition {
  readonly out: Diagnostics;
  readonly sources: SourceSet;
  /** Null where nobody may read other files. */
  readonly files: WorkflowFiles | null;
  /** Puts a file together. Handed down, because files that include files are read by each other. */
  readonly compose: (root: SourceNode, place: Place) => SourceNode;
  /** Whether something has been reported that must be mended first. */
  readonly isBroken: () => boolean;
  /** What each file has become; null for one that could not be read. */
  readonly known: Map<string, MapNode | null>;
  /** Where each file stands, by the offset at which it begins. */
  readonly places: Map<number, Place>;
  /** The imports with an alias, of each file by its id. */
  readonly aliases: Map<string, Map<string, MapNode>>;
}

/** A file that is being put together. */
export interface Place {
  readonly composition: Composition;
  /** The files from the first one to this one. */
  readonly trail: readonly { readonly id: string; readonly file: string }[];
}

export interface Wanted {
  /** The first that is there; null for a template of the registry. */
  readonly paths: readonly string[] | null;
  readonly registry?: string;
  readonly at: Range;
  readonly what: string;
}

/** Another file, put together; null where that has been reported. */
export function load(wanted: Wanted, place: Place): MapNode | null {
  const { composition, trail } = place;
  const { out, files, known } = composition;
  const fail = (message: string, help: string | null = null): null => {
    out.report({ code: "unreadable-file", at: wanted.at, message, help });
    return null;
  };
  const address = [...(wanted.paths ?? [])].find((path) => /^[a-z][a-z0-9+.-]+:\/\//iu.test(path));
  if (address !== undefined) {
    const help = "fetch it, look at it, and register it: prodigy template register FILE";
    return fail(`${address} is not fetched: what a workflow runs must not change behind your back`, help);
  }
  if (files === null) return fail(`${wanted.what} cannot be read: only a text was given, and no way to other files`);
  const opened = open(files, wanted, trail.at(-1)?.id ?? "");
  if (!opened.ok) return fail(`failed to read ${wanted.what}: ${opened.reason}`);
  const next = [...trail, { id: opened.id, file: opened.file }];
  const first = trail.findIndex(({ id }) => id === opened.id);
  if (first >= 0) {
    const circle = next.slice(first).map(({ file }) => file);
    out.report({
      code: "import-cycle",
      at: wanted.at,
      message: `files include each other in a circle: ${circle.join(" -> ")}`,
    });
    return null;
  }
  const earlier = known.get(opened.id);
  if (earlier !== undefined) return earlier;
  if (known.size >= MAX_FILES || next.length > MAX_NESTING) return fail("the workflow is made of too many files");
  const result = read(opened, { composition, trail: next });
  known.set(opened.id, result);
  return result;
}

function open(files: WorkflowFiles, { paths, registry }: Wanted, from: string): OpenedFile {
  if (registry !== undefined) return files.template(registry);
  return files.open(paths ?? [], from);
}

function read({ file, text }: OpenedFile & { ok: true }, place: Place): MapNode | null {
  const { out, sources } = place.composition;
  const part = sources.add(file, text.replace(/^\uFEFF/u, ""));
  const root = parseSource(file.endsWith(".json") ? "json" : "yaml", within(out, part));
  const moved = root === null ? null : movedBy(root, part.start);
  place.composition.places.set(part.start, place);
  if (moved?.kind === "list") return makeMap(moved, [{ key: "commands", keyAt: moved.at, value: moved }]);
  if (moved?.kind !== "map") {
    if (moved?.kind === "scalar")
      out.report({ code: "wrong-type", at: moved.at, message: "this is one text and no workflow" });
    return null;
  }
  const whole = place.composition.compose(moved, place);
  return whole.kind === "map" ? whole : null;
}

export function textOf(
  node: SourceNode,
  owner: { readonly key: string; readonly at: Range },
  place: Place,
): string | null {
  if (node.kind === "scalar" && typeof node.value === "string" && node.text.trim() !== "") return node.text.trim();
  if (node.kind !== "broken") {
    const message = `"${owner.key}" takes the path of a file, found ${describeNode(node)}`;
    place.composition.out.report({ code: "wrong-type", at: node.at, message });
  }
  return null;
}
