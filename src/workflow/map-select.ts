/** Which items are taken: `json_path`, `filter`, `sort_by`, `distinct`, `offset` and `max_items`. */
import { distinctKeys, expression, jsonPath, sortKeys } from "./checked-text.ts";
import { countTemplate } from "./counted.ts";
import type { Decoder } from "./decode.ts";
import { anyText, byKind, list, map } from "./decode.ts";
import type { Mapping } from "./mapping.ts";
import { field } from "./mapping.ts";
import type { Selection } from "./model.ts";

/** An empty path is the same as none. */
const optionalPath: Decoder<string | null> = {
  schema: anyText.schema,
  decode: (node, context) =>
    node.kind === "scalar" && node.text.trim() === "" ? null : jsonPath.decode(node, context),
};

/** A text with commas, or a list. */
function keys(one: Decoder<string>, expected: string): Decoder<string> {
  return byKind({ expected, scalar: one, list: map(list(one), (all) => all.join(", ")) });
}

const ANY = { min: 0, max: Number.MAX_SAFE_INTEGER };

export const SELECT_FIELDS = {
  json_path: field(optionalPath, "Where in the data the items are (RFC 9535)."),
  filter: field(expression, "Only items for which this is true."),
  sort_by: field(keys(sortKeys, "sort keys"), "The order: `score DESC NULLS LAST, name`."),
  distinct: field(keys(distinctKeys, "keys"), "Of items with the same value only the first."),
  offset: field(countTemplate(ANY), "How many items are left out at the start."),
  max_items: field(countTemplate(ANY), "How many items at most."),
} as const;

export function selectionOf(fields: Mapping<typeof SELECT_FIELDS>["fields"]): Selection {
  return {
    jsonPath: fields.json_path?.value ?? null,
    filter: fields.filter?.value ?? null,
    sortBy: fields.sort_by?.value ?? null,
    distinct: fields.distinct?.value ?? null,
    offset: fields.offset?.value ?? null,
    maxItems: fields.max_items?.value ?? null,
  };
}
