/** Workflows whose every path through the engine is tried: calm, killed, and folded again from each prefix. */
import type { Workflow } from "../../src/workflow/model.ts";
import { agent, capture, map, retry, shell, step, workflow } from "./steps.ts";
import type { Going } from "./world.ts";

export interface Scenario {
  readonly name: string;
  readonly workflow: Workflow;
  readonly going?: Going;
  readonly forgetful?: boolean;
  readonly resolves?: boolean;
}

/** The second one will always fail. */
const ITEMS = [
  { id: "x", file: "x" },
  { id: "y", file: "z" },
];

export const scenarios: readonly Scenario[] = [
  {
    name: "steps that write and commit",
    workflow: workflow([
      shell("write a 1\ncommit a"),
      agent("write b 1\nwrite c 2\ncommit b and c"),
      shell("append a 2\ncommit more"),
    ]),
  },
  {
    name: "agents that cannot be continued",
    workflow: workflow([agent("write a 1\nwrite b 1\ncommit ab"), agent("append a 2\ncommit more")]),
    forgetful: true,
  },
  {
    name: "uncommitted files between steps",
    workflow: workflow([shell("write draft x"), shell("append draft y"), shell("append draft z\ncommit draft")]),
  },
  {
    name: "a handler repairs a failing check",
    workflow: workflow([
      shell("write a broken\ncommit a"),
      shell("need fixed", {
        onFailure: {
          kind: "handle",
          steps: [agent("write fixed 1\ncommit fix")],
          rounds: 2,
          after: "rerun",
          failWorkflow: true,
          handlerFailureFatal: false,
          timeoutMs: null,
        },
      }),
      shell("write end 1\ncommit end"),
    ]),
  },
  {
    name: "a validation loop",
    workflow: workflow([
      agent("write part 1\ncommit part", {
        validate: {
          steps: [
            shell("need whole", { onFailure: { kind: "tolerate" } }),
            shell('say {"completion_percentage": ${validation_probe:-50}}', {}),
          ],
          resultFile: "result",
          threshold: 100,
          format: "json",
          expectedSchema: null,
          timeoutMs: null,
          onIncomplete: {
            steps: [agent('write whole 1\nwrite result {"completion_percentage":100}\ncommit whole')],
            maxAttempts: 3,
            failWorkflow: true,
            commitRequired: true,
          },
          at: { file: "t", line: 1, column: 1, text: "" },
        },
      }),
    ]),
  },
  {
    name: "a loop over items, in order",
    workflow: workflow([
      step({
        kind: "foreach",
        input: { kind: "list", items: ["x", "y", "z"] },
        steps: [shell("write ${item} 1"), shell("append ${item} 2\ncommit ${item}")],
        parallel: 1,
        shared: false,
        continueOnError: false,
        maxItems: null,
      }),
      shell("write after 1\ncommit after"),
    ]),
  },
  {
    name: "a loop over items, a lane each",
    workflow: workflow([
      shell("write base 1\ncommit base 1"),
      step({
        kind: "foreach",
        input: { kind: "list", items: ["x", "y", "z"] },
        steps: [shell("write ${item} 1"), agent("append ${item} 2\ncommit ${item}")],
        parallel: 2,
        shared: false,
        continueOnError: false,
        maxItems: null,
      }),
      shell("write after 1\ncommit after"),
    ]),
  },
  {
    name: "calls with values of their own, one in another",
    workflow: workflow([
      shell("write base 1\ncommit base 1", { capture: capture("seen") }),
      step({
        kind: "call",
        name: "outer",
        given: { file: "x", count: 2 },
        parameters: [],
        steps: [
          agent("write ${file} ${count}\ncommit ${file}"),
          step({
            kind: "call",
            name: "inner",
            given: { file: "${file}-inner" },
            parameters: [],
            steps: [shell("append ${file} ${params.file}\nsay done", { capture: capture("said") })],
            isolated: true,
            outputs: ["said"],
          }),
          shell("write said ${said}\ncommit said"),
        ],
        isolated: false,
        outputs: ["said"],
      }),
      shell("append said ${said}\ncommit after"),
    ]),
  },
  {
    name: "values that are computed",
    workflow: workflow([
      agent("write a ${cmd:say 1}\ncommit a", { when: "${cmd:say yes} == 'yes'" }),
      shell("append a ${file:a} ${date:%%}\ncommit more"),
      step({
        kind: "foreach",
        input: { kind: "list", items: ["x", "y"] },
        steps: [agent("write ${item} ${cmd:say of ${item}}\ncommit ${item}")],
        parallel: 2,
        shared: false,
        continueOnError: false,
        maxItems: null,
      }),
    ]),
  },
  {
    name: "several inputs",
    workflow: workflow([shell("write f-${ARG} 1"), agent("append f-${ARG} 2\ncommit ${ARG}")]),
    going: { inputs: ["one", "two"] },
  },
  {
    name: "passes while there are commits",
    workflow: workflow([shell("append f ${ITERATION}\ncommit pass")]),
    going: { maxIterations: 3 },
  },
  {
    name: "retry, auto-commit and the workflow's own merge steps",
    workflow: workflow(
      [
        shell("write a 1", {
          autoCommit: {
            messageTemplate: "auto",
            messagePattern: null,
            sign: false,
            author: null,
            includeFiles: null,
            excludeFiles: [],
            squash: false,
          },
          commitRequired: true,
        }),
        shell("append log x\nfail 3", {
          retry: {
            attempts: 3,
            backoff: { kind: "exponential", base: 2 },
            initialDelayMs: 1000,
            maxDelayMs: 30_000,
            jitterFactor: 0.3,
            retryOn: [],
            budgetMs: null,
            onExhausted: { kind: "continue" },
          },
        }),
        shell("write b 1\ncommit b"),
      ],
      { merge: { steps: [shell("write merged 1\ncommit before landing")], timeoutMs: null } },
    ),
  },
  {
    name: "a map over items, merged one after another",
    workflow: workflow(
      [
        shell("write base 1\ncommit base 1"),
        map(["x", "y"], [shell("write ${item} 1"), agent("append ${item} 2\ncommit ${item}")]),
        shell("say ${map.successful}\nwrite after 1\ncommit after"),
      ],
      { mode: "mapreduce" },
    ),
  },
  {
    name: "a map in which items fail, are tried again, and go to the dead letters",
    workflow: workflow(
      [
        map(ITEMS, [agent("write ${item.file} 1\ncommit ${item.id}"), shell("need ${item.id}")], {
          policy: { onItemFailure: { kind: "retry" }, retry: retry(2) },
        }),
        shell("say ${map.failed}"),
      ],
      { mode: "mapreduce" },
    ),
  },
  {
    name: "a map whose batches are verified",
    workflow: workflow(
      [
        map(["a", "x", "y"], [shell("write ${item} 1\ncommit ${item}")], {
          maxParallel: "3",
          verify: { steps: [shell("together x y")], batch: null },
        }),
      ],
      { mode: "mapreduce" },
    ),
  },
  {
    name: "a map with conflicts that agents resolve",
    workflow: workflow(
      [
        map(["x", "y"], [agent("write same ${item}\ncommit ${item}")]),
        // Which of the two came first is left to chance.
        shell("write same 0\ncommit the same"),
      ],
      { mode: "mapreduce" },
    ),
    resolves: true,
  },
];
