// The real `claude`, cut off: it is continued and not paid again. The model is scripted and notes what it was asked.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newPlace, type Place, until } from "./place.ts";

/** What the model was shown in a request. */
interface Shown {
  readonly turn: number;
  readonly body: { readonly messages: unknown };
}

/** A file, a commit, and then last words that come so slowly that there is time to die. */
function working(shown: Shown[]): unknown {
  const again = (ask: Shown): unknown => {
    shown.push(ask);
    return { text: "Went on from there.", usage: { input: 100, output: 10 } };
  };
  return {
    rules: [
      { name: "again", when: { prompt: "You were interrupted" }, steps: [again] },
      {
        name: "work",
        steps: [
          { text: "First.", write: { path: "a.txt", content: "a\n" }, usage: { input: 1000, output: 100 } },
          { sh: "git add a.txt && git commit -qm 'add a'", usage: { input: 2000, output: 200 } },
          { text: "These are my last words, and they take me a very long time.", chunkSize: 1, chunkDelayMs: 500 },
        ],
      },
    ],
  };
}

const STEPS =
  '  - shell: "echo one > one.txt && git add one.txt && git commit -qm one"\n' +
  '  - claude: "build it"\n    commit_required: true\n' +
  '  - shell: "git log --format=%s | head -1 > last.txt && git add last.txt && git commit -qm last"\n';

const lastWords = (it: Place): boolean => it.asks().some(({ turn }) => turn === 2);

/** The finished turns were not asked again, in the same session, with all that it remembers. */
async function expectContinued(it: Place, shown: readonly Shown[]): Promise<void> {
  expect(it.asks().map(({ rule, turn }) => [rule, turn])).toEqual([
    ["work", 0],
    ["work", 1],
    ["work", 2],
    ["again", 0],
  ]);
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(1);
  const memory = JSON.stringify(shown[0]?.body.messages);
  expect(memory).toContain("build it");
  expect(memory).toContain("git add a.txt && git commit -qm 'add a'");
  expect(memory).toContain("tool_result");
  expect(it.rig.git("log", "--format=%s", "main")).toBe("last\nadd a\none\nwork\nfirst");
  expect(it.rig.git("worktree", "list").split("\n")).toHaveLength(1);
  const begun = (await it.events()).filter((event) => event.type === "attempt-started");
  expect(begun.map(({ label, continued }) => [label, continued])).toEqual([
    [expect.stringContaining("echo one"), false],
    ["claude: build it", false],
    ["claude: build it", true],
    [expect.stringContaining("last.txt"), false],
  ]);
  // The two turns that were answered are counted, at a price that nobody has told; the last one has its price.
  const detail = await it.detail();
  expect(detail).toMatchObject({ status: "ended", commits: 3, agentRuns: 2, unknownCosts: 1 });
  expect(detail.usage).toMatchObject({ inputTokens: 3100, turns: 3 });
  expect(detail.usage["costUsd"]).toBeGreaterThan(0);
}

test("Ctrl-C in the middle of an agent's work: exit 130, nothing left over, and a resume continues it", async () => {
  const shown: Shown[] = [];
  await using it = await newPlace({ scenario: working(shown), steps: STEPS });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => lastWords(it));
  running.kill("SIGINT");
  const ended = await running.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toBe(
    `Session paused: stopped by SIGINT; everything finished is kept\nresume with: prodigy resume ${it.id()}\n`,
  );
  expect(it.processes()).toEqual([]);
  expect(it.status()).toBe("Paused");
  expect(it.rig.git("log", "--format=%s", "main")).toBe("work\nfirst");
  const resumed = await it.prodigy("resume", "-y");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(resumed.stdout).toContain(
    "Executing step 2/3: claude: build it\n  going on with the agent's interrupted session\n",
  );
  await expectContinued(it, shown);
});

test("kill -9 of prodigy near the end of an agent's work: a resume ends what is left and continues it", async () => {
  const shown: Shown[] = [];
  await using it = await newPlace({ scenario: working(shown), steps: STEPS });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => lastWords(it) && it.log("claude-build-it.stdout").includes("> Bash: git add"));
  running.kill("SIGKILL");
  expect((await running.ended).code).toBeNull();
  const listed = await it.prodigy("sessions", "list");
  expect(listed.stdout).toContain(`${it.id()}  interrupted`);
  const resumed = await it.prodigy("resume", "-y");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(it.processes()).toEqual([]);
  expect(resumed.stdout).toMatch(/cost {5}\$\d\S* and 1 agent run of unknown cost \(3100 tokens in/);
  await expectContinued(it, shown);
});

test("Ctrl-C while the agent waits for a tool of its own ends the tool as well", async () => {
  await using it = await newPlace({
    scenario: {
      rules: [
        { name: "again", when: { prompt: "You were interrupted" }, steps: [{ text: "Done." }] },
        { name: "busy", steps: [{ sh: 'node -e "setTimeout(() => {}, 60000)"' }] },
      ],
    },
    steps: '  - claude: "go"\n',
  });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => it.processes().some((command) => command.includes("node -e")));
  running.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  expect(it.processes()).toEqual([]);
  expect(await it.prodigy("resume", "-y")).toMatchObject({ code: 0, stderr: "" });
  expect(it.asks().map(({ rule }) => rule)).toEqual(["busy", "again"]);
});

/** Commits at once and then dawdles; the second time it is quick. Its tool fails where its file is there already. */
function beginner(shown: Shown[]): unknown {
  const commit = { sh: "test ! -e a.txt && echo a > a.txt && git add a.txt && git commit -qm 'add a'" };
  const first = (ask: Shown): unknown => {
    if (ask.turn === 0) shown.push(ask);
    return commit;
  };
  const slow = { text: "Slow words.", chunkSize: 1, chunkDelayMs: 1000 };
  return { rules: [{ name: "work", steps: [first, () => (shown.length > 1 ? { text: "Done." } : slow)] }] };
}

/** Not told of any interruption, in a session of its own, from the files as they were. */
function expectBegunAnew(it: Place, shown: readonly Shown[]): void {
  expect(shown).toHaveLength(2);
  expect(JSON.stringify(shown[1]?.body.messages)).not.toContain("You were interrupted");
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(2);
  expect(it.rig.git("log", "--format=%s", "main")).toBe("add a\nwork\nfirst");
}

test("an agent whose session is lost begins anew from the files as they were, and what it left is kept", async () => {
  const shown: Shown[] = [];
  await using it = await newPlace({
    scenario: beginner(shown),
    steps: '  - claude: "build it"\n    commit_required: true\n',
  });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => it.asks().some(({ turn }) => turn === 1));
  running.kill("SIGINT");
  await running.ended;
  rmSync(join(it.rig.env["HOME"] ?? "", ".claude", "projects"), { recursive: true });
  const resumed = await it.prodigy("resume", "-y");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expectBegunAnew(it, shown);
  const lost = (await it.events()).find((event) => event.type === "continuation-failed");
  expect(lost?.reason).toContain("No conversation found with session ID");
  expect((await it.prodigy("salvage", "list")).stdout).toContain(it.id());
});

test("on_interrupt: restart begins anew from the files as they were", async () => {
  const shown: Shown[] = [];
  await using it = await newPlace({
    scenario: beginner(shown),
    steps: '  - claude: "build it"\n    on_interrupt: restart\n    commit_required: true\n',
  });
  const running = it.start("run", "workflow.yml", "-y");
  await until(() => it.asks().some(({ turn }) => turn === 1));
  running.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  expect(await it.prodigy("resume", "-y")).toMatchObject({ code: 0, stderr: "" });
  expectBegunAnew(it, shown);
});
