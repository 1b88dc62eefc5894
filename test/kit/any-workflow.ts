/** Small workflows by chance, everything inside everything. What their scripts do depends on nothing but the files. */
import fc from "fast-check";
import type { AutoCommit, Step, Workflow } from "../../src/workflow/model.ts";
import { agent, foreach, goalSeek, group, handle, retry, shell, validation, workflow } from "./steps.ts";

interface Where {
  readonly depth: number;
  /** Inside a loop, where `${item}` is known. */
  readonly inLoop: boolean;
  /** Where items share a tree: nothing is committed there, and what is written twice must be the same. */
  readonly shared: boolean;
}

export const anyWorkflow = (depth: number): fc.Arbitrary<Workflow> =>
  fc
    .tuple(
      anySteps({ depth, inLoop: false, shared: false }),
      fc.option(anySteps({ depth: 1, inLoop: false, shared: false }, 2), { freq: 4 }),
    )
    .map(([steps, merge]) =>
      named(workflow(steps, { merge: merge === null ? null : { steps: merge, timeoutMs: null } })),
    );

function anySteps(where: Where, max = 3): fc.Arbitrary<readonly Step[]> {
  return fc.array(anyStep(where), { minLength: 1, maxLength: max });
}

function anyStep(where: Where): fc.Arbitrary<Step> {
  const leaf = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.boolean(), anyScript(where)).map(([paid, text]) => (paid ? agent(text) : shell(text))),
    },
    { weight: 1, arbitrary: fc.constantFrom(shell("fail 3"), agent("write @ 1\nfail 1"), shell("need @")) },
  );
  if (where.depth === 0) return leaf;
  const inner = { ...where, depth: where.depth - 1 };
  const composite = fc.oneof(
    anyLoop(inner),
    anySteps(inner).map((steps) => group(steps)),
    anyGoal(inner),
  );
  return fc
    .oneof(leaf, composite)
    .chain((step) =>
      fc.tuple(...decorations(inner)).map((all) => all.reduce((made, decorate) => decorate(made), step)),
    );
}

/** `@` stands for a name of its own, given at the end. */
function anyScript({ inLoop, shared }: Where): fc.Arbitrary<string> {
  const file = inLoop ? "@-${item}" : "@";
  const line = fc.constantFrom(
    `write ${file} 1`,
    `write ${file} 2`,
    "say @",
    "delete @",
    ...(shared ? [] : ["append @ x", "append @ y"]),
  );
  const end = shared ? [""] : ["", "commit @", "commit @"];
  return fc
    .tuple(fc.array(line, { minLength: 1, maxLength: 3 }), fc.constantFrom(...end))
    .map(([lines, last]) => [...lines, last].filter((text) => text !== "").join("\n"));
}

function anyLoop(where: Where): fc.Arbitrary<Step> {
  const inLoop = { ...where, inLoop: true };
  const items = fc.constantFrom(["a"], ["a", "b"], ["a", "b", "c"]);
  return fc.oneof(
    fc
      .tuple(items, anySteps(inLoop, 2), fc.boolean())
      .map(([list, steps, continueOnError]) => foreach(list, steps, { continueOnError })),
    // Which items have begun when the first one fails is a matter of time: all of them come to their end here.
    fc
      .tuple(items, anySteps(inLoop, 2))
      .map(([list, steps]) => foreach(list, steps, { parallel: 2, continueOnError: true })),
    fc
      .tuple(items, anySteps({ ...inLoop, shared: true }, 2))
      .map(([list, steps]) => foreach(list, steps, { parallel: 2, shared: true, continueOnError: true })),
  );
}

function anyGoal(where: Where): fc.Arbitrary<Step> {
  const reached = fc.constantFrom("write @goal 1", "say hm");
  return fc
    .tuple(anySteps(where, 2), reached, fc.boolean())
    .map(([steps, last, failOnIncomplete]) =>
      goalSeek(shell("need @goal"), [...steps, shell(last)], { failOnIncomplete }),
    );
}

type Decorate = (step: Step) => Step;

function decorations(where: Where): readonly fc.Arbitrary<Decorate>[] {
  const now =
    (rest: Partial<Step>): Decorate =>
    (step) => ({ ...step, ...rest });
  const rarely = (some: fc.Arbitrary<Partial<Step>>): fc.Arbitrary<Decorate> =>
    fc.option(some, { freq: 4 }).map((rest) => now(rest ?? {}));
  const few = anySteps({ ...where, depth: Math.min(where.depth, 1) }, 2);
  const commits = where.shared ? [] : [rarely(fc.constantFrom({ commitRequired: true }, { autoCommit: AUTO_COMMIT }))];
  return [
    rarely(fc.constantFrom({ when: "true" }, { when: "false" })),
    rarely(
      fc
        .tuple(few, fc.constantFrom("stop" as const, "continue" as const, "fallback" as const))
        .map(([steps, kind]) => ({
          retry: retry(2, { onExhausted: kind === "fallback" ? { kind, steps } : { kind } }),
        })),
    ),
    rarely(few.map((onSuccess) => ({ onSuccess }))),
    rarely(few.map((steps) => ({ onExitCode: [{ code: 3, steps }] }))),
    rarely(anyFailurePolicy(few)),
    rarely(anyValidation(few)),
    ...commits,
  ];
}

function anyFailurePolicy(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Partial<Step>> {
  const after = fc.constantFrom("rerun" as const, "accept" as const, "replace" as const, "fail" as const);
  return fc.oneof(
    fc.constant<Partial<Step>>({ onFailure: { kind: "tolerate" } }),
    fc
      .tuple(steps, fc.integer({ min: 1, max: 2 }), after, fc.boolean(), fc.boolean())
      .map(([handler, rounds, then, failWorkflow, handlerFailureFatal]) => ({
        onFailure: handle(handler, { rounds, after: then, failWorkflow, handlerFailureFatal }),
      })),
  );
}

function anyValidation(steps: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Partial<Step>> {
  return fc
    .tuple(steps, fc.boolean(), fc.boolean(), fc.constantFrom(null, 1, 2))
    .map(([completing, repairs, failWorkflow, maxAttempts]) => ({
      validate: validation([shell("need @valid")], {
        onIncomplete:
          maxAttempts === null
            ? null
            : {
                steps: repairs ? [...completing, shell("write @valid 1")] : completing,
                maxAttempts,
                failWorkflow,
                commitRequired: false,
              },
      }),
    }));
}

const AUTO_COMMIT: AutoCommit = {
  messageTemplate: "auto @",
  messagePattern: null,
  sign: false,
  author: null,
  includeFiles: null,
  excludeFiles: [],
  squash: false,
};

/** Each step gets a name of its own in the place of `@`; what it is made of and what answers it shares the goal's. */
function named(flow: Workflow): Workflow {
  let count = 0;
  const scripts = (text: string): string => text.replaceAll(/@(?!goal|valid)/g, `f${String(count++)}`);
  const visit = (part: unknown, name: string): unknown => {
    if (typeof part === "string") return scripts(part).replaceAll("@", name);
    if (part === null || typeof part !== "object") return part;
    if (Array.isArray(part)) return part.map((entry) => visit(entry, name));
    const own = "validate" in part || "score" in part ? `n${String(count++)}-` : name;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, visit(value, own)]));
  };
  return visit(flow, "") as Workflow;
}
