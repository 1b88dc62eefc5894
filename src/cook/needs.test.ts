import { expect, test } from "vitest";
import { agent, shell, workflow } from "../../test/kit/steps.ts";
import { everyStep, needsOf } from "./needs.ts";

test("agents are found wherever they stand", () => {
  const hidden = shell("npm test", {
    onFailure: {
      kind: "handle",
      steps: [agent("/repair")],
      rounds: 1,
      after: "rerun",
      failWorkflow: true,
      handlerFailureFatal: false,
      timeoutMs: null,
    },
  });
  expect(needsOf(workflow([hidden]))).toMatchObject({ agents: new Set(["claude"]), commits: true });
  expect([...everyStep([hidden])]).toHaveLength(2);
});

test("shells alone need no agent, and somebody's name only where they must commit", () => {
  expect(needsOf(workflow([shell("true")]))).toEqual({
    agents: new Set(),
    commits: false,
    ownPath: false,
    sets: new Set(),
  });
  expect(needsOf(workflow([shell("true", { commitRequired: true })])).commits).toBe(true);
});
