/** `parameters:`. */
import type { Context, Decoder } from "./decode.ts";
import { allOf, anyText, bool, byKind, json, report, text, word, wrongType } from "./decode.ts";
import { expression } from "./checked-text.ts";
import { field, mapping, readMapping, tableSchema } from "./mapping.ts";
import type { Json, Parameter } from "./model.ts";
import { violation } from "./parameter-check.ts";
import type { MapNode, SourceNode } from "./source-node.ts";
import { toJson } from "./source-node.ts";
import type { Range } from "./source.ts";

const type: Decoder<Parameter["type"]> = word(["string", "number", "boolean", "array", "object", "any"], {
  text: "string",
  str: "string",
  integer: "number",
  int: "number",
  float: "number",
  bool: "boolean",
  list: "array",
  map: "object",
});

const PARAMETER = {
  name: "a parameter",
  fields: {
    name: field(text, "The name."),
    type: field(type, "What the value must be."),
    description: field(anyText, "For the reader."),
    default: field(json, "The value when none is given.", { nullable: true }),
    required: field(bool, "Whether it must be given; without this it must when there is no default."),
    validation: field(expression, "A condition that the value must meet; it is `value` there, and its own name."),
  },
} as const;

const GROUPED = {
  name: "parameters",
  fields: {
    required: field(parameterList(true), "Parameters that must be given."),
    optional: field(parameterList(false), "Parameters that may be given."),
  },
} as const;

interface Located {
  readonly parameter: Parameter;
  readonly at: Range;
}

/** `{required: [...], optional: [...]}`, a list, or a mapping by name. */
export const parameters: Decoder<readonly Parameter[]> = byKind({
  expected: "a mapping or a list",
  list: {
    get schema() {
      return parameterList(null).schema;
    },
    decode: (node, context) => unique(parameterList(null).decode(node, context), context),
  },
  map: {
    get schema() {
      // Behind a name stands its default, or all that is said of it.
      const scalar = { type: ["string", "number", "boolean", "null"] };
      const byName = { type: "object", additionalProperties: { anyOf: [scalar, tableSchema(PARAMETER)] } };
      return { anyOf: [byName, tableSchema(GROUPED)] };
    },
    decode: (node, context) => (node.kind === "map" ? unique(fromMapping(node, context), context) : undefined),
  },
});

function fromMapping(node: MapNode, context: Context): readonly Located[] | undefined {
  const isGrouped = node.entries.some(
    ({ key, value }) => (key === "required" || key === "optional") && value.kind === "list",
  );
  if (!isGrouped)
    return allOf(
      node.entries.map((entry) =>
        oneParameter(entry.value, { name: entry.key, required: null, at: entry.keyAt }, context),
      ),
    );
  const read = mapping(GROUPED, ({ fields }) => [...(fields.required?.value ?? []), ...(fields.optional?.value ?? [])]);
  return read.decode(node, context);
}

function parameterList(required: boolean | null): Decoder<readonly Located[]> {
  return {
    get schema() {
      const named = { ...tableSchema({ ...PARAMETER, needs: [["name"]] }) };
      return { type: "array", items: { anyOf: [text.schema, named] } };
    },
    decode: (node, context) => {
      if (node.kind !== "list") return wrongType(node, context, "a list of parameters");
      return allOf(node.items.map((item) => oneParameter(item, { name: null, required, at: item.at }, context)));
    },
  };
}

interface Known {
  readonly name: string | null;
  readonly required: boolean | null;
  readonly at: Range;
}

function oneParameter(node: SourceNode, known: Known, context: Context): Located | undefined {
  if (node.kind === "scalar") {
    // In a list it is the name; behind a name it is the default, or nothing.
    const name = known.name ?? text.decode(node, context);
    if (name === undefined) return undefined;
    const given: Json = known.name === null ? null : node.value;
    return located(
      {
        name,
        type: "any",
        description: null,
        required: known.required ?? given === null,
        default: given,
        validation: null,
      },
      known.at,
      context,
    );
  }
  const read = readMapping(node, PARAMETER, context);
  if (read === undefined) return undefined;
  const { fields, given } = read;
  if (known.name === null && !given.has("name")) {
    return report(context, { code: "missing-key", at: read.at, message: 'a parameter needs "name:"' });
  }
  const name = known.name ?? fields.name?.value;
  if (name === undefined) return undefined;
  const value = fields.default?.value ?? null;
  const declared = fields.type?.value ?? "any";
  if (fields.default !== null && value !== null && !fits(value, declared)) {
    report(context, {
      code: "wrong-type",
      at: fields.default.node.at,
      message: `the default of "${name}" is not of type ${declared}`,
    });
  }
  const required = fields.required?.value ?? known.required ?? fields.default === null;
  const { description, validation } = fields;
  const parameter: Parameter = {
    name,
    type: declared,
    description: description?.value ?? null,
    required,
    default: value,
    validation: validation?.value ?? null,
  };
  const isGood = fields.default === null || value === null || fits(value, declared);
  const problem = !isGood || fields.default === null ? null : violation(parameter, value);
  if (problem !== null)
    report(context, { code: "wrong-type", at: fields.default?.node.at ?? known.at, message: problem });
  return located(parameter, known.at, context);
}

/** Values for parameters, by name: the defaults of those that are declared, and parameters of any type for the others. */
export const defaults: Decoder<readonly (readonly [string, Json])[]> = {
  schema: { type: "object" },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping from names to values");
    const named = node.entries.map(({ key, keyAt, value }) =>
      isName(key) ? ([key, toJson(value)] as const) : invalidName(key, keyAt, context),
    );
    return allOf(named);
  },
};

export function withDefaults(
  declared: readonly Parameter[],
  values: readonly (readonly [string, Json])[],
): readonly Parameter[] {
  const byName = new Map(values);
  const known = declared.map((parameter) => {
    const value = byName.get(parameter.name);
    byName.delete(parameter.name);
    return value === undefined || !parameter.required ? parameter : { ...parameter, required: false, default: value };
  });
  const others = [...byName].map(
    ([name, value]): Parameter => ({
      name,
      type: "any",
      description: null,
      required: false,
      default: value,
      validation: null,
    }),
  );
  return [...known, ...others];
}

function located(parameter: Parameter, at: Range, context: Context): Located | undefined {
  return isName(parameter.name) ? { parameter, at } : invalidName(parameter.name, at, context);
}

function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/u.test(name);
}

function invalidName(name: string, at: Range, context: Context): undefined {
  const help = "use letters, digits, `_` and `-`, beginning with a letter";
  return report(context, { code: "invalid-name", at, message: `"${name}" cannot be the name of a parameter`, help });
}

export function fits(value: Json, type: Parameter["type"]): boolean {
  switch (type) {
    case "any":
      return true;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
  }
}

function unique(found: readonly Located[] | undefined, context: Context): readonly Parameter[] | undefined {
  const names = new Set<string>();
  for (const { parameter, at } of found ?? []) {
    if (names.has(parameter.name)) {
      report(context, { code: "duplicate-key", at, message: `the parameter "${parameter.name}" is declared twice` });
    }
    names.add(parameter.name);
  }
  return found?.map(({ parameter }) => parameter);
}
