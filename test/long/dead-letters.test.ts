// The dead letters of a map, by the built command line with real git.
import { spawnSync } from "node:child_process";
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

describe("what is changed for a retry", () => {
  const SCRIPT = `rules:
  - when: "and commit it"
    steps:
      - write: { path: done.txt, content: "done" }
      - commit: "do it"
      - say: done
fallback:
  - say: I have done nothing
    usage: { input: 10, output: 5, cost: 0.25 }
`;
  const agent = (rig: Rig) => ({ PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "script.yml") });

  test("check 70: an agent that commits nothing is to be looked at; another model and an amended prompt may help", async () => {
    await using rig = await newRig();
    rig.write("../script.yml", SCRIPT);
    const step = "{ claude: 'do ${item.what}', commit_required: true }";
    rig.write(
      "../flow.yml",
      `mode: mapreduce\nmap:\n  input: { items: [{ id: one, what: it }] }\n  agent_template: [${step}]\n`,
    );
    expect(rig.prodigy(["run", "../flow.yml", "-y"], agent(rig)).code).toBe(3);
    const [letter] = listed(rig).items;
    expect(letter).toMatchObject({ item_id: "one", manual_review_required: true, reprocess_eligible: false });
    expect(letter?.failure_history).toMatchObject([
      {
        error_type: "CommitValidationFailed",
        agent_session: expect.stringMatching(/^[0-9a-f-]{36}$/),
        cost_usd: 0.25,
        json_log_location: expect.stringMatching(/\.jsonl$/),
      },
    ]);
    const refused = rig.prodigy(["dlq", "retry", "-y"], agent(rig));
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("--force");
    const changes = [
      "--model",
      "opus",
      "--prompt-append",
      "and commit ${item.what}",
      "--max-retries",
      "2",
      "--parallel",
      "3",
    ];
    expect(rig.prodigy(["dlq", "retry", "--force", "-y", ...changes], agent(rig)).code).toBe(0);
    expect(rig.git("show", "main:done.txt")).toBe("done");
    const order = rig.prodigy(["events", "show", rig.sessions().at(-1) ?? "", "1", "--json"]).stdout;
    for (const part of ['"model":"opus"', '"maxParallel":"3"', '"attempts":2']) expect(order).toContain(part);
  });

  test("check 79: a time limit ends the item's processes, and the item may be tried again as it is", async () => {
    await using rig = await newRig();
    rig.write(
      "../flow.yml",
      `mode: mapreduce\nmap:\n  input: [one]\n  agent_timeout_secs: 1\n  agent_template:\n    - shell: "test -e ${rig.root}/go || exec sleep 30"\n`,
    );
    expect(rig.prodigy(["run", "../flow.yml", "-y"]).code).toBe(3);
    expect(listed(rig, "--eligible").items).toMatchObject([
      { item_id: "one", failure_history: [{ error_type: "Timeout" }], reprocess_eligible: true },
    ]);
    expect(rig.prodigy(["dlq", "retry", "--timeout", "2", "-y"]).code).toBe(3);
    expect(
      listed(rig).items[0]?.failure_history.map(({ error_message: text }) => /after (\d+) s/.exec(text)?.[1]),
    ).toEqual(["1", "2"]);
    rig.write("../go", "");
    expect(rig.prodigy(["dlq", "retry", "-y"]).code).toBe(0);
  });

  test("check 76: each item is tried once, with the name and the data that it had, whatever looks like a variable in it", async () => {
    await using rig = await newRig();
    const items = [{ id: "x", text: "$" + "{not.a.variable} $HOME" }, { text: "no name" }, { id: "z", text: "passes" }];
    rig.write("items.json", JSON.stringify(items));
    rig.commitAll("items");
    rig.write(
      "../flow.yml",
      `mode: mapreduce\nmap:\n  input: items.json\n  agent_template:\n    - shell: |\n        printf '%s\\n' '\${item_json}' >> ${rig.root}/seen\n        test -e ${rig.root}/go || test '\${item_id}' = z\n`,
    );
    expect(rig.prodigy(["run", "../flow.yml", "-y"]).code).toBe(3);
    const before = listed(rig).items.map(({ item_id: id, item_data: data }) => ({ id, data }));
    rig.write("../seen", "");
    rig.write("items.json", "[]");
    rig.commitAll("the input has changed since");
    expect(rig.prodigy(["dlq", "retry", "--force", "-y"]).code).toBe(3);
    expect(listed(rig).items.map(({ item_id: id, item_data: data }) => ({ id, data }))).toEqual(before);
    const seen = rig.read("../seen").trim().split("\n");
    expect(seen.toSorted()).toEqual(
      items
        .slice(0, 2)
        .map((item) => JSON.stringify(item))
        .toSorted(),
    );
    rig.write("../go", "");
    expect(rig.prodigy(["dlq", "retry", "--force", "-y"]).code).toBe(0);
    expect(listed(rig).items).toEqual([]);
  });

  test("two retries at once never run one item twice", async () => {
    await using rig = await failing({ b: "boom" });
    expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
    rmSync(join(rig.root, "bad/b"));
    const both = [0, 1].map(() => start(rig, ["dlq", "retry", "--force", "-y"]));
    const codes = await Promise.all(both.map(async (run) => (await run.ended).code));
    expect(codes).toContain(0);
    expect(
      rig
        .git("log", "--format=%s")
        .split("\n")
        .filter((line) => line === "item b"),
    ).toHaveLength(1);
    expect(rig.sessions()).toHaveLength(2);
    expect(listed(rig).items).toEqual([]);
  });
});

describe("a running session", () => {
  test("is asked to try its own items again", async () => {
    await using rig = await failing({ a: "boom" });
    rig.write("../gate", "");
    const run = start(rig, ["run", "flow.yml", "-y"]);
    await until(() => existsSync(join(rig.root, "here")) && listed(rig).items.length === 1);
    expect(rig.prodigy(["dlq", "retry", "--item", "a"])).toMatchObject({ code: 1 });
    rmSync(join(rig.root, "bad/a"));
    const asked = rig.prodigy(["dlq", "retry", "--item", "a", "--force"]);
    expect(asked.code, asked.stderr).toBe(0);
    expect(asked.stdout).toContain("to try 1 item again");
    const id = rig.sessions()[0] ?? "";
    await until(() => rig.prodigy(["events", "list", id]).stdout.includes("items-requeued"));
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

test("a retry that died before it began lets go of its items", async () => {
  await using rig = await failing({ b: "boom" });
  expect(rig.prodigy(["run", "flow.yml", "-y"]).code).toBe(3);
  const [parent = ""] = rig.sessions();
  rmSync(join(rig.root, "bad/b"));
  rig.write("../gate", "");
  const run = start(rig, ["dlq", "retry", "--force", "-y"]);
  await until(() => existsSync(join(rig.root, "here")));
  run.process.kill("SIGKILL");
  await run.ended;
  rmSync(join(rig.root, "gate"));
  const [, child = ""] = rig.sessions();
  const { repository } = rig.session(parent)["metadata"] as { readonly repository: string };
  rmSync(join(rig.home, "events", repository, child), { recursive: true });
  expect(listed(rig, parent).items).toMatchObject([{ item_id: "b", retrying_in: null, failure_count: 1 }]);
  expect(rig.prodigy(["dlq", "retry", parent, "--force", "-y"]).code).toBe(0);
});

test("secrets are masked in the queue, and items that have one are tried again with it", async () => {
  await using rig = await newRig();
  const secret = "s3cr3t-value-of-the-token";
  rig.write(
    "../flow.yml",
    `mode: mapreduce
map:
  input: { command: "echo one-$API_TOKEN" }
  agent_template:
    - shell: |
        echo "error: $API_TOKEN" >&2
        test -e ${rig.root}/go && test '\${item}' = one-$API_TOKEN && touch ${rig.root}/passed
`,
  );
  const env = { API_TOKEN: secret };
  const first = rig.prodigy(["run", "../flow.yml", "-y"], env);
  expect(first.code, first.stderr).toBe(3);
  const [item] = listed(rig).items;
  expect(item).toMatchObject({ item_data: "one-***" });
  for (const args of [
    ["list", "--json"],
    ["analyze"],
    ["inspect", item?.item_id ?? ""],
    ["export", "--format", "csv"],
  ]) {
    const told = rig.prodigy(["dlq", ...args], env);
    expect([args, told.code]).toEqual([args, 0]);
    expect(told.stdout).toContain("***");
    expect(told.stdout).not.toContain(secret);
  }
  rig.write("../go", "");
  expect(rig.prodigy(["dlq", "retry", "--force", "-y"], env).code).toBe(0);
  expect(existsSync(join(rig.root, "passed"))).toBe(true);
  expect(listed(rig).items).toEqual([]);
  expect(spawnSync("grep", ["-rl", secret, rig.home]).stdout.toString()).toBe("");
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
