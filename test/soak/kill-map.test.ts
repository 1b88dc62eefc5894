/**
 * Real `kill -9` at random moments of a MapReduce run of sixty items: the built CLI, real git, the scripted agent. Items
 * commit by an agent or by a shell, fail first and pass when tried again, fail for ever, conflict with one another, leave
 * files behind, and start children that leave their process group. Whatever dies, `prodigy resume` must end with each
 * item landed once, the same tree, the same dead letters, nothing begun again that had succeeded, and nothing left over.
 *
 * KILLS_MAP sets how often (10, or 100 in a soak run); SEED repeats a run.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { below, eventsOf, generator, killedAfter, paidTwice, processesLeft, type Seen } from "../kit/killing.ts";
import { newRig, type Rig } from "../kit/rig.ts";

const KILLS = Number(process.env["KILLS_MAP"] ?? (process.env["SOAK"] === "ci" ? 10 : 100));
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const ITEMS = 60;
/** A busy machine takes minutes for it. */
const MAX_RUN_MS = 600_000;

/** By the item's number; all others commit with a shell. */
const SPECIAL = new Map<number, string>([
  ...[3, 9, 17, 24, 31, 38, 46, 53, 60].map((number): [number, string] => [number, "agent"]),
  ...[5, 20, 41, 58].map((number): [number, string] => [number, "flaky"]),
  ...[7, 8].map((number): [number, string] => [number, "shared"]),
  ...[11, 33].map((number): [number, string] => [number, "messy"]),
  [14, "stray"],
  [28, "dead"],
]);

const WORKFLOW = `
name: kill the map
mode: mapreduce
setup:
  - shell: "echo ready > setup.txt && git add setup.txt && git commit -qm setup"
map:
  input: items.json
  max_parallel: 6
  retry_config: { attempts: 2, backoff: { fixed: { delay: 100ms } } }
  agent_template:
    - shell: sh "$SCRIPTS/item.sh" "\${item.id}" "\${item.kind}"
    - claude: "/make \${item.id}"
      when: "item.kind == 'agent'"
      commit_required: true
    - shell: "test -e made/\${item.id}.txt"
      verify: true
reduce:
  - shell: "ls made > list.txt && echo \${map.successful} of \${map.total} >> list.txt && git add -A && git commit -qm reduce"
`;

const ITEM = `set -eu
mkdir -p made
case $2 in
  agent) exit 0 ;;
  dead) echo "item $1 cannot be done" >&2; exit 7 ;;
  flaky) test -e "$STATE/$1" || { touch "$STATE/$1"; echo "not yet" >&2; exit 3; } ;;
  shared)
    # Long enough for the other one to begin on the same tree.
    sleep 0.5
    echo "$1" >> shared.txt; LC_ALL=C sort -u -o shared.txt shared.txt ;;
  messy) echo draft > "draft-$1.txt" ;;
  stray)
    # A child that leaves the process group and goes on writing: it must not survive us.
    setsid sh -c 'while :; do echo x >> stray.txt; sleep 0.05; done' > /dev/null 2>&1 < /dev/null &
    sleep 0.3
    kill $! 2> /dev/null
    rm -f stray.txt ;;
esac
echo "$1" > "made/$1.txt"
git add made; test ! -e shared.txt || git add shared.txt
git commit -qm "item $1"
`;

/** Both sides of the file in which two items conflict. */
const RESOLVE =
  "git show :2:shared.txt :3:shared.txt 2> /dev/null | LC_ALL=C sort -u > both.txt && mv both.txt shared.txt && git add -A && git commit -qm resolved";

const AGENT = `
rules:
  - when: { command: make }
    steps:
      - think: 100
      - write: { path: "made/{{1}}.txt", content: "{{1}}\\n" }
      - think: 100
      - commit: "item {{1}}"
      - say: done
  - when: "A merge of the work of other agents"
    steps:
      - think: 100
      - shell: "test ! -e \\"$(git rev-parse --git-path MERGE_HEAD)\\" || { ${RESOLVE}; }"
      - say: resolved
`;

const named = (number: number): string => `item-${String(number).padStart(2, "0")}`;

async function rigWithWork(): Promise<Rig> {
  const rig = await newRig();
  const items = Array.from({ length: ITEMS }, (_, index) => ({
    id: named(index + 1),
    kind: SPECIAL.get(index + 1) ?? "shell",
  }));
  rig.write("workflow.yml", WORKFLOW);
  rig.write("agent.yml", AGENT);
  rig.write("items.json", JSON.stringify(items));
  rig.write("scripts/item.sh", ITEM);
  rig.write(".gitignore", "state/\n");
  rig.write("state/begun", "");
  rig.write("shared.txt", "first\n");
  rig.commitAll("work");
  return rig;
}

const envOf = (rig: Rig): Record<string, string> => ({
  PRODIGY_AGENT: "scripted",
  PRODIGY_SCRIPT: join(rig.repo, "agent.yml"),
  SCRIPTS: join(rig.repo, "scripts"),
  STATE: join(rig.repo, "state"),
});

/** What a user finds in the end. Merges may be made in another order, so only what they bring counts. */
function found(rig: Rig): unknown {
  return {
    tree: rig.git("rev-parse", "main^{tree}"),
    landed: rig.git("log", "--no-merges", "--format=%s", "main").split("\n").toSorted(),
    worktrees: rig.git("worktree", "list").split("\n").length,
    branches: rig.git("branch", "--format=%(refname:short)"),
    status: rig.git("status", "--porcelain"),
    files: below(rig, "worktrees").filter((path) => path.includes("session-") || path.includes("trash/")),
  };
}

/** How each item ended at last. */
function ends(events: readonly Seen[]): Readonly<Record<string, string>> {
  const ended = events.filter(({ type }) => type === "map-item-ended").map(({ id, end }) => [id, end] as const);
  expect(ended, "each item ends once").toHaveLength(ITEMS);
  return Object.fromEntries(ended.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is deleted at the end may take a moment longer than the session: it is left to a process of its own. */
async function trashIsGone(rig: Rig): Promise<void> {
  const deadline = performance.now() + 30_000;
  const trash = (): readonly string[] => below(rig, "worktrees").filter((path) => /trash\/./.test(path));
  while (trash().length > 0 || processesLeft(rig).length > 0) {
    if (performance.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test(`${String(KILLS)} kills of a map lose nothing and pay nothing twice (SEED=${String(SEED)})`, {
  timeout: 300_000 + KILLS * 120_000,
}, async () => {
  console.log(`SEED=${String(SEED)} KILLS_MAP=${String(KILLS)}`);
  const random = generator(SEED);
  await using calm = await rigWithWork();
  const started = performance.now();
  const run = calm.prodigySlowly(["run", "workflow.yml", "-y"], envOf(calm), MAX_RUN_MS);
  const calmMs = performance.now() - started;
  const { code } = run;
  await trashIsGone(calm);
  const expected = found(calm);
  const expectedEnds = ends(eventsOf(calm));
  expect(Object.entries(expectedEnds).filter(([, end]) => end !== "merged")).toEqual([["item-28", "dead"]]);
  expect(calm.session().status, run.stdout + run.stderr).toBe("Completed");
  let kills = 0;
  for (let round = 1; kills < KILLS; round++) {
    await using rig = await rigWithWork();
    const seed = `SEED=${String(SEED)} round ${String(round)}`;
    while (kills < KILLS) {
      const begun = rig.sessions().length > 0;
      const args = begun ? ["resume", "-y"] : ["run", "workflow.yml", "-y"];
      const killed = await killedAfter(rig, { args, env: envOf(rig), afterMs: random() * calmMs * 1.05 });
      if (killed) kills += 1;
      if (!killed || random() < 0.4) break;
    }
    const [session] = rig.sessions();
    const args = session === undefined ? ["run", "workflow.yml", "-y"] : ["resume", session, "-y"];
    const isOver = session !== undefined && rig.session(session).status === "Completed";
    const last = isOver ? null : rig.prodigySlowly(args, envOf(rig), MAX_RUN_MS);
    // Killed after the last event: the session's file is behind, and a resume that finds nothing to do mends it.
    const wasOver = last?.code === 1 && last.stderr.includes("nothing to resume");
    expect(wasOver ? code : (last?.code ?? code), `${seed}: ${last?.stdout ?? ""}${last?.stderr ?? ""}`).toBe(code);
    expect(rig.session().status, seed).toBe("Completed");
    await trashIsGone(rig);
    const events = eventsOf(rig);
    expect(ends(events), seed).toEqual(expectedEnds);
    expect(found(rig), seed).toEqual(expected);
    expect(paidTwice(events), seed).toEqual([]);
    expect(processesLeft(rig), seed).toEqual([]);
    expect(existsSync(join(rig.repo, ".git", "index.lock")), seed).toBe(false);
  }
});
