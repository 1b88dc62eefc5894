/** The tree that a workflow file is read as: no aliases, no merge keys, every part with its place. */
import type { Json } from "./model.ts";
import type { Range } from "./source.ts";

export type SourceNode = ScalarNode | ListNode | MapNode | BrokenNode;

interface Common {
  /** What is underlined: the value of a scalar, the key of a map or a list, the first key of a step. */
  readonly at: Range;
  /** How many nodes this stands for, itself included. */
  readonly size: number;
  /** How many levels are below. */
  readonly height: number;
}

export interface ScalarNode extends Common {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** A text's value; of anything else what is written in the file, so that `1.0` stays `1.0` and `0644` stays `0644`. */
  readonly text: string;
  /** `none` is the value of a key with nothing behind it. */
  readonly style: "plain" | "quoted" | "block" | "none";
}

export interface ListNode extends Common {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
}

export interface MapNode extends Common {
  readonly kind: "map";
  readonly entries: readonly MapEntry[];
}

/** Something that has been reported already; whoever meets it is silent. */
export interface BrokenNode extends Common {
  readonly kind: "broken";
}

export interface MapEntry {
  readonly key: string;
  readonly keyAt: Range;
  readonly value: SourceNode;
}

/** What a node is called in a message. */
export function describeNode(node: SourceNode): string {
  switch (node.kind) {
    case "map":
      return "a mapping";
    case "list":
      return "a list";
    case "broken":
      return "a broken value";
    case "scalar":
      if (node.value === null) return "nothing";
      if (typeof node.value === "string") return node.value === "" ? "an empty text" : "a text";
      return typeof node.value === "number" ? `the number ${node.text}` : `${node.text}`;
  }
}

/** The value as plain data. */
export function toJson(node: SourceNode): Json {
  switch (node.kind) {
    case "map":
      // Defined as own properties, so that a key `__proto__` is only a key.
      return Object.fromEntries(node.entries.map((entry) => [entry.key, toJson(entry.value)]));
    case "list":
      return node.items.map(toJson);
    case "scalar":
      return typeof node.value === "number" && !Number.isFinite(node.value) ? node.text : node.value;
    case "broken":
      return null;
  }
}
