// Table 9.4: what was promised of MapReduce workflows.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Recorded } from "../../src/cook/decision/event.ts";
import type { Session } from "../../src/cook/decision/state.ts";
import type { Workflow } from "../../src/workflow/model.ts";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { newRig, type Rig } from "../kit/rig.ts";
import { work, World } from "../kit/world.ts";

function parsed(text: string): Workflow {
  const { workflow, diagnostics } = parseWorkflow(text, { file: "test.yml" });
  if (workflow === null) throw new Error(JSON.stringify(diagnostics));
  return workflow;
}

/** Runs a text in the world in memory. */
async function run(text: string, world = new World()): Promise<{ readonly world: World; readonly session: Session }> {
  return { world, session: await work(world, parsed(text)) };
}

const times = (world: World, line: string): number => world.executed.get(line) ?? 0;
const landed = (world: World): Record<string, string> =>
  Object.fromEntries(world.filesAt(world.branches.get("main") ?? ""));
type Of<T extends Recorded["type"]> = Recorded & { readonly type: T };
function events<T extends Recorded["type"]>(world: World, type: T): readonly Of<T>[] {
  return world.history().filter((event): event is Of<T> => event.type === type);
}
const ends = (world: World): readonly string[] =>
  events(world, "map-item-ended")
    .map(({ id, end }) => `${id}: ${end}`)
    .toSorted();

/** A map over `a`, `b` and `c`, with more keys of the map and of the workflow. */
function over(steps: string, more: { readonly map?: string; readonly top?: string } = {}): string {
  const { map = "", top = "" } = more;
  return `map:\n  items: [{id: a}, {id: b}, {id: c}]\n  max_parallel: 1\n${map}  agent_template:\n${steps}\n${top}`;
}

const step = (script: string): string => `    - shell: "${script.replaceAll("\n", "\\n")}"`;

describe("M1: error_policy", () => {
  const fails = step("write ${item.id} 1\ncommit ${item.id}\nneed b");

  test("9.4 M1: a failed item goes to the dead letters, and the others go on", async () => {
    const { world, session } = await run(over(fails));
    expect([ends(world), session.deadLetters]).toEqual([["a: dead", "b: merged", "c: merged"], 1]);
  });

  test.each([
    ["error_policy: {on_item_failure: skip}\n", ["a: skipped", "b: merged", "c: merged"], "ended"],
    ["on_item_failure: skip\n", ["a: skipped", "b: merged", "c: merged"], "ended"],
    [
      "error_policy: {on_item_failure: {custom: [{shell: say sorry}]}}\n",
      ["a: skipped", "b: merged", "c: merged"],
      "ended",
    ],
    ["error_policy: {on_item_failure: stop}\n", ["a: dead"], "failed"],
    ["continue_on_failure: false\n", ["a: dead"], "failed"],
    ["error_policy: {max_failures: 1}\n", ["a: dead"], "failed"],
    ["failure_threshold: 0.5\nmin_items: 1\n", ["a: dead"], "failed"],
    ["failure_threshold: 0.5\n", ["a: dead", "b: merged", "c: merged"], "ended"],
  ])("9.4 M1: %j is obeyed", async (top, expected, status) => {
    const { world, session } = await run(over(fails, { top }));
    expect([ends(world), session.status]).toEqual([expected, status]);
  });
});

describe("what agents do", () => {
  test("9.4 M2: a failing command fails the item, and a failing command in reduce fails the run", async () => {
    const { world } = await run(over(`${step("say hi\nfail 1")}\n${step("say later")}`));
    expect([ends(world), times(world, "say later")]).toEqual([["a: dead", "b: dead", "c: dead"], 0]);
    const reduced = await run(over(step("say hi"), { top: "reduce: [{shell: fail 3}, {shell: say later}]\n" }));
    expect([reduced.session.status, times(reduced.world, "say later")]).toEqual(["failed", 0]);
  });

  test("9.4 M3: an item whose step must commit and does not has failed", async () => {
    const { world } = await run(over('    - shell: "write ${item.id} 1"\n      commit_required: true'));
    expect(ends(world)).toEqual(["a: dead", "b: dead", "c: dead"]);
    expect(events(world, "map-item-ended")[0]?.outcome.fault?.kind).toBe("commit-required");
  });

  test("9.4 M4: an item's commits are merged without any word about them, and not with `merge: never`", async () => {
    const steps = step("write ${item.id} 1\ncommit ${item.id}");
    expect(landed((await run(over(steps))).world)).toMatchObject({ a: "1", b: "1", c: "1" });
    expect(Object.keys(landed((await run(over(steps, { map: "  merge: never\n" }))).world))).toEqual(["README.md"]);
  });

  test("9.4 M5: a result counts the item's own commits and not the whole history", async () => {
    const steps = step("write ${item.id} 1\ncommit one\nwrite ${item.id} 2\ncommit two");
    const { world } = await run(
      over(steps, { top: 'reduce: [{shell: "say ${map.results[2].commits|length} commits"}]\n' }),
    );
    expect(times(world, "say 2 commits")).toBe(1);
  });

  test.each([
    ["  agent_timeout_secs: 1\n", "dead"],
    ["  timeout_config: {agent_timeout_secs: 1, timeout_action: skip}\n", "skipped"],
    ["  timeout_config: {timeout_policy: per_command, command_timeouts: {shell: 1}}\n", "dead"],
    ["  timeout_config: {timeout_policy: Hybrid, agent_timeout_secs: 60, command_timeouts: {shell_0: 1}}\n", "dead"],
  ])("9.4 M6: with %j a slow item really ends", async (map, end) => {
    const { world } = await run(over(`${step("take 600\ntake 600\nsay late")}\n${step("say later")}`, { map }));
    expect([times(world, "say late"), times(world, "say later")]).toEqual([0, 0]);
    expect(ends(world)).toEqual([`a: ${end}`, `b: ${end}`, `c: ${end}`]);
  });

  test("9.4 M7: offset and distinct are applied, after filter and order and before max_items", async () => {
    const { world } = await run(`
map:
  items: [{n: 1, g: x}, {n: 5, g: y}, {n: 4, g: y}, {n: 3, g: z}, {n: 2, g: w}, {n: 9, g: v}]
  filter: n < 9
  sort_by: n DESC
  distinct: g
  offset: 1
  max_items: 2
  agent_template: [{shell: "say \${item.n}"}]
reduce: [{shell: "say total \${map.total}"}]
`);
    expect([...world.executed.keys()].filter((line) => /^say \d/.test(line)).toSorted()).toEqual(["say 2", "say 3"]);
    expect(times(world, "say total 2")).toBe(1);
  });

  const EVERYTHING = `
    - {shell: "say never", when: "item.id == 'nobody'"}
    - {shell: "say \${item.id}", capture: who}
    - {shell: "once retry-\${who}", retry: {attempts: 2, initial_delay: 0}}
    - {shell: "say base", on_success: [{shell: "say followed \${who}"}]}
    - {shell: "fail 7", allow_failure: true, on_exit_code: {7: [{shell: "say seven \${who}"}]}}
    - {foreach: [x, y], do: [{shell: "say loop \${item}"}]}
    - {shell: "say valid", validate: {commands: [{shell: "say checked \${who}"}], format: exit_code}}
    - {test: {command: "say tested \${who}"}}
    - {handler: {name: shell, attributes: {command: "say handled \${who}"}}}
    - {shell: "take 600\\ntake 600", timeout: 1, allow_failure: true}
`;
  const SAID = ["followed a", "seven a", "checked a", "tested a", "handled a", "loop x", "loop y"];

  test("9.4 M8: all that a step may say works in agents", async () => {
    const { world } = await run(`map:\n  items: [{id: a}]\n  agent_template:${EVERYTHING}`);
    expect(ends(world)).toEqual(["a: unmerged"]);
    expect(SAID.map((line) => times(world, `say ${line}`))).toEqual(SAID.map(() => 1));
    expect([times(world, "say never"), times(world, "once retry-a")]).toEqual([0, 2]);
  });

  test("9.4 M8: all that a step may say works in reduce", async () => {
    const reduce = EVERYTHING.replaceAll("${item.id}", "a").replace("item.id ==", "'b' ==");
    const { world, session } = await run(`map:\n  items: [1]\n  agent_template: {shell: say hi}\nreduce:${reduce}`);
    expect(session.status).toBe("ended");
    expect(SAID.map((line) => times(world, `say ${line}`))).toEqual(SAID.map(() => 1));
    expect([times(world, "say never"), times(world, "once retry-a")]).toEqual([0, 2]);
  });

  test("9.4 M9: a handler's attempts and fail_workflow count in agents, and the original runs again", async () => {
    const failing = (more: string): string =>
      `    - shell: "say try ${"${item.id}"}\\nneed fixed"\n      on_failure: {shell: "say mend ${"${item.id}"}", max_attempts: 3${more}}\n    - shell: "say after ${"${item.id}"}"`;
    const hard = await run(over(failing("")));
    expect([times(hard.world, "say try a"), times(hard.world, "say mend a"), times(hard.world, "say after a")]).toEqual(
      [4, 3, 0],
    );
    expect(ends(hard.world)).toEqual(["a: dead", "b: dead", "c: dead"]);
    const soft = await run(over(failing(", fail_workflow: false")));
    expect([times(soft.world, "say mend a"), times(soft.world, "say after a")]).toEqual([3, 1]);
    expect(ends(soft.world)).toEqual(["a: unmerged", "b: unmerged", "c: unmerged"]);
  });

  test("9.4 M10: what setup captures is known in map and in reduce", async () => {
    const setup = `
setup:
  commands:
    - {shell: "say ann", capture: who}
    - {shell: "say v12\\nsay other"}
  capture_outputs:
    version: {command_index: 1, pattern: 'v(\\d+)'}
    nothing: {command_index: 1, pattern: 'x(\\d+)', default: none}
`;
    const text = "${who} ${version} ${nothing}";
    const { world } = await run(
      over(step(`say map ${text}`), { top: `${setup}reduce: [{shell: "say reduce ${text}"}]\n` }),
    );
    expect([times(world, "say map ann 12 none"), times(world, "say reduce ann 12 none")]).toEqual([3, 1]);
  });

  test("9.4 M12: when_empty says what reduce does without items", async () => {
    const empty = (more: string): string =>
      `map: {items: [], agent_template: {shell: say hi}}\nreduce: {commands: [{shell: "say reduced \${map.total}"}]${more}}\n`;
    const skipped = await run(empty(""));
    expect([skipped.session.status, times(skipped.world, "say reduced 0")]).toEqual(["ended", 0]);
    const done = await run(empty(", when_empty: run"));
    expect([done.session.status, times(done.world, "say reduced 0")]).toEqual(["ended", 1]);
    const failed = await run(empty(", when_empty: fail"));
    expect([failed.session.status, times(failed.world, "say reduced 0")]).toEqual(["failed", 0]);
  });

  test("9.4 M16: max_parallel: 0 is refused", () => {
    const { workflow, diagnostics } = parseWorkflow("map: {input: a, agent_template: {shell: b}, max_parallel: 0}\n", {
      file: "test.yml",
    });
    expect([workflow, diagnostics.map(({ code }) => code)]).toEqual([null, ["out-of-range"]]);
  });

  test("9.4 M19: an item is known by its id, whatever the filter leaves of the others", async () => {
    const items = (filter: string): string => `
map:
  items: [{id: a, n: 1}, {id: b, n: 2}, {id: c, n: 3}]
  filter: ${filter}
  agent_template: [{shell: "say \${item_id}"}]
`;
    expect(ends((await run(items("n > 0"))).world)).toEqual(["a: unmerged", "b: unmerged", "c: unmerged"]);
    expect(ends((await run(items("n > 1"))).world)).toEqual(["b: unmerged", "c: unmerged"]);
    const plain = async (list: string): Promise<readonly string[]> =>
      ends((await run(`map: {items: ${list}, agent_template: {shell: say hi}}\n`)).world);
    expect(await plain("[w, y, x]")).toEqual(expect.arrayContaining([...(await plain("[x, y]"))]));
  });

  test("9.4 M20: the worktrees of failed items are not left behind, and their work is kept", async () => {
    const { world } = await run(over(step("write ${item.id} 1\nfail 1")));
    expect([...world.trees.keys()].filter((lane) => lane !== "main")).toEqual([]);
    expect(
      world.salvaged
        .flatMap(({ files }) => [...files.keys()])
        .filter((file) => /^[abc]$/.test(file))
        .toSorted(),
    ).toEqual(["a", "b", "c"]);
  });

  test.each([
    "on_item_failure: retry\nretry_config: {attempts: 2, initial_delay: 0}\n",
    "error_policy: {on_item_failure: retry, retry_config: {max_attempts: 2, backoff: !fixed {delay: {secs: 0, nanos: 0}}}}\n",
    "retry_config: {attempts: 2, initial_delay: 0}\n",
  ])("9.4 M21: with %j a failed item is tried again from the start", async (top) => {
    const { world } = await run(over(`${step("say begin ${item.id}")}\n${step("once ${item.id}")}`, { top }));
    expect([times(world, "say begin a"), ends(world)]).toEqual([2, ["a: unmerged", "b: unmerged", "c: unmerged"]]);
  });

  test("9.4 M22: the circuit breaker opens, lets trials through after a while, and closes again", async () => {
    const breaker =
      "circuit_breaker: {failure_threshold: 2, timeout: 1s, half_open_requests: 1, success_threshold: 1}\n";
    const world = new World();
    const before = world.now;
    await run(
      `map:\n  items: [{id: a}, {id: b}, {id: c}, {id: d}]\n  max_parallel: 1\n  agent_template: [{shell: "write \${item.id} 1", when: "index > 1"}, {shell: "need \${item.id}"}]\n${breaker}`,
      world,
    );
    expect(events(world, "breaker-changed").map(({ to }) => to)).toEqual(["open", "half-open", "closed"]);
    expect(world.now - before).toBeGreaterThan(999);
    expect(ends(world)).toEqual(["a: dead", "b: dead", "c: unmerged", "d: unmerged"]);
  });

  test("9.4 M23: a MapReduce session goes on where it stopped", async () => {
    const text = over(`${step("once ${item.id}")}\n${step("write ${item.id} 1\ncommit ${item.id}")}`, {
      top: "continue_on_failure: false\nreduce: [{shell: say reduced}]\n",
    });
    const world = new World();
    let { session } = await run(text, world);
    expect([session.status, times(world, "say reduced")]).toEqual(["failed", 0]);
    for (let tries = 0; tries < 3 && session.status === "failed"; tries++) ({ session } = await run(text, world));
    expect([session.status, times(world, "say reduced")]).toEqual(["ended", 1]);
    expect(landed(world)).toMatchObject({ a: "1", b: "1", c: "1" });
  });
});

describe("with the built program", () => {
  function runFile(rig: Rig, text: string, env: Readonly<Record<string, string>> = {}): ReturnType<Rig["prodigy"]> {
    rig.write("../w.yml", text);
    return rig.prodigy(["run", "../w.yml", "-y", "-v"], env);
  }

  test("9.4 M11: env is known in all phases, to scripts, agents and the merge", async () => {
    await using rig = await newRig();
    rig.write(
      "../agent.yml",
      'rules: [{steps: [{shell: "echo agent $NAME > agent-$1.txt"}, {commit: "by {{prompt}}"}]}]\n',
    );
    const { code, stderr } = runFile(
      rig,
      `
env: {NAME: ann}
setup: [{shell: "echo setup $NAME > setup.txt"}]
map:
  items: [{id: a}]
  agent_template:
    - {shell: "echo map $NAME > map.txt", auto_commit: true}
    - {claude: "/work $NAME"}
reduce: [{shell: "echo reduce $NAME > reduce.txt", auto_commit: true}]
merge: [{shell: "echo merge $NAME > merge.txt", auto_commit: true}]
`,
      { PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "agent.yml") },
    );
    expect(code, stderr).toBe(0);
    expect(["setup", "map", "reduce", "merge"].map((name) => rig.read(`${name}.txt`))).toEqual([
      "setup ann\n",
      "map ann\n",
      "reduce ann\n",
      "merge ann\n",
    ]);
    expect(rig.git("log", "--format=%s")).toContain("by /work ann");
  });

  test("9.4 M13: a command that lists the items runs in the session's worktree", async () => {
    await using rig = await newRig();
    const { code, stderr } = runFile(
      rig,
      'setup: [{shell: "echo made > made.txt"}]\nmap: {input: "ls *.txt", agent_template: {shell: "echo ${item} > of-${item}", auto_commit: true}}\n',
    );
    expect(code, stderr).toBe(0);
    expect(rig.read("of-made.txt")).toBe("made.txt\n");
  });

  test("9.4 M14: json_path goes into what a command has printed", async () => {
    await using rig = await newRig();
    const { code, stderr } = runFile(
      rig,
      `map: {input: {command: "echo '{\\"items\\": [{\\"n\\": 1}, {\\"n\\": 2}]}'"}, json_path: "$.items[*]", agent_template: {shell: "echo \${item.n} > n\${item.n}.txt", auto_commit: true}}\n`,
    );
    expect(code, stderr).toBe(0);
    expect([rig.read("n1.txt"), rig.read("n2.txt")]).toEqual(["1\n", "2\n"]);
  });

  test("9.4 M15: a file that happens to be called work-items.json replaces nothing", async () => {
    await using rig = await newRig();
    rig.write("wanted.json", '["wanted"]');
    rig.commitAll("items");
    const { code, stderr } = runFile(
      rig,
      `setup: [{shell: "echo '[1, 2, 3]' > work-items.json"}]\nmap: {input: wanted.json, agent_template: {shell: "echo 1 > \${item}.txt", auto_commit: true}}\nreduce: [{shell: "test \${map.total} -eq 1"}]\n`,
    );
    expect(code, stderr).toBe(0);
    expect(rig.read("wanted.txt")).toBe("1\n");
  });

  test("9.4 M17: all kinds of steps run in merge, and its time limit ends it", async () => {
    await using rig = await newRig();
    const map = 'map: {items: [a], agent_template: {shell: "echo 1 > a.txt", auto_commit: true}}\n';
    const good = runFile(
      rig,
      `${map}merge: {timeout: 60, commands: [{write_file: {path: m.txt, content: m}, auto_commit: true}]}\n`,
    );
    expect(good.code, good.stderr).toBe(0);
    expect(rig.read("m.txt").trim()).toBe("m");
    const slow = runFile(rig, `${map.replace("a.txt", "b.txt")}merge: {timeout: 1, commands: [{shell: "sleep 60"}]}\n`);
    expect(slow.code).not.toBe(0);
    expect(slow.stderr).toContain("ran into its time limit of 1 s");
    expect(existsSync(join(rig.repo, "b.txt"))).toBe(false);
  });

  test("9.4 M18: merge.commits are the commits that land", async () => {
    await using rig = await newRig();
    for (const name of ["one", "two", "three"]) {
      rig.write(name, name);
      rig.commitAll(name);
    }
    const { code, stdout, stderr } = runFile(
      rig,
      'map: {items: [a], agent_template: {shell: "echo 1 > a.txt; git add a.txt; git commit -qm mine"}}\nmerge: [{shell: "echo ${merge.commits[*].message}"}]\n',
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("mine");
    expect(stdout).not.toMatch(/three|two/);
  });

  test("9.4 M20: nothing of a failed item is left behind but its work; 9.4 M23: resume goes on with it", async () => {
    await using rig = await newRig();
    const flag = join(rig.root, "fixed");
    const { code, stderr } = runFile(
      rig,
      `map: {items: [{id: a}, {id: b}], max_parallel: 1, agent_template: {shell: "echo 1 > \${item.id}.txt && { test \${item.id} = a || test -e ${flag}; }", auto_commit: true}}\nerror_policy: {on_item_failure: stop}\n`,
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("on_item_failure: stop")]);
    const [repository = ""] = readdirSync(join(rig.home, "worktrees"));
    const [session = ""] = rig.sessions();
    const kept = readdirSync(join(rig.home, "worktrees", repository)).filter((name) => name.startsWith("session-"));
    expect(kept).toEqual([session]);
    rig.write("../fixed", "");
    const resumed = rig.prodigy(["resume", session, "-y"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect([rig.read("a.txt"), rig.read("b.txt")]).toEqual(["1\n", "1\n"]);
  });
});
