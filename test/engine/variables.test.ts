// Names that meet: ids, captures and the names of the language itself.
import { expect, test } from "vitest";
import { agent, capture, foreach, shell, workflow } from "../kit/steps.ts";
import { work, World } from "../kit/world.ts";

test("an id that is also a name of the language means the step", async () => {
  const world = new World();
  await work(world, workflow([shell("say tested", { id: "test" }), shell("say other"), shell("say ${test.output}!")]));
  expect(world.executed.get("say tested!")).toBe(1);
});

test("captures answer by vars as well, also with dots and dashes in their names", async () => {
  const world = new World();
  const steps = [
    shell("say 1", { capture: capture("a.b") }),
    shell("say 2", { capture: capture("item") }),
    shell("say 3", { id: "my-step" }),
    foreach(["x"], [shell("say ${a.b} ${vars.a.b} ${item} ${vars.item} ${steps.my-step.output}")]),
  ];
  await work(world, workflow(steps));
  expect(world.executed.get("say 1 1 x 2 3")).toBe(1);
});

test("what the first failed item says does not depend on who failed first", async () => {
  const world = new World();
  const steps = [shell("say 1\nsay 2\nsay 3\nfail 7", { when: "${item} == 'slow'" }), shell("fail 8")];
  const session = await work(
    world,
    workflow([foreach(["slow", "fast"], steps, { parallel: 2, continueOnError: true })]),
  );
  expect(session.fault?.message).toContain("failed with exit code 7");
});

test("9.3 V8: a name that no variable has is told when a prompt went out with it", async () => {
  const world = new World();
  const steps = [
    shell("say x", { capture: capture("target") }),
    agent("say ${target} ${taget}\nsay $${target} ${taget} $HOME ${other:-fine}", { label: "fix" }),
    agent("say ${target}"),
  ];
  await work(world, workflow(steps));
  const warnings = world.history().flatMap((event) => (event.type === "warned" ? [event.message] : []));
  expect(warnings).toEqual([
    'step "fix" went to the agent with ${taget} in its prompt: there is no such variable (write $${...} for the text itself)',
  ]);
});
