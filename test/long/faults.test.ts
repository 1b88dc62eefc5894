// What the machine does wrong while a session runs: the disk is full, another process takes the session's lock.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { identityOf } from "../../src/system/process-identity.ts";
import { newRig, type Rig } from "../kit/rig.ts";
import { isAlive, start, until } from "../kit/started.ts";

test.each([
  ["one big output", '- shell: "seq 1 400000"\n'],
  // Each is small enough by itself; together they are too much for the journal's file.
  [
    "many small events",
    "- foreach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n  do:\n    - shell: \"head -c 40000 /dev/zero | tr '\\\\0' x\"\n",
  ],
])("when the disk has no room for %s it says so, and a resume loses nothing and repeats nothing", async (_, big) => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `- shell: "echo one >> ${rig.root}/ran; echo one > one; git add one; git commit -qm one"\n${big}- shell: "echo two > two; git add two; git commit -qm two"\n`,
  );
  const full = withSmallFiles(rig, ["run", "../w.yml", "-y"]);
  expect(full.code, full.stderr).toBe(1);
  expect(full.stderr).toMatch(/error: the disk could not be written: .*EFBIG/);
  expect(full.stderr).toContain("Nothing that was finished is lost. Make room");
  expect(rig.git("rev-list", "--count", "main")).toBe("1");
  const resumed = rig.prodigy(["resume", "-y"]);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(rig.git("log", "--format=%s", "main").split("\n")).toEqual(["two", "one", "first"]);
  expect(rig.read("../ran")).toBe("one\n");
});

/** As on a disk without room: no file may grow beyond a few hundred kilobytes. */
function withSmallFiles(rig: Rig, args: readonly string[]): { readonly code: number | null; readonly stderr: string } {
  const script = `trap '' XFSZ; ulimit -f 300; exec "$0" "$@"`;
  const { status, stderr } = spawnSync("sh", ["-c", script, process.execPath, rig.main, ...args], {
    cwd: rig.repo,
    env: rig.env,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, stderr };
}

test("who has lost the session's lock ends what it runs, says so, and writes nothing more", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "echo $$ > ${rig.root}/pid; while [ ! -f ${rig.root}/ok ]; do sleep 0.05; done"\n`);
  const run = start(rig, ["run", "../w.yml", "-y"]);
  await until(() => readdirSync(rig.root).includes("pid") && rig.read("../pid") !== "");
  const [id = ""] = rig.sessions();
  const [repository = ""] = readdirSync(join(rig.home, "locks"));
  const locks = join(rig.home, "locks", repository, id);
  const journal = journalOf(rig, repository, id);
  // As a machine would that had seen no sign of life for a minute.
  const record: unknown = JSON.parse(readFileSync(join(locks, "1.lock"), "utf8"));
  writeFileSync(
    join(locks, "2.lock"),
    JSON.stringify({ ...(record as object), ...identityOf(process.pid), socket: null, renewedAt: Date.now() }),
  );
  const { code, stderr } = await run.ended;
  expect([code, stderr]).toEqual([
    1,
    "error: another process has taken this session over, so this one has ended what it ran and writes nothing more\nSee how the session stands with: prodigy sessions list\n",
  ]);
  expect(isAlive(Number(rig.read("../pid")))).toBe(false);
  expect(journalOf(rig, repository, id)).toBe(journal);
  rig.write("../ok", "");
  expect(rig.prodigy(["resume", id]).stderr).toContain(`process ${String(process.pid)}`);
  rmSync(join(locks, "2.lock"));
  expect(rig.prodigy(["resume", id, "-y"])).toMatchObject({ code: 0 });
});

test("when it is killed its agent ends at once, with what left it alone, and a resume continues it", async () => {
  await using rig = await newRig();
  const script = `echo $$ > ${rig.root}/pid; echo once >> ${rig.root}/times; while [ ! -f ${rig.root}/ok ]; do sleep 0.05; done`;
  rig.write("../w.yml", '- claude: "do it"\n');
  rig.write(
    "../agent.yml",
    `fallback:\n  - write: { path: first, content: "1" }\n  - commit: first\n  - shell: "${script}"\n  - write: { path: second, content: "2" }\n  - commit: second\n`,
  );
  const agent = { PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "agent.yml") };
  const run = start(rig, ["run", "../w.yml", "-y"], agent);
  await until(() => readdirSync(rig.root).includes("times") && rig.read("../pid") !== "");
  run.process.kill("SIGKILL");
  await run.ended;
  // Nobody has looked at the session since.
  await until(() => !isAlive(Number(rig.read("../pid"))));
  rig.write("../ok", "");
  const resumed = rig.prodigy(["resume", "-y"], agent);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stdout).toContain("going on with the agent's interrupted session");
  expect(rig.git("log", "--format=%s", "main").split("\n")).toEqual(["second", "first", "first"]);
});

function journalOf(rig: Rig, repository: string, id: string): string {
  const folder = join(rig.home, "events", repository, id);
  const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  // Closing it says once more what is on the disk.
  return lines.filter((line) => !line.startsWith('{"sync"')).join("\n");
}
