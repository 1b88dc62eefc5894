// The dead letters of a map, by the built command line with real git.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DeadLetter } from "../../src/dead-letters/letter.ts";
import { newRig, type Rig } from "../kit/rig.ts";
import { start, until } from "../kit/started.ts";

const ITEMS = [
  { id: "a", priority: "high", score: 7 },
  { id: "b", priority: "low", score: 9 },
  { id: "c", priority: "high", score: 2 },
  { id: "d", priority: "high", score: 5 },
];

/** Items whose folder `bad` in the user's repository has a file of their name fail. */
function workflowFor(rig: Rig, more = ""): string {
  return `name: letters
mode: mapreduce
setup:
  - shell: "echo greeting"
    capture: word
map:
  input: { items: ${JSON.stringify(ITEMS)} }
  max_parallel: 2
  agent_template:
    - shell: |
        if [ -e '${rig.root}/bad/\${item.id}' ]; then
          cat '${rig.root}/bad/\${item.id}' >&2
          exit 3
        fi
        if [ -e '${rig.root}/gate' ]; then
          : > '${rig.root}/here'
          sleep 60
        fi
        echo "\${word} \${item.id}" > \${item.id}.txt
        git add . && git commit -q -m "item \${item.id}"
${more}`;
}

async function failing(bad: Readonly<Record<string, string>>, more = ""): Promise<Rig> {
  const rig = await newRig();
  for (const [id, text] of Object.entries(bad)) rig.write(`../bad/${id}`, text);
  rig.write("../bad/.keep", "");
  rig.write("flow.yml", workflowFor(rig, more));
  rig.commitAll("the workflow");
  return rig;
}

interface Listed {
  readonly session: string | null;
  readonly items: readonly DeadLetter[];
}

const listed = (rig: Rig, ...args: readonly string[]): Listed =>
  JSON.parse(rig.prodigy(["dlq", "list", "--json", ...args]).stdout) as Listed;

describe("a run that leaves dead letters", () => {
  test("check 71, 72: the queue has what failed with all its fields, and nothing that passed", async () => {
    await using rig = await failing({ b: "Error: cannot find module at /x/y.ts:12\n" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    const [session = ""] = rig.sessions();
    const { items, session: owner } = listed(rig);
    expect(owner).toBe(session);
    expect(items).toEqual([
      {
        item_id: "b",
        item_data: ITEMS[1],
        first_attempt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        last_attempt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        failure_count: 1,
        failure_history: [
          {
            attempt_number: 1,
            timestamp: items[0]?.last_attempt,
            error_type: { CommandFailed: { exit_code: 3 } },
            error_message: expect.stringContaining("failed with exit code 3"),
            error_context: ["Error: cannot find module at /x/y.ts:12"],
            session,
            agent_id: expect.stringMatching(/\/item-1$/),
            agent_session: null,
            step_failed: expect.stringContaining("shell"),
            duration_ms: expect.any(Number),
            cost_usd: null,
            json_log_location: null,
            logs: [expect.stringMatching(/\.stdout$/), expect.stringMatching(/\.stderr$/)],
            salvage: null,
          },
        ],
        error_signature: expect.stringMatching(/^[0-9a-f]{16}$/),
        error_pattern: "CommandFailed(3): Error: cannot find module at <path>",
        first_cause: "Error: cannot find module at /x/y.ts:12",
        reprocess_eligible: false,
        manual_review_required: false,
        salvage: null,
        conflicts: [],
        retrying_in: null,
      },
    ]);
    const repository = rig.session()["metadata"] as { readonly repository: string };
    const path = join(rig.home, "dlq", repository.repository, session, "failed_items.json");
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ items });
    const log = items[0]?.failure_history[0]?.logs[1] ?? "";
    expect(readFileSync(join(rig.home, log), "utf8")).toContain("cannot find module");
  });
});

describe("dlq retry", () => {
  test("check 74: what passes leaves the queue and lands; what fails again has one more failure", async () => {
    await using rig = await failing({ b: "boom", d: "crash" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    rmSync(join(rig.root, "bad/b"));
    const again = rig.prodigy(["dlq", "retry", "--force", "-y"]);
    expect(again).toMatchObject({ code: 3 });
    expect(again.stdout + again.stderr).toContain("1 of 2 items failed");
    const { items, session } = listed(rig);
    const [parent = "", child] = rig.sessions();
    expect(session).toBe(parent);
    expect(items).toMatchObject([
      {
        item_id: "d",
        failure_count: 2,
        retrying_in: null,
        failure_history: [{ session: parent }, { session: child, attempt_number: 2 }],
      },
    ]);
    expect(rig.git("show", "main:b.txt")).toBe("greeting b");
    expect(rig.session(child)).toMatchObject({ metadata: { parent } });
    rmSync(join(rig.root, "bad/d"));
    expect(rig.prodigy(["dlq", "retry", parent, "--item", "d", "--force", "-y"]).code).toBe(0);
    expect(rig.git("ls-files")).toContain("d.txt");
    expect(rig.prodigy(["dlq", "list"])).toMatchObject({ code: 0, stdout: "No items in the dead letter queue.\n" });
  });

  test("while the session waits to be merged, what passes goes into its branch", async () => {
    await using rig = await failing({ b: "boom" });
    expect(rig.prodigy(["run", "flow.yml"]).code).toBe(3);
    const [parent = ""] = rig.sessions();
    rmSync(join(rig.root, "bad/b"));
    expect(rig.prodigy(["dlq", "retry", "--force", "-y"])).toMatchObject({ code: 0 });
    expect(rig.git("ls-tree", "--name-only", `prodigy-${parent}`)).toContain("b.txt");
    expect(rig.git("ls-tree", "--name-only", "main")).not.toContain("a.txt");
    expect(rig.prodigy(["worktree", "merge", parent])).toMatchObject({ code: 0 });
    for (const id of "abcd") expect(rig.git("show", `main:${id}.txt`)).toBe(`greeting ${id}`);
  });
});

describe("a running session", () => {
  test("is asked to try its own items again", async () => {
    await using rig = await failing({ a: "boom" });
    rig.write("../gate", "");
    const run = start(rig, ["run", "flow.yml", "-y"]);
    await until(() => existsSync(join(rig.root, "here")) && run.text().includes("item a failed"));
    expect(rig.prodigy(["dlq", "retry", "--item", "a"])).toMatchObject({ code: 1 });
    rmSync(join(rig.root, "bad/a"));
    const asked = rig.prodigy(["dlq", "retry", "--item", "a", "--force"]);
    expect(asked.code, asked.stderr).toBe(0);
    expect(asked.stdout).toContain("to try 1 item again");
    await until(() => run.text().includes("will be tried again, as asked"));
    rmSync(join(rig.root, "gate"));
    run.process.kill("SIGTERM");
    await run.ended;
    expect(rig.prodigy(["resume", "-y"]).code).toBe(0);
    expect(rig.git("show", "main:a.txt")).toBe("greeting a");
  });
});

describe("what dies on the way", () => {
  test("a retry that is killed keeps its items from others, goes on with resume, and doubles nothing", async () => {
    await using rig = await failing({ b: "boom", d: "crash" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    const [parent = ""] = rig.sessions();
    rmSync(join(rig.root, "bad/b"));
    rig.write("../gate", "");
    const run = start(rig, ["dlq", "retry", "--force", "-y"]);
    await until(() => existsSync(join(rig.root, "here")));
    run.process.kill("SIGKILL");
    await run.ended;
    const [, child = ""] = rig.sessions();
    expect(listed(rig, parent).items).toMatchObject([{ retrying_in: child }, { retrying_in: child }]);
    const second = rig.prodigy(["dlq", "retry", "--item", "b", "--force", parent, "-y"]);
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain(`item b is being tried again by session ${child}`);
    expect(second.stderr).toContain(`prodigy resume ${child}`);
    rmSync(join(rig.root, "gate"));
    rig.prodigy(["resume", child, "-y"]);
    expect(listed(rig, parent).items).toMatchObject([{ item_id: "d", failure_count: 2, retrying_in: null }]);
    expect(
      rig
        .git("log", "--format=%s")
        .split("\n")
        .filter((line) => line === "item b"),
    ).toHaveLength(1);
  });
});

describe("the file", () => {
  test("it is computed anew where it is missing, damaged or behind the journal", async () => {
    await using rig = await failing({ b: "boom" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    const [session = ""] = rig.sessions();
    const { repository } = rig.session()["metadata"] as { readonly repository: string };
    const path = join(rig.home, "dlq", repository, session, "failed_items.json");
    const text = readFileSync(path, "utf8");
    for (const damage of [
      null,
      "{",
      text.replace(/"seq": \d+/, '"seq": 3').replace('"item_id": "b"', '"item_id": "x"'),
    ]) {
      if (damage === null) rmSync(path);
      else writeFileSync(path, damage);
      expect(listed(rig).items).toMatchObject([{ item_id: "b" }]);
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  });

  test("purge and clear are remembered by the journal, and ask", async () => {
    await using rig = await failing({ b: "boom", c: "boom" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    const [session = ""] = rig.sessions();
    expect(rig.prodigy(["dlq", "purge", "--older-than-days", "1"])).toMatchObject({ code: 0 });
    expect(listed(rig).items).toHaveLength(2);
    expect(rig.prodigy(["dlq", "clear"])).toMatchObject({ code: 2 });
    expect(rig.prodigy(["dlq", "clear", "-y", "--json"])).toMatchObject({ code: 0 });
    const { repository } = rig.session()["metadata"] as { readonly repository: string };
    rmSync(join(rig.home, "dlq", repository, session), { recursive: true });
    expect(listed(rig, session).items).toEqual([]);
    expect(rig.prodigy(["sessions", "show", session, "--json"]).stdout).toContain('"deadLetters": 0');
    expect(rig.prodigy(["storage", "verify", session]).code).toBe(0);
  });
});

describe("asking the queue", () => {
  test("check 75: what is asked for by type, filter and group; a filter that cannot be read is told with its place", async () => {
    await using rig = await failing({ a: "error in line 3", b: "error in line 5", c: "cannot open it" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    const ids = (...args: readonly string[]): readonly string[] =>
      listed(rig, ...args)
        .items.map(({ item_id: id }) => id)
        .toSorted();
    expect(ids()).toEqual(["a", "b", "c"]);
    expect(ids("--filter", "item.priority == 'high' && item.score >= 5")).toEqual(["a"]);
    expect(ids("--type", "commandfailed", "--since", "1h")).toEqual(["a", "b", "c"]);
    expect(ids("--eligible")).toEqual([]);
    const wrong = rig.prodigy(["dlq", "list", "--filter", "item.score >="]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("--filter:1:");
    const { pattern_groups: groups } = JSON.parse(rig.prodigy(["dlq", "analyze", "--json"]).stdout) as {
      readonly pattern_groups: readonly { readonly signature: string; readonly count: number }[];
    };
    expect(groups.map(({ count }) => count)).toEqual([2, 1]);
    expect(ids("--group", groups[0]?.signature ?? "")).toEqual(["a", "b"]);
    const analysis = rig.prodigy(["dlq", "analyze"]).stdout;
    expect(analysis).toContain("3 items in 2 groups");
    expect(analysis).toContain("error in line <n>");
    const csv = rig.prodigy(["dlq", "export", "--format", "csv"]);
    expect(csv.stdout.split("\r\n")).toHaveLength(5);
    expect(rig.prodigy(["dlq", "export", "../letters.json"]).code).toBe(0);
    expect(JSON.parse(rig.read("../letters.json"))).toHaveLength(3);
    expect(rig.prodigy(["dlq", "inspect", "c"]).stdout).toContain("| cannot open it");
    expect(rig.prodigy(["dlq", "stats"]).stdout).toMatch(/^items +3$/m);
  });

  test("check 81: an empty queue is no failure, and wrong use is", async () => {
    await using rig = await newRig();
    expect(rig.prodigy(["dlq", "list"])).toMatchObject({ code: 0, stdout: "No items in the dead letter queue.\n" });
    expect(JSON.parse(rig.prodigy(["dlq", "list", "--json"]).stdout)).toEqual({ session: null, total: 0, items: [] });
    expect(rig.prodigy(["dlq", "retry"])).toMatchObject({ code: 0 });
    for (const args of [["show"], ["purge"], ["inspect"], [], ["list", "--type", "Bad"], ["export", "--format", "xml"]])
      expect([args, rig.prodigy(["dlq", ...args]).code]).toEqual([args, 2]);
    expect(rig.prodigy(["dlq", "inspect", "nothing"]).code).toBe(1);
    expect(rig.prodigy(["dlq", "list", "no-such-session"]).code).toBe(1);
  });
});

test("docs/dead-letters.md: its workflow and its commands do what they say", async () => {
  await using rig = await newRig();
  const page = readFileSync(new URL("../../docs/dead-letters.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```(yaml|console)\n([^]*?)^```$/gm)].map(([, kind, text = ""]) => ({
    kind,
    text,
  }));
  const [workflow, first, second] = blocks;
  rig.write("greetings.yml", workflow?.text ?? "");
  rig.write("names/ann", "");
  rig.commitAll("the workflow");
  const run = (text: string): void => {
    for (const [, line = "", code] of text.matchAll(/^\$ prodigy (.*?)(?: +# exits (\d+))?$/gm)) {
      const args = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
      expect([line, rig.prodigy(args).code]).toEqual([line, Number(code ?? 0)]);
    }
  };
  run(first?.text ?? "");
  for (const name of ["bob", "cy"]) rig.write(`names/${name}`, "");
  rig.commitAll("the cause is mended");
  run(second?.text ?? "");
  expect(listed(rig).items).toEqual([]);
  expect(rig.git("show", "main:cy.txt")).toBe("Hello cy");
});
