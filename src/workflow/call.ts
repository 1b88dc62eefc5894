/** `use:`, `workflow:` and `workflows:`: steps of other files with values of their own. */
import { anyTemplate, name as variable } from "./checked-text.ts";
import { mergeOver } from "./compose-merge.ts";
import type { Callee, Context, Decoder } from "./decode.ts";
import { allOf, bool, byKind, json, list, report, text, timeLimit, workSteps, wrongType } from "./decode.ts";
import type { Fields, Found, Mapping, Refusal, Table } from "./mapping.ts";
import { field, mapping, readMapping, tableSchema } from "./mapping.ts";
import type { CallAction, Json } from "./model.ts";
import { violation } from "./parameter-check.ts";
import { fits, parameters } from "./parameters.ts";
import { nearest } from "./problem.ts";
import type { MapEntry, MapNode, SourceNode } from "./source-node.ts";
import { toJson } from "./source-node.ts";
import type { Range } from "./source.ts";

/** A value that is given: texts in it are templates. */
export interface Given {
  readonly value: Json;
  readonly at: Range;
  readonly keyAt: Range;
}

/** Values by name. */
export const given: Decoder<ReadonlyMap<string, Given>> = {
  schema: { type: "object" },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping from names to values");
    const good = node.entries.filter(({ value }) => isTemplated(value, context));
    if (good.length < node.entries.length) return undefined;
    return new Map(good.map(({ key, keyAt, value }) => [key, { value: toJson(value), at: value.at, keyAt }]));
  },
};

function isTemplated(node: SourceNode, context: Context): boolean {
  switch (node.kind) {
    case "scalar":
      return typeof node.value !== "string" || anyTemplate.decode(node, context) !== undefined;
    case "list":
      return node.items.every((item) => isTemplated(item, context));
    case "map":
      return node.entries.every(({ value }) => isTemplated(value, context));
    case "broken":
      return false;
  }
}

export interface Call {
  readonly given: Pick<Found<ReadonlyMap<string, Given>>, "value"> | null;
  /** Names inside, and the caller's variables that they get. */
  readonly inputs: Pick<Found<ReadonlyMap<string, string>>, "value"> | null;
  readonly at: Range;
}

/** The call of some steps, with values that what they declare allows, as far as that can be told before it runs. */
export function calling(callee: Callee, call: Call, context: Context): CallAction | undefined {
  const { name, parameters: declared, steps } = callee;
  const values = call.given?.value ?? new Map<string, Given>();
  const names = declared.map((parameter) => parameter.name);
  const inputs = call.inputs?.value ?? new Map<string, string>();
  let isGood = true;
  const fail = (at: Range, message: string, help: string | null = null): void => {
    isGood = false;
    report(context, { code: "wrong-type", at, message, help });
  };
  for (const [key, { value, at, keyAt }] of values) {
    const parameter = declared.find((one) => one.name === key);
    if (parameter === undefined) {
      const near = nearest(key, names);
      const listed = names.length === 0 ? "it declares none" : `its parameters: ${names.join(", ")}`;
      const help = near === null ? listed : `did you mean "${near}"?`;
      report(context, { code: "unknown-key", at: keyAt, message: `"${name}" has no parameter "${key}"`, help });
      isGood = false;
    } else if (!hasVariable(value)) {
      const wrong = fits(value, parameter.type) ? violation(parameter, value) : null;
      if (!fits(value, parameter.type)) fail(at, `the value of "${key}" is not of type ${parameter.type}`);
      else if (wrong !== null) fail(at, wrong);
    }
  }
  for (const parameter of declared) {
    if (!parameter.required || values.has(parameter.name) || inputs.has(parameter.name)) continue;
    report(context, { code: "missing-key", at: call.at, message: `"${name}" needs the parameter "${parameter.name}"` });
    isGood = false;
  }
  if (!isGood) return undefined;
  const copied = [...inputs].map(([inside, outside]) => [inside, `\${${outside}}`] as const);
  const texts = [...values].map(([key, { value }]) => [key, value] as const);
  const all = Object.fromEntries<Json>([...copied, ...texts]);
  return { kind: "call", name, given: all, parameters: declared, steps, isolated: false, outputs: [] };
}

function hasVariable(value: Json): boolean {
  return JSON.stringify(value).includes("${");
}

/** `{secs, nanos}`, as the earlier program had it, or a duration. */
const limit: Decoder<number | null> = byKind<number | null>({
  expected: "a duration",
  scalar: timeLimit,
  map: mapping(
    { name: "timeout", fields: { secs: field(json, "Seconds."), nanos: field(json, "Nanoseconds.") } } as const,
    ({ fields, at }, context) => {
      const secs = fields.secs?.value ?? 0;
      const nanos = fields.nanos?.value ?? 0;
      if (typeof secs === "number" && typeof nanos === "number" && secs >= 0 && nanos >= 0)
        return Math.round(secs * 1000 + nanos / 1e6) || null;
      return report(context, { code: "invalid-duration", at, message: "`secs` and `nanos` are numbers" });
    },
  ),
});

const inputs: Decoder<ReadonlyMap<string, string>> = {
  schema: { type: "object", additionalProperties: { type: "string" } },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping from names to names of variables");
    const named = node.entries.map(({ key, value }) => {
      const found = variable.decode(value, context);
      return found === undefined ? undefined : ([key, found] as const);
    });
    const all = allOf(named);
    return all === undefined ? undefined : new Map(all);
  },
};

const NO_FOLDER: Refusal = {
  code: "not-supported-yet",
  message: '"working_dir" of a sub-workflow is not supported: its steps run in the worktree',
  help: "give it to the steps inside",
};

const SUB_WORKFLOW = {
  name: "a sub-workflow",
  fields: {
    source: field(text, "The file, relative to the one that says it."),
    name: field(text, "An entry of `workflows:`; beside `source` or `commands`, what people see."),
    commands: field(workSteps, "Steps that are written here instead of in a file.", { aliases: ["steps"] }),
    declares: field(parameters, "The parameters of steps that are written here."),
    with: field(given, "Values for its parameters.", { aliases: ["parameters"] }),
    inputs: field(inputs, "Names inside, and the variables that they get."),
    outputs: field(list(variable, { orOne: true }), "Variables inside that are copied out when it has passed."),
    inherit: field(bool, "Whether it sees the variables around it."),
    parallel: field(bool, "Has no effect: sub-workflows run one after the other."),
    continue_on_error: field(bool, "Whether its failure is tolerated."),
    timeout: field(limit, "The limit for each attempt."),
  },
  needs: [["source", "commands", "name"]],
  refused: { working_dir: NO_FOLDER, cwd: NO_FOLDER },
} as const satisfies Table<Fields>;

type SubWorkflowRead = Mapping<(typeof SUB_WORKFLOW)["fields"]>;

/** The action, and what its own mapping says about the step. */
export interface SubWorkflow {
  readonly action: CallAction;
  readonly timeoutMs: number | null;
  readonly tolerate: boolean | null;
}

/** `workflow: FILE`, `workflow: NAME` of `workflows:`, or a mapping. */
export const subWorkflow: Decoder<SubWorkflow> = {
  get schema() {
    return { anyOf: [text.schema, tableSchema(SUB_WORKFLOW)] };
  },
  decode: (node, context) => {
    const whole = asMapping(node, context);
    const read = whole === undefined ? undefined : readMapping(whole, SUB_WORKFLOW, context);
    return read === undefined ? undefined : subWorkflowOf(read, context);
  },
};

/** A name stands for what `workflows:` says of it; what the step says as well wins. */
function asMapping(node: SourceNode, context: Context): SourceNode | undefined {
  if (node.kind === "scalar" && node.value !== null) {
    const isPath = /[/\\]|\.(?:ya?ml|json)$/iu.test(node.text);
    const entries = [{ key: isPath ? "source" : "name", keyAt: node.at, value: node }];
    return asMapping({ ...node, kind: "map", entries }, context);
  }
  if (node.kind !== "map" || node.entries.some(({ key }) => key === "source" || key === "commands" || key === "steps"))
    return node;
  const name = node.entries.find(({ key }) => key === "name");
  if (name?.value.kind !== "scalar") return node;
  const known = context.named(name.value.text);
  if (known !== undefined) return mergeOver(known, node);
  const message = `there is no workflow "${name.value.text}" in \`workflows:\` of this file`;
  const help = "write a path with its ending to mean a file";
  return report(context, { code: "unknown-value", at: name.value.at, message, help });
}

function subWorkflowOf({ fields, given: keys, at }: SubWorkflowRead, context: Context): SubWorkflow | undefined {
  if (fields.parallel?.value === true) {
    const message = '"parallel" has no effect: sub-workflows run one after the other';
    report(context, { code: "no-effect", at: fields.parallel.keyAt, message });
  }
  const callee = calleeOf({ fields, given: keys, at }, context);
  if (callee === undefined) return undefined;
  const call = { given: fields.with, inputs: fields.inputs, at: fields.source?.node.at ?? at };
  const action = calling(callee, call, context);
  if (action === undefined) return undefined;
  const isolated = !(fields.inherit?.value ?? false);
  const outputs = fields.outputs?.value ?? [];
  return {
    action: { ...action, name: fields.name?.value ?? action.name, isolated, outputs },
    timeoutMs: fields.timeout?.value ?? null,
    tolerate: fields.continue_on_error?.value ?? null,
  };
}

function calleeOf(
  { fields, given: keys, at }: Pick<SubWorkflowRead, "fields" | "given" | "at">,
  context: Context,
): Callee | undefined {
  if (keys.has("source") === keys.has("commands")) {
    const both = keys.has("source");
    const message = both ? 'a sub-workflow has "source" or "commands", not both' : 'a sub-workflow needs "source:"';
    return report(context, { code: both ? "conflicting-keys" : "missing-key", at, message });
  }
  if (keys.has("commands")) {
    if (fields.commands === null) return undefined;
    const declared = fields.declares?.value ?? [];
    return { name: fields.name?.value ?? "workflow", parameters: declared, steps: fields.commands.value };
  }
  if (fields.declares !== null) {
    const message = '"declares" belongs to steps that are written here';
    return report(context, { code: "conflicting-keys", at: fields.declares.keyAt, message });
  }
  return fields.source === null
    ? undefined
    : context.callee({ kind: "source", text: fields.source.value, at: fields.source.node.at });
}

/** `workflows:`. What each entry means is read where it is used. */
export const subWorkflows: Decoder<readonly MapEntry[]> = {
  get schema() {
    const entry = tableSchema({ ...SUB_WORKFLOW, needs: [["source", "commands"]] });
    return { type: "object", minProperties: 1, additionalProperties: { anyOf: [text.schema, entry] } };
  },
  decode: (node, context) => {
    if (node.kind !== "map") return wrongType(node, context, "a mapping from names");
    if (node.entries.length > 0) return node.entries;
    return report(context, { code: "empty-value", at: node.at, message: "there is no workflow in it" });
  },
};

/** The entries as they are looked up: one that is only a path is its source, and each has its name. */
export function namedWorkflows(entries: readonly MapEntry[]): ReadonlyMap<string, MapNode> {
  return new Map(entries.flatMap((entry) => (entry.value.kind === "broken" ? [] : [[entry.key, described(entry)]])));
}

function described({ key, keyAt, value }: MapEntry): MapNode {
  const own = value.kind === "map" ? value.entries : [{ key: "source", keyAt, value }];
  const { size, height } = value;
  const name: MapEntry = {
    key: "name",
    keyAt,
    value: { kind: "scalar", value: key, text: key, style: "plain", at: keyAt, size: 1, height: 0 },
  };
  return { kind: "map", at: keyAt, entries: [...own.filter((entry) => entry.key !== "name"), name], size, height };
}
