// The dead letters of a map, by the built command line with real git.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DeadLetter } from "../../src/dead-letters/letter.ts";
import { newRig, type Rig } from "../kit/rig.ts";

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
