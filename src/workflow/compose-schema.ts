/** What the keys that put files together look like, for the schema: they are read before the tables are. */
import type { Decoder, JsonSchema } from "./decode.ts";
import { json, text } from "./decode.ts";
import type { Json } from "./model.ts";

function only(properties: Readonly<Record<string, JsonSchema>>, demands: JsonSchema): JsonSchema {
  return { type: "object", properties, additionalProperties: false, ...demands };
}

function described(schema: JsonSchema): Decoder<Json> {
  return { schema, decode: json.decode };
}

const oneImport: JsonSchema = {
  anyOf: [
    text.schema,
    only(
      { path: text.schema, selective: { anyOf: [{ type: "array", items: text.schema }, text.schema] } },
      { required: ["path"] },
    ),
  ],
};

export const importsKey: Decoder<Json> = described({ anyOf: [{ type: "array", items: oneImport }, oneImport] });

export const extendsKey: Decoder<Json> = described(text.schema);

const source: JsonSchema = {
  anyOf: [text.schema, only({ file: text.schema, registry: text.schema }, { minProperties: 1, maxProperties: 1 })],
};

export const templateKey: Decoder<Json> = described({
  anyOf: [
    text.schema,
    only(
      { name: text.schema, source, with: { type: "object" }, override: { type: "object" } },
      { anyOf: [{ required: ["source"] }, { required: ["name"] }] },
    ),
  ],
});
