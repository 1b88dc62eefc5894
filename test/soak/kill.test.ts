/**
 * Real `kill -9` at random moments of a real run: the built CLI, real git, the scripted agent, children that left their
 * process group. Whatever dies, `prodigy resume` must end with the same tree, each commit landed once, no step with a
 * recorded success begun again, and nothing left over.
 *
 * KILLS sets how often (20, or 200 in a soak run); SEED repeats a run.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventsOf, generator, killedAfter, paidTwice, processesLeft } from "../kit/killing.ts";
import { newRig, type Rig } from "../kit/rig.ts";

const KILLS = Number(process.env["KILLS"] ?? (process.env["SOAK"] === "ci" ? 20 : 200));
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));

const WORKFLOW = `
name: kill me
commands:
  - shell: "echo one > one.txt && git add one.txt && git commit -qm one"
  - claude: "/write two"
    commit_required: true
  - shell: |
      # A child that leaves the process group and goes on writing: it must not survive us.
      setsid sh -c 'while :; do echo x >> stray.txt; sleep 0.05; done' > /dev/null 2>&1 < /dev/null &
      sleep 0.2
      kill $! 2> /dev/null
      rm -f stray.txt
      echo three > three.txt; sleep 0.1; git add three.txt && git commit -qm three
  - shell: "echo draft > draft.txt && git add draft.txt"
  - shell: "sleep 0.1; git commit -qm draft"
  - foreach:
      foreach: ["red", "green", "blue"]
      parallel: 2
      do:
        - shell: "echo \${item} > \${item}.txt; sleep 0.1"
        - shell: "git add -A && git commit -qm \${item}"
  - shell: "test -f repaired.txt"
    on_failure:
      claude: "/write repaired"
  - shell: "git rev-parse HEAD > /dev/null; test ! -e stray.txt"
`;

const AGENT = `
rules:
  - when: { command: write }
    steps:
      - think: 100
      - write: { path: "{{1}}.txt", content: "{{1}}\\n" }
      - think: 150
      - commit: "{{1}}"
      - think: 100
      - say: done
`;

async function rigWithWork(): Promise<Rig> {
  const rig = await newRig();
  rig.write("workflow.yml", WORKFLOW);
  rig.write("agent.yml", AGENT);
  rig.commitAll("work");
  return rig;
}

const agentOf = (rig: Rig): Record<string, string> => ({
  PRODIGY_AGENT: "scripted",
  PRODIGY_SCRIPT: join(rig.repo, "agent.yml"),
});

/** What a user finds in the end. Merge commits name the session, so only their kind counts. */
function found(rig: Rig): unknown {
  const subjects = rig.git("log", "--format=%s", "main").split("\n");
  return {
    tree: rig.git("rev-parse", "main^{tree}"),
    subjects: subjects.map((subject) => subject.replace(/session-\w+/g, "SESSION")).toSorted(),
    worktrees: rig.git("worktree", "list").split("\n").length,
    branches: rig.git("branch", "--format=%(refname:short)"),
    status: rig.git("status", "--porcelain"),
  };
}

test(`${String(KILLS)} kills at random moments lose nothing and pay nothing twice (SEED=${String(SEED)})`, {
  timeout: 60_000 + KILLS * 30_000,
}, async () => {
  console.log(`SEED=${String(SEED)} KILLS=${String(KILLS)}`);
  const random = generator(SEED);
  await using calm = await rigWithWork();
  const started = performance.now();
  const run = calm.prodigy(["run", "workflow.yml", "-y"], agentOf(calm));
  const calmMs = performance.now() - started;
  expect(run.code, run.stderr + run.stdout).toBe(0);
  const expected = found(calm);
  let kills = 0;
  for (let round = 1; kills < KILLS; round++) {
    await using rig = await rigWithWork();
    const seed = `SEED=${String(SEED)} round ${String(round)}`;
    while (kills < KILLS) {
      const begun = rig.sessions().length > 0;
      const args = begun ? ["resume", "-y"] : ["run", "workflow.yml", "-y"];
      const killed = await killedAfter(rig, { args, env: agentOf(rig), afterMs: random() * calmMs * 1.05 });
      if (killed) kills += 1;
      if (!killed || random() < 0.4) break;
    }
    const begun = rig.sessions().length > 0;
    const [session] = rig.sessions();
    const args = begun ? ["resume", session ?? "", "-y"] : ["run", "workflow.yml", "-y"];
    const goOn = (): ReturnType<Rig["prodigy"]> => rig.prodigy(args, agentOf(rig));
    const first = begun && rig.session(session).status === "Completed" ? null : goOn();
    // Killed three times at the same step, it waits for a person, who is us.
    const isPoison = first?.code === 4 && first.stderr.includes("has ended this program 3 times");
    const last = isPoison ? goOn() : first;
    // Killed after the last event: the session's file is behind, and a resume that finds nothing to do mends it.
    const wasOver = last?.code === 1 && last.stderr.includes("nothing to resume");
    expect(wasOver ? 0 : (last?.code ?? 0), `${seed}: ${last?.stdout ?? ""}${last?.stderr ?? ""}`).toBe(0);
    expect(rig.session().status, seed).toBe("Completed");
    expect(found(rig), seed).toEqual(expected);
    expect(paidTwice(eventsOf(rig)), seed).toEqual([]);
    expect(processesLeft(rig), seed).toEqual([]);
  }
});
