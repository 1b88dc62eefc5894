/** `override:` of a template: values at places such as `commands[0].timeout`. */
import { entryOf, makeList, makeMap, mergeOver } from "./compose-merge.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { describeNode } from "./source-node.ts";
import type { MapEntry, MapNode, SourceNode } from "./source-node.ts";

/** The template with the values in their places. What does not fit is reported, and left as it was. */
export function overridden(template: MapNode, override: SourceNode, out: Diagnostics): MapNode {
  if (override.kind !== "map") {
    const message = "`override` is a mapping from places, such as `commands[0].timeout`, to values";
    out.report({ code: "wrong-type", at: override.at, message });
    return template;
  }
  let result = template;
  for (const entry of override.entries) {
    const path = segments(entry.key);
    if (path === null) {
      const help = "write keys with dots and indexes in brackets, such as `commands[0].timeout`";
      out.report({ code: "invalid-key", at: entry.keyAt, message: `"${entry.key}" is no place in a workflow`, help });
    } else if (path.length === 1) {
      result = mergeOver(result, makeMap(override, [entry]));
    } else {
      const changed = put(result, path, { entry, out, before: "" });
      if (changed?.kind === "map") result = changed;
    }
  }
  return result;
}

type Segment = string | number;

interface Putting {
  readonly entry: MapEntry;
  readonly out: Diagnostics;
  /** The place so far, for messages. */
  readonly before: string;
}

/** Null for what is no path. */
function segments(key: string): readonly Segment[] | null {
  if (!/^[\w-]+(?:\.[\w-]+|\[\d{1,5}\])*$/u.test(key)) return null;
  return [...key.matchAll(/\[(\d+)\]|[\w-]+/gu)].map(([text, index]) => (index === undefined ? text : Number(index)));
}

function put(node: SourceNode, [segment, ...rest]: readonly Segment[], putting: Putting): SourceNode | null {
  const { entry, before } = putting;
  if (segment === undefined) return entry.value;
  const deeper = { ...putting, before: typeof segment === "number" ? `${before}[${segment}]` : `${before}.${segment}` };
  if (typeof segment === "number") {
    const old = node.kind === "list" ? node.items[segment] : undefined;
    if (node.kind !== "list" || old === undefined) return misfit(node, putting);
    const value = put(old, rest, deeper);
    return value === null ? null : makeList(node, node.items.with(segment, value));
  }
  if (node.kind !== "map") return misfit(node, putting);
  const old = entryOf(node, segment);
  const value = put(old?.value ?? makeMap(entry.value, []), rest, deeper);
  if (value === null) return null;
  const changed = { key: old?.key ?? segment, keyAt: old === undefined ? entry.keyAt : old.keyAt, value };
  const others = node.entries.map((other) => (other === old ? changed : other));
  return makeMap(node, old === undefined ? [...others, changed] : others);
}

function misfit(node: SourceNode, { entry, out, before }: Putting): null {
  const count = node.kind === "list" ? ` of ${node.items.length}` : "";
  const where = before === "" ? "the template" : `"${before.replace(/^\./u, "")}" of the template`;
  const message = `there is no place "${entry.key}": ${where} is ${describeNode(node)}${count}`;
  out.report({ code: "unknown-key", at: entry.keyAt, message });
  return null;
}
