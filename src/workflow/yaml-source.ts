/**
 * Text -> a tree of maps, lists and scalars, each with its place in the file.
 *
 * Aliases and merge keys are resolved here, with limits, so that nothing behind this file can meet a cycle or a bomb.
 * JSON goes the same way, since nearly all of it is YAML.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, parseAllDocuments } from "yaml";
import type { Alias, Node, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { Diagnostics, Problem } from "./diagnostics.ts";
import { checkText } from "./precheck.ts";
import { resolveEntries } from "./merge-key.ts";
import type { RawEntry } from "./merge-key.ts";
import type { BrokenNode, ScalarNode, SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";
import { KEY_TAGS, reportYamlErrors } from "./yaml-errors.ts";

/** Deeper than any workflow that a person can read. */
const MAX_DEPTH = 64;
/** Nodes after aliases are filled in. The largest legal workflow has some 10,000 steps of a dozen nodes each. */
const MAX_EXPANDED_NODES = 400_000;

/** The root of the file's one document; null when a problem that hides all others has been reported. */
export function parseSource(format: "yaml" | "json", out: Diagnostics): SourceNode | null {
  const { text } = out.source;
  if (!checkText(out)) return null;
  // A tab is white space in JSON, and cannot stand inside its strings: a blank in its place changes no offset.
  const parsed = parseAllDocuments(format === "json" ? text.replaceAll("\t", " ") : text, {
    schema: "core",
    strict: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const documents = [...parsed];
  if (reportYamlErrors(documents, out)) return null;
  const [root = null, ...others] = documents.map((document) => document.contents);
  const second = others.find((contents) => !isEmpty(contents));
  if (second) {
    const help = "keep one workflow in each file";
    const at = markerBefore(text, second.range[0]);
    out.report({ code: "multiple-documents", at, message: "a second YAML document begins here", help });
    return null;
  }
  if (root === null || isEmpty(root)) {
    const help = "a workflow is a list of steps, or a mapping with `commands:`";
    out.report({ code: "empty-file", at: { start: 0, end: 0 }, message: "the file holds no workflow", help });
    return null;
  }
  return buildNode({ out, anchors: new Map(), open: new Set() }, root, { owner: null, depth: 0 });
}

/** `owner` is the key whose value a node is: problems of a map or a list are shown there. */
interface Position {
  readonly owner: Range | null;
  readonly depth: number;
}

/**
 * Anchors are remembered as they are passed, because a name may be used again and means the latest one before the
 * alias. An alias to a node that is still `open` is a cycle.
 */
interface Build {
  readonly out: Diagnostics;
  readonly anchors: Map<string, SourceNode>;
  readonly open: Set<string>;
}

function buildNode(build: Build, node: Node, position: Position): SourceNode {
  const at = rangeOf(node);
  if (position.depth > MAX_DEPTH) {
    return broken(build, {
      code: "nesting-too-deep",
      at,
      message: `this is nested more than ${MAX_DEPTH} levels deep`,
    });
  }
  if (isAlias(node)) return buildAlias(build, node, position);
  const anchor = (isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined) ?? null;
  if (anchor !== null) build.open.add(anchor);
  const result = limited(build, buildPlain(build, node, position));
  if (anchor !== null) {
    build.open.delete(anchor);
    build.anchors.set(anchor, result);
  }
  return result;
}

function buildPlain(build: Build, node: Node, position: Position): SourceNode {
  const tagged = tagOf(node);
  if (tagged === null) return buildUntagged(build, node, position);
  // `!batched {size: 5}` is how an earlier version of the language wrote `{batched: {size: 5}}`.
  const at = position.owner ?? rangeOf(node);
  const value = buildUntagged(build, node, { owner: at, depth: position.depth + 1 });
  return { kind: "map", entries: [{ key: tagged, keyAt: at, value }], at, ...measure([value]) };
}

/** The name of a tag that stands for a mapping with this key. */
function tagOf(node: Node): string | null {
  const tag = isMap(node) || isSeq(node) || isScalar(node) ? (node.tag ?? "") : "";
  return KEY_TAGS.has(tag) ? tag.slice(1) : null;
}

function buildUntagged(build: Build, node: Node, position: Position): SourceNode {
  if (isMap(node)) return buildMap(build, node, position);
  if (isSeq(node)) return buildList(build, node, position);
  if (isScalar(node)) return buildScalar(node, position.owner);
  return broken(build, { code: "wrong-type", at: rangeOf(node), message: "this is no text, list or mapping" });
}

function limited(build: Build, node: SourceNode): SourceNode {
  if (node.size <= MAX_EXPANDED_NODES) return node;
  const message = `this grows to more than ${MAX_EXPANDED_NODES} values once its aliases are filled in`;
  return broken(build, { code: "alias-bomb", at: node.at, message });
}

function buildAlias(build: Build, node: Alias, position: Position): SourceNode {
  const at = rangeOf(node);
  const name = node.source;
  if (build.open.has(name)) {
    return broken(build, {
      code: "alias-cycle",
      at,
      message: `the alias "${name}" stands inside the value that it repeats`,
    });
  }
  const target = build.anchors.get(name);
  if (target === undefined) {
    const message = `no anchor "${name}" stands before this alias`;
    const help = `define it above with \`&${name}\`, or quote the text if it only begins with \`*\``;
    return broken(build, { code: "unknown-alias", at, message, help });
  }
  if (position.depth + target.height > MAX_DEPTH) {
    const message = `with this alias filled in, the file is nested more than ${MAX_DEPTH} levels deep`;
    return broken(build, { code: "nesting-too-deep", at, message });
  }
  return target;
}

function buildList(build: Build, node: YAMLSeq, { owner, depth }: Position): SourceNode {
  const items = node.items.map((item) =>
    isNode(item) ? buildNode(build, item, { owner: null, depth: depth + 1 }) : nothing(rangeOf(node)),
  );
  return { kind: "list", items, at: owner ?? opening(node), ...measure(items) };
}

function buildMap(build: Build, node: YAMLMap, { owner, depth }: Position): SourceNode {
  const raw: RawEntry[] = [];
  for (const pair of node.items) {
    const entry = buildEntry(build, pair, depth);
    if (entry !== null) raw.push(entry);
  }
  const entries = resolveEntries(raw, build.out);
  const at = owner ?? raw[0]?.keyAt ?? opening(node);
  return { kind: "map", entries, at, ...measure(entries.map((entry) => entry.value)) };
}

function buildEntry(build: Build, pair: Pair, depth: number): RawEntry | null {
  const { key, value } = pair;
  if (!isScalar(key) || key.value === null || typeof key.value === "boolean") {
    const at = isNode(key) ? rangeOf(key) : { start: 0, end: 0 };
    const help = "quote the key if it is meant as a text; a text that begins with `{` or `*` needs quotes as well";
    build.out.report({ code: "invalid-key", at, message: "a key must be a text", help });
    return null;
  }
  const keyAt = rangeOf(key);
  const text = typeof key.value === "string" ? key.value : (key.source ?? "");
  const node = isNode(value) ? buildNode(build, value, { owner: keyAt, depth: depth + 1 }) : nothing(keyAt);
  return { key: text, keyAt, value: node, merge: text === "<<" && key.type === "PLAIN" };
}

function buildScalar(node: Scalar, owner: Range | null): ScalarNode {
  const { value, source = "", type } = node;
  const range = rangeOf(node);
  const known = typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null;
  if (value === null && source === "") return nothing(owner ?? range);
  const style = type === "PLAIN" ? "plain" : type?.startsWith("BLOCK") ? "block" : "quoted";
  const text = typeof value === "string" ? value : source;
  return { kind: "scalar", value: known ? value : source, text, style, at: range, size: 1, height: 0 };
}

function broken(build: Build, problem: Problem): BrokenNode {
  build.out.report(problem);
  return { kind: "broken", at: problem.at, size: 1, height: 0 };
}

function nothing(at: Range): ScalarNode {
  return { kind: "scalar", value: null, text: "", style: "none", at, size: 1, height: 0 };
}

function measure(children: readonly SourceNode[]): { readonly size: number; readonly height: number } {
  let size = 1;
  let height = 0;
  for (const child of children) {
    size += child.size;
    height = Math.max(height, child.height + 1);
  }
  return { size, height };
}

function isEmpty(node: ParsedNode | null): boolean {
  return node === null || (isScalar(node) && node.value === null && (node.source ?? "") === "");
}

function rangeOf(node: Node): Range {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

/** The first character of a collection: underlining all of it would tell nothing. */
function opening(node: Node): Range {
  const { start } = rangeOf(node);
  return { start, end: start + 1 };
}

/** The `---` before an offset. */
function markerBefore(text: string, offset: number): Range {
  const marker = text.lastIndexOf("---", offset);
  return marker === -1 ? { start: offset, end: offset } : { start: marker, end: marker + 3 };
}
