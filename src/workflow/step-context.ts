/** What the steps of a file are read with: its own defaults, the ways to other files, and one count of steps for all. */
import { agentDefaults, NO_AGENT_SETTINGS } from "./agent-settings.ts";
import { namedWorkflows } from "./call.ts";
import { openCallee } from "./callee.ts";
import type { Composition } from "./compose-load.ts";
import type { Context, Decoder, StepDefaults } from "./decode.ts";
import { stepEnvironment } from "./environment.ts";
import type { RetryPolicy, Step } from "./model.ts";
import { retryPolicy } from "./retry.ts";
import type { MapNode, SourceNode } from "./source-node.ts";
import { STEP_KEYS } from "./step-table.ts";
import { decodeSteps } from "./step.ts";
import type { StepContext } from "./step.ts";

/** A workflow of more steps is a program that writes workflows gone wild. */
const MAX_STEPS = 10_000;

const NO_DEFAULTS: StepDefaults = { env: [], agent: NO_AGENT_SETTINGS };

/** For the first file. */
export function contextOf(root: SourceNode, composition: Composition): StepContext {
  const { out } = composition;
  let count = 0;
  const countStep = (node: SourceNode): boolean => {
    count += 1;
    if (count === MAX_STEPS + 1) {
      out.report({ code: "too-many-steps", at: node.at, message: `the workflow has more than ${MAX_STEPS} steps` });
    }
    return count <= MAX_STEPS;
  };
  return makeContext(root, { composition, countStep, callers: [] });
}

interface Making {
  readonly composition: Composition;
  readonly countStep: (node: SourceNode) => boolean;
  /** The files whose steps call each other, down to this one. */
  readonly callers: readonly MapNode[];
}

/** The workflow-wide defaults are read first, because every step may need them. */
function makeContext(root: SourceNode, making: Making): StepContext {
  const { composition, countStep, callers } = making;
  const declared = valueOf(root, "workflows") ?? valueOf(root, "sub_workflows");
  const workflows = namedWorkflows(declared?.kind === "map" ? declared.entries : []);
  const used = new Set<string>();
  const make = (retryDefaults: RetryPolicy | null, stepDefaults: StepDefaults): StepContext => {
    const context: StepContext = {
      out: composition.out,
      stepKeys: STEP_KEYS,
      retryDefaults,
      stepDefaults,
      countStep,
      decodeSteps: (node, place): readonly Step[] | undefined => decodeSteps(node, place, context),
      named: (name) => {
        used.add(name);
        return workflows.get(name);
      },
      isNamed: (name) => used.has(name),
      callee: (wanted) => {
        const inside = (file: MapNode): StepContext =>
          makeContext(file, { composition, countStep, callers: [...callers, file] });
        return openCallee(wanted, { composition, callers, inside });
      },
    };
    return context;
  };
  const bare = make(null, NO_DEFAULTS);
  const retryDefaults = read(root, { key: "retry_defaults", decoder: retryPolicy }, bare) ?? null;
  // What the first file says for all its steps is known when they run.
  if (callers.length === 0) return make(retryDefaults, NO_DEFAULTS);
  return make(retryDefaults, {
    env: read(root, { key: "env", decoder: stepEnvironment }, bare) ?? [],
    agent: read(root, { key: "agent", decoder: agentDefaults }, bare) ?? NO_AGENT_SETTINGS,
  });
}

/** What is missing or wrong is reported with the rest of the mapping. */
function read<T>(
  root: SourceNode,
  { key, decoder }: { readonly key: string; readonly decoder: Decoder<T> },
  context: Context,
): T | undefined {
  const value = valueOf(root, key);
  const isNothing = value === undefined || (value.kind === "scalar" && value.value === null);
  return isNothing ? undefined : decoder.decode(value, context);
}

function valueOf(root: SourceNode, key: string): SourceNode | undefined {
  return root.kind === "map" ? root.entries.find((entry) => entry.key === key)?.value : undefined;
}
