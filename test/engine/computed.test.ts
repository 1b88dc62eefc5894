// `${uuid}`, `${date:...}`, `${file:...}` and `${cmd:...}`: computed once, recorded before they are used, the same ever after.
import { expect, test } from "vitest";
import type { EnvironmentValue, Step, Workflow } from "../../src/workflow/model.ts";
import { agent, foreach, group, handle, retry, shell, step, workflow } from "../kit/steps.ts";
import { Crash, work, World } from "../kit/world.ts";

const NOWHERE = { file: "test.yml", line: 1, column: 1, text: "" };

test("9.3 V1: every mention in a step is the same value, and the next step has another", async () => {
  const world = new World();
  await work(
    world,
    workflow([shell("say a ${uuid}\nsay b ${uuid}", { when: "${uuid} != ''" }), shell("say c ${uuid}")]),
  );
  const [a, b, c] = ["a", "b", "c"].map((name) => said(world, name)[0]);
  expect(a).toMatch(/^id-\d+$/);
  expect(b).toBe(a);
  expect(c).toMatch(/^id-\d+$/);
  expect(c).not.toBe(a);
});

test("9.3 V1: killed at any moment, a step sees the uuid, the date and the output that it had", async () => {
  const steps = [
    agent("say ${uuid} ${date:%s%L} ${cmd:say out ${uuid}}\nwrite a 1\ncommit a", { when: "${uuid} != ''" }),
    shell("say then ${uuid}\nwrite b 1\ncommit b"),
  ];
  const calm = new World();
  await work(calm, workflow(steps));
  for (let after = 1; after <= calm.effects; after += 1) {
    const world = await resumed(workflow(steps), after);
    const lines = [...world.executed.keys()].filter((line) => line.startsWith("say id-"));
    expect(lines, `killed after ${after}`).toHaveLength(1);
    expect(said(world, "then"), `killed after ${after}`).toHaveLength(1);
    expect(lines[0]).toMatch(/^say (id-\d+) \d+ out \1$/);
  }
});

test("an attempt that is tried again and a rerun after a handler see the value that the step had", async () => {
  const world = new World();
  await work(
    world,
    workflow([
      shell("say retried ${uuid}\nonce first", { retry: retry(2) }),
      shell("say rerun ${uuid}\nneed fixed", { onFailure: handle([shell("say handler ${uuid}\nwrite fixed 1")]) }),
    ]),
  );
  expect(said(world, "retried")).toHaveLength(1);
  expect(said(world, "rerun")).toHaveLength(1);
  expect(said(world, "handler")).not.toEqual(said(world, "rerun"));
  expect([...world.executed].filter(([line]) => /^say (retried|rerun) /.test(line)).map(([, times]) => times)).toEqual([
    2, 2,
  ]);
});

test("the items of a loop have values of their own, and a group's steps as well", async () => {
  const world = new World();
  const inner = [shell("say item ${item} ${uuid}"), group([shell("say group ${uuid}")])];
  await work(world, workflow([foreach(["x", "y"], inner), foreach(["p", "q"], inner, { parallel: 2 })]));
  expect(new Set(said(world, "item").map((line) => line.split(" ")[1])).size).toBe(4);
  expect(said(world, "group")).toHaveLength(4);
});

test("what stands in the workflow's env is one value for all steps and lanes", async () => {
  const world = new World();
  const environment = { ...workflow([]).environment, values: [env("RUN_ID", "run-${uuid}-${cmd:say built}")] };
  await work(
    world,
    workflow(
      [
        shell("say one ${env.RUN_ID}\nsay own ${uuid}"),
        foreach(["x", "y"], [shell("say item ${env.RUN_ID}")], { parallel: 2 }),
        shell("say last ${env.RUN_ID}", { env: [env("STEP_ID", "${uuid}")] }),
      ],
      { environment },
    ),
  );
  const [id = ""] = said(world, "one");
  expect(id).toMatch(/^run-id-\d+-built$/);
  expect(said(world, "item")).toEqual([id]);
  expect(said(world, "last")).toEqual([id]);
  expect(said(world, "own")).not.toEqual([id.split("-").slice(1, 3).join("-")]);
  expect(world.executed.get("say built")).toBe(1);
});

test("a command sees the step's variables and its item", async () => {
  const world = new World();
  await work(world, workflow([foreach(["x", "y"], [shell("say got ${cmd:say for ${item}}")])]));
  expect(said(world, "got")).toEqual(["for x", "for y"]);
});

test("a file is read where the step works, and json: goes into it", async () => {
  const world = new World();
  await work(
    world,
    workflow([
      shell('write package.json {"version": "1.2.3", "files": ["a", "b"]}'),
      shell("say version ${json:version:from:file:package.json} ${json:.files[-1]:from:file:package.json}"),
      shell("say text ${file:package.json}"),
      shell("say none ${file:missing.txt:-none}"),
    ]),
  );
  expect(said(world, "version")).toEqual(["1.2.3 b"]);
  expect(said(world, "text")).toEqual(['{"version": "1.2.3", "files": ["a", "b"]}']);
  expect(said(world, "none")).toEqual(["none"]);
});

test.each([
  [
    "say ${cmd:fail 7}",
    'step "shell: say ${cmd:fail 7}" could not compute ${cmd:fail 7}: the command failed (exit code 7)',
  ],
  [
    "say ${file:missing.txt}",
    'step "shell: say ${file:missing.txt}" could not compute ${file:missing.txt}: there is no file missing.txt',
  ],
  [
    "say ${cmd:take 90000}",
    'step "shell: say ${cmd:take 90000}" could not compute ${cmd:take 90000}: the command did not end within 60 s',
  ],
  [
    "say ${date:%Q${env.X:-}}",
    'step "shell: say ${date:%Q${env.X:-}}" could not compute ${date:%Q${env.X:-}}: a date has no %Q; letters: ',
  ],
])("%s fails its step at its place", async (script, message) => {
  const world = new World();
  const session = await work(world, workflow([shell(script, { at: { ...NOWHERE, line: 7 } })]));
  expect(session.status).toBe("failed");
  expect(session.fault).toMatchObject({ kind: "template", at: { line: 7 }, message: expect.stringContaining(message) });
  expect([...world.executed.keys()].filter((line) => line.startsWith("say"))).toEqual([]);
});

test("a value that could not be computed is handled like any failure, and computed again", async () => {
  const world = new World();
  const steps = [
    shell("say got ${cmd:need ready\nsay it}", {
      onFailure: handle([shell("say because ${error.message}\nwrite ready 1")]),
    }),
  ];
  expect((await work(world, workflow(steps))).fault).toBeNull();
  expect(said(world, "got")).toEqual(["it"]);
  expect(said(world, "because")[0]).toContain("the command failed (exit code 1)");
});

test("a step that is skipped computes nothing for its action", async () => {
  const world = new World();
  await work(world, workflow([shell("say ${cmd:say never}", { when: "${uuid} == ''" })]));
  expect(world.executed.size).toBe(0);
});

test("after a failure a resume reads the world again, and keeps the uuid", async () => {
  const world = new World();
  const steps = [shell("write conf old"), shell("say seen ${uuid} ${file:conf}\nonce here")];
  expect((await work(world, workflow(steps))).status).toBe("failed");
  world.trees.get("main")?.files.set("conf", "new");
  expect((await work(world, workflow(steps))).status).toBe("ended");
  const [before = "", after = ""] = said(world, "seen");
  expect([before.split(" ")[1], after.split(" ")[1]]).toEqual(["old", "new"]);
  expect(after.split(" ")[0]).toBe(before.split(" ")[0]);
});

test("a script's own uuid is left alone", async () => {
  const world = new World();
  await work(world, workflow([shell("uuid=$(uuidgen)\nsay ${uuid}"), shell("for uuid in a b; do say ${uuid}; done")]));
  expect([...world.executed.keys()]).toContain("say ${uuid}");
});

test("a file that is written has them, and the pipe of a command is the shell's", async () => {
  const world = new World();
  const action: Step["action"] = {
    kind: "write_file",
    path: "id-${date:%Y}.txt",
    content: "${uuid} ${cmd:say a | b}",
    format: "text",
    mode: 0o644,
    createDirs: false,
  };
  await work(world, workflow([step(action)]));
  const year = String(new Date(world.now).getFullYear());
  expect(world.executed.get("say a | b")).toBe(1);
  expect(
    world.history().some((event) => event.type === "attempt-ended" && event.result.output.includes(`id-${year}.txt`)),
  ).toBe(true);
});

function env(name: string, template: string): EnvironmentValue {
  return { name, value: { kind: "text", template }, secret: false, at: NOWHERE };
}

/** What scripts have said behind a word, each once. */
function said(world: World, word: string): readonly string[] {
  const start = `say ${word} `;
  return [...world.executed.keys()].filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}

async function resumed(of: Workflow, after: number): Promise<World> {
  const world = new World();
  for (const effects of [after, Number.POSITIVE_INFINITY]) {
    world.crashAfter(effects);
    try {
      await work(world, of);
      return world;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      world.restart();
    }
  }
  throw new Error("the last worker cannot crash");
}
