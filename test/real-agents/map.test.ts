// A map with the real `claude`: a dozen items, four at once. The model is scripted, see test/fake-model/README.md.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newPlace } from "./place.ts";

const PHASES = `mode: mapreduce
map:
  input: items.json
  max_parallel: 4
  agent_template:
    - claude: "Please make \${item.id}"
      commit_required: true
reduce:
  - shell: "echo \${map.successful} of \${map.total} > total.txt && git add total.txt && git commit -qm total"
`;

const ITEMS = Array.from({ length: 12 }, (_, index) => ({ id: `item-${String(index + 1).padStart(2, "0")}` }));

/** Each of the two waits until the other is at work as well, so that both have begun on the same tree. */
const MEET =
  '(cd "$PRODIGY_HOME/../meet" && touch {{id}} && n=0; until [ $(ls | wc -l) -ge 2 ] || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.1; done)';

const SCENARIO = {
  rules: [
    {
      name: "resolve",
      when: { prompt: /A merge of the work of other agents/ },
      steps: [
        { sh: "git show :2:shared.txt :3:shared.txt | LC_ALL=C sort -u > both.txt && mv both.txt shared.txt" },
        { sh: "git add -A && git commit -q -m resolved" },
        { text: "Both sides are kept." },
      ],
    },
    {
      name: "shared",
      when: { prompt: /make (?<id>item-0[12])/ },
      steps: [
        { sh: MEET },
        { sh: "echo {{id}} > shared.txt && git add -A && git commit -q -m {{id}}" },
        { text: "Made {{id}}." },
      ],
    },
    {
      name: "limited",
      when: { prompt: /make (?<id>item-05)/ },
      steps: [
        { fail: "rateLimit", times: 1 },
        { sh: "echo {{id}} > {{id}}.txt && git add -A && git commit -q -m {{id}}" },
        { text: "Made {{id}}." },
      ],
    },
    { name: "lazy", when: { prompt: /make item-07/ }, steps: [{ text: "I would rather not." }] },
    {
      name: "make",
      when: { prompt: /make (?<id>item-\d+)/ },
      steps: [
        { write: { path: "{{id}}.txt", content: "{{id}}\n" } },
        { sh: "git add -A && git commit -q -m {{id}}" },
        { text: "Made {{id}}." },
      ],
    },
  ],
};

test("a dozen items: one is rate limited, one fails, two conflict, and all the others land once", async () => {
  await using it = await newPlace({
    scenario: SCENARIO,
    steps: PHASES,
    map: true,
    files: { "items.json": JSON.stringify(ITEMS) },
  });
  mkdirSync(join(it.rig.root, "meet"));
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  // One item is in the dead letter queue.
  expect(ended.code, ended.stdout + ended.stderr).toBe(3);
  expect(it.status()).toBe("Completed");
  const good = ITEMS.map(({ id }) => id).filter((id) => id !== "item-07");
  expect(it.rig.read("shared.txt")).toBe("item-01\nitem-02\n");
  expect(it.rig.read("total.txt")).toBe("11 of 12\n");
  for (const id of good.slice(2)) expect(it.rig.read(`${id}.txt`)).toBe(`${id}\n`);
  const subjects = it.rig.git("log", "--no-merges", "--format=%s").split("\n");
  expect(subjects.toSorted()).toEqual([...good, "first", "total", "work"].toSorted());
  const events = await it.events();
  const dead = events.flatMap((event) => (event.type === "map-item-ended" && event.end === "dead" ? [event] : []));
  expect(dead.map(({ id, outcome }) => [id, outcome.fault?.kind])).toEqual([["item-07", "commit-required"]]);
  expect(events.filter(({ type }) => type === "item-conflicted")).toHaveLength(1);
  expect(it.asks().filter(({ status }) => status === 429)).toHaveLength(1);
  expect(new Set(it.asks().map(({ session }) => session)).size).toBe(13);
  expect(it.rig.git("worktree", "list").split("\n")).toHaveLength(1);
  expect(it.processes()).toEqual([]);
});
