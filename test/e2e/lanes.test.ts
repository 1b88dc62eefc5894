// What an item has that no other item at the same time has: a number, ports and a folder.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

const WORKFLOW = `
mode: mapreduce
setup:
  - shell: "echo \${lane.number} \${lane.port} $PRODIGY_LANE $PRODIGY_LANE_PORT >> $NOTES/main"
map:
  input: [1, 2, 3, 4, 5, 6]
  max_parallel: 2
  agent_template:
    - shell: |
        test -z "$(ls -A "$PRODIGY_LANE_SCRATCH")" || { echo "somebody has been here" >&2; exit 1; }
        touch "$PRODIGY_LANE_SCRATCH/mine" "\${lane.scratch}/mine too"
        echo "\${lane.number} \${lane.port} \${lane.ports[9]} $PRODIGY_LANE $PRODIGY_LANE_PORT $PRODIGY_LANE_SCRATCH" > "$NOTES/item-\${item}"
        git status --porcelain
    - shell: "node $NOTES/server.cjs"
    - claude: "/note"
      when: "item == 6"
    - shell: 'test -e "$PRODIGY_LANE_SCRATCH/mine too"'
`;

/** Listens on all ports of its lane for long enough that another item would meet it. */
const SERVER = `
const net = require("node:net");
const first = Number(process.env.PRODIGY_LANE_PORT);
for (let port = first; port < first + 10; port += 1) net.createServer().listen(port, "127.0.0.1");
setTimeout(() => process.exit(0), 300);
process.on("uncaughtException", (error) => { console.error(error.message); process.exit(1); });
`;

const AGENT = `
rules:
  - when: { command: note }
    steps:
      - shell: 'echo "$PRODIGY_LANE $PRODIGY_LANE_PORT $PRODIGY_LANE_SCRATCH" > "$NOTES/agent"'
      - say: noted
`;

test("items that run at the same time have numbers, ports and folders of their own", async () => {
  await using rig = await newRig();
  const notes = join(rig.root, "notes");
  rig.write("../notes/server.cjs", SERVER);
  rig.write("../w.yml", WORKFLOW);
  rig.write("../agent.yml", AGENT);
  const env = { NOTES: notes, PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "agent.yml") };
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-y"], env);
  expect(code, stdout + stderr).toBe(0);
  const [number, port, numberOfEnv, portOfEnv] = rig.read("../notes/main").trim().split(" ");
  expect([number, numberOfEnv]).toEqual(["0", "0"]);
  expect(port).toBe(portOfEnv);
  const lanes = new Map([["0", port]]);
  for (let item = 1; item <= 6; item += 1) {
    const [lane = "", first, last, inEnv, firstInEnv, scratch] = rig.read(`../notes/item-${item}`).trim().split(" ");
    expect([inEnv, firstInEnv, last]).toEqual([lane, first, String(Number(first) + 9)]);
    expect(lanes.get(lane) ?? first).toBe(first);
    lanes.set(lane, first);
    expect(existsSync(scratch ?? "")).toBe(false);
  }
  expect([...lanes.keys()].toSorted()).toEqual(["0", "1", "2"]);
  const [lane, , , , first, scratch] = rig.read("../notes/item-6").trim().split(" ");
  expect(rig.read("../notes/agent").trim()).toBe([lane, first, scratch].join(" "));
  const firsts = [...lanes.values()].map(Number).toSorted((a, b) => a - b);
  for (const [index, first] of firsts.entries()) expect(first - (firsts[index - 1] ?? 0)).toBeGreaterThanOrEqual(10);
});
