/** `setup:` with its `capture_outputs:`. */
import { jsonPath, name, pattern } from "./checked-text.ts";
import type { Context, Decoder } from "./decode.ts";
import { allOf, anyText, byKind, integer, map, report, word, wrongType } from "./decode.ts";
import { field, mapping, required } from "./mapping.ts";
import type { OutputCapture, Step } from "./model.ts";
import { PHASE_FIELDS, phase } from "./phase.ts";
import type { Phase } from "./phase.ts";
import type { MapEntry } from "./source-node.ts";
import type { Range } from "./source.ts";

const DEFAULT_MAX_BYTES = 1024 * 1024;
/** What one captured value may have at most. */
const MAX_BYTES = 16 * 1024 * 1024;

const commandIndex = integer({ min: 0, max: 9_999 });

/** A JSONPath; `a.0.b`, as the earlier language wrote places in a list, is `a[0].b`. */
const capturePath: Decoder<string> = {
  get schema() {
    return jsonPath.schema;
  },
  decode: (node, context) => {
    if (node.kind !== "scalar" || !/^[$\w.[\]]+$/u.test(node.text)) return jsonPath.decode(node, context);
    const text = node.text.replaceAll(/\.(\d+)(?=[.[]|$)/gu, "[$1]");
    return jsonPath.decode({ ...node, text, value: text }, context);
  },
};

const CAPTURE = {
  name: "a captured output",
  fields: {
    command_index: field(commandIndex, "The place of the step, from 0.", { aliases: ["command"] }),
    source: field(word(["stdout", "stderr", "both", "combined"]), "Which text is taken."),
    max_size: field(
      integer({ min: 1, max: MAX_BYTES }),
      "How many bytes at most; the rest is cut off at a line's end.",
    ),
    pattern: field(pattern, "A regular expression whose first group is the value."),
    multiline: field(word(["preserve", "join", "first_line", "last_line", "array"]), "What becomes of several lines."),
    json_path: field(capturePath, "What is taken from JSON."),
    default: field(anyText, "The value where the pattern or the path finds nothing."),
  },
  needs: [["command_index"]],
} as const;

/** What is captured, and from which step. */
interface IndexedCapture {
  readonly index: number;
  readonly at: Range;
  readonly capture: Omit<OutputCapture, "name">;
}

const PLAIN: IndexedCapture["capture"] = {
  source: "stdout",
  maxBytes: DEFAULT_MAX_BYTES,
  pattern: null,
  multiline: "preserve",
  jsonPath: null,
  default: null,
};

const oneCapture: Decoder<Omit<IndexedCapture, "at">> = byKind({
  expected: "the place of a step, or a mapping with `command_index`",
  scalar: map(commandIndex, (index) => ({ index, capture: PLAIN })),
  map: mapping(CAPTURE, (read, context) => {
    const index = required(read, "command_index", { name: "a captured output", context });
    const { fields } = read;
    if (index === null) return undefined;
    const capture = {
      source: fields.source?.value ?? PLAIN.source,
      maxBytes: fields.max_size?.value ?? PLAIN.maxBytes,
      pattern: fields.pattern?.value ?? null,
      multiline: fields.multiline?.value ?? PLAIN.multiline,
      jsonPath: fields.json_path?.value ?? null,
      default: fields.default?.value ?? null,
    };
    return { index: index.value, capture };
  }),
});

type NamedCapture = IndexedCapture & { readonly name: string };

const captureOutputs: Decoder<readonly NamedCapture[]> = {
  get schema() {
    return { type: "object", additionalProperties: oneCapture.schema };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping of names to the places of steps");
    return allOf(node.entries.map((entry) => namedCapture(entry, context)));
  },
};

function namedCapture(entry: MapEntry, context: Context): NamedCapture | undefined {
  const key = {
    kind: "scalar",
    value: entry.key,
    text: entry.key,
    style: "plain",
    at: entry.keyAt,
    size: 1,
    height: 0,
  } as const;
  const label = name.decode(key, context);
  const found = oneCapture.decode(entry.value, context);
  return label === undefined || found === undefined ? undefined : { ...found, name: label, at: entry.keyAt };
}

const SETUP = {
  name: "setup",
  fields: {
    ...PHASE_FIELDS,
    capture_outputs: field(captureOutputs, "Values from the steps' outputs, for all later phases."),
  },
  needs: [["commands"]],
} as const;

export const setup: Decoder<Phase> = phase(
  (steps) => ({ steps, timeout: null }),
  mapping(SETUP, (read, context) => {
    const steps = required(read, "commands", { name: "setup", context });
    if (steps === null) return undefined;
    const captures = read.fields.capture_outputs?.value ?? [];
    return { steps: withCaptures(steps.value, captures, context), timeout: read.fields.timeout?.value ?? null };
  }),
);

function withCaptures(steps: readonly Step[], captures: readonly NamedCapture[], context: Context): readonly Step[] {
  for (const { at, index, name: wanted } of captures) {
    if (index < steps.length) continue;
    const message = `"${wanted}" is taken from step ${index}, and setup has ${steps.length} ${steps.length === 1 ? "step" : "steps"}`;
    report(context, { code: "out-of-range", at, message, help: "steps count from 0" });
  }
  return steps.map((step, position) => {
    const mine = captures.filter(({ index }) => index === position);
    return mine.length === 0 ? step : { ...step, captures: mine.map((one) => ({ name: one.name, ...one.capture })) };
  });
}
